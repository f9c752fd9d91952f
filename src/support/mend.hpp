// What `provost doctor --fix` does: only what cannot harm a cluster, a job or data.
#pragma once

#include <string>
#include <vector>

#include "support/facts.hpp"

namespace provost::support {

struct Mended {
  std::string what;  ///< "removed bridge pv-k3x9q2"
  bool done = true;
  std::string problem;  ///< why not
};

/// Makes missing directories, closes files with secrets, raises kernel limits for clusters that are
/// there, removes leftovers as `removing` allows, and has a provostd that systemd
/// manages renew a certificate that is near its end.
std::vector<Mended> mend(const HostFacts& facts, provider::local::Removing removing);

}  // namespace provost::support
