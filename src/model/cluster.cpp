#include "model/cluster.hpp"

#include "model/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace provost::model {

std::string_view name(Role role) {
  switch (role) {
    case Role::controller:
      return "controller";
    case Role::login:
      return "login";
    case Role::compute:
      return "compute";
  }
  return "compute";
}

std::string_view name(SlurmConfigStrategy strategy) {
  switch (strategy) {
    case SlurmConfigStrategy::managed:
      return "Managed";
    case SlurmConfigStrategy::merge:
      return "Merge";
    case SlurmConfigStrategy::overwrite:
      return "Overwrite";
  }
  return "Merge";
}

const InstanceGroup& Cluster::controller_group() const {
  const auto found = std::find_if(groups.begin(), groups.end(), [](const InstanceGroup& group) {
    return group.role == Role::controller;
  });
  if (found == groups.end()) {
    throw std::logic_error("a checked cluster has a controller group");
  }
  return *found;
}

const InstanceGroup* Cluster::find_group(std::string_view group) const {
  const auto found = std::find_if(groups.begin(), groups.end(),
                                  [&](const InstanceGroup& each) { return each.name == group; });
  return found == groups.end() ? nullptr : &*found;
}

std::string node_name(std::string_view group, int number) {
  return fmt::format("{}-{}", group, number);
}

std::string aws_host_name(std::string_view address) {
  std::string name = "ip-" + std::string(address);
  std::replace(name.begin(), name.end(), '.', '-');
  return name;
}

GpuSharing Cluster::sharing_of(std::string_view group) const {
  if (campus) {
    for (const GpuSharing& each : campus->gpus) {
      if (std::find(each.groups.begin(), each.groups.end(), group) != each.groups.end()) {
        return each;
      }
    }
  }
  return {};
}

int schedulable_gpus(const InstanceType& type, const GpuSharing& sharing) {
  if (type.accelerator.empty()) {
    return 0;
  }
  return type.accelerators * (sharing.mode == Sharing::mig ? sharing.per_gpu : 1);
}

std::string gpu_gres_type(const InstanceType& type, const GpuSharing& sharing) {
  return sharing.mode == Sharing::mig && !type.accelerator.empty()
             ? type.accelerator + "_" + sharing.profile
             : type.accelerator;
}

int shards_of(const InstanceType& type, const GpuSharing& sharing) {
  return sharing.mode == Sharing::shard && !type.accelerator.empty()
             ? type.accelerators * sharing.per_gpu
             : 0;
}

}  // namespace provost::model
