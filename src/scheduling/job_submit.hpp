// job_submit.lua: what the policy refuses is refused when a job is submitted, in words that name
// the limit, the line of campus.toml, the department and who can raise it. Slurm's own refusals
// name none of them. Pure.
#pragma once

#include <string>

#include "model/cluster.hpp"

namespace provost::scheduling {

/// Where slurmctld reads it: beside slurm.conf.
inline constexpr const char* kJobSubmitScript = "/etc/slurm/job_submit.lua";

/// The script of a cluster with a campus. Deterministic.
std::string job_submit_lua(const model::Cluster& cluster);

}  // namespace provost::scheduling
