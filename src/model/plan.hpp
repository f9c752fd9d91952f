// The pattern every capability follows, as values: what is wanted and what is seen go through two
// pure functions, `facts` and `plan`; the plan's actions are ordered by `control/` by what they
// need and give, their intents are stored, then they are acted on. "Done" is never reported by an
// action: it is seen in the next round.
//
// A room declares its deeds as plain structs, a `std::variant` of them, a pure `plan` that returns
// `Plan<Deed>`, and one `act` overload a deed. Nothing here does I/O.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/finding.hpp"

namespace provost::model {

/// Where a reason comes from: a file's line, a job, a check, an event. For people.
struct Origin {
  std::string text;
};

/// Why something is done: a sentence fragment that can follow "because".
struct Because {
  std::string sentence;
  std::vector<Origin> origins;
};

/// What a step would do to people's work, from what is seen when it is planned; compared again just
/// before acting.
struct Disturbance {
  std::vector<std::string> ends;      ///< running jobs that would be killed or requeued
  std::vector<std::string> awaits;    ///< running jobs that must end first
  std::vector<std::string> waiting;   ///< jobs in the queue of what is changed
  std::vector<std::string> drains;    ///< nodes
  std::vector<std::string> restarts;  ///< units
};

/// Names a state of the world, e.g. "tiny/cpu-1/registered". Either seen (a fact of this round) or
/// given by a step of the plan.
using Condition = std::string;

/// Names a picture of the outside that a plan was made from, e.g. "slurm/tiny". When it is missing,
/// the steps that read it are held back; the others go on.
using View = std::string;

/// All that `control/` knows of an action.
struct Step {
  std::string key;   ///< object, incarnation, verb: "tiny/cpu-1/2/create". Same key, same action
  std::string line;  ///< for people: "+ cpu-1  create  ml.c5.xlarge"
  std::string
      kind;  ///< steps of one kind take about as long: "create compute"; empty: not measured
  Because because;
  Disturbance disturbs;
  std::vector<Condition> needs;  ///< all must be seen before the step may run
  std::vector<Condition> gives;  ///< what will be seen some time after it ran
  std::vector<View> reads;
  std::chrono::seconds deadline{600};  ///< after which an unseen result is asked for again
};

template <class Deed>
struct Action {
  Step step;
  Deed deed;
};

template <class Deed>
struct Plan {
  std::vector<Action<Deed>> actions;
  Findings refused;  ///< impossible changes, each with the way to do it
};

/// How an action ended. There is no "done": what it brought about is seen, or it is asked again.
enum class Ended {
  asked,   ///< carried out as far as can be told
  retry,   ///< did not work this time; again after `retry_after`
  refused  ///< will not work however often it is tried; `found` says why
};

struct Outcome {
  Ended ended = Ended::asked;
  std::string found;  ///< for people: what went wrong, or what was noteworthy
  std::chrono::milliseconds retry_after{0};
};

}  // namespace provost::model
