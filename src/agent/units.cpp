#include "agent/units.hpp"

#include <condition_variable>
#include <mutex>

#include "base/text.hpp"
#include "os/process.hpp"

namespace provost::agent {
namespace {

constexpr std::chrono::seconds kReady{90};
constexpr std::chrono::seconds kThen{120};

std::string last_lines(const std::string& unit) {
  const auto ran = os::run({.argv = {"journalctl", "--quiet", "--no-pager", "--output=cat",
                                     "--lines=6", "--unit=" + unit},
                            .timeout = std::chrono::seconds(10)});
  return ran ? std::string(trim(ran->out)) : std::string();
}

tl::unexpected<Error> not_up(const std::string& unit, std::string_view why) {
  const std::string lines = last_lines(unit);
  return fail(ErrorKind::unavailable, "{} {}{}{}", unit, why,
              lines.empty() ? "" : "; its last lines: ", lines);
}

bool is_ready(const model::UnitPart& unit, const std::stop_token& stop) {
  const auto ran = os::run({.argv = unit.ready, .timeout = std::chrono::seconds(10)}, {}, stop);
  return ran && ran->status == 0 && !ran->timed_out;
}

bool is_active(const std::string& unit) {
  const auto ran = os::run({.argv = {"systemctl", "is-active", "--quiet", unit}});
  return ran && ran->status == 0;
}

}  // namespace

bool wait_for_stop(const std::stop_token& stop, std::chrono::milliseconds limit) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait_for(lock, stop, limit, [] { return false; });
  return stop.stop_requested();
}

Result<std::set<std::string>> active_units(const std::vector<model::UnitPart>& units) {
  if (units.empty()) {
    return std::set<std::string>{};
  }
  std::vector<std::string> argv = {"systemctl", "is-active", "--"};
  for (const model::UnitPart& unit : units) {
    argv.push_back(unit.name);
  }
  const auto ran = os::run({.argv = argv});
  if (!ran) {
    return pass(ran.error());
  }
  const auto words = split(trim(ran->out), '\n');
  if (words.size() != units.size()) {
    return fail(ErrorKind::unavailable, "systemd does not answer: {}", trim(ran->err));
  }
  std::set<std::string> active;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (words[i] == "active" || words[i] == "reloading") {
      active.insert(units[i].name);
    }
  }
  return active;
}

Status reload_systemd() { return os::check({"systemctl", "daemon-reload"}); }

Status bring_up(const model::UnitPart& unit, Bring how, const std::stop_token& stop) {
  // Jobs as the unit asks, without waiting in line behind the boot.
  const auto ran = os::run({.argv = {"systemctl", how == Bring::start ? "start" : "restart",
                                     "--job-mode=replace", unit.name},
                            .timeout = kReady},
                           {}, stop);
  if (!ran) {
    return pass(ran.error());
  }
  if (ran->cancelled) {
    return fail(ErrorKind::unavailable, "{} was interrupted", unit.name);
  }
  if (ran->status != 0) {
    return not_up(unit.name, ran->timed_out ? "does not start in time" : "does not start");
  }
  const auto deadline = std::chrono::steady_clock::now() + kReady;
  std::chrono::milliseconds pause{20};
  while (!unit.ready.empty() && !is_ready(unit, stop)) {
    if (std::chrono::steady_clock::now() > deadline) {
      return not_up(unit.name,
                    fmt::format("runs, but does not answer \"{}\"", join(unit.ready, " ")));
    }
    if (wait_for_stop(stop, pause)) {
      return fail(ErrorKind::unavailable, "{} was interrupted", unit.name);
    }
    pause = std::min(pause * 2, std::chrono::milliseconds(200));
    if (pause == std::chrono::milliseconds(200) && !is_active(unit.name)) {
      return not_up(unit.name, "ended soon after its start");
    }
  }
  return {};
}

Status run_then(const model::UnitPart& unit, const std::stop_token& stop) {
  for (const std::vector<std::string>& argv : unit.then) {
    const auto ran = os::run({.argv = argv, .timeout = kThen}, {}, stop);
    if (!ran) {
      return pass(ran.error(), unit.name);
    }
    if (ran->status != 0) {
      const auto words = trim(ran->err.empty() ? ran->out : ran->err);
      return fail(ErrorKind::internal, "{}: {} ended with status {}: {}", unit.name, argv.front(),
                  ran->status, shorten(words, 500));
    }
  }
  return {};
}

}  // namespace provost::agent
