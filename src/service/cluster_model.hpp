// The meaning of a stored cluster: its files read, its nodes laid out, what each node should be.
// Made from rows, pure, and kept until a row changes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cluster/cluster.hpp"
#include "model/cluster.hpp"
#include "model/layout.hpp"
#include "model/node_part.hpp"
#include "provider/provider.hpp"
#include "scheduling/overlay.hpp"
#include "scheduling/scheduling.hpp"
#include "service/settings.hpp"
#include "slurm/edits.hpp"
#include "spec/spec.hpp"
#include "store/rows.hpp"

namespace provost::service {

struct NodeModel {
  model::NodePlace place;
  std::shared_ptr<const model::NodePart> part;  ///< one for all nodes that should be the same
  std::string revision;                         ///< content hash of `part` and the script's place
  provider::MachineSpec machine;
};

struct ClusterModel {
  store::Cluster row;
  model::Cluster cluster;
  model::Layout layout;
  std::vector<slurm::Edit> kept_edits;  ///< of Slurm's files, changed by hand
  scheduling::Wanted scheduling;
  std::map<std::string, NodeModel> nodes;
  std::vector<std::string> order;  ///< node names, controller first
};

/// The files of a row as `spec/` reads them.
spec::Sources sources_of(const store::Cluster& row);

/// The instance types as they were when the cluster was made or changed last.
Result<spec::Catalogue> catalogue_of(const store::Cluster& row);

/// Names, addresses and identities of a cluster's nodes, from its rows.
model::Layout layout_of(const store::Cluster& row, const model::Cluster& cluster,
                        const std::vector<store::Node>& nodes,
                        const std::vector<std::string>& host_gpus);

/// Lays what supervisors changed over a cluster that was read from a row's files. Amendments that
/// have no effect beside them are told.
std::vector<scheduling::VoidAmendment> apply_overlay(const store::Cluster& row,
                                                     model::Cluster& cluster);

/// All of it. Errors: invalid (files that were sound are not any more: a newer Provost is
/// stricter), conflict (two rooms claim a file).
Result<std::shared_ptr<const ClusterModel>> make_model(const store::Cluster& row,
                                                       const std::vector<store::Node>& nodes,
                                                       const Settings& settings,
                                                       const std::vector<std::string>& host_gpus);

}  // namespace provost::service
