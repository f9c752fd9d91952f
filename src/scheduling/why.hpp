// Why a job waits, and what somebody has and may have: sentences and numbers from Slurm's own data
// and the policy. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "model/campus.hpp"
#include "model/limits.hpp"
#include "scheduling/jobs.hpp"
#include "scheduling/partitions.hpp"

namespace provost::scheduling {

/// A limit that jobs of a person in an account meet, with what is used of it now.
struct LimitUse {
  std::string where;      ///< "QoS normal", "department nlp", "project viet-llm"
  std::string words;      ///< "GPUs per user"
  std::int64_t used = 0;  ///< of limits for one job: 0
  std::int64_t limit = 0;
  std::string shown;  ///< "6 of 8", "3 days"
  int line = 0;       ///< of campus.toml
  bool for_one_job = false;
};

/// What holds for jobs of `user` (empty: of everybody) in `account` under `qos` (empty: none).
std::vector<LimitUse> limits_with_use(const model::Campus& campus, const std::string& user,
                                      const std::string& account, const std::string& qos,
                                      const std::vector<Job>& jobs);

/// What `why` looks at.
struct WhyFacts {
  const Job& job;
  const std::vector<Job>& jobs;        ///< all that run, and it
  std::map<std::string, int> waiting;  ///< jobs that wait, by partition
  const model::Campus* campus;         ///< nullptr: there is none
  std::vector<PartitionRights> partitions;
  UtcTime now;
};

/// One or two sentences: why it waits, since what line of the policy, who uses it up, when it may
/// start, and what would make it start sooner. Of a job that does not wait: what it does. A reason
/// that is not known is told as Slurm says it.
std::string why(const WhyFacts& facts);

/// Names of the reasons that `why` has words of its own for.
std::vector<std::string> known_reasons();

}  // namespace provost::scheduling
