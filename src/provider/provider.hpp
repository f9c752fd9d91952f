// Where machines come from. A provider makes, observes and removes machines and their network; it
// does not know what a node is for. Every call may be repeated: it looks before each sub-step and
// goes on where an earlier, interrupted call stopped.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/cluster.hpp"
#include "os/nvidia.hpp"

namespace provost::provider {

/// Told of sub-steps that take a while: "mounting the root file system". Any thread.
using Progress = std::function<void(std::string_view)>;

/// The private network of a cluster.
struct NetworkSpec {
  std::string cluster;
  std::string id;      ///< short, unique, [a-z0-9], at most 8: names of interfaces derive from it
  std::string subnet;  ///< "10.77.4.0/22"; the gateway (this host) has the first address
  std::uint16_t agent_port = 0;  ///< the only port of the host that nodes may reach
};

struct SeedFile {
  std::string path;  ///< absolute, in the node
  std::string content;
  unsigned mode = 0600;
};

struct BindMount {
  std::string host;  ///< directory on the host; made when absent
  std::string node;  ///< where it appears in the node
};

struct MachineSpec {
  std::string cluster;
  std::string network_id;
  std::string node;  ///< host name too
  int incarnation = 1;
  std::string address;  ///< "10.77.4.12"
  int prefix_length = 22;
  model::InstanceType type;
  /// Share of contended processors, against 100 of another machine (cgroup v2's cpu.weight).
  int cpu_weight = 100;
  std::vector<BindMount> binds;
  std::vector<SeedFile> seed;          ///< in place before the first boot: the agent's certificate
  std::vector<std::string> gpu_files;  ///< device paths in the node, one per GPU
  bool gpus_are_real = false;          ///< those are the host's own; else emulated ones are made
};

/// A machine as it is found.
struct MachineSeen {
  std::string cluster;
  std::string node;
  int incarnation = 0;
  bool running = false;
  std::string network_id;  ///< of its cluster; empty: it was cut off before that was noted
};

struct Capacity {
  int cpus = 0;
  std::int64_t memory_total_mib = 0;
  std::int64_t memory_available_mib = 0;
  std::vector<std::string> gpus;           ///< real devices of the host that nodes can be given
  std::vector<os::NvidiaGpu> gpu_details;  ///< what NVML says of them; empty: it is not there
  std::string gpu_driver;                  ///< its version, or why NVML does not tell; empty: none
};

/// One thing outside that belongs to a cluster: what `delete` shows as gone or kept.
struct Belonging {
  std::string
      kind;  ///< "process", "mount", "network namespace", "bridge", "cgroup", "directory", ...
  std::string name;

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes <=>'s zero for a pointer.
  friend auto operator<=>(const Belonging&, const Belonging&) = default;
};

class Provider {
 public:
  virtual ~Provider() = default;

  virtual Result<Capacity> capacity() = 0;
  /// All machines of all clusters that leave a trace here, running or not.
  virtual Result<std::vector<MachineSeen>> observe() = 0;
  /// Clusters whose network exists completely.
  virtual Result<std::vector<std::string>> networks() = 0;
  /// Clusters of whose network anything exists: what a removal that was cut off has left counts.
  virtual Result<std::vector<std::string>> network_traces() = 0;

  virtual Status create_network(const NetworkSpec& spec, const Progress& progress) = 0;
  virtual Status remove_network(const std::string& cluster, const Progress& progress) = 0;
  /// Errors: conflict when the subnet is in use on this host by somebody else (names who).
  virtual Status check_subnet(const std::string& subnet) = 0;

  /// Makes the machine if need be and sees that it runs. An incarnation other than `spec`'s is
  /// removed first, with its disk.
  virtual Status ensure_running(const MachineSpec& spec, const Progress& progress) = 0;
  /// Ends all its processes and removes all of it, disk included.
  virtual Status remove(const std::string& cluster, const std::string& node,
                        const Progress& progress) = 0;

  /// Everything outside that belongs to `cluster`, sorted.
  virtual Result<std::vector<Belonging>> inventory(const std::string& cluster) = 0;

  /// Limits of this host that were raised for the machines, for people; put back with the last.
  virtual std::vector<std::string> raised_limits() { return {}; }

  /// Last lines of a node's log kept on the host (console), for nodes whose agent is silent.
  virtual Result<std::string> console_tail(const std::string& cluster, const std::string& node) = 0;
};

}  // namespace provost::provider
