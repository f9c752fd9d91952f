// Which steps may begin now: pure. The engine asks after every observation.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "model/plan.hpp"
#include "store/rows.hpp"

namespace provost::control {

/// Where a step of the present plan stands.
enum class Standing {
  ready,     ///< begins now
  running,   ///< an action of its key is under way
  waiting,   ///< for conditions, a view, or jobs that must end first
  asked,     ///< was carried out; what it gives is not seen yet
  retrying,  ///< did not work; waits for its time
  refused    ///< will not work
};
std::string_view name(Standing standing);

struct StepState {
  model::Step step;
  Standing standing = Standing::waiting;
  std::vector<std::string> waits_for;  ///< conditions not seen, views missing, jobs
  int attempt = 0;
  std::string found;  ///< of the last attempt
  UtcTime since{};    ///< when the last attempt began; zero: none yet
};

struct Picture {
  std::set<model::Condition> seen;
  std::set<model::View> views;                   ///< those that are there this round
  std::map<std::string, store::Intent> intents;  ///< by key
  std::set<std::string> under_way;               ///< keys
  std::set<std::string> held;  ///< keys of steps on whose node another action is under way
};

struct Choice {
  std::vector<StepState> states;      ///< one a step, in the order in which they would run
  std::optional<UtcTime> look_again;  ///< when a retry or a deadline falls due
};

/// Orders `steps` so that what gives a condition stands before what needs it (ties by place in the
/// plan) and says of each where it stands. A cycle is broken at its first step; a test forbids
/// them.
Choice choose(const std::vector<model::Step>& steps, const Picture& picture, UtcTime now);

/// The order alone: indices into `steps`.
std::vector<std::size_t> order(const std::vector<model::Step>& steps);

}  // namespace provost::control
