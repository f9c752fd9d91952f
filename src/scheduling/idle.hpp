// Allocations that nobody uses: which are warned about and which are released. Pure but for the
// text of the command.
//
// A job is unused while its processes, on all of its nodes together, take less CPU time than the
// rule's part of one CPU (and, where GPUs' use can be seen, its GPUs are used less than the rule's
// part). Jobs with a batch script are left alone: they end by themselves.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "model/campus.hpp"
#include "scheduling/jobs.hpp"

namespace provost::scheduling {

/// A job that runs.
struct RunningJob {
  std::int64_t number = 0;  ///< of an array's element its own
  std::string id;           ///< "17", "17_3"
  std::string user;
  std::string account;
  std::string qos;
  UtcTime begun{};
  Amounts amounts;
  std::vector<std::string> nodes;
};

/// Runs on the controller.
std::vector<std::string> list_running_command();
/// Of what it printed. Any text.
std::vector<RunningJob> parse_running(std::string_view text);

/// Runs on the controller: which GPUs of their nodes jobs were given.
std::vector<std::string> list_gpus_command(const std::vector<std::int64_t>& jobs);
/// Places in a node's list of GPUs, by the node's name.
using GpuPlaces = std::map<std::string, std::vector<std::size_t>>;
/// Of what it printed, by the job's number. A job with shards is not in it: what a GPU does is then
/// not of one job.
std::map<std::int64_t, GpuPlaces> parse_gpus(std::string_view text);

/// What all nodes of a job together say of it.
struct SeenUse {
  bool known = true;  ///< every node's agent has told lately
  std::int64_t cpu_millis = 0;
  bool batch = false;
  bool gpus_hidden = false;     ///< it has GPUs whose use cannot be seen: it counts as used
  std::int64_t gpu_millis = 0;  ///< in which its GPUs computed, all together
};

/// What is remembered of an unused job, so that a provostd that was killed goes on where it was.
struct Unused {
  std::int64_t job = 0;
  UtcTime begun{};              ///< of the job: numbers come again
  UtcTime since{};              ///< unused since
  std::int64_t cpu_millis = 0;  ///< seen at `since`
  UtcTime warned{};             ///< the epoch: not yet
  UtcTime released{};           ///< the epoch: not yet
  bool told = false;            ///< the warning has gone out
  std::int64_t gpu_millis = 0;  ///< seen at `since`
  friend bool operator==(const Unused&, const Unused&) = default;
};

/// One text for the store, a line a job, and back. Lines that are none are left out.
std::string to_text(const std::vector<Unused>& all);
std::vector<Unused> unused_from(std::string_view text);

/// What was seen of a job in the look before this one.
struct LastLook {
  UtcTime at{};
  std::int64_t cpu_millis = 0;
  std::int64_t gpu_millis = 0;
};

enum class IdleAct { none, warn, release };

struct IdleStep {
  std::optional<Unused> unused;  ///< nothing: it is used, exempt, or nothing is known of it
  IdleAct act = IdleAct::none;
};

/// Who or what keeps a job from being looked at: "minh", "QoS long", "project viet-llm"; empty:
/// nothing.
std::string exempt_by(const model::IdleRule& rule, const model::Campus& campus,
                      const RunningJob& job);

/// The next state of a job. `last` is nothing when this provostd has not looked at it before.
IdleStep look_at(const model::IdleRule& rule, const RunningJob& job, const SeenUse& use,
                 const std::optional<Unused>& before, const std::optional<LastLook>& last,
                 UtcTime now);

/// When it is released unless it is used.
UtcTime release_at(const model::IdleRule& rule, const Unused& unused);

/// "job 17 of minh (nlp): 4 CPUs, 1 GPU unused for 45 minutes, 0.2 s of CPU time in it".
std::string idle_words(const RunningJob& job, const Unused& unused, const SeenUse& use,
                       UtcTime now);

/// What its owner reads in the session, one line.
std::string warning_words(const model::IdleRule& rule, const RunningJob& job, const Unused& unused,
                          UtcTime now);

/// Arguments for the controller: the message appears where the job's salloc, srun or batch output
/// is.
std::vector<std::string> notify_command(const RunningJob& job, const std::string& message);
/// For a compute node: the message, from standard input, appears in the job's ssh sessions.
std::vector<std::string> tell_sessions_command(const RunningJob& job);
/// For the controller: ends the job, with why as its AdminComment. Done again it does nothing.
std::vector<std::string> release_command(const RunningJob& job, const std::string& why);

}  // namespace provost::scheduling
