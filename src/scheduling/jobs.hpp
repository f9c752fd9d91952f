// Jobs with what they ask for and have, as reports about people and limits need them: read in one
// go from squeue. Pure but for the text of the command.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace provost::scheduling {

/// Amounts by TRES: {"cpu", 4}, {"gres/gpu", 1}; memory in MiB.
using Amounts = std::map<std::string, std::int64_t>;

struct Job {
  std::string id;
  std::string user;
  std::string account;
  std::string partition;
  std::string qos;
  std::string state;   ///< "RUNNING", "PENDING"
  std::string reason;  ///< of a waiting one
  UtcTime start{};     ///< when it began, or may begin; the epoch: not known
  UtcTime end{};       ///< by its time limit; the epoch: not known
  std::int64_t priority = 0;
  Amounts amounts;  ///< of a running job what it has, of a waiting one what it asks for
  int before = 0;   ///< of one that waits its turn: jobs of a higher priority in its partition
};

/// Whose waiting jobs are wanted: those of a user, one job (with its array), those of accounts.
struct JobFilter {
  std::string user;
  std::string job;
  std::vector<std::string> accounts;
};

/// Jobs as a question about them needs them: all that run, and of those that wait the wanted ones.
struct JobList {
  std::vector<Job> jobs;
  std::map<std::string, int> waiting;  ///< how many wait, by partition
  int left_out = 0;                    ///< wanted ones beyond the first hundred
};

/// What runs on the controller: one squeue, and what nobody asked for stays there.
std::vector<std::string> list_jobs_command(const JobFilter& filter);
/// Of what it printed. Pure; any text.
JobList parse_jobs(std::string_view text);

/// "cpu=2,mem=7850M,gres/gpu=1". Pure; any text.
Amounts parse_amounts(std::string_view text);

/// "2 CPUs, 8 GiB, 1 GPU".
std::string amounts_words(const Amounts& amounts);

}  // namespace provost::scheduling
