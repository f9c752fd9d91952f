// All that `provost doctor` knows about a host, as values. `look` (look.hpp) fills them in; the
// checks (checks.hpp) read them and nothing else, so that they are tested with made-up hosts.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "provider/local/kernel_limits.hpp"
#include "provider/local/leftovers.hpp"
#include "store/inspect.hpp"
#include "support/installation.hpp"
#include "support/packages.hpp"

namespace provost::support {

/// Something of the kernel that was tried.
struct Trial {
  std::string name;     ///< "overlay mounts"
  std::string problem;  ///< empty: it works
  std::string by_hand;  ///< the command that tries it
};

struct ControlGroups {
  bool unified = false;               ///< v2 alone
  bool systemd = false;               ///< systemd is the first process
  std::set<std::string> controllers;  ///< of v1's hierarchies, or of the v2 root
  bool writable = false;
};

struct Disk {
  std::string use;  ///< "state directory"
  std::string path;
  bool exists = true;
  bool read_only = false;
  std::int64_t free_mib = 0;
  std::optional<std::int64_t> free_inodes;  ///< absent: the file system has no fixed number
};

struct InstalledPackage {
  Package package;
  bool installed = false;
};

/// A TCP port of the host that somebody listens on.
struct Listener {
  std::string address;  ///< "127.0.0.1", "0.0.0.0", "::"
  int port = 0;
  int pid = 0;
  std::string program;  ///< empty: not known
};

struct Clock {
  UtcTime now{};
  bool synchronised = false;  ///< the kernel's clock is steered by somebody
};

struct Image {
  std::string path;
  bool there = false;
  std::string problem;  ///< why it cannot be told
};

struct CertificateEnd {
  std::string whose;  ///< "the authority", "provostd", "the agent of tiny/cpu-1"
  UtcTime ends{};
};

/// A file or directory with secrets in it.
struct SecretFile {
  std::string path;
  unsigned mode = 0;
  unsigned wanted = 0;  ///< no bit beyond these
  bool root_owned = true;
};

struct UnitFact {
  std::string name;
  std::string state;  ///< "waiting", "starting", "up", "failed"
  std::string message;
};

struct NodeFact {
  std::string name;
  std::string role;
  std::string status;  ///< HyperPod's
  bool connected = false;
  std::optional<std::int64_t> seconds_since_heard;
  std::string slurm;  ///< state as sinfo has it; empty: none
  std::string reason;
  std::vector<UnitFact> units;
};

struct ClusterFact {
  std::string name;
  std::string status;   ///< HyperPod's
  std::string problem;  ///< why provostd cannot say more; empty: it can
  bool slurm_answers = false;
  std::vector<NodeFact> nodes;
};

/// What provostd says of itself.
struct Daemon {
  bool answers = false;
  std::string problem;  ///< why it does not
  std::string version;
  int pid = 0;
  std::string state;
  std::optional<UtcTime> certificate_ends;
  std::vector<ClusterFact> clusters;
};

struct HostFacts {
  Installation installation;
  std::string version;  ///< of this program
  std::string kernel;   ///< "6.1.0-18-amd64"
  std::vector<Trial> trials;
  ControlGroups groups;
  std::int64_t memory_mib = 0;
  std::int64_t memory_available_mib = 0;
  std::vector<Disk> disks;
  bool has_dpkg = true;
  std::vector<InstalledPackage> packages;
  std::vector<Listener> listeners;
  Clock clock;
  Image image;
  store::Inspected store;
  std::vector<CertificateEnd> certificates;  ///< of authority and agents
  std::vector<SecretFile> secrets;
  std::vector<provider::local::KernelLimit> limits;
  bool leftovers_known = true;  ///< false: the store does not say what is wanted
  std::vector<provider::local::Trace> leftovers;
  Daemon daemon;
};

}  // namespace provost::support
