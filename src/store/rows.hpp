// The rows of the store, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "model/cluster_state.hpp"
#include "model/plan.hpp"

namespace provost::store {

/// A file as the user gave it.
struct GivenFile {
  std::string name;
  std::string text;
};

/// A cluster that is wanted (or being taken away), with what was made once for it.
struct Cluster {
  std::string id;  ///< 12 lower-case letters and digits
  std::string name;
  std::string arn;
  UtcTime created{};
  GivenFile cluster_config;
  std::optional<GivenFile> provisioning_parameters;
  std::optional<GivenFile> campus;
  std::string types;       ///< the instance types as they were then, as CSV; empty: HyperPod's
  std::string network_id;  ///< names of interfaces derive from it
  std::string subnet;      ///< "10.77.4.0/22"
  bool arrived = false;    ///< has been InService once
  std::string changing;    ///< fingerprint of the change under way; empty: none
  std::string
      slurm_edits;  ///< what was changed by hand in Slurm's files and stays; `slurm/` encodes
  model::Phase phase = model::Phase::normal;
  std::string failure;       ///< why the last operation was rolled back; sticky until the next
  std::string undo;          ///< files before the change under way, as `service/` writes them
  UtcTime began{};           ///< when the operation under way, or the last one, began
  bool keep_failed = false;  ///< a creation that fails is not rolled back
  bool deleting = false;
  bool delete_data = false;
  std::string overlay;    ///< what supervisors changed, as `service/` writes it; empty: nothing
  std::string munge_key;  ///< secrets: never logged, never in an answer
  std::string admin_key_public;
  std::string host_key;
  std::string host_key_public;
};

struct Node {
  std::string cluster_id;
  std::string name;
  std::string group;
  int number = 0;
  std::string address;
  std::string instance_id;
  int incarnation = 1;
  model::NodeStatus status = model::NodeStatus::pending;
  std::string message;  ///< sticky: the last failure
  UtcTime launched{};
  model::Leaving leaving = model::Leaving::no;
};

/// An action that was begun: written before acting, ended after.
struct Intent {
  std::string key;
  std::string cluster_id;
  int attempt = 0;
  UtcTime begun{};
  std::optional<UtcTime> ended;  ///< absent: it may be half done
  model::Ended outcome = model::Ended::asked;
  std::string found;
  UtcTime retry_at{};
};

enum class Level { info, warn, error };
enum class Resource { cluster, group, node };

struct Event {
  std::int64_t id = 0;
  UtcTime time{};
  Level level = Level::info;
  Resource resource = Resource::cluster;
  std::string cluster;  ///< name
  std::string group;
  std::string node;
  std::string actor;  ///< "provostd", "root", a token's name
  std::string what;
  std::string because;
};

/// What a deletion found, for the inventory at its end. `was`, `kept` are JSON made by `service/`.
struct Removal {
  std::string cluster;  ///< name
  std::string cluster_id;
  std::string state;  ///< "running", "done", "failed"
  std::string was;
  std::string left;
  std::string kept;
  std::string message;
};

struct Token {
  std::string name;
  std::string hash;  ///< SHA-256 of the secret, hexadecimal
  UtcTime created{};
};

}  // namespace provost::store
