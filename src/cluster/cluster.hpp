// Nodes, groups, network: what is wanted of a cluster's machines, seen of them, and the steps from
// one to the other. `facts` and `plan` are pure; the `act` overloads carry a deed out through
// `Outside`.
//
// Conditions (C is the cluster's name, N a node's): "C/network", "C/N/registered", "C/N/ready",
// "C/N/configured", "C/N/free" (it takes no more jobs and runs none), "C/N/gone", "C/network-gone",
// "C/slurmdbd/answers", "C/slurmctld/answers". Needs of another room: "C/slurm-config/in-force".
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "cluster/agents.hpp"
#include "model/cluster.hpp"
#include "model/cluster_state.hpp"
#include "model/layout.hpp"
#include "model/plan.hpp"
#include "provider/provider.hpp"

namespace provost::cluster {

/// What one node should be, with everything that creating it takes.
struct WantedNode {
  model::NodePlace place;
  provider::MachineSpec machine;
  std::string revision;     ///< of its specification
  std::string type;         ///< for people
  bool has_script = false;  ///< a lifecycle script must have succeeded before it is ready
  model::Leaving leaving = model::Leaving::no;
};

struct Wanted {
  std::string name;
  std::string id;
  bool arrived = false;     ///< has been in service: nodes join a Slurm that runs
  bool continuous = false;  ///< the controller first, and in service before all nodes are
  bool undoing = false;     ///< its creation is taken back: everything goes but its data
  bool deleting = false;
  bool delete_data = false;
  std::string data_directory;  ///< removed with `delete_data`
  provider::NetworkSpec network;
  std::vector<WantedNode> nodes;  ///< controller first
};

struct NodeSeen {
  bool machine_exists = false;  ///< leaves any trace
  bool machine_running = false;
  int machine_incarnation = 0;
  model::NodeStatus status = model::NodeStatus::pending;  ///< as stored
  AgentSeen agent;
  bool in_slurm = false;          ///< slurmctld has it
  bool closed = false;            ///< slurmctld gives it no more jobs
  bool closed_by_us = false;      ///< because it was to leave
  bool busy = false;              ///< slurmctld has jobs on it, those that are ending included
  std::vector<std::string> jobs;  ///< ids of jobs that run on it
};

struct Seen {
  bool network = false;
  bool network_trace = false;             ///< something of it is there
  bool data = false;                      ///< the data directory is there
  std::map<std::string, NodeSeen> nodes;  ///< by name; machines nobody wants too
  int running_jobs = 0;
  bool slurm_known = false;  ///< there is a picture of slurmctld: what is said of nodes is so
};

/// What follows from wanted and seen about one node.
struct NodeFacts {
  bool running = false;     ///< its machine, of the right incarnation
  bool registered = false;  ///< its agent is connected and has reported
  bool configured = false;  ///< the agent is at the wanted revision
  bool script_failed = false;
  bool script_running = false;
  bool prepared = false;      ///< no script, or it succeeded
  bool serving = false;       ///< all units before the worker stage are up
  bool worker_asked = false;  ///< worker units have been opened
  bool ready = false;         ///< everything it should run is up
  bool going = false;         ///< it leaves, and nothing keeps it any more
  std::string trouble;        ///< for people: what keeps it from being ready
};

struct Facts {
  std::map<std::string, NodeFacts> nodes;
  bool slurmdbd_answers = false;
  bool slurmctld_answers = false;
  std::set<model::Condition> seen;  ///< all conditions that hold
};

Facts facts(const Wanted& wanted, const Seen& seen);

struct CreateNetwork {
  provider::NetworkSpec spec;
};
struct CreateNode {
  provider::MachineSpec machine;
};
struct ConfigureNode {
  std::string node;
  model::Stage opened = model::Stage::service;
};
/// Slurm gives a node no more jobs; those in `ends` are queued again, or cancelled.
struct CloseNode {
  std::string controller;
  std::string node;
  std::vector<std::string> ends;
};
/// Takes that back.
struct OpenNode {
  std::string controller;
  std::string node;
};
struct StopJobs {
  std::string controller;
};
struct RemoveNode {
  std::string node;
};
struct RemoveNetwork {};
struct RemoveData {
  std::string directory;
};

using Deed = std::variant<CreateNetwork, CreateNode, ConfigureNode, CloseNode, OpenNode, StopJobs,
                          RemoveNode, RemoveNetwork, RemoveData>;

/// Begins the reason that Slurm shows for a node that is to leave.
inline constexpr std::string_view kLeaveReason = "Provost: leaves the cluster";

/// Pure. Keys are unique; a plan carried out leaves nothing to plan.
model::Plan<Deed> plan(const Wanted& wanted, const Facts& facts, const Seen& seen);

/// The event that the facts mean for a node in `status`, if any. Pure.
std::optional<model::NodeEvent> node_event(model::NodeStatus status, const NodeFacts& facts,
                                           bool refused, bool deleting);

/// What acting needs of the outside.
struct Outside {
  provider::Provider& provider;
  Agents& agents;
  std::string cluster;
  std::string cluster_id;
  /// The specification of a node, with its script's bundle when it has to run.
  std::function<Result<protocol::Spec>(const std::string& node, model::Stage opened)> spec_of;
  /// Issues the agent's certificate: files to seed the machine with.
  std::function<Result<std::vector<provider::SeedFile>>(const provider::MachineSpec&)> seed_of;
};
using Progress = std::function<void(std::string_view)>;

model::Outcome act(const CreateNetwork& deed, Outside& outside, const Progress& progress);
model::Outcome act(const CreateNode& deed, Outside& outside, const Progress& progress);
model::Outcome act(const ConfigureNode& deed, Outside& outside, const Progress& progress);
model::Outcome act(const CloseNode& deed, Outside& outside, const Progress& progress);
model::Outcome act(const OpenNode& deed, Outside& outside, const Progress& progress);
model::Outcome act(const StopJobs& deed, Outside& outside, const Progress& progress);
model::Outcome act(const RemoveNode& deed, Outside& outside, const Progress& progress);
model::Outcome act(const RemoveNetwork& deed, Outside& outside, const Progress& progress);
model::Outcome act(const RemoveData& deed, Outside& outside, const Progress& progress);

/// How long a node that failed is left before it is made anew, after its `incarnation`th try: 30 s
/// doubled each time, at most 10 minutes.
std::chrono::seconds pause_before_replacing(int incarnation);

/// What is under way with a cluster.
struct Operation {
  bool deleting = false;
  bool arrived = false;
  bool changing = false;
  bool continuous = false;
  bool keep_failed = false;  ///< a creation that fails is over; else it is rolled back first
  model::Phase phase = model::Phase::normal;
};

/// Status derived from the nodes and what is under way.
model::ClusterStatus status_of(const Operation& operation,
                               const std::vector<model::NodeStatus>& nodes);
/// `least`: MinInstanceCount; with Continuous a group is in service as soon as so many nodes run.
model::GroupStatus group_status_of(const Operation& operation, int least,
                                   const std::vector<model::NodeStatus>& nodes);

}  // namespace provost::cluster
