// What a change would do, line by line for people, with whom it disturbs. Pure. Private to this
// room.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/change.hpp"
#include "service/cluster_model.hpp"
#include "service/desk.hpp"
#include "slurm/client.hpp"

namespace provost::service {

/// A cluster as it is and as the files would have it.
struct Comparison {
  const ClusterModel& before;
  const ClusterModel& after;
  const cluster::Change& change;
  const slurm::View& slurm;
  bool now = false;
};

/// The nodes that there are, with the jobs that run on them.
std::vector<cluster::NodeUse> uses_of(const std::vector<store::Node>& nodes,
                                      const slurm::View& view);

/// Fills in the plan's lines, jobs and cost, and what of it is refused.
void add_lines(const Comparison& both, ChangePlan& plan);

/// The cost of a plan whose clusters are these; `before` may be nothing.
void add_cost(const model::Cluster* before, const model::Cluster& after, ChangePlan& plan);

/// What was changed by hand in Slurm's files: kept, undone or refused, as the files to come say.
struct HandEditsPlanned {
  std::vector<PlannedLine> lines;
  Findings refused;
  std::optional<std::string> kept;  ///< absent: what is kept stays as it is
};
HandEditsPlanned hand_edits(const ClusterModel& before, const model::Cluster& after,
                            const scheduling::FilesSeen& seen);

/// Of the files and the lines: a plan that was shown is carried out or none.
std::string fingerprint_of(const ChangePlan& plan, const spec::Sources& sources);

}  // namespace provost::service
