// A store as a large site's would be, written through the store's own interface: clusters of 1,000
// nodes in service, with ten events a node. With it the files that make their machines "run" for
// simulated_provostd. For bench/recovery.
//
//   fill_store STATE NODES
#include <fmt/format.h>

#include <iostream>

#include "base/text.hpp"
#include "cluster/node_files.hpp"
#include "os/files.hpp"
#include "store/store.hpp"

namespace {

using namespace provost;

constexpr int kNodes = 1000;
constexpr std::int64_t kMostNodes = 60'000;
constexpr int kEvents = 10;

std::string config(const std::string& name) {
  const auto group = [](const char* named, const char* kind, int count, const char* more) {
    return fmt::format(
        R"({{"InstanceGroupName": "{}", "InstanceType": "ml.c5.xlarge", "InstanceCount": {},)"
        R"( "ExecutionRole": "arn:aws:iam::111122223333:role/R", "ThreadsPerCore": 1,)"
        R"( "SlurmConfig": {{"NodeType": "{}"{}}}}})",
        named, count, kind, more);
  };
  return fmt::format(
      R"({{"ClusterName": "{}", "Orchestrator": {{"Slurm": {{"SlurmConfigStrategy": "Managed"}}}},)"
      R"( "InstanceGroups": [{}, {}]}})",
      name, group("controller", "Controller", 1, ""),
      group("work", "Compute", kNodes - 1, R"(, "PartitionNames": ["main"])"));
}

store::Node node_of(const store::Cluster& row, const std::string& group, int number,
                    const std::string& address) {
  return {.cluster_id = row.id,
          .name = model::node_name(group, number),
          .group = group,
          .number = number,
          .address = address,
          .instance_id = "i-" + to_hex(os::random_bytes(9)).substr(0, 17),
          .incarnation = 1,
          .status = model::NodeStatus::running,
          .message = {},
          .launched = now_utc()};
}

Status fill(store::Store& store, const std::string& state, int number) {
  store::Cluster row{
      .id = fmt::format("large{:07}", number),
      .name = fmt::format("large-{}", number),
      .arn = fmt::format("arn:aws:sagemaker:local:000000000000:cluster/large{:07}", number),
      .created = now_utc(),
      .cluster_config = {},
      .network_id = fmt::format("l{:05}", number),
      .subnet = cluster::subnet_of("127.212.0.0/16", number).value(),
      .arrived = true,
      .munge_key = os::random_bytes(128),
      .admin_key_public = "ssh-ed25519 AAAA admin",
      .host_key = "key",
      .host_key_public = "ssh-ed25519 AAAA host"};
  row.cluster_config = {"cluster-config.json", config(row.name)};
  const auto addresses = cluster::node_addresses(row.subnet, kNodes).value();
  const std::string machines = state + "/simulated/" + row.name;
  if (Status made = os::make_directories(machines, 0700); !made) {
    return made;
  }
  return store.write("fill", [&](store::Writer& writer) {
    writer.insert_cluster(row);
    for (int i = 0; i < kNodes; ++i) {
      const store::Node node =
          node_of(row, i == 0 ? "controller" : "work", std::max(i, 1), addresses[i]);
      writer.put_node(node);
      ignore(os::write_file_quick(fmt::format("{}/{}.1.json", machines, node.name), "{}", 0600),
             "a machine that is missing is made");
      for (int event = 0; event < kEvents; ++event) {
        store::Event entry;
        entry.resource = store::Resource::node;
        entry.cluster = row.name;
        entry.group = node.group;
        entry.node = node.name;
        entry.actor = "provostd";
        entry.what = fmt::format("~ {}  configure", node.name);
        entry.because = "its agent registered";
        writer.add_event(entry);
      }
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto nodes = arguments.size() == 2 ? to_number(arguments[1]) : std::nullopt;
  if (!nodes || *nodes < kNodes || *nodes > kMostNodes) {
    std::cerr << "usage: fill_store STATE NODES   (1000 to 60000)\n";
    return 2;
  }
  auto store = store::Store::open(arguments[0]);
  Status done = store ? Status{} : pass(store.error());
  for (int cluster = 0; done && cluster < *nodes / kNodes; ++cluster) {
    done = fill(**store, arguments[0], cluster);
  }
  if (!done) {
    std::cerr << "fill_store: " << done.error().message << "\n";
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
