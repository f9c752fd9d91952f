// A look at a store from outside, for `provost doctor`: read only, also beside a provostd that uses
// it, and whatever state the file is in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace provost::store {

struct KnownCluster {
  std::string id;
  std::string name;
  std::string network_id;
  int nodes = 0;
};

struct Inspected {
  std::string file;
  bool exists = false;
  std::string damage;                ///< why it cannot be read or trusted; empty: it is whole
  std::vector<std::string> missing;  ///< migrations of this program that it has not had
  std::vector<std::string> unknown;  ///< migrations that a newer program made
  std::optional<UtcTime> last_event;
  std::vector<KnownCluster> clusters;
  std::string authority;  ///< certificate, PEM; empty: none yet

  /// What it says of clusters can be relied upon.
  [[nodiscard]] bool trusted() const { return exists && damage.empty() && unknown.empty(); }
};

/// Checks every page of `directory`/provost.db and reads what it says. Never fails: a file that is
/// no store is `damage`.
Inspected inspect(const std::string& directory);

}  // namespace provost::store
