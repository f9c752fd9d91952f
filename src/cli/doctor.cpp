#include "cli/doctor.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>

#include "support/look.hpp"

namespace provost::cli {
namespace {

support::NodeFact read_node(const json::object& node) {
  support::NodeFact fact{.name = text(node, "name"),
                         .role = text(node, "role"),
                         .status = text(node, "status"),
                         .connected = text(node, "agent") == "connected",
                         .seconds_since_heard = std::nullopt,
                         .slurm = text(node, "slurm"),
                         .reason = text(node, "reason"),
                         .units = {}};
  const json::value* heard = node.if_contains("seconds_since_heard");
  if (heard != nullptr && heard->is_int64()) {
    fact.seconds_since_heard = heard->get_int64();
  }
  for (const json::value& each : list(node, "units")) {
    const json::object& unit = each.get_object();
    fact.units.push_back({text(unit, "name"), text(unit, "state"), text(unit, "message")});
  }
  return fact;
}

support::Daemon ask_daemon(const Context& context) {
  const auto ready = context.client.get("/v1/ready");
  if (!ready) {
    support::Daemon silent;
    silent.problem = ready.error().error.message;
    return silent;
  }
  const auto doctor = context.client.get("/v1/doctor");
  if (!doctor) {
    support::Daemon odd = read_daemon(*ready, {});
    odd.answers = false;
    odd.problem = doctor.error().error.message;
    return odd;
  }
  return read_daemon(*ready, child(*doctor, "doctor"));
}

bool is_same(const std::string& left, const std::string& right) {
  std::error_code problem;
  return std::filesystem::weakly_canonical(left, problem) ==
         std::filesystem::weakly_canonical(right, problem);
}

int exit_of(support::Verdict verdict) {
  switch (verdict) {
    case support::Verdict::pass:
      return kDone;
    case support::Verdict::warn:
      return kWarnings;
    case support::Verdict::fail:
      return kFailed;
  }
  return kFailed;
}

std::string summary(const std::vector<support::Line>& lines, const Terminal& terminal) {
  const auto count = [&](support::Verdict verdict) {
    return std::count_if(lines.begin(), lines.end(),
                         [&](const support::Line& line) { return line.verdict == verdict; });
  };
  const auto failed = count(support::Verdict::fail);
  const auto warned = count(support::Verdict::warn);
  const Paint colour = failed > 0 ? Paint::bad : warned > 0 ? Paint::busy : Paint::good;
  return paint(terminal, colour,
               failed + warned == 0
                   ? "all is well"
                   : fmt::format("{} failed, {} to be looked at", failed, warned)) +
         fmt::format(", {} passed\n", count(support::Verdict::pass));
}

void print_mended(const std::vector<support::Mended>& mended, const Terminal& terminal) {
  for (const support::Mended& each : mended) {
    std::cout << (each.done ? paint(terminal, Paint::good, "mended") + "      " + each.what + "\n"
                            : paint(terminal, Paint::bad, "not mended") +
                                  fmt::format("  {}: {}\n", each.what, each.problem));
  }
  std::cout << (mended.empty() ? "nothing to mend by itself\n\n" : "\n");
}

/// The widths of finding, mend and command.
std::array<std::size_t, 3> widths(const std::vector<support::Line>& lines,
                                  const Terminal& terminal) {
  constexpr std::size_t kNarrowest = 16;
  std::size_t check = 0;
  for (const support::Line& line : lines) {
    check = std::max(check, columns(line.check));
  }
  const std::size_t taken = 8 + check + 2 + 4;
  const auto width = static_cast<std::size_t>(terminal.width);
  const std::size_t left = std::max(width > taken ? width - taken : 0, 3 * kNarrowest);
  return {left * 2 / 5, left * 3 / 10, left * 3 / 10};
}

}  // namespace

support::Daemon read_daemon(const json::object& ready, const json::object& doctor) {
  support::Daemon daemon{.answers = true,
                         .problem = {},
                         .version = text(ready, "version"),
                         .pid = static_cast<int>(number(ready, "pid")),
                         .state = text(ready, "state_directory"),
                         .certificate_ends = std::nullopt,
                         .clusters = {}};
  if (const std::int64_t ends = number(doctor, "certificate_ends_ms"); ends != 0) {
    daemon.certificate_ends = from_millis(ends);
  }
  for (const json::value& each : list(doctor, "clusters")) {
    const json::object& cluster = each.get_object();
    support::ClusterFact fact{.name = text(cluster, "name"),
                              .status = text(cluster, "status"),
                              .problem = text(cluster, "problem"),
                              .slurm_answers = flag(cluster, "slurm_answers"),
                              .nodes = {}};
    for (const json::value& node : list(cluster, "nodes")) {
      fact.nodes.push_back(read_node(node.get_object()));
    }
    daemon.clusters.push_back(std::move(fact));
  }
  return daemon;
}

CheckUp check_up(const Context& context, const std::string& state, Working& working) {
  const std::string& socket = context.client.socket();
  working.say("asking provostd");
  support::Daemon daemon = ask_daemon(context);
  const std::string run = socket.substr(0, std::max<std::size_t>(socket.rfind('/'), 1));
  support::Installation installation = support::find_installation(state, run);
  if (state.empty() && !installation.is_noted && daemon.answers) {
    installation = support::find_installation(daemon.state, run);
  }
  if (daemon.answers && !is_same(installation.state, daemon.state)) {
    daemon = {};
    daemon.problem = fmt::format("the one at {} has another state directory; see --socket", socket);
  }
  CheckUp result{.facts = support::look(installation, std::move(daemon),
                                        [&](std::string_view what) { working.say(what); }),
                 .lines = {}};
  result.lines = support::check_all(result.facts);
  return result;
}

json::object to_json(const CheckUp& check_up, const std::vector<support::Mended>& mended) {
  json::array lines;
  for (const support::Line& line : check_up.lines) {
    json::array details;
    for (const std::string& detail : line.details) {
      details.push_back(json::value(detail));
    }
    lines.push_back(
        json::object{{"check", line.check},
                     {"verdict", name(line.verdict)},
                     {"finding", line.finding},
                     {"mend", line.mend.empty() ? json::value() : json::value(line.mend)},
                     {"by_hand", line.by_hand},
                     {"details", std::move(details)}});
  }
  json::array done;
  for (const support::Mended& each : mended) {
    done.push_back(
        json::object{{"what", each.what},
                     {"done", each.done},
                     {"problem", each.done ? json::value() : json::value(each.problem)}});
  }
  return {{"verdict", name(worst(check_up.lines))},
          {"state_directory", check_up.facts.installation.state},
          {"mended", std::move(done)},
          {"lines", std::move(lines)}};
}

std::string to_text(const std::vector<support::Line>& lines, const Terminal& terminal) {
  Table table({"RESULT", "CHECK", "FINDING", "MEND", "BY HAND"});
  const auto [finding_width, mend_width, hand_width] = widths(lines, terminal);
  for (const support::Line& line : lines) {
    const std::string result(name(line.verdict));
    if (!terminal.interactive) {
      table.add({result, line.check, line.finding, line.mend, line.by_hand});
      continue;
    }
    const auto finding = wrap(line.finding, finding_width);
    const auto mend = wrap(line.mend, mend_width);
    const auto by_hand = wrap(line.by_hand, hand_width);
    const auto row = [](const std::vector<std::string>& cells, std::size_t i) {
      return i < cells.size() ? cells[i] : std::string();
    };
    for (std::size_t i = 0; i < std::max({finding.size(), mend.size(), by_hand.size()}); ++i) {
      table.add({i == 0 ? result : "", i == 0 ? line.check : "", row(finding, i), row(mend, i),
                 row(by_hand, i)});
    }
  }
  return table.text(terminal);
}

int doctor(const Context& context, const DoctorArguments& arguments) {
  if (!context.client.is_local()) {
    report(Error{ErrorKind::invalid, "doctor looks at the machine that it runs on",
                 "run it on provostd's host, without --server"});
    return kUsage;
  }
  if ((arguments.running || arguments.unclaimed) && !arguments.fix) {
    report(Error{ErrorKind::invalid, "--running and --unclaimed say what --fix may do",
                 "provost doctor --fix --running"});
    return kUsage;
  }
  if (::geteuid() != 0) {
    return report(
        Error{ErrorKind::denied, "doctor reads what only root may", "sudo provost doctor"});
  }
  CheckUp found;
  std::vector<support::Mended> mended;
  {
    Working working;
    found = check_up(context, arguments.state, working);
    if (arguments.fix) {
      working.say("mending");
      mended = support::mend(found.facts,
                             {.running = arguments.running, .unclaimed = arguments.unclaimed});
      found = check_up(context, arguments.state, working);
    }
  }
  const int exit = exit_of(support::worst(found.lines));
  if (context.json) {
    return print(to_json(found, mended)) == kDone ? exit : kFailed;
  }
  if (arguments.fix) {
    print_mended(mended, context.terminal);
  }
  std::cout << to_text(found.lines, context.terminal) << "\n"
            << summary(found.lines, context.terminal);
  return std::cout.good() ? exit : kFailed;
}

}  // namespace provost::cli
