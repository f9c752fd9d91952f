// A copy of the store in one file, and the way back. The file is a gzipped tar archive of
// manifest.json (what it is, and a check sum) and provost.db, mode 0600: the keys of provostd and
// of all clusters are inside. Nodes' disks, buckets and /fsx are not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace provost::store {

struct BackedUpCluster {
  std::string name;
  std::string id;
  int nodes = 0;
};

/// What manifest.json says.
struct Manifest {
  std::string version;  ///< of the Provost that made it
  std::string host;
  UtcTime made{};
  std::vector<std::string> migrations;
  std::vector<BackedUpCluster> clusters;
  std::uint64_t bytes = 0;  ///< of provost.db
  std::string sha256;       ///< of provost.db, hexadecimal
};

std::string to_json(const Manifest& manifest);
/// Errors: invalid (not a manifest; of a newer format or schema).
Result<Manifest> read_manifest(const std::string& text);

/// Copies the store of `state`, also while a provostd works on it, into the new file `file`. A file
/// that is there is not overwritten. Errors: not_found (no store), conflict (`file` is there; a
/// restore is half done), invalid (the store is damaged), limit (disk full), denied.
Result<Manifest> back_up(const std::string& state, const std::string& file);

/// A machine that is on the host when a store is restored.
struct HostMachine {
  std::string cluster;
  std::string node;
  std::string network_id;  ///< of its cluster
  int incarnation = 0;
};

struct RestoreChoice {
  std::vector<HostMachine> machines;
  std::vector<std::string> without;  ///< clusters of the backup that shall not come back
};

/// What became of the clusters of backup and host.
struct Restored {
  Manifest manifest;
  std::string kept;  ///< directory with the store that was there; empty: there was none
  std::vector<std::string> found;    ///< clusters of the backup with machines on this host
  std::vector<std::string> absent;   ///< without: their machines are made anew
  std::vector<std::string> strays;   ///< clusters on this host that the backup does not know
  std::vector<std::string> adopted;  ///< nodes made anew since: "CLUSTER/NODE"
};

/// Reads `file` wholly, in a directory below `state` that is gone afterwards, and says what
/// `restore` would do. Changes nothing. Errors: as `restore`.
Result<Restored> check_backup(const std::string& file, const std::string& state,
                              const RestoreChoice& choice);

/// Puts the store of `file` in place of that of `state` and keeps the old one in
/// `state`/replaced-TIME. May be killed at any instant: either nothing has happened, or the next
/// `Store::open` or `restore` goes on to the end. Nodes made anew since the backup stay as they
/// are; agents will obey (the epoch is beyond every earlier one). Errors: conflict (a provostd
/// works on `state`; a cluster of the backup has another one's machines under its name), invalid
/// (not a backup, damaged, truncated, of a newer Provost; `without` names no cluster), not_found,
/// denied, limit.
Result<Restored> restore(const std::string& file, const std::string& state,
                         const RestoreChoice& choice);

/// Goes on with a restore that was interrupted after its decision; nothing to do: success. The
/// caller holds the lock of `state`.
Status finish_restore(const std::string& state);

/// Where a restore that is decided waits for its end.
std::string pending_restore(const std::string& state);

}  // namespace provost::store
