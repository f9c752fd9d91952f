#include "control/engine.hpp"

#include <algorithm>
#include <ctime>

#include "base/log.hpp"
#include "os/fault.hpp"

namespace provost::control {
namespace {

constexpr std::string_view kRoom = "control";

std::chrono::milliseconds backoff(int attempt) {
  constexpr int kDoublings = 6;
  return std::chrono::milliseconds(500) * (1 << std::min(attempt - 1, kDoublings));
}

// Whatever happens while the engine rests costs one round together: rounds of a large cluster,
// where something happens all the time, take a fifth of a processor at most.
constexpr int kRest = 4;
constexpr std::chrono::nanoseconds kLongestRest = std::chrono::milliseconds(500);

/// Processor time of this thread.
std::chrono::nanoseconds used() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Engine::Engine(store::Store& store, Options options, std::function<Round()> look)
    : store_(store), options_(options), look_(std::move(look)) {
  for (store::Intent& intent : store_.intents()) {
    if (intent.outcome == model::Ended::asked) {
      intent.ended
          .reset();  // what was waited for may have been seen by the provostd that asked, alone
    }
    intents_.emplace(intent.key, intent);
  }
}

Engine::~Engine() { stop(); }

void Engine::stop() {
  for (std::jthread& thread : threads_) {
    thread.request_stop();
  }
  threads_.clear();
}

void Engine::start() {
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { worker(stop); });
  }
  threads_.emplace_back([this](const std::stop_token& stop) { loop(stop); });
}

void Engine::wake() {
  {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

std::vector<StepView> Engine::steps() const {
  const std::scoped_lock lock(mutex_);
  std::vector<StepView> views = view_;
  for (StepView& view : views) {
    const auto running = under_way_.find(view.state.step.key);
    if (running != under_way_.end()) {
      view.state.standing = Standing::running;
      view.progress = running->second.progress;
    }
  }
  return views;
}

bool Engine::is_busy(const std::string& cluster_id) const {
  const std::scoped_lock lock(mutex_);
  return std::any_of(under_way_.begin(), under_way_.end(),
                     [&](const auto& entry) { return entry.second.cluster_id == cluster_id; });
}

Status Engine::try_again(const std::string& cluster_id) {
  std::vector<std::string> keys;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, intent] : intents_) {
      if (intent.cluster_id == cluster_id && intent.ended && !under_way_.contains(key) &&
          intent.outcome != model::Ended::asked) {
        keys.push_back(key);
      }
    }
  }
  Status written = store_.write("try-again", [&](store::Writer& writer) {
    for (const std::string& key : keys) {
      writer.delete_intent(key);
    }
  });
  if (written) {
    const std::scoped_lock lock(mutex_);
    for (const std::string& key : keys) {
      intents_.erase(key);
    }
  }
  wake();
  return written;
}

void Engine::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto before = used();
    round();
    const auto rest = std::min((used() - before) * kRest, kLongestRest);
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, rest, [] { return false; });
    auto pause = options_.idle;
    if (look_again_) {
      const auto until = std::chrono::ceil<std::chrono::milliseconds>(*look_again_ - now_utc());
      pause = std::clamp(until, std::chrono::milliseconds(0), pause);
    }
    // By the steady clock, whatever becomes of the other.
    changed_.wait_for(lock, stop, pause, [this] { return woken_; });
  }
}

void Engine::worker(const std::stop_token& stop) {
  while (true) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      if (!jobs_changed_.wait(lock, stop, [this] { return !jobs_.empty(); })) {
        return;
      }
      job = std::move(jobs_.front());
      jobs_.erase(jobs_.begin());
    }
    job();
  }
}

void Engine::round() {
  {
    const std::scoped_lock lock(mutex_);
    woken_ = false;
  }
  const Round round = look_();
  forget_gone(round.works);

  std::vector<model::Step> steps;
  std::map<std::string, const Work*> by_key;
  for (const Work& work : round.works) {
    steps.push_back(work.step);
    by_key.emplace(work.step.key, &work);
  }
  for (const Work& work : round.works) {
    if (!work.step.kind.empty()) {
      kinds_[work.step.key] = work.step.kind;
    }
  }
  Choice choice;
  {
    const std::scoped_lock lock(mutex_);
    Picture picture{.seen = round.seen, .views = round.views, .intents = intents_, .under_way = {}};
    for (const auto& [key, action] : under_way_) {
      picture.under_way.insert(key);
    }
    picture.held = held(round.works);
    choice = choose(steps, picture, now_utc());
    look_again_ = choice.look_again;
    if (round.look_again && (!look_again_ || *round.look_again < *look_again_)) {
      look_again_ = round.look_again;
    }
    view_.clear();
    for (const StepState& state : choice.states) {
      const Work& work = *by_key.at(state.step.key);
      view_.push_back({state, work.cluster_id, work.about.node, {}});
    }
  }
  std::set<std::pair<std::string, std::string>> begun;
  for (const StepState& state : choice.states) {
    const Work& work = *by_key.at(state.step.key);
    if (state.standing == Standing::ready &&
        (work.about.node.empty() || begun.emplace(work.cluster_id, work.about.node).second)) {
      begin(work, state);
    }
  }
}

std::set<std::string> Engine::held(const std::vector<Work>& works) const {
  std::map<std::pair<std::string, std::string>, std::string> busy;  // node -> key
  for (const auto& [key, action] : under_way_) {
    if (!action.node.empty()) {
      busy.emplace(std::pair(action.cluster_id, action.node), key);
    }
  }
  std::set<std::string> keys;
  for (const Work& work : works) {
    const auto found = busy.find({work.cluster_id, work.about.node});
    if (found != busy.end() && found->second != work.step.key) {
      keys.insert(work.step.key);
    }
  }
  return keys;
}

void Engine::forget_gone(const std::vector<Work>& works) {
  std::set<std::string> wanted;
  for (const Work& work : works) {
    wanted.insert(work.step.key);
  }
  std::vector<std::string> gone;
  std::vector<std::pair<std::string, double>> took;  // steps whose result is seen
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, intent] : intents_) {
      if (wanted.contains(key) || under_way_.contains(key)) {
        continue;
      }
      gone.push_back(key);
      const auto kind = kinds_.find(key);
      if (kind != kinds_.end() && intent.attempt == 1 && intent.ended) {
        took.emplace_back(kind->second,
                          std::chrono::duration<double>(now_utc() - intent.begun).count());
      }
    }
    for (const std::string& key : gone) {
      intents_.erase(key);
    }
  }
  if (gone.empty()) {
    return;
  }
  const Status written = store_.write("forget-intents", [&](store::Writer& writer) {
    for (const std::string& key : gone) {
      writer.delete_intent(key);
    }
    for (const auto& [kind, seconds] : took) {
      writer.add_step_time(kind, seconds);
    }
  });
  for (const std::string& key : gone) {
    kinds_.erase(key);
  }
  if (!written) {
    log::warning(kRoom, "{}", written.error().message);  // harmless: they are deleted next time
  }
}

void Engine::begin(const Work& work, const StepState& state) {
  store::Intent intent{.key = work.step.key,
                       .cluster_id = work.cluster_id,
                       .attempt = state.attempt + 1,
                       .begun = now_utc(),
                       .ended = std::nullopt,
                       .outcome = model::Ended::asked,
                       .found = {},
                       .retry_at = {}};
  store::Event event = work.about;
  event.what = work.step.line;
  event.because = work.step.because.sentence;
  if (state.attempt > 0) {
    event.because += fmt::format(" (attempt {}{})", intent.attempt,
                                 state.found.empty() ? "" : ": " + state.found);
  }
  const Status written = store_.write("begin:" + work.step.key, [&](store::Writer& writer) {
    writer.put_intent(intent);
    writer.add_event(event);
  });
  if (!written) {
    // Nothing is acted on that is not recorded; the next round tries again.
    log::error(kRoom, "step={} not begun: {}", work.step.key, written.error().message);
    return;
  }
  const std::scoped_lock lock(mutex_);
  intents_[intent.key] = intent;
  under_way_[intent.key] = {work.cluster_id, work.about.node, {}};
  jobs_.push_back([this, work, intent] {
    os::fault::pass("act.before:" + work.step.key);
    const model::Outcome outcome = work.act([this, key = intent.key](std::string_view text) {
      const std::scoped_lock inner(mutex_);
      under_way_[key].progress = std::string(text);
    });
    os::fault::pass("act.after:" + work.step.key);
    finish(work, intent, outcome);
  });
  jobs_changed_.notify_one();
}

void Engine::finish(const Work& work, store::Intent intent, const model::Outcome& outcome) {
  intent.ended = now_utc();
  intent.outcome = outcome.ended;
  intent.found = outcome.found;
  if (outcome.ended == model::Ended::retry) {
    const auto delay =
        outcome.retry_after.count() > 0 ? outcome.retry_after : backoff(intent.attempt);
    intent.retry_at = *intent.ended + delay;
  }
  store::Event event = work.about;
  event.level = outcome.ended == model::Ended::refused ? store::Level::error : store::Level::warn;
  event.what =
      fmt::format("{}: {}", work.step.line,
                  outcome.ended == model::Ended::refused ? "failed" : "will be tried again");
  event.because = outcome.found;
  const Status written = store_.write("end:" + work.step.key, [&](store::Writer& writer) {
    writer.put_intent(intent);
    if (outcome.ended != model::Ended::asked) {
      writer.add_event(event);
    }
  });
  if (!written) {
    log::error(kRoom, "step={} outcome not recorded: {}", work.step.key, written.error().message);
  }
  {
    const std::scoped_lock lock(mutex_);
    intents_[intent.key] = intent;
    under_way_.erase(intent.key);
  }
  wake();
}

}  // namespace provost::control
