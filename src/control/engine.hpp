// The engine: rounds of look, choose, record, act. It knows nothing of what the steps are about.
//
// A round: `look` gives the plan of this moment and what is seen; `choose` says which steps may
// begin; each gets its intent and event in one transaction and is then carried out on a pool of
// threads; how it ended is recorded in a second transaction. Killed between the two, the next start
// finds the open intent and begins the step again: every action may be repeated.
//
// On one node one action at a time: of two specifications the newer one is sent last.
//
// Intents whose step has left the plan are forgotten: what they asked for is seen or not wanted.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "control/choose.hpp"
#include "store/store.hpp"

namespace provost::control {

/// Told of sub-steps by an action. Any thread.
using Progress = std::function<void(std::string_view)>;

/// An action with all that its event needs.
struct Work {
  model::Step step;
  std::string cluster_id;
  store::Event
      about;  ///< cluster, group, node and resource are filled in; the engine adds the rest
  std::function<model::Outcome(const Progress&)> act;
};

struct Round {
  std::vector<Work> works;
  std::set<model::Condition> seen;
  std::set<model::View> views;
  std::optional<UtcTime> look_again;
};

/// A step as viewers see it: with what its running action last said.
struct StepView {
  StepState state;
  std::string cluster_id;
  std::string node;
  std::string progress;
};

class Engine {
 public:
  struct Options {
    int threads = 16;
    std::chrono::milliseconds idle{10'000};  ///< a round at least that often
  };
  /// `look` is called on the engine's thread only.
  Engine(store::Store& store, Options options, std::function<Round()> look);
  ~Engine();  ///< waits for the actions under way
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void start();
  /// No more rounds; waits for the actions under way. Safe to call twice.
  void stop();
  /// Something may have changed: look again soon. Any thread.
  void wake();
  /// The steps of the last round. Any thread.
  [[nodiscard]] std::vector<StepView> steps() const;
  /// True while an action for the cluster is under way: what it removes may be half gone, and what
  /// it makes half there. Any thread, also within `look`.
  [[nodiscard]] bool is_busy(const std::string& cluster_id) const;
  /// Forgets that steps of a cluster were refused or wait for a retry.
  Status try_again(const std::string& cluster_id);

 private:
  struct Running;
  void loop(const std::stop_token& stop);
  void round();
  [[nodiscard]] std::set<std::string> held(const std::vector<Work>& works) const;
  void begin(const Work& work, const StepState& state);
  void finish(const Work& work, store::Intent intent, const model::Outcome& outcome);
  void forget_gone(const std::vector<Work>& works);
  void worker(const std::stop_token& stop);

  store::Store& store_;
  Options options_;
  std::function<Round()> look_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;       // woken_, look_again_
  std::condition_variable_any jobs_changed_;  // jobs_
  bool woken_ = true;
  std::optional<UtcTime> look_again_;
  std::map<std::string, store::Intent> intents_;
  std::map<std::string, std::string> kinds_;  // key -> kind of its step; the engine's thread only
  struct UnderWay {
    std::string cluster_id;
    std::string node;
    std::string progress;  // the last
  };
  std::map<std::string, UnderWay> under_way_;  // by key
  std::vector<StepView> view_;
  std::vector<std::function<void()>> jobs_;

  std::vector<std::jthread> threads_;
};

}  // namespace provost::control
