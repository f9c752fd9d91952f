// Everything the desk and the rounds work with, in one place and in the order in which it must be
// made and taken down.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "cluster/agents.hpp"
#include "control/engine.hpp"
#include "provider/provider.hpp"
#include "scheduling/scheduling.hpp"
#include "service/cluster_model.hpp"
#include "service/collector.hpp"
#include "service/idle_watch.hpp"
#include "service/keys.hpp"
#include "service/selftest.hpp"
#include "service/settings.hpp"
#include "store/store.hpp"

namespace provost::service {

class World {
 public:
  /// `listen_for_agents` makes provostd answer agents on a gateway address; called when a cluster's
  /// network stands, again and again: it must be idempotent.
  using ListenForAgents = std::function<Status(const std::string& address)>;

  World(Settings settings, std::unique_ptr<store::Store> store,
        std::unique_ptr<provider::Provider> provider, Keys keys, std::int64_t epoch);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Begins the rounds.
  void start(ListenForAgents listen_for_agents);

  /// Ends the rounds; waits for the actions under way. What is left is found at the next start.
  void stop();

  [[nodiscard]] const Settings& settings() const { return settings_; }
  store::Store& store() { return *store_; }
  provider::Provider& provider() { return *provider_; }
  [[nodiscard]] const Keys& keys() const { return keys_; }
  [[nodiscard]] std::int64_t epoch() const { return epoch_; }
  cluster::Agents& agents() { return agents_; }
  /// Held while a change is planned and written: one at a time.
  std::mutex& change_mutex() { return change_mutex_; }
  control::Engine& engine() { return *engine_; }
  Collector& collector() { return *collector_; }
  IdleWatch& idle_watch() { return *idle_watch_; }
  Selftest& selftest() { return *selftest_; }
  /// Held by what changes a cluster's Slurm. Any thread.
  std::shared_ptr<std::mutex> slurm_mutex_of(const std::string& cluster_id);

  /// The meaning of a stored cluster; cached until its rows change. Any thread.
  Result<std::shared_ptr<const ClusterModel>> model_of(const store::Cluster& row,
                                                       const std::vector<store::Node>& nodes);
  /// Devices of the host that nodes can be given.
  [[nodiscard]] const std::vector<std::string>& host_gpus() const { return host_gpus_; }

  /// Waits until an event may have been added after id `after`, at most `limit`.
  void wait_for_event(std::int64_t after, std::chrono::milliseconds limit);

  /// What was last seen of a cluster's accounts and Slurm files; nothing after a start.
  scheduling::Seen scheduling_seen(const std::string& cluster_id);
  /// Looks at the Slurm files in force on a controller. Errors: unavailable.
  Status inspect(const cluster::NodeKey& controller);
  /// Accounts that were put in force, read back and compared.
  Status note_accounts(const std::string& cluster_id, const scheduling::Accounts& accounts);
  /// Reads the accounts of slurmdbd; many people's not oftener than each ten minutes unless `now`.
  /// Errors: unavailable.
  Status inspect_accounts(const cluster::NodeKey& controller, bool now);
  /// When accounts were put in force last; nothing: never.
  std::optional<UtcTime> accounts_agreed_at(const std::string& cluster_id);
  /// The accounts of slurmdbd are put right, whatever the campus says about drift.
  Status forget_agreed_accounts(const std::string& cluster_id);

  /// A line for the log file of a node's lifecycle script.
  void add_script_log(const cluster::NodeKey& node, const std::string& text);
  [[nodiscard]] std::string script_log_file(const std::string& cluster_id,
                                            const std::string& node) const;

 private:
  friend class Rounds;

  Settings settings_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<provider::Provider> provider_;
  Keys keys_;
  std::int64_t epoch_;
  std::vector<std::string> host_gpus_;
  cluster::Agents agents_;
  std::mutex change_mutex_;
  std::mutex models_mutex_;
  std::map<std::string, std::pair<std::string, std::shared_ptr<const ClusterModel>>> models_;
  std::map<std::string, scheduling::Seen> scheduling_;  // by cluster id; under models_mutex_
  std::map<std::string, std::chrono::steady_clock::time_point> accounts_read_;  // the same
  std::mutex log_mutex_;
  ListenForAgents listen_for_agents_;
  std::unique_ptr<Collector> collector_;
  std::unique_ptr<control::Engine> engine_;  // its actions use all of the above
  std::unique_ptr<IdleWatch> idle_watch_;
  std::mutex slurm_mutexes_mutex_;
  std::map<std::string, std::shared_ptr<std::mutex>> slurm_mutexes_;  // by cluster id
  std::unique_ptr<Selftest> selftest_;
};

}  // namespace provost::service
