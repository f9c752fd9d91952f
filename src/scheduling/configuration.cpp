#include "scheduling/configuration.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "base/text.hpp"
#include "model/overlay.hpp"
#include "os/tls.hpp"
#include "scheduling/partitions.hpp"

namespace provost::scheduling {
namespace {

constexpr std::int64_t kMostReservedMib = 8192;

// Nodes by their group, in the order of their numbers.
using Members = std::map<std::string, std::vector<const model::NodePlace*>>;

Members members_of(const model::Layout& layout) {
  Members members;
  for (const model::NodePlace& node : layout.nodes) {
    members[node.group].push_back(&node);
  }
  for (auto& [group, nodes] : members) {
    std::sort(nodes.begin(), nodes.end(),
              [](const auto* left, const auto* right) { return left->number < right->number; });
  }
  return members;
}

const std::vector<const model::NodePlace*>& nodes_of(const Members& members,
                                                     const std::string& group) {
  static const std::vector<const model::NodePlace*> none;
  const auto found = members.find(group);
  return found == members.end() ? none : found->second;
}

// Instance groups with nodes that run jobs; a group of no nodes is no line of slurm.conf.
std::vector<const model::InstanceGroup*> working_groups(const model::Cluster& cluster,
                                                        const Members& members) {
  std::vector<const model::InstanceGroup*> groups;
  for (const model::InstanceGroup& group : cluster.groups) {
    if (group.role == model::Role::compute && !nodes_of(members, group.name).empty()) {
      groups.push_back(&group);
    }
  }
  return groups;
}

std::int64_t memory_per_cpu(const model::InstanceGroup& group) {
  return schedulable_memory_mib(group.type) / std::max(group.type.vcpus, 1);
}

slurm::NodeSet node_set(const model::InstanceGroup& group, const model::GpuSharing& sharing,
                        const std::vector<const model::NodePlace*>& nodes) {
  slurm::NodeSet set;
  set.comment = fmt::format("group {}: {} of {}", group.name, nodes.size(), group.type.name);
  for (const model::NodePlace* node : nodes) {
    set.nodes.push_back(node->name);
    set.addresses.push_back(node->address);
  }
  set.cpus = std::max(group.type.vcpus, 1);
  const bool divides = group.threads_per_core > 1 && set.cpus % group.threads_per_core == 0;
  set.threads_per_core = divides ? group.threads_per_core : 1;
  set.real_memory_mib = schedulable_memory_mib(group.type);
  set.gpu_type = model::gpu_gres_type(group.type, sharing);
  set.gpus = model::schedulable_gpus(group.type, sharing);
  set.shards = model::shards_of(group.type, sharing);
  return set;
}

// What partitions are made of: groups with their nodes, those without one now as well.
NodesOfGroups nodes_of_groups(const model::Cluster& cluster, const Members& members) {
  NodesOfGroups groups;
  for (const model::InstanceGroup& group : cluster.groups) {
    if (group.role != model::Role::compute) {
      continue;
    }
    GroupNodes& made = groups[group.name];
    for (const model::NodePlace* node : nodes_of(members, group.name)) {
      made.names.push_back(node->name);
    }
    made.memory_per_cpu_mib = memory_per_cpu(group);
    made.memory_mib = schedulable_memory_mib(group.type);
    made.cpus = std::max(group.type.vcpus, 1);
    const model::GpuSharing sharing = cluster.sharing_of(group.name);
    made.gpus = model::schedulable_gpus(group.type, sharing);
    made.shards = model::shards_of(group.type, sharing);
  }
  return groups;
}

slurm::Partition dev_partition(bool campus, std::int64_t memory_per_cpu_mib) {
  slurm::Partition dev{.name = "dev",
                       .comment = "HyperPod's universal partition: every node, no longest time",
                       .nodes = {},
                       .every_node = true,
                       .is_default = !campus,
                       .max_time = "INFINITE",
                       .memory_per_cpu_mib = memory_per_cpu_mib};
  if (campus) {
    dev.comment += "; it goes round every department's limits: administrators only";
    dev.allow_groups = kAdministrators;
  }
  return dev;
}

void add_policy(slurm::SlurmConf& conf, const model::Campus& campus) {
  const model::Scheduler& scheduler = campus.scheduler;
  conf.priority = {.half_life_minutes = scheduler.half_life_minutes,
                   .max_age_minutes = scheduler.max_age_minutes,
                   .age = scheduler.weight_age,
                   .fairshare = scheduler.weight_fairshare,
                   .qos = scheduler.weight_qos,
                   .association = scheduler.weight_project,
                   .partition = scheduler.weight_partition,
                   .job_size = scheduler.weight_size};
  const std::string whose = "scheduler.";
  for (auto each = campus.lines.lower_bound(whose);
       each != campus.lines.end() && each->first.starts_with(whose); ++each) {
    conf.priority.origins.push_back(
        fmt::format("{} {}", each->first.substr(whose.size()), model::place_words(each->second)));
  }
  conf.memory_per_cpu_mib = scheduler.memory_per_cpu_mib.value_or(conf.memory_per_cpu_mib);
  conf.largest_counts = true;
  conf.shards = std::any_of(campus.gpus.begin(), campus.gpus.end(),
                            [](const auto& each) { return each.mode == model::Sharing::shard; });
  conf.job_submit_lua = true;
  conf.preempts = std::any_of(campus.qos.begin(), campus.qos.end(),
                              [](const model::Qos& each) { return !each.preempted_by.empty(); });
}

}  // namespace

std::int64_t schedulable_memory_mib(const model::InstanceType& type) {
  return type.memory_mib - std::min(type.memory_mib / 16, kMostReservedMib);
}

slurm::Header header_of(const model::Cluster& cluster) {
  slurm::Header header{cluster.name, {"cluster-config.json"}};
  if (!cluster.provisioning_parameters.empty()) {
    header.sources.emplace_back("provisioning-parameters.json");
  }
  if (cluster.campus) {
    header.sources.emplace_back("campus.toml");
  }
  return header;
}

slurm::SlurmConf slurm_conf_of(const model::Cluster& cluster, const model::Layout& layout) {
  slurm::SlurmConf conf;
  conf.header = header_of(cluster);
  conf.controller = layout.controller().name;
  conf.controller_address = layout.controller().address;
  const Members members = members_of(layout);
  const auto groups = working_groups(cluster, members);
  std::int64_t least = groups.empty() ? 1 : std::numeric_limits<std::int64_t>::max();
  for (const model::InstanceGroup* group : groups) {
    conf.nodes.push_back(
        node_set(*group, cluster.sharing_of(group->name), nodes_of(members, group->name)));
    least = std::min(least, memory_per_cpu(*group));
    const slurm::NodeSet& set = conf.nodes.back();
    if (set.gpus > 0) {
      conf.gpu_types.push_back(set.gpu_type);
    }
  }
  std::sort(conf.gpu_types.begin(), conf.gpu_types.end());
  conf.gpu_types.erase(std::unique(conf.gpu_types.begin(), conf.gpu_types.end()),
                       conf.gpu_types.end());
  conf.memory_per_cpu_mib = least;
  conf.partitions = partitions_of(cluster, nodes_of_groups(cluster, members));
  const bool campus = cluster.campus.has_value();
  if (campus) {
    add_policy(conf, *cluster.campus);
  }
  conf.partitions.push_back(dev_partition(campus, conf.memory_per_cpu_mib));
  return conf;
}

std::vector<slurm::GpuSet> gpus_of(const model::Cluster& cluster, const model::Layout& layout) {
  std::vector<slurm::GpuSet> sets;
  const model::InstanceGroup* group = nullptr;
  for (const model::NodePlace& node : layout.nodes) {
    if (group == nullptr || group->name != node.group) {
      group = cluster.find_group(node.group);
    }
    const model::InstanceType& type = group->type;
    if (group->role != model::Role::compute || type.accelerator.empty() || type.accelerators == 0) {
      continue;
    }
    const model::GpuSharing sharing = cluster.sharing_of(group->name);
    const std::string name = model::gpu_gres_type(type, sharing);
    const int count = model::schedulable_gpus(type, sharing);
    const int shards = model::shards_of(type, sharing);
    const auto same = std::find_if(sets.begin(), sets.end(), [&](const slurm::GpuSet& set) {
      return set.type == name && set.count == count && set.shards == shards &&
             set.files == node.gpu_files;
    });
    if (same == sets.end()) {
      sets.push_back({{node.name}, name, count, node.gpu_files, shards});
    } else {
      same->nodes.push_back(node.name);
    }
  }
  return sets;
}

Configuration configuration(const model::Cluster& cluster, const model::Layout& layout) {
  const slurm::Header header = header_of(cluster);
  return {{"slurm.conf", slurm::slurm_conf(slurm_conf_of(cluster, layout))},
          {"gres.conf", slurm::gres_conf(header, gpus_of(cluster, layout))},
          {"cgroup.conf", slurm::cgroup_conf(header)},
          {"job_container.conf", slurm::job_container_conf(header)}};
}

Configuration configuration(const model::Cluster& cluster, const model::Layout& layout,
                            const std::vector<slurm::Edit>& kept) {
  return slurm::merge(configuration(cluster, layout), kept);
}

std::string digest(const Configuration& files) {
  std::string all;
  for (const auto& [name, text] : files) {
    all += text;
  }
  return to_hex(os::sha256(all));
}

}  // namespace provost::scheduling
