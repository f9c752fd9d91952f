#include <algorithm>

#include "cluster/cluster.hpp"

namespace provost::cluster {
namespace {

using model::Action;
using model::Because;
using model::Stage;

std::string condition(const Wanted& wanted, std::string_view rest) {
  return fmt::format("{}/{}", wanted.name, rest);
}

bool is_up(const protocol::Report& report, std::string_view unit) {
  return std::any_of(report.units.begin(), report.units.end(),
                     [&](const protocol::UnitReport& each) {
                       return each.name == unit && each.state == protocol::UnitState::up;
                     });
}

std::string first_trouble(const protocol::Report& report) {
  if (!report.failure.empty()) {
    return report.failure;
  }
  if (report.script.state == protocol::ScriptState::failed) {
    return fmt::format("lifecycle script {} ended with status {}", report.script.step,
                       report.script.status);
  }
  for (const protocol::UnitReport& unit : report.units) {
    if (unit.state == protocol::UnitState::failed) {
      return fmt::format("{} does not run: {}", unit.name, unit.message);
    }
  }
  return {};
}

NodeFacts facts_of(const WantedNode& wanted, const NodeSeen& seen) {
  NodeFacts facts;
  facts.running = seen.machine_running && seen.machine_incarnation == wanted.place.incarnation;
  facts.registered = seen.agent.connected && seen.agent.report &&
                     seen.agent.incarnation == wanted.place.incarnation;
  if (!facts.registered) {
    return facts;
  }
  const protocol::Report& report = *seen.agent.report;
  facts.configured = report.revision == wanted.revision && report.failure.empty();
  facts.script_failed = report.script.state == protocol::ScriptState::failed;
  facts.script_running = report.script.state == protocol::ScriptState::running;
  facts.prepared = facts.configured &&
                   (!wanted.has_script || report.script.state == protocol::ScriptState::succeeded);
  facts.trouble = first_trouble(report);
  const bool all_up = std::all_of(
      report.units.begin(), report.units.end(),
      [](const protocol::UnitReport& unit) { return unit.state == protocol::UnitState::up; });
  facts.ready = facts.prepared && all_up && !report.units.empty();
  facts.worker_asked =
      !report.units.empty() &&
      std::none_of(report.units.begin(), report.units.end(), [](const protocol::UnitReport& unit) {
        return unit.state == protocol::UnitState::waiting;
      });
  return facts;
}

void plan_removal(const Wanted& wanted, const Seen& seen, model::Plan<Deed>& plan) {
  const Because because{wanted.deleting ? "the cluster is being deleted"
                                        : "the creation of the cluster is rolled back",
                        {}};
  std::vector<model::Condition> jobs_stopped;
  const auto controller = std::find_if(
      wanted.nodes.begin(), wanted.nodes.end(),
      [](const WantedNode& node) { return node.place.role == model::Role::controller; });
  if (seen.running_jobs > 0 && controller != wanted.nodes.end()) {
    Action<Deed> stop{{}, StopJobs{controller->place.name}};
    stop.step.key = condition(wanted, "jobs/stop");
    stop.step.line = fmt::format("- {} running jobs  stop", seen.running_jobs);
    stop.step.because = because;
    stop.step.gives = {condition(wanted, "jobs-stopped")};
    stop.step.deadline = std::chrono::seconds(30);
    jobs_stopped = stop.step.gives;
    plan.actions.push_back(std::move(stop));
  }
  std::vector<model::Condition> all_gone;
  for (const auto& [name, node] : seen.nodes) {
    const model::Condition gone = condition(wanted, name + "/gone");
    all_gone.push_back(gone);
    if (!node.machine_exists) {
      continue;
    }
    Action<Deed> remove{{}, RemoveNode{name}};
    remove.step.key = condition(wanted, name + "/remove");
    remove.step.line = fmt::format("- {}  remove", name);
    remove.step.kind = "remove node";
    remove.step.because = because;
    remove.step.needs = jobs_stopped;
    remove.step.gives = {gone};
    remove.step.deadline = std::chrono::seconds(30);
    plan.actions.push_back(std::move(remove));
  }
  if (seen.network || seen.network_trace) {
    Action<Deed> remove{{}, RemoveNetwork{}};
    remove.step.key = condition(wanted, "network/remove");
    remove.step.line = "- network  remove";
    remove.step.because = because;
    remove.step.needs = all_gone;
    remove.step.gives = {condition(wanted, "network-gone")};
    remove.step.deadline = std::chrono::seconds(30);
    plan.actions.push_back(std::move(remove));
  }
  if (seen.data && wanted.delete_data) {
    Action<Deed> remove{{}, RemoveData{wanted.data_directory}};
    remove.step.key = condition(wanted, "data/remove");
    remove.step.line = "- /fsx  remove with all its data";
    remove.step.because = {"it was asked for with --with-data", {}};
    remove.step.needs = all_gone;
    remove.step.gives = {condition(wanted, "data-gone")};
    plan.actions.push_back(std::move(remove));
  }
}

std::string controller_of(const Wanted& wanted) {
  const auto found = std::find_if(wanted.nodes.begin(), wanted.nodes.end(), [](const auto& node) {
    return node.place.role == model::Role::controller;
  });
  return found == wanted.nodes.end() ? std::string() : found->place.name;
}

std::string of_incarnation(const Wanted& wanted, const WantedNode& node, std::string_view verb) {
  return condition(wanted, fmt::format("{}/{}/{}", node.place.name, node.place.incarnation, verb));
}

// A node that leaves: first Slurm gives it no more jobs, then it goes when none is left.
void plan_leaving(const Wanted& wanted, const WantedNode& node, const NodeSeen& seen,
                  bool slurm_known, model::Plan<Deed>& plan) {
  const std::string& name = node.place.name;
  const bool computes = node.place.role == model::Role::compute;
  if (!seen.machine_exists || (computes && !slurm_known)) {
    return;  // without Slurm's word on its jobs nothing is taken away
  }
  const bool now = node.leaving == model::Leaving::now;
  const Because because{fmt::format("group {} has fewer nodes", node.place.group), {}};
  if (seen.in_slurm && (!seen.closed || (now && !seen.jobs.empty()))) {
    Action<Deed> close{{}, CloseNode{controller_of(wanted), name, {}}};
    if (now) {
      std::get<CloseNode>(close.deed).ends = seen.jobs;
      close.step.disturbs.ends = seen.jobs;
    }
    close.step.key = of_incarnation(wanted, node, now ? "close-now" : "close");
    close.step.line = fmt::format("~ {}  drain", name);
    close.step.because = because;
    close.step.disturbs.drains = {name};
    close.step.needs = {condition(wanted, "slurmctld/answers")};
    close.step.deadline = std::chrono::seconds(15);
    plan.actions.push_back(std::move(close));
  }
  Action<Deed> remove{{}, RemoveNode{name}};
  remove.step.key = of_incarnation(wanted, node, "leave");
  remove.step.line = fmt::format("- {}  remove", name);
  remove.step.because = because;
  if (seen.in_slurm) {
    remove.step.needs = {condition(wanted, name + "/free")};
    remove.step.disturbs.awaits = now ? std::vector<std::string>{} : seen.jobs;
  }
  remove.step.gives = {condition(wanted, name + "/gone")};
  remove.step.deadline = std::chrono::seconds(30);
  plan.actions.push_back(std::move(remove));
}

void plan_opening(const Wanted& wanted, const WantedNode& node, model::Plan<Deed>& plan) {
  Action<Deed> open{{}, OpenNode{controller_of(wanted), node.place.name}};
  open.step.key = of_incarnation(wanted, node, "open");
  open.step.line = fmt::format("~ {}  resume", node.place.name);
  open.step.because = {"it does not leave after all", {}};
  open.step.needs = {condition(wanted, "slurmctld/answers")};
  open.step.deadline = std::chrono::seconds(15);
  plan.actions.push_back(std::move(open));
}

void plan_node(const Wanted& wanted, const WantedNode& node, const Facts& facts, const Seen& seen,
               model::Plan<Deed>& plan) {
  const std::string& name = node.place.name;
  const NodeFacts& known = facts.nodes.at(name);
  if (node.leaving != model::Leaving::no) {
    plan_leaving(wanted, node, seen.nodes.at(name), seen.slurm_known, plan);
    return;
  }
  if (seen.nodes.at(name).closed_by_us) {
    plan_opening(wanted, node, plan);
  }
  if (!known.running) {
    Action<Deed> create{{}, CreateNode{node.machine}};
    create.step.key = condition(wanted, fmt::format("{}/{}/create", name, node.place.incarnation));
    create.step.line = fmt::format("+ {}  create  {}", name, node.type);
    create.step.kind = fmt::format("create {}", model::name(node.place.role));
    const auto& machine = seen.nodes.at(name);
    create.step.because = {machine.machine_exists
                               ? "its machine does not run"
                               : fmt::format("group {} has it", node.place.group),
                           {}};
    create.step.needs = {condition(wanted, "network")};
    if (wanted.continuous && node.place.role != model::Role::controller) {
      create.step.needs.push_back(condition(wanted, controller_of(wanted) + "/ready"));
    }
    create.step.gives = {condition(wanted, name + "/registered")};
    create.step.deadline = std::chrono::seconds(15);
    plan.actions.push_back(std::move(create));
    return;
  }
  if (!known.registered) {
    return;  // it boots; the agent's silence is health's business
  }
  const bool open_worker =
      node.place.role == model::Role::compute && (facts.slurmctld_answers || known.worker_asked);
  if (known.configured && (known.worker_asked || !open_worker)) {
    return;
  }
  const Stage opened = open_worker ? Stage::worker : Stage::service;
  Action<Deed> configure{{}, ConfigureNode{name, opened}};
  configure.step.key =
      condition(wanted, fmt::format("{}/{}/configure/{}/{}/{}", name, node.place.incarnation,
                                    node.revision.substr(0, 12),
                                    opened == Stage::worker ? "worker" : "service",
                                    seen.nodes.at(name).agent.connection));
  configure.step.kind =
      fmt::format("{} {}", known.configured ? "start" : "configure", model::name(node.place.role));
  configure.step.line =
      fmt::format("~ {}  {}", name, known.configured ? "start slurmd" : "configure");
  configure.step.because = {known.configured ? "slurmctld answers" : "its agent registered", {}};
  if (open_worker && wanted.arrived) {
    // A slurmd that slurmctld does not know yet would end.
    configure.step.needs = {condition(wanted, "slurm-config/in-force")};
  }
  configure.step.gives = {condition(wanted, name + "/configured")};
  configure.step.deadline = std::chrono::seconds(60);
  plan.actions.push_back(std::move(configure));
}

void note(const Wanted& wanted, const std::string& what, bool holds,
          std::set<model::Condition>& seen) {
  if (holds) {
    seen.insert(condition(wanted, what));
  }
}

}  // namespace

Facts facts(const Wanted& wanted, const Seen& seen) {
  Facts facts;
  note(wanted, "network", seen.network, facts.seen);
  note(wanted, "network-gone", !seen.network && !seen.network_trace, facts.seen);
  for (const WantedNode& node : wanted.nodes) {
    const std::string& name = node.place.name;
    const auto found = seen.nodes.find(name);
    const NodeSeen nothing;
    const NodeSeen& machine = found == seen.nodes.end() ? nothing : found->second;
    NodeFacts known = facts_of(node, machine);
    note(wanted, name + "/registered", known.registered, facts.seen);
    note(wanted, name + "/configured", known.configured, facts.seen);
    note(wanted, name + "/ready", known.ready, facts.seen);
    if (node.place.role == model::Role::controller && known.registered) {
      facts.slurmdbd_answers = is_up(*machine.agent.report, "slurmdbd.service");
      facts.slurmctld_answers = is_up(*machine.agent.report, "slurmctld.service");
    }
    const bool free = seen.slurm_known && machine.closed && !machine.busy && machine.jobs.empty();
    note(wanted, name + "/free", free, facts.seen);
    const bool kept = node.place.role == model::Role::compute && machine.machine_exists &&
                      (!seen.slurm_known || (machine.in_slurm && !free));
    known.going = node.leaving != model::Leaving::no && !kept;
    facts.nodes.emplace(name, known);
  }
  for (const auto& [name, node] : seen.nodes) {
    note(wanted, name + "/gone", !node.machine_exists, facts.seen);
  }
  note(wanted, "slurmdbd/answers", facts.slurmdbd_answers, facts.seen);
  note(wanted, "slurmctld/answers", facts.slurmctld_answers, facts.seen);
  note(wanted, "jobs-stopped", seen.running_jobs == 0, facts.seen);
  return facts;
}

model::Plan<Deed> plan(const Wanted& wanted, const Facts& facts, const Seen& seen) {
  model::Plan<Deed> plan;
  if (wanted.deleting || wanted.undoing) {
    plan_removal(wanted, seen, plan);
    return plan;
  }
  if (!seen.network) {
    Action<Deed> create{{}, CreateNetwork{wanted.network}};
    create.step.key = condition(wanted, "network/create");
    create.step.line = fmt::format("+ network  create  {}", wanted.network.subnet);
    create.step.because = {"the cluster's nodes live on a network of their own", {}};
    create.step.gives = {condition(wanted, "network")};
    create.step.deadline = std::chrono::seconds(15);
    plan.actions.push_back(std::move(create));
  }
  for (const WantedNode& node : wanted.nodes) {
    plan_node(wanted, node, facts, seen, plan);
  }
  return plan;
}

std::optional<model::NodeEvent> node_event(model::NodeStatus status, const NodeFacts& facts,
                                           bool refused, bool deleting) {
  using model::NodeEvent;
  using model::NodeStatus;
  if (deleting) {
    return status == NodeStatus::shutting_down ? std::nullopt
                                               : std::optional(NodeEvent::removal_asked);
  }
  if (facts.ready && status != NodeStatus::running) {
    return NodeEvent::ready;
  }
  if (facts.script_failed && status != NodeStatus::failure) {
    return NodeEvent::script_failed;
  }
  if (refused && status != NodeStatus::failure) {
    return NodeEvent::refused;
  }
  if (status == NodeStatus::failure && !refused && !facts.script_failed && facts.registered) {
    return NodeEvent::mended;
  }
  const bool lost = !facts.running || (facts.registered && !facts.ready);
  if (status == NodeStatus::running && lost) {
    return NodeEvent::not_ready;
  }
  return std::nullopt;
}

std::chrono::seconds pause_before_replacing(int incarnation) {
  constexpr std::chrono::seconds kFirst{30};
  constexpr std::chrono::seconds kLongest{600};
  constexpr int kDoublings = 5;
  return std::min(kFirst * (1 << std::clamp(incarnation - 1, 0, kDoublings)), kLongest);
}

model::ClusterStatus status_of(const Operation& operation,
                               const std::vector<model::NodeStatus>& nodes) {
  if (operation.deleting) {
    return model::ClusterStatus::deleting;
  }
  if (operation.phase != model::Phase::normal) {
    return operation.phase == model::Phase::failed ? model::ClusterStatus::failed
                                                   : model::ClusterStatus::rolling_back;
  }
  if (operation.arrived) {
    return operation.changing && !operation.continuous ? model::ClusterStatus::updating
                                                       : model::ClusterStatus::in_service;
  }
  const bool failed = std::any_of(nodes.begin(), nodes.end(), [](model::NodeStatus status) {
    return status == model::NodeStatus::failure;
  });
  return failed && operation.keep_failed ? model::ClusterStatus::failed
                                         : model::ClusterStatus::creating;
}

model::GroupStatus group_status_of(const Operation& operation, int least,
                                   const std::vector<model::NodeStatus>& nodes) {
  if (operation.deleting) {
    return model::GroupStatus::deleting;
  }
  if (operation.phase == model::Phase::failed) {
    return model::GroupStatus::failed;
  }
  const auto count = [&](model::NodeStatus status) {
    return std::count(nodes.begin(), nodes.end(), status);
  };
  const auto running = count(model::NodeStatus::running);
  if (running == static_cast<std::ptrdiff_t>(nodes.size()) ||
      (operation.continuous && operation.arrived && running >= std::max(least, 1))) {
    return model::GroupStatus::in_service;
  }
  if (operation.continuous) {
    return operation.arrived && running > 0 ? model::GroupStatus::updating
                                            : model::GroupStatus::creating;
  }
  if (operation.arrived) {
    return operation.changing ? model::GroupStatus::updating : model::GroupStatus::degraded;
  }
  return count(model::NodeStatus::failure) > 0 ? model::GroupStatus::failed
                                               : model::GroupStatus::creating;
}

}  // namespace provost::cluster
