// A sound cluster against the world.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "spec/report.hpp"
#include "spec/spec.hpp"

namespace provost::spec {
namespace {

using Script = Surroundings::Script;

struct World {
  const Checked& checked;
  const Sources& sources;
  const Surroundings& surroundings;
  Purpose purpose;
  Report& report;

  /// Where a field of cluster-config stands; the file alone when it has no such field.
  [[nodiscard]] Spot at(const std::string& path) const {
    const auto found = checked.positions.find(path);
    return {found == checked.positions.end() ? Position{sources.cluster_config.name, 0, 0}
                                             : found->second,
            path,
            {}};
  }
};

void name_taken(const World& world, const model::Cluster& cluster) {
  const std::vector<std::string>& taken = world.surroundings.names_taken;
  if (std::find(taken.begin(), taken.end(), cluster.name) == taken.end()) {
    return;
  }
  const Spot where = world.sources.name.empty() ? world.at("ClusterName") : Spot{};
  world.report.error(where, "cluster.name.taken",
                     fmt::format("a cluster \"{}\" exists already", cluster.name),
                     "choose another name");
}

/// Either may be empty.
std::string path_below(const std::string& root, const std::string& below) {
  return root.empty() || below.empty() ? root + below : fmt::format("{}/{}", root, below);
}

void script(const World& world, const model::LifecycleScript& script, const std::string& group) {
  const std::string key = script_key(script);
  const auto found = world.surroundings.scripts.find(key);
  if (found == world.surroundings.scripts.end() || found->second == Script::present) {
    return;
  }
  const std::string config = group + ".LifeCycleConfig.";
  const bool creates = script.when == model::LifecycleScript::When::on_create;
  const Spot named = world.at(config + (creates ? "OnCreate" : "OnInitComplete"));
  const std::string file = path_below(world.surroundings.bucket_root, key);
  if (found->second == Script::no_bucket) {
    Spot where = world.at(config + "SourceS3Uri");
    const std::string what = fmt::format("there is no bucket \"{}\"", script.bucket);
    const std::string better =
        fmt::format("put the script there: provost bucket put DIRECTORY s3://{}",
                    path_below(script.bucket, script.prefix));
    if (world.purpose == Purpose::create) {
      world.report.error(std::move(where), "lifecycle.bucket.missing", what, better);
    } else {
      world.report.warning(std::move(where), "lifecycle.bucket.missing", what, better);
    }
  } else if (found->second == Script::no_script) {
    world.report.error(
        named, "lifecycle.script.absent",
        fmt::format("bucket \"{}\" has no {}", script.bucket, key.substr(script.bucket.size() + 1)),
        fmt::format("put the script at {}", file));
  } else {
    world.report.error(named, "lifecycle.script.carriage-returns",
                       fmt::format("{} has line ends of Windows, with which no shell runs it", key),
                       fmt::format("sed -i 's/\\r$//' {}", file));
  }
}

void capacity(const World& world, const model::Cluster& cluster) {
  std::int64_t memory = 0;
  int nodes = 0;
  for (const model::InstanceGroup& group : cluster.groups) {
    memory += group.count * idle_memory_mib(group.role);
    nodes += group.count;
  }
  if (memory > world.surroundings.memory_available_mib) {
    world.report.error(world.at("InstanceGroups"), "capacity.memory",
                       fmt::format("{} nodes need {} MiB of memory even when idle, and {} MiB are "
                                   "available",
                                   nodes, memory, world.surroundings.memory_available_mib),
                       "lower an InstanceCount, or delete a cluster that nobody uses");
  }
  if (nodes > world.surroundings.nodes_possible) {
    world.report.error(world.at("InstanceGroups"), "capacity.addresses",
                       fmt::format("the cluster has {} nodes, and {} addresses are left", nodes,
                                   world.surroundings.nodes_possible),
                       "lower an InstanceCount, or give the provider a larger range");
  }
}

}  // namespace

std::string script_key(const model::LifecycleScript& script) {
  return script.prefix.empty()
             ? fmt::format("{}/{}", script.bucket, script.script)
             : fmt::format("{}/{}/{}", script.bucket, script.prefix, script.script);
}

std::int64_t idle_memory_mib(model::Role role) {
  // Measured on idle nodes: systemd, sshd and the agent everywhere; the controller has slurmctld,
  // slurmdbd and MariaDB besides.
  constexpr std::int64_t kController = 400;
  constexpr std::int64_t kOther = 40;
  return role == model::Role::controller ? kController : kOther;
}

Findings check_surroundings(const Checked& checked, const Sources& sources,
                            const Surroundings& surroundings, Purpose purpose) {
  Report report;
  if (checked.cluster) {
    const World world{checked, sources, surroundings, purpose, report};
    name_taken(world, *checked.cluster);
    const auto& groups = checked.cluster->groups;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (groups[i].lifecycle) {
        script(world, *groups[i].lifecycle, fmt::format("InstanceGroups[{}]", i));
      }
    }
    capacity(world, *checked.cluster);
  }
  return report.take();
}

}  // namespace provost::spec
