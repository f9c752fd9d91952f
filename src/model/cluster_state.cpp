#include "model/cluster_state.hpp"

#include <algorithm>

namespace provost::model {
namespace {

constexpr std::array<std::string_view, 6> kNodeNames = {
    "Pending", "Running", "Failure", "ShuttingDown", "SystemUpdating", "DeepHealthCheckInProgress"};
constexpr std::array<std::string_view, 7> kClusterNames = {
    "Creating", "Deleting", "Failed", "InService", "RollingBack", "SystemUpdating", "Updating"};
constexpr std::array<std::string_view, 7> kGroupNames = {
    "InService", "Creating", "Updating", "Failed", "Degraded", "SystemUpdating", "Deleting"};
constexpr std::array<std::string_view, 6> kEventNames = {"ready",   "not_ready", "script_failed",
                                                         "refused", "mended",    "removal_asked"};

}  // namespace

std::string_view name(NodeStatus status) { return kNodeNames.at(static_cast<std::size_t>(status)); }
std::string_view name(ClusterStatus status) {
  return kClusterNames.at(static_cast<std::size_t>(status));
}
std::string_view name(GroupStatus status) {
  return kGroupNames.at(static_cast<std::size_t>(status));
}
std::string_view name(NodeEvent event) { return kEventNames.at(static_cast<std::size_t>(event)); }

std::optional<NodeStatus> node_status_named(std::string_view name) {
  const auto* found = std::find(kNodeNames.begin(), kNodeNames.end(), name);
  if (found == kNodeNames.end()) {
    return std::nullopt;
  }
  return static_cast<NodeStatus>(found - kNodeNames.begin());
}

const NodeTransition* find_transition(NodeStatus from, NodeEvent event) {
  const auto* found = std::find_if(kNodeTransitions.begin(), kNodeTransitions.end(),
                                   [&](const NodeTransition& transition) {
                                     return transition.from == from && transition.event == event;
                                   });
  return found == kNodeTransitions.end() ? nullptr : found;
}

}  // namespace provost::model
