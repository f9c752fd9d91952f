// Where the nodes of a cluster stand: names, addresses and identities that rooms write into files.
#pragma once

#include <string>
#include <vector>

#include "model/cluster.hpp"

namespace provost::model {

struct NodePlace {
  std::string name;  ///< "cpu-1": host name, Slurm's NodeName, HyperPod's InstanceName
  std::string group;
  int number = 0;  ///< within the group, from 1
  Role role = Role::compute;
  std::string address;                 ///< "10.77.4.12"
  std::string instance_id;             ///< "i-0123456789abcdef0"
  int incarnation = 1;                 ///< goes up each time the node is made anew
  bool gpus_are_real = false;          ///< real devices were handed in, else emulated ones
  std::vector<std::string> gpu_files;  ///< device paths in the node, one per accelerator
};

/// Secrets of one cluster, made once and kept in the store. Never logged.
struct ClusterSecrets {
  std::string munge_key;         ///< raw bytes, 128
  std::string admin_key_public;  ///< SSH key with which `provost ssh` enters as root
  std::string login_host_key;    ///< private, OpenSSH format: one identity for all login nodes
  std::string login_host_key_public;
};

struct Layout {
  std::string cluster;
  std::string cluster_id;  ///< 12 characters, lower case
  std::string arn;
  std::string gateway;           ///< first address of the subnet: the host
  std::vector<NodePlace> nodes;  ///< in the order of the groups, then by number

  [[nodiscard]] const NodePlace* find(std::string_view node) const {
    for (const NodePlace& place : nodes) {
      if (place.name == node) {
        return &place;
      }
    }
    return nullptr;
  }
  [[nodiscard]] const NodePlace& controller() const {
    for (const NodePlace& place : nodes) {
      if (place.role == Role::controller) {
        return place;
      }
    }
    return nodes.front();
  }
};

/// "ip-10-77-4-12": the name AWS gives such an address; resolves on every node too.
std::string aws_host_name(std::string_view address);

}  // namespace provost::model
