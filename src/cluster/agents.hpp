// The agents that are connected, and what they last said. The endpoint in `api/` feeds it; the plan
// reads it; actions send through it. Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "os/process.hpp"
#include "protocol/messages.hpp"

namespace provost::cluster {

/// A node of a cluster, by the cluster's id (names may be used again).
struct NodeKey {
  std::string cluster_id;
  std::string node;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes <=>'s zero for a pointer.
  friend auto operator<=>(const NodeKey&, const NodeKey&) = default;
};

/// What the plan sees of an agent.
struct AgentSeen {
  bool connected = false;
  std::int64_t connection = 0;  ///< goes up with each connection
  int incarnation = 0;
  std::string boot_id;
  UtcTime heard{};
  std::optional<protocol::Report> report;  ///< of this connection
  std::optional<protocol::Inventory> inventory;
  std::optional<std::vector<protocol::JobUse>> jobs;  ///< of this connection
  std::optional<std::vector<protocol::GpuUse>> gpus;  ///< heard with `jobs`; nothing: none tells
  UtcTime jobs_heard{};
};

class Agents {
 public:
  using Send = std::function<void(std::string frame)>;
  using Changed = std::function<void()>;
  using OnLog = std::function<void(const NodeKey&, const protocol::LogChunk&)>;

  /// `changed` is called when something was said that a plan may depend on (not for heartbeats that
  /// say nothing new).
  /// Connections are numbered from `first` on: what was asked over one of an earlier provostd is
  /// not taken for asked over one of this.
  Agents(Changed changed, OnLog on_log, std::int64_t first = 1);

  /// A connection was opened by the agent of `node`; an older one of the node is replaced. Returns
  /// the connection's number.
  std::int64_t connected(const NodeKey& node, const protocol::Hello& hello, Send send);
  void heard(const NodeKey& node, std::int64_t connection, const protocol::Message& message);
  void disconnected(const NodeKey& node, std::int64_t connection);
  void forget(const std::string& cluster_id);
  /// Ends every wait for a command: provostd is about to end.
  void forget_all();

  [[nodiscard]] AgentSeen seen(const NodeKey& node) const;

  /// Errors: unavailable when the node's agent is not connected.
  Status send(const NodeKey& node, const protocol::Message& message);

  struct Order {
    std::vector<std::string> argv;
    std::string input;
    std::chrono::seconds timeout{60};  ///< 0: none
  };
  /// Runs a command as root on the node and waits for its end. `on_output` is called as output
  /// comes (then Ran's texts stay empty); a stop request cancels. Errors: unavailable (no agent, or
  /// it was lost on the way), timeout.
  Result<os::Ran> run(const NodeKey& node, const Order& order, const os::OnOutput& on_output = {},
                      const std::stop_token& stop = {});

 private:
  struct Run;
  struct Agent {
    AgentSeen seen;
    Send send;
    std::map<std::int64_t, std::shared_ptr<Run>> runs;
  };
  void hear_report(Agent& agent, const protocol::Report& report, bool& news);
  void fail_runs(Agent& agent);

  Changed changed_;
  OnLog on_log_;
  mutable std::mutex mutex_;
  std::map<NodeKey, Agent> agents_;
  std::int64_t next_connection_;
  std::int64_t next_run_ = 1;
};

}  // namespace provost::cluster
