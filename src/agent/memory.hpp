// What the agent must not forget when it is restarted: kept in files below its state directory,
// written before what it announces is done.
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/result.hpp"
#include "protocol/messages.hpp"

namespace provost::agent {

/// Thread-safe.
class Memory {
 public:
  /// Reads what is there. A file that cannot be read as ours counts as none (the node is then
  /// worked through anew, which is harmless but for the script: its marker is a file of its own).
  static Result<std::unique_ptr<Memory>> open(const std::string& directory);

  [[nodiscard]] std::int64_t epoch() const;
  Status set_epoch(std::int64_t epoch);

  /// Units that were to be restarted because of files written; not restarted yet.
  [[nodiscard]] std::set<std::string> owed() const;
  Status set_owed(const std::set<std::string>& units);

  /// How the lifecycle script of this incarnation went. `digest` names the order it was run for.
  struct Script {
    std::string digest;
    protocol::ScriptReport report;
  };
  [[nodiscard]] Script script() const;
  Status set_script(const Script& script);

  /// The last specification, without its script's bundle: a node that boots while provostd is away
  /// still becomes what it was.
  [[nodiscard]] std::optional<protocol::Spec> last_spec() const;
  Status keep_spec(const protocol::Spec& spec);

 private:
  explicit Memory(std::string directory) : directory_(std::move(directory)) {}
  void read();
  Status write();

  std::string directory_;
  mutable std::mutex mutex_;
  std::int64_t epoch_ = 0;
  std::set<std::string> owed_;
  Script script_;
};

}  // namespace provost::agent
