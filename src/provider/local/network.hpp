// The private network of a cluster: a bridge with the host's address, and a table of nftables that
// lets nodes reach one another and one port of the host, and nothing else.
#pragma once

#include <string>

#include "base/result.hpp"
#include "provider/provider.hpp"

namespace provost::provider::local {

/// Makes bridge, address and rules; what is there already is left. The bridge's alias says whose it
/// is: "provost:" and the state directory.
Status make_network(const NetworkSpec& spec, const std::string& state);

/// The state directory that a bridge's alias names; "" when it names none.
std::string owner_of_bridge(const std::string& bridge);

/// True when the bridge and its table are there.
bool network_exists(const std::string& network_id);

/// Removes them; what is gone already is success.
Status unmake_network(const std::string& network_id);

/// Errors: conflict when an interface or route of this host (other than `own_bridge`) overlaps with
/// the subnet; says which.
Status subnet_is_free(const std::string& subnet, const std::string& own_bridge);

/// The node's network namespace at `namespace_file` with "eth0" on the cluster's bridge, its
/// address and the loopback device up.
struct Cable {
  std::string namespace_file;
  std::string network_id;
  std::string address;
  int prefix_length = 22;
};
Status plug_in(const Cable& cable);

/// Removes the namespace and the host's end of the cable.
Status unplug(const Cable& cable);

}  // namespace provost::provider::local
