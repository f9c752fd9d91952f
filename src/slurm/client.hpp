// Asking and telling slurmctld. A `View` is one picture of the controller a round, made by two
// processes however large the cluster is; parsing is apart from running, so that it is tested on
// captured texts. What a node's state means stands here once, as named predicates.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "os/process.hpp"

namespace provost::slurm {

/// Runs a program on the controller node as root, with `input` on its standard input. Errors:
/// whatever kept it from being run; its exit status is part of the answer.
using Run =
    std::function<Result<os::Ran>(const std::vector<std::string>& argv, const std::string& input)>;

struct NodeSeen {
  std::string name;
  std::string state;  ///< base state, upper case: "IDLE", "MIXED", "DOWN", "UNKNOWN"...
  std::vector<std::string> flags;  ///< "DRAIN", "NOT_RESPONDING", "REBOOT_REQUESTED"...
  std::string reason;              ///< without who and when
  std::string reason_by;           ///< "root@2027-03-01T10:00:00"
  int cpus = 0;
  int cpus_allocated = 0;
  std::int64_t memory_mib = 0;
  std::int64_t memory_allocated_mib = 0;
  std::string gres;  ///< "gpu:a10g:1"
  std::vector<std::string> partitions;
  std::string version;  ///< of its slurmd; empty: it never registered
};

bool has_flag(const NodeSeen& node, std::string_view flag);
/// slurmd answers.
bool is_responding(const NodeSeen& node);
/// slurmctld has just started and does not know yet: neither up nor down.
bool is_unknown(const NodeSeen& node);
/// Out of use by fault: DOWN, ERROR, FAIL.
bool is_down(const NodeSeen& node);
/// Somebody wants no more jobs on it (running ones may go on).
bool is_draining_or_drained(const NodeSeen& node);
/// No more jobs wanted, some still run.
bool is_draining(const NodeSeen& node);
/// No more jobs wanted, none run.
bool is_drained(const NodeSeen& node);
/// Runs jobs now, whole or in part, or is ending them.
bool is_busy(const NodeSeen& node);
/// Up, and jobs are welcome now or when those that run have ended.
bool is_up(const NodeSeen& node);
/// Up and without jobs.
bool is_idle(const NodeSeen& node);
/// As people know it from sinfo: "idle", "mixed+drain", "down+not_responding".
std::string state_words(const NodeSeen& node);

struct JobSeen {
  std::string id;  ///< "17", "17_3", "17_[4-9]"
  std::string user;
  std::string account;
  std::string partition;
  std::string qos;
  std::string state;   ///< "RUNNING", "PENDING", "COMPLETING"...
  std::string reason;  ///< of a waiting job: "Priority", "QOSMaxGRESPerUser"; "None" when it runs
  std::vector<std::string> nodes;  ///< where it runs; empty while it waits
  int cpus = 0;
  std::string gres;        ///< per node: "gres/gpu:1"; "N/A": none
  std::string elapsed;     ///< "1-02:03:04"
  std::string time_limit;  ///< "1:00:00"
  std::string submitted;   ///< "2027-03-01T10:00:00"
  std::string name;        ///< as the user gave it: may hold any byte
};

bool is_running(const JobSeen& job);
bool is_waiting(const JobSeen& job);

struct View {
  bool answering = false;  ///< slurmctld; when not, the rest is empty
  std::string silence;     ///< why it does not answer, in its client's words
  std::vector<NodeSeen> nodes;
  std::vector<JobSeen> jobs;

  [[nodiscard]] const NodeSeen* find(std::string_view node) const;
  /// Jobs that run on `node`.
  [[nodiscard]] std::vector<const JobSeen*> jobs_on(std::string_view node) const;
  /// The same for all nodes at once; names point into the view.
  [[nodiscard]] std::unordered_map<std::string_view, const NodeSeen*> by_name() const;
  [[nodiscard]] std::unordered_map<std::string_view, std::vector<const JobSeen*>> running_by_node()
      const;
};

/// Output of `scontrol -o show nodes`. Lines that are no node are left out.
std::vector<NodeSeen> parse_nodes(std::string_view text);

/// The format for squeue's -o whose output `parse_jobs` reads. `mark` begins each record; it must
/// be a text that users cannot guess, because a job's name may hold anything, line ends included.
std::string job_format(std::string_view mark);
std::vector<JobSeen> parse_jobs(std::string_view text, std::string_view mark);

/// One picture. A slurmctld that does not answer is a View too; an error means that its node could
/// not be asked, or that what came back made no sense (internal).
Result<View> observe(const Run& run);

/// Makes slurmctld and every slurmd read their configuration anew. Errors: conflict with
/// slurmctld's own words when it refuses (the old configuration goes on), unavailable when it does
/// not answer.
Status reconfigure(const Run& run);

/// The line of `text` that says most about a failure: the last one that is not empty, without the
/// program's name in front and without what only says "again".
std::string last_words(std::string_view text);

}  // namespace provost::slurm
