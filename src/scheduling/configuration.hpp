// What stands in a cluster's Slurm files: its groups as nodes, its partitions, HyperPod's `dev`.
// Pure and deterministic.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/cluster.hpp"
#include "model/layout.hpp"
#include "slurm/edits.hpp"
#include "slurm/render.hpp"

namespace provost::scheduling {

/// The POSIX group whose members may use partition `dev` where there is a campus file; `access/`
/// makes it on every node.
inline constexpr const char* kAdministrators = "provost-admins";

/// Memory of an instance type that Slurm hands out, in MiB: without a sixteenth, at most 8 GiB, for
/// the operating system.
std::int64_t schedulable_memory_mib(const model::InstanceType& type);

/// What stands at the top of each file of this cluster.
slurm::Header header_of(const model::Cluster& cluster);

/// slurm.conf as a value. Partitions stand in the order in which the groups name them, `dev` last.
slurm::SlurmConf slurm_conf_of(const model::Cluster& cluster, const model::Layout& layout);

/// GPUs of all nodes, those with the same device files together.
std::vector<slurm::GpuSet> gpus_of(const model::Cluster& cluster, const model::Layout& layout);

/// The files that slurmctld and the nodes run by, by file name, in the order in which their digest
/// takes them.
using Configuration = slurm::Files;
Configuration configuration(const model::Cluster& cluster, const model::Layout& layout);
/// With what was changed by hand and is kept.
Configuration configuration(const model::Cluster& cluster, const model::Layout& layout,
                            const std::vector<slurm::Edit>& kept);

/// SHA-256 of the files one after the other, as lower-case hex: what `slurm-config` on the
/// controller says of the files in force.
std::string digest(const Configuration& files);

}  // namespace provost::scheduling
