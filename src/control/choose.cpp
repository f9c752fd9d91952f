#include "control/choose.hpp"

#include <algorithm>
#include <array>

namespace provost::control {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"ready", "running",  "waiting",
                                                    "asked", "retrying", "refused"};

std::vector<std::string> missing(const model::Step& step, const Picture& picture) {
  std::vector<std::string> waits;
  for (const model::Condition& condition : step.needs) {
    if (!picture.seen.contains(condition)) {
      waits.push_back(condition);
    }
  }
  for (const model::View& view : step.reads) {
    if (!picture.views.contains(view)) {
      waits.push_back("a view of " + view);
    }
  }
  for (const std::string& job : step.disturbs.awaits) {
    waits.push_back("job " + job + " to end");
  }
  return waits;
}

void keep_earliest(std::optional<UtcTime>& earliest, UtcTime time) {
  if (!earliest || time < *earliest) {
    earliest = time;
  }
}

Standing standing_after(const model::Step& step, const store::Intent& intent, UtcTime now,
                        std::optional<UtcTime>& look_again) {
  if (!intent.ended) {
    return Standing::ready;  // cut off in the middle: actions may be repeated
  }
  switch (intent.outcome) {
    case model::Ended::refused:
      return Standing::refused;
    case model::Ended::retry:
      // Further ahead than it was put off when it ended: the clock was set back since.
      if (now >= intent.retry_at || now < *intent.ended) {
        return Standing::ready;
      }
      keep_earliest(look_again, intent.retry_at);
      return Standing::retrying;
    case model::Ended::asked:
      break;
  }
  const UtcTime overdue = *intent.ended + step.deadline;
  if (now >= overdue || now < *intent.ended) {
    return Standing::ready;
  }
  keep_earliest(look_again, overdue);
  return Standing::asked;
}

}  // namespace

std::string_view name(Standing standing) { return kNames.at(static_cast<std::size_t>(standing)); }

std::vector<std::size_t> order(const std::vector<model::Step>& steps) {
  std::map<model::Condition, std::vector<std::size_t>> givers;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const model::Condition& given : steps[i].gives) {
      givers[given].push_back(i);
    }
  }
  std::vector<std::size_t> blocked_by(steps.size(), 0);
  std::vector<std::vector<std::size_t>> frees(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const model::Condition& needed : steps[i].needs) {
      for (const std::size_t giver : givers[needed]) {
        if (giver != i) {
          frees[giver].push_back(i);
          ++blocked_by[i];
        }
      }
    }
  }
  std::set<std::size_t> open;
  std::set<std::size_t> left;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    left.insert(i);
    if (blocked_by[i] == 0) {
      open.insert(i);
    }
  }
  std::vector<std::size_t> ordered;
  while (!left.empty()) {
    const std::size_t next = open.empty() ? *left.begin() : *open.begin();
    open.erase(next);
    left.erase(next);
    ordered.push_back(next);
    for (const std::size_t freed : frees[next]) {
      if (--blocked_by[freed] == 0 && left.contains(freed)) {
        open.insert(freed);
      }
    }
  }
  return ordered;
}

Choice choose(const std::vector<model::Step>& steps, const Picture& picture, UtcTime now) {
  Choice choice;
  for (const std::size_t index : order(steps)) {
    StepState state{.step = steps[index]};
    const auto intent = picture.intents.find(state.step.key);
    if (intent != picture.intents.end()) {
      state.attempt = intent->second.attempt;
      state.found = intent->second.found;
      state.since = intent->second.begun;
    }
    state.waits_for = missing(state.step, picture);
    if (picture.held.contains(state.step.key)) {
      state.waits_for.emplace_back("another action on the node to end");
    }
    if (picture.under_way.contains(state.step.key)) {
      state.standing = Standing::running;
    } else if (!state.waits_for.empty()) {
      state.standing = Standing::waiting;
    } else if (intent == picture.intents.end()) {
      state.standing = Standing::ready;
    } else {
      state.standing = standing_after(state.step, intent->second, now, choice.look_again);
    }
    choice.states.push_back(std::move(state));
  }
  return choice;
}

}  // namespace provost::control
