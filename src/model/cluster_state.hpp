// HyperPod's status names and the transitions of a node, as data. The status of a cluster or group
// is derived from its nodes and its running operation.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace provost::model {

/// Source: API reference, ClusterInstanceStatus.
enum class NodeStatus {
  pending,
  running,
  failure,
  shutting_down,
  system_updating,
  deep_health_check_in_progress
};
std::string_view name(NodeStatus status);  ///< "Pending"
std::optional<NodeStatus> node_status_named(std::string_view name);

/// Source: API reference, ClusterStatus.
enum class ClusterStatus {
  creating,
  deleting,
  failed,
  in_service,
  rolling_back,
  system_updating,
  updating
};
std::string_view name(ClusterStatus status);  ///< "Creating"

/// Source: API reference, InstanceGroupStatus.
enum class GroupStatus {
  in_service,
  creating,
  updating,
  failed,
  degraded,
  system_updating,
  deleting
};
std::string_view name(GroupStatus status);

/// What is done about an operation that failed.
enum class Phase {
  normal = 0,
  rolling_back = 1,  ///< back to what was before the operation: for a creation, nothing
  failed = 2         ///< the creation is undone; the reason is kept
};

/// Whether a node shall go.
enum class Leaving {
  no = 0,
  when_idle = 1,  ///< it takes no more jobs, and goes when those that run have ended
  now = 2         ///< what runs on it is ended, and queued again where it can be
};

/// What happens to a node.
enum class NodeEvent {
  ready,          ///< machine runs, script done, all units up
  not_ready,      ///< a unit or the machine went away
  script_failed,  ///< its lifecycle script failed
  refused,        ///< it cannot be made, however often it is tried
  mended,         ///< the reason of its failure is gone
  removal_asked   ///< it shall go
};
std::string_view name(NodeEvent event);

struct NodeTransition {
  NodeStatus from;
  NodeEvent event;
  NodeStatus to;
  std::string_view reason;  ///< for people
};

/// Every transition there is; an event without a row leaves the status as it is.
inline constexpr std::array<NodeTransition, 10> kNodeTransitions = {{
    {NodeStatus::pending, NodeEvent::ready, NodeStatus::running,
     "it is set up and its daemons answer"},
    {NodeStatus::pending, NodeEvent::script_failed, NodeStatus::failure,
     "its lifecycle script failed"},
    {NodeStatus::pending, NodeEvent::refused, NodeStatus::failure, "it cannot be made"},
    {NodeStatus::running, NodeEvent::not_ready, NodeStatus::pending, "it stopped answering"},
    {NodeStatus::running, NodeEvent::refused, NodeStatus::failure, "it cannot be kept running"},
    {NodeStatus::failure, NodeEvent::mended, NodeStatus::pending,
     "the cause of its failure is gone"},
    {NodeStatus::failure, NodeEvent::ready, NodeStatus::running, "it is set up after all"},
    {NodeStatus::pending, NodeEvent::removal_asked, NodeStatus::shutting_down,
     "it is being removed"},
    {NodeStatus::running, NodeEvent::removal_asked, NodeStatus::shutting_down,
     "it is being removed"},
    {NodeStatus::failure, NodeEvent::removal_asked, NodeStatus::shutting_down,
     "it is being removed"},
}};

/// The row for `event` in `from`, or nothing.
const NodeTransition* find_transition(NodeStatus from, NodeEvent event);

}  // namespace provost::model
