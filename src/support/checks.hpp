// What `provost doctor` thinks of a host. Pure: facts in, lines out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/facts.hpp"

namespace provost::support {

enum class Verdict { pass, warn, fail };
/// "PASS", "WARN", "FAIL".
std::string_view name(Verdict verdict);

/// One check's result.
struct Line {
  std::string check;  ///< stable name: "disk", "cluster tiny"
  Verdict verdict = Verdict::pass;
  std::string finding;               ///< what is seen
  std::string mend;                  ///< what to do about it; empty when it passes
  std::string by_hand;               ///< the command with which a person sees the same
  std::vector<std::string> details;  ///< all of it where the finding names the first few
};

/// Every check, in the order in which they are shown.
std::vector<Line> check_all(const HostFacts& facts);

/// The worst of them.
Verdict worst(const std::vector<Line>& lines);

// Each check by itself.
Line check_kernel(const HostFacts& facts);
Line check_control_groups(const HostFacts& facts);
Line check_memory(const HostFacts& facts);
Line check_disk(const Disk& disk);
Line check_packages(const HostFacts& facts);
Line check_ports(const HostFacts& facts);
Line check_clock(const HostFacts& facts);
Line check_image(const HostFacts& facts);
Line check_store(const HostFacts& facts);
Line check_permissions(const HostFacts& facts);
Line check_certificates(const HostFacts& facts);
Line check_kernel_limits(const HostFacts& facts);
Line check_leftovers(const HostFacts& facts);
Line check_daemon(const HostFacts& facts);
Line check_cluster(const ClusterFact& cluster);

/// "a, b, c and 4 more".
std::string few(const std::vector<std::string>& all, std::size_t shown = 3);

}  // namespace provost::support
