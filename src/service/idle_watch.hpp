// Carries out the campus's rule about allocations that nobody uses: looks at every running job's
// use, warns its owner in the session and by letter, releases what stays unused. One thread.
//
// What is to be done is written, with its event, before it is done, and done again by the next
// provostd if this one is killed between; a job is never released without its warning.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "scheduling/idle.hpp"
#include "service/cluster_model.hpp"
#include "slurm/client.hpp"
#include "store/rows.hpp"

namespace provost::service {

class World;

/// A running job as the rule sees it.
struct IdleJob {
  scheduling::RunningJob job;
  std::string left_alone;  ///< why the rule does not concern it; empty: it does
  std::optional<scheduling::Unused> unused;
  UtcTime release{};  ///< of an unused one, unless it is used
};

class IdleWatch {
 public:
  explicit IdleWatch(World& world);
  ~IdleWatch();
  IdleWatch(const IdleWatch&) = delete;
  IdleWatch& operator=(const IdleWatch&) = delete;

  /// Ends the watch; a command under way is waited for.
  void stop();

  /// As seen last. Any thread.
  [[nodiscard]] std::vector<IdleJob> jobs(const std::string& cluster_id) const;

 private:
  using Looks = std::map<std::int64_t, scheduling::LastLook>;  // by job
  struct Case;
  void loop(const std::stop_token& stop);
  void look_at(const store::Cluster& row);
  void judge(Case& one);
  scheduling::IdleAct judge(Case& one, IdleJob& idle, Looks& looks);
  scheduling::SeenUse use_of(const Case& one, const scheduling::RunningJob& job);
  static void add_gpus(const Case& one, const scheduling::RunningJob& job,
                       const model::NodePlace& place, const cluster::AgentSeen& seen,
                       scheduling::SeenUse& use);
  static void find_gpus(Case& one);
  void note(Case& one, const scheduling::RunningJob& job, const scheduling::Unused& unused);
  void warn(Case& one, const scheduling::RunningJob& job, const scheduling::Unused& unused);
  void release(Case& one, const scheduling::RunningJob& job, const scheduling::Unused& unused);
  Status keep(Case& one);

  World& world_;
  std::map<std::string, Looks> looks_;  // by cluster id; on the thread alone
  mutable std::mutex mutex_;
  std::condition_variable_any woken_;
  std::map<std::string, std::vector<IdleJob>> jobs_;
  std::jthread thread_;
};

}  // namespace provost::service
