// Looking on while a cluster is made or removed.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "cli/context.hpp"
#include "cli/findings.hpp"

namespace provost::cli {

/// From now on Ctrl-C is noticed by `interrupted` and ends no program.
void catch_interrupt();
[[nodiscard]] bool interrupted();

/// Waits at most `pause`; ends early when Ctrl-C came.
void pause_for(std::chrono::milliseconds pause);

/// One line for an event: "12:34:56  cpu-1  what (because)".
std::string event_line(const json::object& event, const Terminal& terminal);

/// The nodes of a description with what is being done to each, for a terminal that is redrawn.
std::string progress_text(const json::object& description, const Terminal& terminal);

/// Shows what goes on: on a terminal a table that is redrawn, elsewhere each event as it comes.
class Watch {
 public:
  /// Events up to `after` are not shown.
  Watch(const Context& context, std::string cluster, std::int64_t after)
      : context_(context), cluster_(std::move(cluster)), after_(after) {}
  ~Watch() { clear(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void show(const json::object& description);
  void clear();

 private:
  void show_events();
  const Context& context_;
  std::string cluster_;
  std::int64_t after_ = 0;
  std::size_t drawn_ = 0;  ///< lines of the last drawing
};

struct Await {
  std::string cluster;
  std::int64_t after = 0;  ///< events up to this one are not shown
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  bool whole = false;  ///< with all that was asked for, not only in service
};

/// Looks on until the cluster is in service, and says so, or why it will not be. Ctrl-C leaves the
/// work going on.
int await_service(const Context& context, const Await& await);

/// Errors and warnings of an answer on standard error; notes are for validate.
void show_findings(const Context& context, const json::array& findings, const Texts& texts);

/// The number of the newest event there is.
std::int64_t newest_event(const Client& client);

/// "4.2 s" since a time as the API writes it.
std::string since(const std::string& iso);

}  // namespace provost::cli
