#include "cli/watch.hpp"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <iostream>

#include "base/time.hpp"

namespace provost::cli {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void on_interrupt(int /*signal*/) { g_interrupted = 1; }

std::optional<UtcTime> read_time(const std::string& iso) {
  std::tm parts{};
  const char* rest = ::strptime(iso.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) {
    return std::nullopt;
  }
  int millis = 0;
  if (*rest == '.') {
    millis = std::atoi(rest + 1);  // NOLINT(cert-err34-c): three digits or nothing
  }
  return from_millis(static_cast<std::int64_t>(::timegm(&parts)) * 1000 + millis);
}

// What is done to a node now, and since when.
struct Doing {
  std::string words;
  std::string since;
  std::string usually;  ///< how long it took before; empty: never seen
};

std::string usually_of(const json::object& what) {
  const json::value* seconds = what.if_contains("usually_s");
  if (seconds == nullptr || seconds->is_null()) {
    return {};
  }
  return to_words(
      std::chrono::milliseconds(static_cast<std::int64_t>(seconds->to_number<double>() * 1000)));
}

Doing doing_of(const json::object& description, const std::string& node) {
  for (const json::value& each : list(description, "steps")) {
    const json::object& step = each.get_object();
    if (text(step, "node") != node || text(step, "state") == "waiting") {
      continue;
    }
    std::string words = text(step, "progress");
    if (words.empty()) {
      words = text(step, "line");
    }
    if (text(step, "state") != "running") {
      words = text(step, "state") + ": " + text(step, "found");
    }
    return {words, text(step, "since"), usually_of(step)};
  }
  return {};
}

// It has run before: what it is doing now is no first boot.
bool is_old(const json::object& description, const json::object& node) {
  return text(node, "launched") < text(child(description, "cluster"), "began");
}

}  // namespace

void catch_interrupt() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  ::sigaction(SIGINT, &action, nullptr);
}

bool interrupted() { return g_interrupted != 0; }

void pause_for(std::chrono::milliseconds pause) {
  ::poll(nullptr, 0, static_cast<int>(pause.count()));
}

std::string since(const std::string& iso) {
  const auto begun = read_time(iso);
  return begun ? to_words(std::max(now_utc() - *begun, std::chrono::milliseconds(0))) : "";
}

std::int64_t newest_event(const Client& client) {
  const auto answer = client.get("/v1/events?limit=1");
  std::int64_t newest = 0;
  if (answer) {
    for (const json::value& event : list(*answer, "events")) {
      newest = std::max(newest, number(event.get_object(), "id"));
    }
  }
  return newest;
}

std::string event_line(const json::object& event, const Terminal& terminal) {
  const std::string time = text(event, "time");
  const std::string level = text(event, "level");
  const std::string clock = time.size() >= 19 ? time.substr(11, 8) : time;
  const std::string because = text(event, "because");
  std::string who = text(event, "node");
  if (who.empty()) {
    who = text(event, "cluster");
  }
  std::string line = fmt::format("{}  {:<14}  ", paint(terminal, Paint::dim, clock), who);
  line +=
      level == "Info" ? text(event, "what") : paint(terminal, paint_of(level), text(event, "what"));
  if (!because.empty()) {
    line += paint(terminal, Paint::dim, "  because " + because);
  }
  return line + "\n";
}

std::string progress_text(const json::object& description, const Terminal& terminal) {
  Table table({"NODE", "STATUS", "SLURM", "DOING", "FOR", "USUALLY", "NODE FOR", "USUALLY"});
  for (const json::value& each : list(description, "nodes")) {
    const json::object& node = each.get_object();
    Doing doing = doing_of(description, text(node, "name"));
    if (doing.words.empty() && text(child(node, "script"), "state") == "running") {
      doing.words = "running " + text(child(node, "script"), "step");
    }
    if (doing.words.empty() && text(node, "status") == "Pending") {
      doing.words = text(node, "agent") == "connected" ? "starting its daemons" : "booting";
    }
    const bool is_coming = text(node, "status") == "Pending" && !is_old(description, node);
    table.add({text(node, "name"), text(node, "status"), text(node, "slurm"), doing.words,
               doing.since.empty() ? "" : since(doing.since), doing.usually,
               is_coming ? since(text(node, "launched")) : "", is_coming ? usually_of(node) : ""});
  }
  const json::object& cluster = child(description, "cluster");
  return fmt::format("{} is {}: {} of {} nodes run, {}\n", text(cluster, "name"),
                     paint(terminal, paint_of(text(cluster, "status")), text(cluster, "status")),
                     number(cluster, "nodes_running"), number(cluster, "node_count"),
                     since(text(cluster, "began"))) +
         table.text(terminal, 2);
}

void Watch::show_events() {
  const auto answer = context_.client.get(
      fmt::format("/v1/events?cluster={}&after={}", os::url_encode(cluster_), after_));
  if (!answer) {
    return;
  }
  for (const json::value& each : list(*answer, "events")) {
    const json::object& event = each.get_object();
    after_ = std::max(after_, number(event, "id"));
    std::cout << event_line(event, context_.terminal);
  }
  std::cout << std::flush;
}

void Watch::show(const json::object& description) {
  if (context_.json) {
    return;
  }
  if (!context_.terminal.interactive) {
    show_events();
    return;
  }
  const std::string drawing = progress_text(description, context_.terminal);
  clear();
  std::cout << drawing << std::flush;
  drawn_ = static_cast<std::size_t>(std::count(drawing.begin(), drawing.end(), '\n'));
}

void Watch::clear() {
  if (drawn_ > 0) {
    std::cout << fmt::format("\033[{}A\033[J", drawn_) << std::flush;
    drawn_ = 0;
  }
}

}  // namespace provost::cli
