// The control groups a machine lives in: one directory in each cgroup v1 hierarchy, or one in the
// v2 tree. They say whether a machine runs and find every process of it, also after its nspawn
// died.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace provost::provider::local {

struct Limits {
  std::int64_t memory_mib = 0;  ///< 0: none
  int cpus = 0;                 ///< 0: none
  int cpu_weight = 100;         ///< as cgroup v2's cpu.weight
};

/// What kind of host this is.
struct CgroupHost {
  bool unified = false;                  ///< cgroup v2 alone
  bool systemd = false;                  ///< systemd is PID 1: machines are units of it
  std::vector<std::string> hierarchies;  ///< mount points of v1 hierarchies and the v2 tree
};

/// Reads /proc/mounts and /proc/1/comm.
CgroupHost look_at_host();

/// Where systemd is PID 1: the slice that a cluster's machines are units of.
std::string slice_name(const std::string& network_id);

/// The control groups of one machine.
class Cgroups {
 public:
  Cgroups(CgroupHost host, std::string network_id, std::string machine);

  /// Directories, one a hierarchy.
  [[nodiscard]] std::vector<std::string> directories() const;
  /// Makes them and sets the limits. Not where systemd makes them (see `unit_properties`).
  Status prepare(const Limits& limits) const;
  /// On a host with v2 alone and without systemd: the node's first process, held back until now,
  /// goes on when it can see the controllers. nspawn hands down those it finds in the group of the
  /// host's first process, which may be none. Errors: unavailable (nspawn ended), timeout.
  Status hand_down() const;
  /// The `cgroup.procs` files that the machine's first process must be written to.
  [[nodiscard]] std::vector<std::string> joins() const;
  /// For systemd-run, where systemd is PID 1.
  [[nodiscard]] static std::vector<std::string> unit_properties(const Limits& limits);

  /// True while its systemd-nspawn or init lives. Cheap: reads one file.
  [[nodiscard]] bool running() const;
  /// Every process in them, once.
  [[nodiscard]] std::vector<pid_t> processes() const;
  /// Ends them all with SIGKILL and waits until they are gone. Errors: timeout after 20 s.
  Status kill_all() const;
  /// Removes the directories, those of the cluster too when they are empty.
  void remove() const;

 private:
  CgroupHost host_;
  std::string network_id_;
  std::string machine_;
};

}  // namespace provost::provider::local
