// The planning of a change by itself, on a cluster of 100 groups of 650 nodes (65,000 nodes): from
// the files' text over what they mean to the lines of the plan, as provostd does it for `provost
// plan` once it has read its rows and asked Slurm. Floors: what reading the same file costs with
// simdjson alone, and what a sorted list of the same names takes to be compared with another.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.hpp"
#include "cluster/node_files.hpp"
#include "service/desk.hpp"

namespace {

using namespace provost;

constexpr int kGroups = 100;
constexpr int kNodes = 650;

std::string group(const std::string& name, std::string_view kind, int count) {
  const std::string partition =
      kind == "Compute" ? fmt::format(R"(, "PartitionNames": ["{}"])", name) : "";
  return fmt::format(
      R"({{"InstanceGroupName": "{}", "InstanceType": "ml.c5.xlarge", "InstanceCount": {},)"
      R"( "ExecutionRole": "arn:aws:iam::111122223333:role/R", "ThreadsPerCore": 1,)"
      R"( "SlurmConfig": {{"NodeType": "{}"{}}}}})",
      name, count, kind, partition);
}

/// One group is the controller's; the others have that many nodes each.
spec::Sources files(int nodes) {
  std::string text = R"({"ClusterName": "large", "Orchestrator": {"Slurm": {)"
                     R"("SlurmConfigStrategy": "Managed"}}, "InstanceGroups": [)" +
                     group("controller", "Controller", 1);
  for (int i = 1; i < kGroups; ++i) {
    text += ",\n" + group(fmt::format("work-{}", i), "Compute", nodes);
  }
  return {.cluster_config = {"cluster-config.json", text + "]}"},
          .provisioning_parameters = std::nullopt,
          .campus = std::nullopt,
          .name = "large"};
}

std::string campus() {
  return "[campus]\nname = \"X\"\nadministrators = [\"an\"]\n[[department]]\nname = \"nlp\"\n"
         "supervisors = [\"an\"]\nmembers = [\"an\"]\n[[person]]\nname = \"an\"\nuid = 2001\n";
}

/// The cluster as provostd has it: rows, model, Slurm's word on every node.
struct Large {
  service::Settings settings;
  std::vector<std::string> host_gpus;
  store::Cluster row;
  std::vector<store::Node> nodes;
  std::shared_ptr<const service::ClusterModel> model;
  slurm::View view;

  Large() {
    const spec::Sources sources = files(kNodes);
    const spec::Checked checked = spec::check(sources, spec::builtin_catalogue());
    row = {.id = "large0000000",
           .name = "large",
           .arn = "arn:aws:sagemaker:local:000000000000:cluster/large0000000",
           .cluster_config = {sources.cluster_config.name, sources.cluster_config.text},
           .network_id = "large0",
           .subnet = "10.0.0.0/12",  // a cluster's own /22 has room for 1,021
           .arrived = true,
           .munge_key = std::string(128, 'm'),
           .admin_key_public = "ssh-ed25519 AAAA admin",
           .host_key = "key",
           .host_key_public = "ssh-ed25519 AAAA host"};
    service::set_files(row, sources, *checked.cluster);
    std::size_t count = 0;
    for (const model::InstanceGroup& each : checked.cluster->groups) {
      count += static_cast<std::size_t>(each.count);
    }
    const auto addresses = cluster::node_addresses(row.subnet, count);
    for (const model::InstanceGroup& each : checked.cluster->groups) {
      for (int number = 1; number <= each.count; ++number) {
        nodes.push_back({.cluster_id = row.id,
                         .name = model::node_name(each.name, number),
                         .group = each.name,
                         .number = number,
                         .address = (*addresses)[nodes.size()],
                         .instance_id = fmt::format("i-{:017x}", nodes.size()),
                         .status = model::NodeStatus::running});
        if (each.role == model::Role::compute) {
          view.nodes.push_back({.name = nodes.back().name, .state = "IDLE"});
        }
      }
    }
    view.answering = true;
    model = service::make_model(row, nodes, settings, host_gpus).value();
  }
};

const Large& large() {
  static const Large one;
  return one;
}

void plan(benchmark::State& state, const spec::Sources& sources, std::size_t least) {
  const Large& one = large();
  std::size_t lines = 0;
  for (auto _ : state) {
    const spec::Checked checked = spec::check(sources, spec::builtin_catalogue());
    const auto planned = service::Desk::plan_of({one.row, one.nodes, *one.model, one.view}, sources,
                                                checked, {one.settings, one.host_gpus});
    lines = planned ? planned->lines.size() : 0;
    if (!planned || lines < least || has_errors(planned->findings)) {
      state.SkipWithError("there is no such plan");
      return;
    }
  }
  state.counters["lines"] = static_cast<double>(lines);
}

void same(benchmark::State& state) { plan(state, files(kNodes), 0); }
void grows(benchmark::State& state) {
  plan(state, files(kNodes + 10), std::size_t{10} * (kGroups - 1));
}
void half_leave(benchmark::State& state) {
  plan(state, files(kNodes / 2), std::size_t{kNodes / 2} * (kGroups - 1));
}
void other_files(benchmark::State& state) {
  spec::Sources sources = files(kNodes);
  sources.campus = {"campus.toml", campus()};
  plan(state, sources, 3);
}

/// A model from nothing, as after a start of provostd.
void model_of(benchmark::State& state) {
  const Large& one = large();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        service::make_model(one.row, one.nodes, one.settings, one.host_gpus).value()->order.size());
  }
}

void floor_parse(benchmark::State& state) {
  const simdjson::padded_string text(files(kNodes).cluster_config.text);
  simdjson::dom::parser parser;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parser.parse(text).error());
  }
}

void floor_names(benchmark::State& state) {
  std::vector<std::string> before;
  for (const store::Node& node : large().nodes) {
    before.push_back(node.name);
  }
  for (auto _ : state) {
    std::vector<std::string> after = before;
    std::vector<std::string> sorted = before;
    std::sort(after.begin(), after.end());
    std::sort(sorted.begin(), sorted.end());
    std::vector<std::string> changed;
    std::set_symmetric_difference(after.begin(), after.end(), sorted.begin(), sorted.end(),
                                  std::back_inserter(changed));
    benchmark::DoNotOptimize(changed.size());
  }
}

BENCHMARK(same)->Unit(benchmark::kMillisecond);
BENCHMARK(grows)->Unit(benchmark::kMillisecond);
BENCHMARK(half_leave)->Unit(benchmark::kMillisecond);
BENCHMARK(other_files)->Unit(benchmark::kMillisecond);
BENCHMARK(model_of)->Unit(benchmark::kMillisecond);
BENCHMARK(floor_parse)->Unit(benchmark::kMillisecond);
BENCHMARK(floor_names)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
