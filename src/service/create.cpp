// The verbs that change what is wanted: create and remove.
#include <algorithm>
#include <boost/json.hpp>

#include "base/text.hpp"
#include "cluster/node_files.hpp"
#include "os/files.hpp"
#include "service/asking.hpp"
#include "service/desk.hpp"
#include "service/overlay_text.hpp"
#include "service/world.hpp"
#include "storage/storage.hpp"

namespace provost::service {
namespace {

namespace json = boost::json;

std::string random_id(std::size_t length) {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string id;
  for (const char byte : os::random_bytes(length)) {
    id += kAlphabet[static_cast<unsigned char>(byte) % kAlphabet.size()];
  }
  return id;
}

spec::Surroundings surroundings_of(World& world, const model::Cluster& cluster,
                                   const store::Cluster* own) {
  spec::Surroundings around;
  around.bucket_root = world.settings().bucket_root();
  for (const store::Cluster& row : world.store().clusters()) {
    if (own == nullptr || row.id != own->id) {
      around.names_taken.push_back(row.name);
    }
  }
  for (const model::InstanceGroup& group : cluster.groups) {
    if (group.lifecycle) {
      around.scripts[spec::script_key(*group.lifecycle)] =
          storage::locate(around.bucket_root, *group.lifecycle);
    }
  }
  if (const auto capacity = world.provider().capacity()) {
    around.memory_available_mib = capacity->memory_available_mib;
  }
  if (own != nullptr) {
    // What its nodes use already is theirs.
    for (const store::Node& node : world.store().nodes(own->id)) {
      const model::InstanceGroup* group = cluster.find_group(node.group);
      around.memory_available_mib +=
          spec::idle_memory_mib(group == nullptr ? model::Role::compute : group->role);
    }
  }
  around.nodes_possible = (1 << (32 - cluster::kClusterPrefix)) - 3;
  return around;
}

Finding exists_already(const store::Cluster& row) {
  return {.severity = Severity::note,
          .rule = "cluster.exists",
          .path = {},
          .value = {},
          .what = fmt::format("there is a cluster {}: these files would change it", row.name),
          .better = "provost plan says how",
          .where = {}};
}

store::GivenFile to_file(const spec::SourceText& source) { return {source.name, source.text}; }

json::array to_json(const std::vector<provider::Belonging>& belongings) {
  json::array array;
  for (const provider::Belonging& each : belongings) {
    array.push_back(json::object{{"kind", each.kind}, {"name", each.name}});
  }
  return array;
}

json::object kept(const std::string& kind, const std::string& name, const std::string& why) {
  return {{"kind", kind}, {"name", name}, {"why", why}};
}

}  // namespace

std::vector<store::Node> new_nodes(const store::Cluster& row, const model::Cluster& cluster,
                                   const std::vector<std::string>& addresses) {
  std::vector<store::Node> nodes;
  for (const model::InstanceGroup& group : cluster.groups) {
    for (int number = 1; number <= group.count; ++number) {
      nodes.push_back({.cluster_id = row.id,
                       .name = model::node_name(group.name, number),
                       .group = group.name,
                       .number = number,
                       .address = addresses[nodes.size()],
                       .instance_id = "i-" + to_hex(os::random_bytes(9)).substr(0, 17),
                       .incarnation = 1,
                       .status = model::NodeStatus::pending,
                       .message = {},
                       .launched = row.began});
    }
  }
  return nodes;
}

void set_files(store::Cluster& row, const spec::Sources& sources, const model::Cluster& cluster) {
  row.cluster_config = to_file(sources.cluster_config);
  if (sources.provisioning_parameters) {
    row.provisioning_parameters = to_file(*sources.provisioning_parameters);
  }
  if (sources.campus) {
    row.campus = to_file(*sources.campus);
  }
  std::vector<model::InstanceType> types;
  for (const model::InstanceGroup& group : cluster.groups) {
    const bool is_new = std::none_of(
        types.begin(), types.end(), [&](const auto& each) { return each.name == group.type.name; });
    if (is_new) {
      types.push_back(group.type);
    }
  }
  row.types = spec::to_csv(types);
}

Result<spec::Catalogue> Desk::catalogue() {
  const std::string& file = world_.settings().types_file;
  if (file.empty() || !os::exists(file)) {
    return spec::builtin_catalogue();
  }
  auto text = os::read_file(file);
  if (!text) {
    return pass(text.error());
  }
  return spec::extend_catalogue(spec::builtin_catalogue(), {file, std::move(*text)});
}

spec::Checked Desk::check(const spec::Sources& sources, spec::Purpose purpose, Findings& findings,
                          const store::Cluster* own) {
  auto types = catalogue();
  if (types && own != nullptr && !own->types.empty()) {
    types = spec::extend_catalogue(*types, {"types of " + own->name, own->types});  // stay as made
  }
  spec::Checked checked = spec::check(sources, types ? *types : spec::builtin_catalogue());
  findings = checked.findings;
  if (!types) {
    checked.cluster.reset();
    findings.push_back({.severity = Severity::error,
                        .rule = "types.csv",
                        .path = {},
                        .value = {},
                        .what = types.error().message,
                        .better = "mend the site's file of instance types",
                        .where = {}});
  }
  std::optional<store::Cluster> there;
  if (checked.cluster && purpose == spec::Purpose::validate && own == nullptr) {
    there = world_.store().cluster_named(checked.cluster->name);
    own = there ? &*there : nullptr;  // files of a cluster that is there are meant to change it
  }
  if (there) {
    findings.push_back(exists_already(*there));
  }
  if (checked.cluster) {
    const Findings more = spec::check_surroundings(
        checked, sources, surroundings_of(world_, *checked.cluster, own), purpose);
    findings.insert(findings.end(), more.begin(), more.end());
    sort_for_reading(findings);
  }
  return checked;
}

Validated Desk::validate(const spec::Sources& sources) {
  Validated validated;
  spec::Checked checked = check(sources, spec::Purpose::validate, validated.findings);
  if (checked.cluster) {
    const auto row = world_.store().cluster_named(checked.cluster->name);
    if (row && checked.cluster->campus) {
      const model::Overlay overlay = read_overlay(row->overlay);
      validated.overlay = overlay_lines(overlay, *checked.cluster->campus);
      scheduling::apply_overlay(*checked.cluster->campus, overlay);
    }
    validated.explanation = spec::explain(checked);
  }
  return validated;
}

Result<store::Cluster> Desk::new_row(const spec::Sources& sources, const model::Cluster& cluster) {
  store::Cluster row;
  row.id = random_id(12);
  row.name = cluster.name;
  row.arn = fmt::format("arn:aws:sagemaker:{}:{}:cluster/{}", world_.settings().region,
                        world_.settings().account_id, row.id);
  row.created = now_utc();
  row.began = row.created;
  set_files(row, sources, cluster);
  row.network_id = random_id(6);
  row.munge_key = os::random_bytes(128);
  row.admin_key_public = world_.keys().admin_key_public;
  const auto host_key = make_ssh_pair(row.name, world_.settings().run + "/keys");
  if (!host_key) {
    return pass(host_key.error());
  }
  row.host_key = host_key->private_key;
  row.host_key_public = host_key->public_key;
  // The first subnet of the range that neither a cluster nor the host uses.
  Error taken{ErrorKind::limit, "no free subnet", {}};
  const auto clusters = world_.store().clusters();
  for (std::size_t n = 0;; ++n) {
    const auto subnet = cluster::subnet_of(world_.settings().network, n);
    if (!subnet) {
      return pass(n == 0 ? subnet.error() : taken);
    }
    const bool ours =
        std::any_of(clusters.begin(), clusters.end(),
                    [&](const store::Cluster& each) { return each.subnet == *subnet; });
    if (ours) {
      taken = {ErrorKind::limit,
               fmt::format("all subnets of {} are in use", world_.settings().network),
               "start provostd with a larger --network"};
      continue;
    }
    const Status unclaimed = world_.provider().check_subnet(*subnet);
    if (unclaimed) {
      row.subnet = *subnet;
      return row;
    }
    taken = unclaimed.error();
    taken.message =
        fmt::format("no free subnet in {}: {}", world_.settings().network, taken.message);
  }
}

Result<store::Cluster> Desk::store_new(const Caller& caller, const spec::Sources& sources,
                                       const model::Cluster& cluster, bool keep_failed) {
  constexpr int kTries = 8;  // others may take the subnet we chose
  for (int attempt = 1;; ++attempt) {
    auto row = new_row(sources, cluster);
    if (!row) {
      return row;
    }
    row->keep_failed = keep_failed;
    row->changing = cluster.continuous ? kCreation : "";
    std::size_t count = 0;
    for (const model::InstanceGroup& group : cluster.groups) {
      count += static_cast<std::size_t>(group.count);
    }
    const auto addresses = cluster::node_addresses(row->subnet, count);
    if (!addresses) {
      return pass(addresses.error());
    }
    const auto nodes = new_nodes(*row, cluster, *addresses);
    store::Event event;
    event.cluster = row->name;
    event.actor = caller.name;
    event.what =
        fmt::format("{} is Creating: {} nodes in {}", row->name, nodes.size(), row->subnet);
    event.because = fmt::format("{} asked for it with {}", caller.name, row->cluster_config.name);
    const Status written = world_.store().write("create", [&](store::Writer& writer) {
      writer.insert_cluster(*row);
      for (const store::Node& node : nodes) {
        writer.put_node(node);
      }
      writer.add_event(event);
    });
    if (written) {
      return row;
    }
    if (written.error().kind != ErrorKind::conflict || attempt == kTries) {
      return pass(written.error());
    }
    if (world_.store().cluster_named(row->name)) {
      return fail(ErrorKind::conflict, "a cluster named {} is being created already", row->name);
    }
  }
}

Status Desk::refuse_name_of_stray(const std::string& name) {
  const auto found = strays();
  if (!found) {
    return pass(found.error());
  }
  for (const Stray& stray : *found) {
    if (stray.cluster == name) {
      return pass(Error{
          ErrorKind::conflict,
          fmt::format("machines of a cluster named {} are on this host, and provostd does not know "
                      "it (a backup older than it was restored?)",
                      name),
          fmt::format("take them away: provost delete {} --stray; or choose another name", name)});
    }
  }
  return {};
}

Result<Created> Desk::create(const Caller& caller, const spec::Sources& sources, bool keep_failed) {
  Created created;
  const spec::Checked checked = check(sources, spec::Purpose::create, created.findings);
  if (checked.cluster) {
    for (const store::Cluster& each : world_.store().clusters()) {
      if (each.name == checked.cluster->name) {
        Error error{
            ErrorKind::conflict, fmt::format("a cluster named {} exists already", each.name),
            fmt::format("see it with: provost describe {0}; take it away with: provost "
                        "delete {0}; or give this one another name: provost create NAME ...",
                        each.name)};
        return pass(std::move(error));
      }
    }
  }
  if (has_errors(created.findings) || !checked.cluster) {
    return created;
  }
  if (Status own = refuse_name_of_stray(checked.cluster->name); !own) {
    return pass(own.error());
  }
  const auto row = store_new(caller, sources, *checked.cluster, keep_failed);
  if (!row) {
    return pass(row.error());
  }
  world_.engine().wake();
  const auto reading = read(*row);
  if (!reading) {
    return pass(reading.error());
  }
  created.cluster = report(*reading);
  return created;
}

Result<ClusterReport> Desk::remove(const Caller& caller, const std::string& name, bool with_data) {
  auto row = world_.store().cluster_named(name);
  if (!row) {
    return fail(ErrorKind::not_found, "there is no cluster named {}", name);
  }
  if (!row->deleting || (with_data && !row->delete_data)) {
    auto was = world_.provider().inventory(name);
    if (!was) {
      return pass(was.error());
    }
    const std::string data = world_.settings().data_directory(name);
    if (os::exists(data)) {
      was->push_back({"data of /fsx", data});
    }
    row->deleting = true;
    row->delete_data = row->delete_data || with_data;
    store::Event event;
    event.cluster = name;
    event.actor = caller.name;
    event.what = fmt::format("{} is Deleting{}", name, with_data ? " with its data" : "");
    event.because = caller.name + " asked for it";
    const store::Removal removal{.cluster = name,
                                 .cluster_id = row->id,
                                 .state = "running",
                                 .was = json::serialize(to_json(*was)),
                                 .left = "[]",
                                 .kept = "[]",
                                 .message = {}};
    const Status written = world_.store().write("delete", [&](store::Writer& writer) {
      writer.set_deleting(row->id, with_data);
      writer.put_removal(removal);
      writer.add_event(event);
    });
    if (!written) {
      return pass(written.error());
    }
  }
  ignore(world_.engine().try_again(row->id), "a repeated delete tries at once what had to wait");
  const auto reading = read(*row);
  if (!reading) {
    return pass(reading.error());
  }
  return report(*reading);
}

Result<store::Removal> Desk::removal(const std::string& cluster) {
  const auto found = world_.store().removal(cluster);
  if (!found) {
    return fail(ErrorKind::not_found, "no cluster named {} has been deleted", cluster);
  }
  return *found;
}

store::Removal removal_done(World& world, const store::Cluster& row, const ClusterModel& model) {
  store::Removal removal = world.store().removal(row.name).value_or(
      store::Removal{.cluster = row.name, .cluster_id = row.id, .state = {}, .was = "[]"});
  removal.state = "done";
  const auto left = world.provider().inventory(row.name);
  removal.left = json::serialize(left ? to_json(*left) : json::array{});
  json::array stays;
  const std::string data = world.settings().data_directory(row.name);
  if (os::exists(data)) {
    stays.push_back(kept("data of /fsx", data, "data stay unless --with-data is given"));
  }
  std::vector<std::string> buckets;
  for (const model::InstanceGroup& group : model.cluster.groups) {
    if (group.lifecycle) {
      const std::string path = world.settings().bucket_root() + "/" + group.lifecycle->bucket;
      if (os::exists(path) && std::find(buckets.begin(), buckets.end(), path) == buckets.end()) {
        buckets.push_back(path);
        stays.push_back(kept("bucket", path, "buckets are nobody's but yours"));
      }
    }
  }
  removal.kept = json::serialize(stays);
  return removal;
}

}  // namespace provost::service
