// Runs the tries of the policy (scheduling/selftest.hpp) on clusters: when somebody asks, and after
// a change where the campus wants it. One thread, one cluster at a time.
//
// That a run is due, that one has begun and what it found are kept in the store: a provostd that
// was killed takes away what its run left in Slurm and on the nodes, and begins it anew.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/time.hpp"
#include "scheduling/selftest.hpp"
#include "service/cluster_model.hpp"
#include "store/rows.hpp"

namespace provost::service {

class World;

struct SelftestReport {
  bool waiting = false;  ///< a run is due or under way
  std::string trying;    ///< what is being done, while it is
  UtcTime ended{};       ///< of the last run; the epoch: there was none
  std::string because;   ///< of the last or present run: "root asked for it"
  std::vector<scheduling::Check> checks;
};

/// The key of the store's setting that says that a run is due, and why.
std::string selftest_due_key(const std::string& cluster_id);

class Selftest {
 public:
  explicit Selftest(World& world);
  ~Selftest();
  Selftest(const Selftest&) = delete;
  Selftest& operator=(const Selftest&) = delete;

  /// Ends the thread; the command under way is waited for.
  void stop();

  /// Makes a run due. Any thread. Errors: those of the store.
  Status ask(const std::string& cluster_id, const std::string& because);
  /// Looks soon whether a run is due.
  void wake();
  [[nodiscard]] SelftestReport report(const std::string& cluster_id) const;

 private:
  class Run;
  void loop(const std::stop_token& stop);
  void look_at(const store::Cluster& row, const std::stop_token& stop);
  bool take_away(Run& run);
  void keep(const store::Cluster& row, const std::string& because,
            const std::vector<scheduling::Check>& checks, const std::string& left);
  void show(const std::string& cluster_id, const std::string& trying);

  World& world_;
  mutable std::mutex mutex_;
  std::condition_variable_any woken_;
  bool news_ = false;
  std::map<std::string, std::string> trying_;  // by cluster id
  std::jthread thread_;
};

}  // namespace provost::service
