#include "agent/worker.hpp"

#include <algorithm>

#include "agent/changes.hpp"
#include "agent/inventory.hpp"
#include "agent/script.hpp"
#include "agent/units.hpp"
#include "base/log.hpp"

namespace provost::agent {
namespace {

using model::Stage;
using protocol::ScriptState;
using protocol::UnitState;

constexpr const char* kRoom = "agent";
// How often units are looked at when nothing is asked, and how soon a failure is tried again.
constexpr std::chrono::seconds kLook{15};
constexpr std::chrono::seconds kAgain{3};

std::vector<model::UnitPart> of_stage(const protocol::Spec& spec, Stage stage) {
  std::vector<model::UnitPart> units;
  std::copy_if(spec.part.units.begin(), spec.part.units.end(), std::back_inserter(units),
               [&](const model::UnitPart& unit) { return unit.stage == stage; });
  return units;
}

bool is_settled(const protocol::Report& report, const protocol::Spec& spec) {
  const auto ready = [&](const protocol::UnitReport& unit) {
    return unit.state == UnitState::up || unit.state == UnitState::waiting;
  };
  return report.revision == spec.revision && report.failure.empty() &&
         std::all_of(report.units.begin(), report.units.end(), ready);
}

}  // namespace

Worker::Worker(Memory& memory, std::string root, Callbacks callbacks)
    : memory_(memory), root_(std::move(root)), callbacks_(std::move(callbacks)) {
  report_.script = memory_.script().report;
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

Worker::~Worker() {
  thread_.request_stop();
  thread_.join();
}

void Worker::offer(protocol::Spec spec) {
  const std::scoped_lock lock(mutex_);
  offered_ = std::move(spec);
  woken_.notify_all();
}

protocol::Report Worker::report() const {
  const std::scoped_lock lock(mutex_);
  return report_;
}

bool Worker::superseded() const {
  const std::scoped_lock lock(mutex_);
  return offered_.has_value();
}

void Worker::change(const std::function<void(protocol::Report&)>& how) {
  {
    const std::scoped_lock lock(mutex_);
    how(report_);
  }
  callbacks_.changed();
}

void Worker::set_unit(const std::string& unit, UnitState state, const std::string& message) {
  bool news = false;
  {
    const std::scoped_lock lock(mutex_);
    for (protocol::UnitReport& each : report_.units) {
      if (each.name == unit && (each.state != state || each.message != message)) {
        each.state = state;
        each.message = message;
        news = true;
      }
    }
  }
  if (news) {
    callbacks_.changed();
  }
}

void Worker::work(const std::stop_token& stop) {
  std::optional<protocol::Spec> spec;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      const auto pause =
          !spec ? std::chrono::hours(1) : (is_settled(report_, *spec) ? kLook : kAgain);
      woken_.wait_for(lock, stop, pause, [&] { return offered_.has_value(); });
      if (offered_) {
        spec = std::move(offered_);
        offered_.reset();
      }
    }
    if (spec && !stop.stop_requested()) {
      apply(*spec, stop);
    }
  }
}

void Worker::apply(const protocol::Spec& spec, const std::stop_token& stop) {
  change([&](protocol::Report& report) {
    std::vector<protocol::UnitReport> units;
    for (const model::UnitPart& unit : spec.part.units) {
      const auto known =
          std::find_if(report.units.begin(), report.units.end(),
                       [&](const protocol::UnitReport& each) { return each.name == unit.name; });
      units.push_back(known == report.units.end() ? protocol::UnitReport{.name = unit.name}
                                                  : *known);
    }
    report.units = std::move(units);
  });
  if (then_revision_ != spec.revision) {
    then_done_.clear();
    then_revision_ = spec.revision;
  }
  if (!apply_files(spec)) {
    return;
  }
  if (Status kept = memory_.keep_spec(spec); !kept) {
    log::warning(kRoom, "the specification could not be kept: {}", kept.error().message);
  }
  const bool is_late = spec.script && spec.script->late;
  bool going_on = apply_stage(spec, Stage::base, stop) && (is_late || apply_script(spec, stop));
  for (const Stage stage : {Stage::service, Stage::worker}) {
    const bool is_open = stage <= spec.opened || of_stage(spec, stage).empty();
    going_on = going_on && is_open && !superseded() && apply_stage(spec, stage, stop);
  }
  if (is_late && going_on && !superseded()) {
    apply_script(spec, stop);
  }
}

Status Worker::note_owed(const protocol::Spec& spec, const std::set<std::string>& about_to_change) {
  std::set<std::string> owed = memory_.owed();
  for (const model::UnitPart& unit : spec.part.units) {
    if (std::any_of(unit.restart_on.begin(), unit.restart_on.end(),
                    [&](const std::string& path) { return about_to_change.contains(path); })) {
      owed.insert(unit.name);
    }
  }
  return memory_.set_owed(owed);
}

bool Worker::apply_files(const protocol::Spec& spec) {
  const auto written =
      put_in_place(spec.part, root_, [&](const std::set<std::string>& about_to_change) {
        return note_owed(spec, about_to_change);
      });
  std::string failure = written ? std::string() : written.error().message;
  if (written && concerns_systemd(*written)) {
    if (Status reloaded = reload_systemd(); !reloaded) {
      failure = reloaded.error().message;
    }
  }
  if (!failure.empty()) {
    log::error(kRoom, "revision={} {}", spec.revision, failure);
  }
  const protocol::Report before = report();
  const std::string revision = failure.empty() ? spec.revision : before.revision;
  if (before.revision != revision || before.failure != failure) {
    change([&](protocol::Report& report) {
      report.revision = revision;
      report.failure = failure;
    });
  }
  return failure.empty();
}

bool Worker::apply_stage(const protocol::Spec& spec, Stage stage, const std::stop_token& stop) {
  const std::vector<model::UnitPart> units = of_stage(spec, stage);
  const auto active = active_units(units);
  if (!active) {
    log::error(kRoom, "{}", active.error().message);
    return false;
  }
  bool all_up = true;
  for (const model::UnitPart& unit : units) {
    all_up = apply_unit(unit, *active, stop) && all_up;
    if (stop.stop_requested()) {
      return false;
    }
    // What follows needs what is before it: munge before slurmd, the database before slurmdbd.
    if (!all_up) {
      return false;
    }
  }
  return all_up;
}

bool Worker::apply_unit(const model::UnitPart& unit, const std::set<std::string>& active,
                        const std::stop_token& stop) {
  const UnitChange due = plan_units({unit}, {}, active, memory_.owed()).front();
  if (due != UnitChange::keep) {
    set_unit(unit.name, UnitState::starting);
    const Bring how = due == UnitChange::start ? Bring::start : Bring::restart;
    if (Status up = bring_up(unit, how, stop); !up) {
      log::error(kRoom, "{}", up.error().message);
      set_unit(unit.name, UnitState::failed, up.error().message);
      return false;
    }
    settle(unit.name);
    then_done_.erase(unit.name);
  }
  if (!then_done_.contains(unit.name)) {
    if (Status done = run_then(unit, stop); !done) {
      log::error(kRoom, "{}", done.error().message);
      set_unit(unit.name, UnitState::failed, done.error().message);
      return false;
    }
    then_done_.insert(unit.name);
  }
  set_unit(unit.name, UnitState::up);
  return true;
}

void Worker::settle(const std::string& unit) {
  std::set<std::string> owed = memory_.owed();
  if (owed.erase(unit) > 0) {
    if (Status kept = memory_.set_owed(owed); !kept) {
      log::warning(kRoom, "{} may be restarted once more: {}", unit, kept.error().message);
    }
  }
}

bool Worker::apply_script(const protocol::Spec& spec, const std::stop_token& stop) {
  const Memory::Script before = memory_.script();
  if (!spec.script) {
    return true;
  }
  if (spec.script->bundle.empty()) {  // kept for a boot while provostd is away
    return before.report.state == ScriptState::succeeded;
  }
  if (!is_due(*spec.script, before.digest, before.report.state)) {
    return before.report.state == ScriptState::succeeded;
  }
  Memory::Script now{.digest = digest_of(*spec.script), .report = {}};
  now.report.state = ScriptState::running;
  now.report.step = spec.script->script;
  if (before.report.state == ScriptState::running) {
    callbacks_.on_log("The script was interrupted before; it is run again from its beginning.\n");
  }
  const auto tell = [&] {
    if (Status kept = memory_.set_script(now); !kept) {
      log::error(kRoom, "{}", kept.error().message);
    }
    change([&](protocol::Report& report) { report.script = now.report; });
  };
  tell();
  now.report = run_script(*spec.script, callbacks_.on_log, stop);
  tell();
  return now.report.state == ScriptState::succeeded;
}

}  // namespace provost::agent
