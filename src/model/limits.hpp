// The limits that campus.toml knows, each with what Slurm calls it. One table for reading,
// checking, rendering and explaining.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace provost::model {

enum class LimitScope {
  together,  ///< all jobs of a department, project or QoS together
  user,      ///< one person's jobs together
  job,       ///< one job
  least      ///< one job, from below
};

struct LimitKind {
  std::string_view name;  ///< in campus.toml: "gpus_per_user"
  LimitScope scope = LimitScope::together;
  std::string_view tres;        ///< Slurm's TRES: "gres/gpu"; empty: a count or time of its own
  std::string_view on_account;  ///< sacctmgr's name on an account: "GrpTRES"; empty: not there
  std::string_view on_qos;      ///< sacctmgr's name on a QoS: "MaxTRESPerUser"; empty: not there
  std::string_view words;       ///< for people: "GPUs per user"
};

/// A limit per user of an account is the `GrpTRES` of each user's association there.
/// Source: sacctmgr(1), "SPECIFICATIONS FOR ACCOUNTS" and "FOR QOS".
inline constexpr std::array kLimitKinds = {
    LimitKind{"gpus", LimitScope::together, "gres/gpu", "GrpTRES", "GrpTRES", "GPUs together"},
    LimitKind{"cpus", LimitScope::together, "cpu", "GrpTRES", "GrpTRES", "CPUs together"},
    LimitKind{"memory", LimitScope::together, "mem", "GrpTRES", "GrpTRES", "memory together"},
    LimitKind{"nodes", LimitScope::together, "node", "GrpTRES", "GrpTRES", "nodes together"},
    LimitKind{"shards", LimitScope::together, "gres/shard", "GrpTRES", "GrpTRES",
              "GPU shards together"},
    LimitKind{"jobs", LimitScope::together, "", "GrpJobs", "GrpJobs", "running jobs together"},
    LimitKind{"submitted", LimitScope::together, "", "GrpSubmitJobs", "GrpSubmitJobs",
              "submitted jobs together"},
    LimitKind{"gpus_per_user", LimitScope::user, "gres/gpu", "GrpTRES", "MaxTRESPerUser",
              "GPUs per user"},
    LimitKind{"cpus_per_user", LimitScope::user, "cpu", "GrpTRES", "MaxTRESPerUser",
              "CPUs per user"},
    LimitKind{"memory_per_user", LimitScope::user, "mem", "GrpTRES", "MaxTRESPerUser",
              "memory per user"},
    LimitKind{"nodes_per_user", LimitScope::user, "node", "GrpTRES", "MaxTRESPerUser",
              "nodes per user"},
    LimitKind{"shards_per_user", LimitScope::user, "gres/shard", "GrpTRES", "MaxTRESPerUser",
              "GPU shards per user"},
    LimitKind{"jobs_per_user", LimitScope::user, "", "MaxJobs", "MaxJobsPerUser",
              "running jobs per user"},
    LimitKind{"submitted_per_user", LimitScope::user, "", "MaxSubmitJobs", "MaxSubmitJobsPerUser",
              "submitted jobs per user"},
    LimitKind{"gpus_per_job", LimitScope::job, "gres/gpu", "MaxTRESPerJob", "MaxTRESPerJob",
              "GPUs per job"},
    LimitKind{"cpus_per_job", LimitScope::job, "cpu", "MaxTRESPerJob", "MaxTRESPerJob",
              "CPUs per job"},
    LimitKind{"memory_per_job", LimitScope::job, "mem", "MaxTRESPerJob", "MaxTRESPerJob",
              "memory per job"},
    LimitKind{"nodes_per_job", LimitScope::job, "node", "MaxTRESPerJob", "MaxTRESPerJob",
              "nodes per job"},
    LimitKind{"shards_per_job", LimitScope::job, "gres/shard", "MaxTRESPerJob", "MaxTRESPerJob",
              "GPU shards per job"},
    LimitKind{"wall", LimitScope::job, "", "MaxWallDurationPerJob", "MaxWallDurationPerJob",
              "time per job"},
    LimitKind{"least_gpus_per_job", LimitScope::least, "gres/gpu", "", "MinTRESPerJob",
              "least GPUs per job"},
    LimitKind{"least_cpus_per_job", LimitScope::least, "cpu", "", "MinTRESPerJob",
              "least CPUs per job"},
};

/// nullptr: no such limit.
const LimitKind* find_limit_kind(std::string_view name);

/// "3 days", "90 minutes", "1 day 12 hours".
std::string duration_words(std::int64_t minutes);
/// As Slurm writes it: "3-00:00:00", "01:30:00".
std::string slurm_duration(std::int64_t minutes);
/// "7 GiB", "512 MiB".
std::string memory_words(std::int64_t mib);
/// A limit's value for people: memory and time with their units.
std::string limit_words(const LimitKind& kind, std::int64_t value);

/// Minutes of "14d", "1h", "1d12h", "90m", "2w"; -1: none of these.
std::int64_t read_duration(std::string_view text);
/// MiB of "7G", "512M", "2T"; -1: none of these.
std::int64_t read_memory(std::string_view text);

}  // namespace provost::model
