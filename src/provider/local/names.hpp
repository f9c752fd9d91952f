// Names and places of what the local provider makes on the host, all derived from the cluster's
// network id and the node's address, so that a repeat finds what an earlier try made.
#pragma once

#include <string>

#include "base/result.hpp"

namespace provost::provider::local {

/// Where a provider keeps its things.
struct Places {
  std::string state;  ///< "/var/lib/provost": machines below it in "machines"
  std::string run;    ///< "/run/provost": namespaces below it

  [[nodiscard]] std::string cluster(const std::string& cluster) const {
    return state + "/machines/" + cluster;
  }
  [[nodiscard]] std::string machine(const std::string& cluster, const std::string& node) const {
    return state + "/machines/" + cluster + "/" + node;
  }
  [[nodiscard]] std::string network_file(const std::string& cluster) const {
    return state + "/machines/" + cluster + "/network.json";
  }
};

/// "pv-k3x9q2": the bridge. Interface names have at most 15 characters.
inline std::string bridge_name(const std::string& network_id) { return "pv-" + network_id; }

/// "provost_k3x9q2": the nftables table.
inline std::string table_name(const std::string& network_id) { return "provost_" + network_id; }

/// "040c": the last two bytes of an address, unique within a cluster's /22.
std::string address_tag(const std::string& address);

/// "pk3x9q2-040c": the host's end of a node's cable.
inline std::string veth_name(const std::string& network_id, const std::string& address) {
  return "p" + network_id + "-" + address_tag(address);
}

/// "pv-k3x9q2-040c": the machine for systemd-nspawn, its network namespace and its unit.
inline std::string machine_name(const std::string& network_id, const std::string& address) {
  return "pv-" + network_id + "-" + address_tag(address);
}

}  // namespace provost::provider::local
