// One machine of the local provider: a systemd-nspawn container that boots systemd from an overlay
// on the node image. Everything of it stands below its directory, named in `machine.json` before
// the first of it is made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "provider/local/cgroups.hpp"
#include "provider/local/names.hpp"
#include "provider/local/network.hpp"
#include "provider/provider.hpp"

namespace provost::provider::local {

/// What `machine.json` holds: enough to find and remove all of a machine.
struct MachineRecord {
  std::string cluster;
  std::string network_id;
  std::string node;
  std::string address;
  int prefix_length = 22;
  int incarnation = 0;
};
std::optional<MachineRecord> read_record(const std::string& directory);
/// The network's id in a cluster's network.json.
std::optional<std::string> read_network_id(const std::string& network_file);

/// Programs of the host that every node has.
struct NodePrograms {
  std::string agent;
  std::string people;  ///< `provost` as people have it on login nodes; where there is none, none
};

class Machine {
 public:
  Machine(const Places& places, CgroupHost host, MachineRecord record);

  [[nodiscard]] bool running() const { return cgroups_.running(); }
  /// From whatever state to running. `image` is the root tree.
  Status start(const MachineSpec& spec, const std::string& image, const NodePrograms& programs,
               const Limits& limits, const Progress& progress) const;
  /// From whatever state to nothing left.
  Status remove(const Progress& progress) const;
  /// What of it is there.
  [[nodiscard]] std::vector<Belonging> belongings() const;

 private:
  Status clear_leftovers() const;
  Status write_disk(const MachineSpec& spec, const std::string& image) const;
  Status mount_root(const std::string& image) const;
  Status make_devices(const MachineSpec& spec) const;
  [[nodiscard]] std::vector<std::string> nspawn(const MachineSpec& spec,
                                                const NodePrograms& programs) const;
  [[nodiscard]] Cable cable() const;

  Places places_;
  CgroupHost host_;
  MachineRecord record_;
  std::string directory_;
  std::string name_;
  Cgroups cgroups_;
};

}  // namespace provost::provider::local
