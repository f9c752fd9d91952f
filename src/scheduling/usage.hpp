// Accounting over a period: who used how much of what, waited how long, and used how much of what
// they asked for. Pure but for the text of the command.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "model/campus.hpp"
#include "scheduling/jobs.hpp"

namespace provost::scheduling {

/// A job as sacct has it.
struct JobRecord {
  std::string id;
  std::string user;
  std::string account;
  UtcTime submitted{};
  UtcTime begun{};  ///< the epoch: not yet
  UtcTime ended{};  ///< the epoch: it runs
  Amounts amounts;
  double cpu_seconds = 0;       ///< that its processes used
  std::int64_t memory_mib = 0;  ///< the most that any of its steps had at once
};

/// Arguments for sacct whose output `parse_records` reads: jobs that ran or waited between the two
/// times. The environment must have SLURM_TIME_FORMAT=%s.
std::vector<std::string> sacct_arguments(UtcTime from, UtcTime to);
std::vector<JobRecord> parse_records(std::string_view text);

enum class UsageBy { department, project, supervisor, user };

/// Hours are of wall-clock time within the period, times the amount.
struct Usage {
  std::string name;
  std::string title;
  int jobs = 0;  ///< that ran in the period
  double cpu_hours = 0;
  double memory_gib_hours = 0;
  double gpu_hours = 0;
  double shard_hours = 0;
  double mean_wait_seconds = 0;  ///< from submission to start, of jobs that began in the period
  double longest_wait_seconds = 0;
  double cpu_efficiency = -1;     ///< used of what was given, of jobs that ended; -1: none did
  double memory_efficiency = -1;  ///< the same
};

struct Period {
  UtcTime from;
  UtcTime to;
};

/// A row a department, project, supervisor or user who used anything, the largest use first. What
/// runs counts until `now`. A supervisor has what their departments have; an account that the
/// campus does not know stands by its own name. Memory of a job counts once, of its largest step.
std::vector<Usage> usage_of(const std::vector<JobRecord>& records, const model::Campus* campus,
                            UsageBy by, const Period& period, UtcTime now);

/// All of it together.
Usage total_of(const std::vector<JobRecord>& records, const Period& period, UtcTime now);

}  // namespace provost::scheduling
