// What stays on a host of machines that no cluster has any more: the store was lost or put back
// from an older copy, a state directory was removed by hand. Looking, deciding (pure) and removing
// are apart. What a cluster of this store, or any other provostd's state directory, owns is never a
// leftover; nor is anything while the store cannot be read.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "provider/local/local_provider.hpp"

namespace provost::provider::local {

/// The parts of a name that the local provider gives (names.hpp).
struct ReadName {
  std::string network_id;
  std::string machine;  ///< "pv-k3x9q2-040c"; empty: of the network, not of one machine
};
/// Bridges, cables, machines, tables, control groups, slices. Pure; absent: not one of ours.
std::optional<ReadName> read_name(std::string_view name);

enum class TraceKind {
  machine,  ///< its directory, with all of it that the record names
  cluster,  ///< the directory of a cluster's machines, with its network
  bridge,
  cable,
  packet_rules,
  control_group,
  network_namespace,
  mount,
  nspawn_file,
};
std::string_view name(TraceKind kind);

/// One thing on the host that carries one of Provost's names.
struct Trace {
  TraceKind kind = TraceKind::bridge;
  std::string name;        ///< path, interface or table
  std::string network_id;  ///< empty: it has none yet (a directory cut off early)
  std::string machine;
  std::string state;    ///< the state directory that it lies in; empty: it says none
  std::string cluster;  ///< of machine and cluster
  std::string node;     ///< of machine
  bool running = false;
  bool claimed = false;   ///< proved to be of the state directory in question
  std::string other_run;  ///< the run directory of another provostd that a part of it lies in

  friend bool operator==(const Trace&, const Trace&) = default;
};

/// Everything on the host that carries Provost's names, in the order in which it is removed.
std::vector<Trace> traces_on_host(const Places& places);

/// Who has a right to what.
struct Owners {
  std::string state;                ///< the state directory in question
  std::string run;                  ///< its provostd's run directory
  bool store_is_known = false;      ///< its store could be read
  std::set<std::string> networks;   ///< of the clusters in its store
  std::set<std::string> clusters;   ///< their names
  std::set<std::string> elsewhere;  ///< networks that records of other state directories name
};

/// Those that nobody owns. Pure. What hangs together (one network id) is judged together: it is
/// another provostd's, runs, or is claimed when a part of it is. Claimed is what lies in this state
/// or run directory, or on a bridge whose alias names it. The rest only has a name like ours: whose
/// it was nobody can tell.
std::vector<Trace> leftovers(std::vector<Trace> traces, const Owners& owners);

/// Networks that other state directories of this host name.
std::set<std::string> networks_elsewhere(const std::string& state);

/// What may be removed beyond what is claimed and does not run.
struct Removing {
  bool running = false;    ///< machines of this state directory are ended
  bool unclaimed = false;  ///< what names no owner
};
/// Removes one leftover; what is gone already is success. Errors: conflict (it may not be: see
/// Removing, or a part of it lies in another provostd's run directory).
Status remove_leftover(const Trace& leftover, const LocalOptions& options, Removing removing);

}  // namespace provost::provider::local
