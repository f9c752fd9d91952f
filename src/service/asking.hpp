// One question about a cluster's policy: the cluster as it stands, and how to ask its Slurm.
// Private to this room.
#pragma once

#include <string>

#include "scheduling/jobs.hpp"
#include "service/policy.hpp"
#include "service/reading.hpp"
#include "slurm/client.hpp"

namespace provost::service {

struct Desk::Asking {
  Reading reading;
  slurm::Run run;                         ///< on the controller
  const model::Campus* campus = nullptr;  ///< with what supervisors changed; nullptr: no file
};

/// Whether somebody asks from a node, as a person of its cluster.
inline bool is_person(const Caller& caller) { return !caller.from_cluster.empty(); }

/// Whether somebody supervises an account's department, or leads the project that it is.
bool oversees(const model::Campus* campus, const std::string& person, const std::string& account);

/// Errors: unavailable.
Result<scheduling::JobList> jobs_of(const slurm::Run& run, const scheduling::JobFilter& filter);

/// The job with this number, or a task of the array with it. nullptr: none.
const scheduling::Job* find_job(const std::vector<scheduling::Job>& jobs, const std::string& job);

/// A cluster without a campus file has no policy.
Error no_campus(const std::string& cluster);

/// The campus as the row's files have it, without what supervisors changed. Errors: conflict.
Result<model::Campus> file_campus(const store::Cluster& row);

/// What supervisors changed, for people, beside a file.
std::vector<OverlayLine> overlay_lines(const model::Overlay& overlay, const model::Campus& file);

/// What ended, or never was.
Error no_such_job(const std::string& cluster, const std::string& job);

}  // namespace provost::service
