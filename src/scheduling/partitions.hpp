// Partitions as the campus's policy has them: whose they are, who may use them, and by which rules.
// Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/cluster.hpp"
#include "slurm/render.hpp"

namespace provost::scheduling {

/// Nodes of an instance group that runs jobs, and what one of them has.
struct GroupNodes {
  std::vector<std::string> names;
  std::int64_t memory_per_cpu_mib = 0;
  std::int64_t memory_mib = 0;
  int cpus = 1;
  int gpus = 0;
  int shards = 0;
};
using NodesOfGroups = std::map<std::string, GroupNodes>;

/// Which instance groups a partition has and who may use it.
struct PartitionRights {
  std::string name;
  std::vector<std::string> groups;
  std::vector<std::string> accounts;  ///< departments; empty: everybody
  std::vector<std::string> qos;       ///< only these; empty: every one
  std::string owner;                  ///< department; empty: a pool
  bool administrators_only = false;
  int line = 0;  ///< of campus.toml; 0: the cluster's own files name it
};

/// Partitions in the order of slurm.conf, without HyperPod's `dev`. A department's own groups are
/// its own partition; they leave pools that have other groups as well; a QoS that can be preempted
/// brings a partition of its name over everybody's own groups.
std::vector<PartitionRights> partition_rights(const model::Cluster& cluster);

/// The same as lines of slurm.conf, those without a node now as well: their jobs wait.
std::vector<slurm::Partition> partitions_of(const model::Cluster& cluster,
                                            const NodesOfGroups& nodes);

/// Where jobs go that name no partition: the one the campus says, else the first that is open to
/// everybody.
std::string default_partition_of(const model::Campus& campus,
                                 const std::vector<PartitionRights>& partitions);

/// Where a department's jobs go that name no partition: the first pool that it names, else its own;
/// empty: Slurm's default.
std::string default_partition_of(const model::Department& department,
                                 const std::vector<PartitionRights>& partitions);

}  // namespace provost::scheduling
