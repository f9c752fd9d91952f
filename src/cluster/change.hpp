// What other files would mean for a cluster's nodes: which join, which leave, and what can't be
// done. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/finding.hpp"
#include "model/cluster.hpp"
#include "model/cluster_state.hpp"

namespace provost::cluster {

/// A node that is there, and what runs on it.
struct NodeUse {
  std::string name;
  std::string group;
  int number = 0;
  model::Leaving leaving = model::Leaving::no;
  std::vector<std::string> jobs;  ///< ids of running jobs
  bool failed = false;
};

/// What becomes of one group.
struct GroupChange {
  std::string group;
  int before = 0;                    ///< nodes that stay so far
  int after = 0;                     ///< nodes wanted
  bool is_new = false;               ///< the files did not have the group
  bool other_script = false;         ///< nodes made from now on run another lifecycle script
  std::vector<int> joins;            ///< numbers of nodes to make
  std::vector<std::string> returns;  ///< nodes that were to leave and stay after all
  std::vector<std::string> leaves;   ///< nodes to take away, those without jobs first
};

struct Change {
  std::vector<GroupChange> groups;  ///< only those of which something changes
  Findings refused;                 ///< what can't be changed, each with the way to do it
};

/// The way from `before`, with the nodes that are there, to `after`. A group that shrinks gives up
/// nodes that failed first, then those without jobs, of those the ones with the highest numbers;
/// one that grows takes back nodes that have not left yet, those with jobs first, then fills its
/// numbers from 1.
Change change(const model::Cluster& before, const model::Cluster& after,
              const std::vector<NodeUse>& nodes);

}  // namespace provost::cluster
