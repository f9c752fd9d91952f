#include "scheduling/partitions.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "model/limits.hpp"
#include "scheduling/accounts.hpp"
#include "scheduling/configuration.hpp"

namespace provost::scheduling {
namespace {

using Rights = std::vector<PartitionRights>;

PartitionRights& find_or_add(Rights& partitions, const std::string& name) {
  const auto found = std::find_if(partitions.begin(), partitions.end(),
                                  [&](const PartitionRights& each) { return each.name == name; });
  if (found != partitions.end()) {
    return *found;
  }
  partitions.push_back({.name = name});
  return partitions.back();
}

// The department that owns a group; empty: none.
std::string owner_of(const model::Campus& campus, const std::string& group) {
  for (const model::Department& each : campus.departments) {
    if (has(each.owns, group)) {
      return each.name;
    }
  }
  return {};
}

Rights named_by_groups(const model::Cluster& cluster) {
  Rights partitions;
  for (const model::InstanceGroup& group : cluster.groups) {
    for (const std::string& name : group.partitions) {
      find_or_add(partitions, name).groups.push_back(group.name);
    }
  }
  return partitions;
}

// A pool keeps what nobody owns; where one department owns all of it, it is that department's.
void settle_owners(Rights& partitions, const model::Campus& campus) {
  for (PartitionRights& each : partitions) {
    std::set<std::string> owners;
    for (const std::string& group : each.groups) {
      owners.insert(owner_of(campus, group));
    }
    if (owners.size() == 1) {
      each.owner = *owners.begin();
    } else {
      std::erase_if(each.groups,
                    [&](const std::string& group) { return !owner_of(campus, group).empty(); });
    }
  }
  for (const model::Department& each : campus.departments) {
    if (!each.owns.empty()) {
      PartitionRights& own = find_or_add(partitions, each.name);
      own.groups = each.owns;
      own.owner = each.name;
      own.line = each.line;
    }
  }
}

void add_policies(Rights& partitions, const model::Campus& campus) {
  for (const model::PartitionPolicy& policy : campus.partitions) {
    PartitionRights& each = find_or_add(partitions, policy.name);
    if (!policy.groups.empty()) {
      each.groups = policy.groups;
    }
    each.qos = policy.qos;
    each.administrators_only = policy.administrators_only;
    each.line = policy.line;
  }
}

void add_accounts(Rights& partitions, const model::Campus& campus) {
  for (PartitionRights& each : partitions) {
    if (!each.owner.empty()) {
      each.accounts = {each.owner};
    }
    for (const model::Department& department : campus.departments) {
      if (has(department.partitions, each.name) && department.name != each.owner) {
        each.accounts.push_back(department.name);
      }
    }
  }
}

void add_scavengers(Rights& partitions, const model::Campus& campus) {
  std::vector<std::string> owned;
  for (const model::Department& each : campus.departments) {
    owned.insert(owned.end(), each.owns.begin(), each.owns.end());
  }
  for (const model::Qos& qos : campus.qos) {
    if (qos.preempted_by.empty() || owned.empty()) {
      continue;
    }
    PartitionRights& pool = find_or_add(partitions, qos.name);
    pool.groups = owned;
    pool.qos = {qos.name};
    pool.line = qos.line;
    const bool everybody = std::all_of(
        campus.departments.begin(), campus.departments.end(),
        [&](const model::Department& each) { return each.qos.empty() || has(each.qos, qos.name); });
    for (const model::Department& each : campus.departments) {
      if (!everybody && (each.qos.empty() || has(each.qos, qos.name))) {
        pool.accounts.push_back(each.name);
      }
    }
  }
}

const model::PartitionPolicy* policy_of(const model::Campus& campus, const std::string& partition) {
  const auto found =
      std::find_if(campus.partitions.begin(), campus.partitions.end(),
                   [&](const model::PartitionPolicy& each) { return each.name == partition; });
  return found == campus.partitions.end() ? nullptr : &*found;
}

std::string time_or(const std::optional<std::int64_t>& minutes, std::int64_t otherwise) {
  return model::slurm_duration(minutes.value_or(otherwise));
}

// A whole node costs as much by its CPUs as by its memory or its GPUs; the largest part of a job
// counts (PriorityFlags=MAX_TRES). A thousand a CPU: what Slurm cuts off is nothing.
std::string billing_of(const GroupNodes& nodes) {
  constexpr std::int64_t kCpu = 1000;
  constexpr std::int64_t kGib = 1024;
  const std::int64_t whole = kCpu * nodes.cpus;
  std::string weights = fmt::format("CPU={},Mem={}G", kCpu,
                                    whole / std::max<std::int64_t>(nodes.memory_mib / kGib, 1));
  if (nodes.gpus > 0) {
    weights += fmt::format(",GRES/gpu={}", whole / nodes.gpus);
  }
  if (nodes.shards > 0) {
    weights += fmt::format(",GRES/shard={}", whole / nodes.shards);
  }
  return weights;
}

void add_rules(slurm::Partition& line, const PartitionRights& rights, const model::Campus& campus) {
  const model::Scheduler& scheduler = campus.scheduler;
  const model::PartitionPolicy* policy = policy_of(campus, rights.name);
  line.max_time = time_or(policy == nullptr ? std::nullopt : policy->max_time_minutes,
                          scheduler.max_time_minutes);
  line.default_time = time_or(
      policy == nullptr ? std::nullopt : policy->default_time_minutes,
      std::min(scheduler.default_time_minutes,
               policy == nullptr ? scheduler.max_time_minutes
                                 : policy->max_time_minutes.value_or(scheduler.max_time_minutes)));
  for (const std::string& account : rights.accounts) {
    line.allow_accounts.push_back(account);
  }
  if (!line.allow_accounts.empty()) {
    line.allow_accounts.emplace_back(kAdministration);
  }
  line.allow_qos = rights.qos;
  if (rights.administrators_only) {
    line.allow_groups = kAdministrators;
  }
  line.cpus_per_gpu = scheduler.cpus_per_gpu;
  line.memory_per_cpu_mib = scheduler.memory_per_cpu_mib.value_or(line.memory_per_cpu_mib);
  // Owners' jobs are looked at before those that may be preempted on the same nodes.
  constexpr int kOwnersTier = 10;
  line.tier = rights.owner.empty() ? 1 : kOwnersTier;
  if (policy != nullptr) {
    line.tier = std::max(policy->tier, line.tier);
    line.priority = policy->priority;
    line.nodes_per_job = policy->nodes_per_job.value_or(0);
  }
  if (!rights.owner.empty()) {
    line.comment += fmt::format("; of department {}", rights.owner);
  }
  if (rights.line > 0) {
    line.comment += fmt::format("; campus.toml:{}", rights.line);
  }
}

}  // namespace

std::vector<PartitionRights> partition_rights(const model::Cluster& cluster) {
  Rights partitions = named_by_groups(cluster);
  if (cluster.campus) {
    settle_owners(partitions, *cluster.campus);
    add_policies(partitions, *cluster.campus);
    add_accounts(partitions, *cluster.campus);
    add_scavengers(partitions, *cluster.campus);
  }
  return partitions;
}

// A partition over several groups gives the least memory a CPU that any of them has, so that a
// default job fits everywhere.
std::vector<slurm::Partition> partitions_of(const model::Cluster& cluster,
                                            const NodesOfGroups& nodes) {
  const Rights partitions = partition_rights(cluster);
  std::vector<slurm::Partition> lines;
  for (const PartitionRights& rights : partitions) {
    slurm::Partition line{.name = rights.name,
                          .comment = "of instance group " + join(rights.groups, ", "),
                          .nodes = {}};
    const GroupNodes* first = nullptr;
    for (const std::string& name : rights.groups) {
      const auto group = nodes.find(name);
      if (group == nodes.end()) {
        continue;
      }
      line.nodes.insert(line.nodes.end(), group->second.names.begin(), group->second.names.end());
      const std::int64_t memory = group->second.memory_per_cpu_mib;
      line.memory_per_cpu_mib =
          first == nullptr ? memory : std::min(line.memory_per_cpu_mib, memory);
      first = first == nullptr ? &group->second : first;
    }
    if (cluster.campus) {
      add_rules(line, rights, *cluster.campus);
      line.billing = first == nullptr ? "" : billing_of(*first);
    }
    lines.push_back(std::move(line));
  }
  if (cluster.campus) {
    const std::string chosen = default_partition_of(*cluster.campus, partitions);
    for (slurm::Partition& line : lines) {
      line.is_default = line.name == chosen;
    }
  }
  return lines;
}

std::string default_partition_of(const model::Campus& campus,
                                 const std::vector<PartitionRights>& partitions) {
  for (const model::PartitionPolicy& policy : campus.partitions) {
    if (policy.is_default) {
      return policy.name;
    }
  }
  const auto open =
      std::find_if(partitions.begin(), partitions.end(), [](const PartitionRights& each) {
        return each.accounts.empty() && each.qos.empty() && !each.administrators_only;
      });
  if (open != partitions.end()) {
    return open->name;
  }
  return partitions.empty() ? std::string() : partitions.front().name;
}

std::string default_partition_of(const model::Department& department,
                                 const std::vector<PartitionRights>& partitions) {
  for (const std::string& name : department.partitions) {
    const bool usable = std::any_of(partitions.begin(), partitions.end(), [&](const auto& each) {
      return each.name == name && !each.administrators_only;
    });
    if (usable) {
      return name;
    }
  }
  return department.owns.empty() ? std::string() : department.name;
}

}  // namespace provost::scheduling
