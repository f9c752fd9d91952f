// Running other programs: arguments as a list (never through a shell), everything close-on-exec, a
// deadline and a limit on output in one place.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace provost::os {

struct Command {
  std::vector<std::string> argv;                                 ///< argv[0] is looked up in PATH
  std::vector<std::pair<std::string, std::string>> environment;  ///< added to (or replacing) ours
  bool clear_environment = false;                                ///< start from PATH alone
  std::string directory;                                         ///< working directory; empty: ours
  std::string input;                                             ///< written to standard input
  std::chrono::milliseconds timeout{60'000};  ///< then SIGTERM, 2 s later SIGKILL, to its group
  std::size_t output_limit = 4U << 20U;       ///< bytes kept of each stream; the rest is dropped
  bool keep_end = false;                      ///< over the limit keep the end, not the beginning
};

struct Ran {
  int status = 0;  ///< exit status, or 128 + signal as shells have it
  std::string out;
  std::string err;
  bool timed_out = false;
  bool cancelled = false;
};

enum class Channel { out, err };
using OnOutput = std::function<void(Channel, std::string_view)>;

/// Runs `command` to its end in a process group of its own and returns what it did; a status other
/// than 0 is not an error here. `on_output` is called on this thread as bytes arrive. A stop
/// request ends the group as a timeout does. Blocks. Errors: not_found (no such program), internal.
Result<Ran> run(const Command& command, const OnOutput& on_output = {},
                const std::stop_token& stop = {});

/// As `run`, but a status other than 0 or a timeout is an error that names the program and holds
/// the last line it wrote to standard error. Returns standard output.
Result<std::string> output_of(const Command& command);

/// Shorthand: `check({"ip", "link", "del", name})`.
Status check(std::vector<std::string> argv,
             std::chrono::milliseconds timeout = std::chrono::seconds(60));

/// Starts a program that outlives this one: own session, standard input from /dev/null, output
/// appended to `log_file`. `before_exec_files` are written "0\n" (its own process) just before the
/// program begins: the `cgroup.procs` files it shall live in. Returns its process id.
Result<pid_t> start_detached(const Command& command, const std::string& log_file,
                             const std::vector<std::string>& join_cgroups = {});

}  // namespace provost::os
