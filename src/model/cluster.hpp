// The nouns of a cluster that several rooms share. Values only; read from files by `spec/`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/campus.hpp"

namespace provost::model {

/// What a group's nodes are in Slurm. HyperPod's NodeType.
enum class Role { controller, login, compute };
std::string_view name(Role role);

/// A row of the instance catalogue.
struct InstanceType {
  std::string name;  ///< "ml.g5.xlarge"
  int vcpus = 0;
  std::int64_t memory_mib = 0;
  std::string accelerator;  ///< "a10g", as Slurm's GRES type; empty: none
  int accelerators = 0;
  std::int64_t accelerator_memory_mib = 0;  ///< of one; 0: not known
  std::int64_t network_mbps = 0;            ///< 0: not known
  double price_per_hour = 0;                ///< of one node; 0: not known
  bool is_own = false;                      ///< the site's own type, or its own price
};

/// `LifeCycleConfig` of a group: which script of which bucket runs on its nodes, and when.
struct LifecycleScript {
  enum class When {
    on_create,        ///< HyperPod's OnCreate
    on_init_complete  ///< HyperPod's OnInitComplete
  };
  std::string bucket;  ///< "sagemaker-university"
  std::string prefix;  ///< "lifecycle", without slashes at its ends; may be empty
  std::string script;  ///< "on_create.sh", relative to the prefix
  When when = When::on_create;

  friend bool operator==(const LifecycleScript&, const LifecycleScript&) = default;
};

struct InstanceGroup {
  std::string name;
  Role role = Role::compute;
  InstanceType type;
  int count = 0;
  int min_count =
      0;  ///< MinInstanceCount: fewer after its time limit, and the group is rolled back
  int threads_per_core = 1;
  std::vector<std::string> partitions;  ///< of a compute group; `dev` is not named here
  std::optional<LifecycleScript> lifecycle;
  std::string execution_role;
};

struct Tag {
  std::string key;
  std::string value;
};

/// What becomes of Slurm's files that somebody changed by hand. HyperPod's SlurmConfigStrategy.
enum class SlurmConfigStrategy {
  managed,   ///< it stays as it is and is shown; the cluster takes no change until it is settled
  merge,     ///< it is kept, and so in every configuration to come
  overwrite  ///< it is undone
};
std::string_view name(SlurmConfigStrategy strategy);  ///< "Managed"

/// What is wanted of one cluster: the meaning of the user's files together.
struct Cluster {
  std::string name;
  std::vector<InstanceGroup> groups;  ///< in the order of the file
  std::vector<Tag> tags;
  std::optional<Campus> campus;
  SlurmConfigStrategy slurm_config = SlurmConfigStrategy::merge;
  bool continuous = false;  ///< NodeProvisioningMode: in service before all its nodes are
  std::string provisioning_parameters;  ///< the file as it was given; empty when there was none

  [[nodiscard]] const InstanceGroup& controller_group() const;
  [[nodiscard]] const InstanceGroup* find_group(std::string_view group) const;
  /// How the GPUs of a group are shared: whole where the campus says nothing.
  [[nodiscard]] GpuSharing sharing_of(std::string_view group) const;
};

/// GPUs as Slurm counts them on a node of this type: MIG's partitions one by one.
int schedulable_gpus(const InstanceType& type, const GpuSharing& sharing);
/// Their GRES type: "a100", of MIG's partitions "a100_3g.20gb".
std::string gpu_gres_type(const InstanceType& type, const GpuSharing& sharing);
/// Shards of all GPUs of a node; 0: none.
int shards_of(const InstanceType& type, const GpuSharing& sharing);

/// HyperPod's InstanceName, which is the node's host name and Slurm's NodeName: "<group>-<n>",
/// n from 1.
std::string node_name(std::string_view group, int number);

}  // namespace provost::model
