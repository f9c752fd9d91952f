// What another campus file changes about the policy, in plain sentences with the line that says so
// and the jobs it touches. Pure.
#pragma once

#include <string>
#include <vector>

#include "model/campus.hpp"
#include "slurm/client.hpp"

namespace provost::scheduling {

struct PolicyChange {
  std::string sentence;              ///< "raises the limit of QoS normal from 4 to 8 GPUs per user"
  std::string because;               ///< "campus.toml:13"
  std::vector<std::string> awaits;   ///< running jobs that end first
  std::vector<std::string> waiting;  ///< waiting jobs that could start, or that are cancelled
};

/// In the order of the file: scheduler, QoS, departments with their projects and people.
std::vector<PolicyChange> policy_changes(const model::Campus& before, const model::Campus& after,
                                         const std::vector<slurm::JobSeen>& jobs);

}  // namespace provost::scheduling
