#include "service/rounds.hpp"

#include <algorithm>
#include <unordered_map>

#include "base/log.hpp"
#include "base/text.hpp"
#include "cluster/node_files.hpp"
#include "os/files.hpp"
#include "service/desk.hpp"
#include "service/strays.hpp"
#include "service/world.hpp"
#include "storage/storage.hpp"

namespace provost::service {
namespace {

constexpr std::string_view kRoom = "service";

using Limits = std::vector<std::string>;
using RowsByName = std::unordered_map<std::string_view, const store::Node*>;

RowsByName by_name(const std::vector<store::Node>& rows) {
  RowsByName found;
  found.reserve(rows.size());
  for (const store::Node& row : rows) {
    found.emplace(row.name, &row);
  }
  return found;
}

const store::Node* find_node(const RowsByName& rows, std::string_view name) {
  const auto found = rows.find(name);
  return found == rows.end() ? nullptr : found->second;
}

/// The node a deed is about, for its event; empty when about the whole cluster.
std::string node_of(const cluster::Deed& deed) {
  return std::visit(
      [](const auto& each) -> std::string {
        if constexpr (requires { each.machine; }) {
          return each.machine.node;
        } else if constexpr (requires { each.node; }) {
          return each.node;
        } else {
          return {};
        }
      },
      deed);
}

cluster::Wanted wanted_of(const ClusterModel& model, const store::Cluster& row,
                          const std::vector<store::Node>& rows, const Settings& settings) {
  cluster::Wanted wanted{.name = row.name,
                         .id = row.id,
                         .arrived = row.arrived,
                         .continuous = model.cluster.continuous,
                         .undoing = row.phase == model::Phase::rolling_back && !row.arrived,
                         .deleting = row.deleting,
                         .delete_data = row.delete_data,
                         .data_directory = settings.data_directory(row.name),
                         .network = {.cluster = row.name,
                                     .id = row.network_id,
                                     .subnet = row.subnet,
                                     .agent_port = settings.agent_port},
                         .nodes = {}};
  const RowsByName known_rows = by_name(rows);
  for (const std::string& name : model.order) {
    const NodeModel& node = model.nodes.at(name);
    const model::InstanceGroup& group = *model.cluster.find_group(node.place.group);
    const store::Node* known = find_node(known_rows, name);
    wanted.nodes.push_back({.place = node.place,
                            .machine = node.machine,
                            .revision = node.revision,
                            .type = group.type.name,
                            .has_script = group.lifecycle.has_value(),
                            .leaving = known == nullptr ? model::Leaving::no : known->leaving});
  }
  return wanted;
}

// Unit files are in place before the first boot: systemd would have to read all of them again,
// which takes longer than anything else that the agent does.
void add_unit_files(const model::NodePart& part, std::vector<provider::SeedFile>& seed) {
  for (const model::FilePart& file : part.files) {
    if (file.path.starts_with("/etc/systemd/system/") && file.owner == "root" &&
        file.group == "root") {
      seed.push_back({file.path, file.content, file.mode});
    }
  }
}

// What slurmctld says of the jobs and of each node.
void see_slurm(const slurm::View& view, cluster::Seen& seen) {
  seen.slurm_known = view.answering;
  seen.running_jobs =
      static_cast<int>(std::count_if(view.jobs.begin(), view.jobs.end(), slurm::is_running));
  const auto jobs = view.running_by_node();
  for (const slurm::NodeSeen& node : view.nodes) {
    const auto known = seen.nodes.find(node.name);
    if (known == seen.nodes.end()) {
      continue;
    }
    known->second.in_slurm = true;
    known->second.closed = slurm::is_draining_or_drained(node);
    known->second.closed_by_us =
        known->second.closed && node.reason.starts_with(cluster::kLeaveReason);
    known->second.busy = slurm::is_busy(node);
    const auto running = jobs.find(node.name);
    if (running != jobs.end()) {
      for (const slurm::JobSeen* job : running->second) {
        known->second.jobs.push_back(job->id);
      }
    }
  }
}

}  // namespace

store::Event Rounds::about(const store::Cluster& row, const store::Node* node) {
  store::Event event;
  event.cluster = row.name;
  event.resource = store::Resource::cluster;
  if (node != nullptr) {
    event.resource = store::Resource::node;
    event.group = node->group;
    event.node = node->name;
  }
  return event;
}

control::Round Rounds::look() {
  control::Round round;
  note_steps();
  const auto machines = world_.provider().observe();
  const auto networks = world_.provider().networks();
  const auto traces = world_.provider().network_traces();
  if (!machines || !networks || !traces) {
    log::error(kRoom, "this round is left out: {}",
               !machines   ? machines.error().message
               : !networks ? networks.error().message
                           : traces.error().message);
    round.look_again = now_utc() + std::chrono::seconds(2);
    return round;
  }
  const Host host{
      *machines, {networks->begin(), networks->end()}, {traces->begin(), traces->end()}};
  std::vector<Controller> controllers;
  const auto known = world_.store().clusters();
  note_strays(host, known);
  for (const store::Cluster& row : known) {
    look_at(row, host, round, controllers);
  }
  world_.collector().watch(std::move(controllers));
  return round;
}

// Said once in the life of a provostd: nothing is done to them.
void Rounds::note_strays(const Host& host, const std::vector<store::Cluster>& known) {
  const std::vector<std::string> networks(host.network_traces.begin(), host.network_traces.end());
  for (const Stray& stray : strays_of(known, host.machines, networks)) {
    if (!strays_noted_.insert(stray.cluster).second) {
      continue;
    }
    log::warning(kRoom,
                 "cluster={} is on this host and not in the store; provost delete {} --stray",
                 stray.cluster, stray.cluster);
    const Status written = world_.store().write("stray", [&](store::Writer& writer) {
      writer.add_event({.level = store::Level::warn,
                        .cluster = stray.cluster,
                        .what = fmt::format("{} is a stray: {} machines that nobody looks after",
                                            stray.cluster, stray.nodes.size()),
                        .because = "it is on this host and not in the store"});
    });
    if (!written) {
      log::error(kRoom, "cluster={} {}", stray.cluster, written.error().message);
    }
  }
}

void Rounds::look_at(const store::Cluster& row, const Host& host, control::Round& round,
                     std::vector<Controller>& controllers) {
  Case one;
  if ((row.phase == model::Phase::failed && !row.deleting) || !make_case(row, host, one)) {
    return;  // of a creation that failed nothing is left and nothing is wanted
  }
  round.seen.insert(one.facts.seen.begin(), one.facts.seen.end());
  if (one.seen.network) {
    const Status listening = world_.listen_for_agents_(one.model->layout.gateway);
    if (!listening) {
      log::error(kRoom, "cluster={} agents cannot reach this provostd: {}", row.name,
                 listening.error().message);
    }
  }
  if (one.facts.slurmctld_answers && !row.deleting) {
    controllers.push_back({row.id, one.model->layout.controller().name,
                           !row.arrived || !row.changing.empty(), row.arrived});
  }
  add_cluster_steps(one, round);
  if (!row.deleting && !one.wanted.undoing) {
    add_scheduling_steps(one, round);
    add_rollback_steps(one, round);
    replace_failed(one, round);
  }
  record_transitions(one);
  record_arrival(one);
  fail_creation(one);
  finish_undoing(one);
  finish_leaving(one);
  finish_change(one);
  finish_removal(one);
}

bool Rounds::make_case(const store::Cluster& row, const Host& host, Case& one) {
  one.row = row;
  one.rows = world_.store().nodes(row.id);
  auto model = world_.model_of(row, one.rows);
  if (!model) {
    log::error(kRoom, "cluster={} left out: {}", row.name, model.error().message);
    return false;
  }
  one.model = *model;
  one.wanted = wanted_of(*one.model, row, one.rows, world_.settings());
  one.seen.network = host.networks.contains(row.name);
  one.seen.network_trace = host.network_traces.contains(row.name);
  one.seen.data = os::exists(one.wanted.data_directory);
  for (const store::Node& node : one.rows) {
    one.seen.nodes[node.name].status = node.status;
    one.seen.nodes[node.name].agent = world_.agents().seen({row.id, node.name});
  }
  for (const provider::MachineSeen& machine : host.machines) {
    if (machine.cluster == row.name) {
      cluster::NodeSeen& seen = one.seen.nodes[machine.node];
      seen.machine_exists = true;
      seen.machine_running = machine.running;
      seen.machine_incarnation = machine.incarnation;
    }
  }
  if (const auto picture = world_.collector().picture(row.id)) {
    see_slurm(picture->view, one.seen);
  }
  one.facts = cluster::facts(one.wanted, one.seen);
  return true;
}

cluster::Outside Rounds::outside_of(const std::shared_ptr<const ClusterModel>& model) {
  World& world = world_;
  return {.provider = world.provider(),
          .agents = world.agents(),
          .cluster = model->row.name,
          .cluster_id = model->row.id,
          .spec_of = [&world, model](const std::string& node,
                                     model::Stage opened) -> Result<protocol::Spec> {
            const NodeModel& known = model->nodes.at(node);
            protocol::Spec spec{.epoch = world.epoch(),
                                .revision = known.revision,
                                .part = *known.part,
                                .script = std::nullopt,
                                .opened = opened};
            const model::InstanceGroup& group = *model->cluster.find_group(known.place.group);
            if (group.lifecycle) {
              const std::string root = world.settings().bucket_root();
              auto bundle = storage::bundle(root, *group.lifecycle);
              if (!bundle) {
                return pass(bundle.error());
              }
              spec.script = protocol::ScriptOrder{
                  .bucket = group.lifecycle->bucket,
                  .prefix = group.lifecycle->prefix,
                  .script = group.lifecycle->script,
                  .bundle = std::move(*bundle),
                  .timeout_s = world.settings().script_timeout_s,
                  .environment = {},
                  .late = group.lifecycle->when == model::LifecycleScript::When::on_init_complete};
            }
            return spec;
          },
          .seed_of =
              [&world, model](const provider::MachineSpec& machine) {
                const bool has_people =
                    model->nodes.at(machine.node).place.role != model::Role::compute;
                auto seed = agent_seed(world.keys(), world.settings(),
                                       {model->row.id, machine.node, machine.incarnation},
                                       model->row.name, model->layout.gateway, has_people);
                if (seed) {
                  add_unit_files(*model->nodes.at(machine.node).part, *seed);
                }
                return seed;
              }};
}

void Rounds::add_cluster_steps(Case& one, control::Round& round) {
  const RowsByName rows = by_name(one.rows);
  for (auto& action : cluster::plan(one.wanted, one.facts, one.seen).actions) {
    const store::Node* node = find_node(rows, node_of(action.deed));
    ++one.works;
    round.works.push_back(
        {.step = action.step,
         .cluster_id = one.row.id,
         .about = about(one.row, node),
         .act = [this, deed = action.deed, model = one.model](const control::Progress& progress) {
           cluster::Outside outside = outside_of(model);
           const bool is_network = std::holds_alternative<cluster::CreateNetwork>(deed);
           const auto limits = is_network ? world_.provider().raised_limits() : Limits{};
           model::Outcome outcome = std::visit(
               [&](const auto& each) { return cluster::act(each, outside, progress); }, deed);
           if (is_network) {
             tell_of_limits(model->row, limits);
           }
           return outcome;
         }});
  }
}

void Rounds::tell_of_limits(const store::Cluster& row, const std::vector<std::string>& before) {
  const std::vector<std::string> now = world_.provider().raised_limits();
  if (now == before) {
    return;
  }
  store::Event event = about(row, nullptr);
  event.what = "kernel limits raised: " + join(now, ", ");
  event.because =
      "many nodes on one host need more than the kernel's defaults; they are put back with the "
      "last "
      "cluster";
  const Status written =
      world_.store().write("limits", [&](store::Writer& writer) { writer.add_event(event); });
  if (!written) {
    log::error(kRoom, "cluster={} {}", row.name, written.error().message);
  }
}

void Rounds::add_scheduling_steps(Case& one, control::Round& round) {
  const scheduling::Wanted& wanted = one.model->scheduling;
  const scheduling::Seen seen = world_.scheduling_seen(one.row.id);
  if (seen.files && !seen.files->by_hand.empty()) {
    take_hand_edits(one, wanted, *seen.files);
  }
  tell_of_account_drift(one, wanted, seen);
  const auto holds = scheduling::facts(wanted, seen);
  round.seen.insert(holds.begin(), holds.end());
  const std::string controller = one.model->layout.controller().name;
  for (auto& action : scheduling::plan(wanted, seen).actions) {
    // What Slurm refuses of a calendar holds up nothing else.
    one.works += std::holds_alternative<scheduling::SyncCalendar>(action.deed) ? 0 : 1;
    round.works.push_back(
        {.step = action.step,
         .cluster_id = one.row.id,
         .about = about(one.row, nullptr),
         .act = [this, deed = action.deed, id = one.row.id, controller](const control::Progress&) {
           // A slurmctld that executes itself anew while sacctmgr writes waits for slurmdbd, which
           // waits for slurmctld: minutes in which neither answers.
           const std::scoped_lock one_at_a_time(*world_.slurm_mutex_of(id));
           const slurm::Run run = run_on(world_.agents(), {id, controller});
           model::Outcome outcome =
               std::visit([&](const auto& each) { return scheduling::act(each, run); }, deed);
           const auto* accounts = std::get_if<scheduling::SyncAccounts>(&deed);
           if (accounts != nullptr && outcome.ended == model::Ended::asked) {
             ignore(world_.note_accounts(id, accounts->wanted), "it is brought about again");
           }
           if (accounts == nullptr) {
             ignore(world_.inspect({id, controller}), "it is asked again");
           }
           return outcome;
         }});
  }
}

// What somebody changed in slurmdbd, once.
void Rounds::tell_of_account_drift(const Case& one, const scheduling::Wanted& wanted,
                                   const scheduling::Seen& seen) {
  std::string& told = told_[one.row.id + "/accounts"];
  if (!one.row.arrived || !seen.accounts || seen.agreed_accounts.empty() ||
      seen.agreed_accounts != scheduling::digest(wanted.accounts)) {
    return;
  }
  const auto found = scheduling::differences(wanted.accounts, *seen.accounts);
  const std::string words = join(found, "; ");
  if (words == told) {
    return;
  }
  told = words;
  if (found.empty()) {
    return;
  }
  store::Event entry = about(one.row, nullptr);
  entry.level = store::Level::warn;
  constexpr std::size_t kNamed = 5;
  entry.what = fmt::format(
      "accounts were changed by hand: {}{}",
      join({found.begin(),
            found.begin() + static_cast<std::ptrdiff_t>(std::min(kNamed, found.size()))},
           "; "),
      found.size() > kNamed ? fmt::format("; and {} more", found.size() - kNamed) : "");
  entry.because = wanted.mends_drift
                      ? "they are put right"
                      : "the campus wants to be told only (drift = \"report\"); provost "
                        "drift " +
                            one.row.name + " shows who did what";
  const Status written = world_.store().write(
      "account-drift", [&](store::Writer& writer) { writer.add_event(entry); });
  if (!written) {
    log::error(kRoom, "cluster={} {}", one.row.name, written.error().message);
  }
}

// What slurmctld runs by is kept where the files say so; everything else is told.
void Rounds::take_hand_edits(const Case& one, const scheduling::Wanted& wanted,
                             const scheduling::FilesSeen& seen) {
  const auto kept = scheduling::kept_with(wanted, seen);
  const bool keeps =
      wanted.strategy == model::SlurmConfigStrategy::merge && seen.is_read && kept != wanted.kept;
  if (!keeps && told_[one.row.id] == seen.live) {
    return;
  }
  const std::string words = join(slurm::to_words(seen.by_hand), "; ");
  store::Event entry = about(one.row, nullptr);
  entry.level = keeps ? store::Level::info : store::Level::warn;
  entry.what = fmt::format("Slurm's files on {} were changed by hand: {}",
                           one.model->layout.controller().name, words);
  entry.because =
      fmt::format("SlurmConfigStrategy is {}: {}", name(wanted.strategy),
                  keeps ? "it is kept"
                  : wanted.strategy == model::SlurmConfigStrategy::merge
                      ? "it is kept once slurmctld has read it (scontrol reconfigure)"
                  : wanted.strategy == model::SlurmConfigStrategy::overwrite
                      ? "it is undone"
                      : "the cluster takes no change until it is settled (provost plan)");
  const Status written = world_.store().write("hand-edits", [&](store::Writer& writer) {
    if (keeps) {
      writer.set_slurm_edits(one.row.id, slurm::encode(kept));
    }
    writer.add_event(entry);
  });
  if (!written) {
    log::error(kRoom, "cluster={} {}", one.row.name, written.error().message);
    return;
  }
  told_[one.row.id] = seen.live;
  world_.engine().wake();
}

void Rounds::note_steps() {
  steps_.clear();
  for (control::StepView& step : world_.engine().steps()) {
    steps_[{step.cluster_id, step.node}].push_back(std::move(step));
  }
}

const std::vector<control::StepView>& Rounds::steps_of(const std::string& cluster_id,
                                                       const std::string& node) const {
  static const std::vector<control::StepView> none;
  const auto found = steps_.find({cluster_id, node});
  return found == steps_.end() ? none : found->second;
}

bool Rounds::refused(const std::string& cluster_id, const std::string& node) const {
  const auto& steps = steps_of(cluster_id, node);
  return std::any_of(steps.begin(), steps.end(), [&](const control::StepView& step) {
    return !node.empty() && step.state.standing == control::Standing::refused;
  });
}

std::string Rounds::change_of_cause(const Case& one, const store::Node& node) const {
  const auto seen = one.seen.nodes.find(node.name);
  const auto facts = one.facts.nodes.find(node.name);
  if (facts != one.facts.nodes.end() && !facts->second.trouble.empty()) {
    std::string cause = facts->second.trouble;
    if (seen->second.agent.report && facts->second.script_failed) {
      cause += "; its last lines: " + seen->second.agent.report->script.tail;
    }
    return cause;
  }
  for (const control::StepView& step : steps_of(one.row.id, node.name)) {
    if (!step.state.found.empty()) {
      return step.state.found;
    }
  }
  return {};
}

void Rounds::record_transitions(const Case& one) {
  for (const store::Node& row : one.rows) {
    const auto facts = one.facts.nodes.find(row.name);
    if (facts == one.facts.nodes.end()) {
      continue;
    }
    const auto event =
        cluster::node_event(row.status, facts->second, refused(one.row.id, row.name),
                            one.row.deleting || one.wanted.undoing || facts->second.going);
    const model::NodeTransition* transition =
        event ? model::find_transition(row.status, *event) : nullptr;
    if (transition == nullptr) {
      continue;
    }
    record_transition(one, row, *transition);
  }
}

void Rounds::record_transition(const Case& one, const store::Node& row,
                               const model::NodeTransition& transition) {
  const std::string cause = change_of_cause(one, row);
  store::Node changed = row;
  changed.status = transition.to;
  if (!cause.empty()) {
    changed.message = cause;
  } else if (transition.to == model::NodeStatus::running) {
    changed.message.clear();
  }
  store::Event entry = about(one.row, &row);
  entry.level = transition.to == model::NodeStatus::failure     ? store::Level::error
                : transition.from == model::NodeStatus::running ? store::Level::warn
                                                                : store::Level::info;
  entry.what = fmt::format("{} is {}", row.name, name(transition.to));
  entry.because = std::string(transition.reason) + (cause.empty() ? "" : ": " + cause);
  const auto reached = minimum_reached(one, changed);
  const bool is_first = transition.to == model::NodeStatus::running &&
                        row.launched >= one.row.began &&
                        (!one.row.arrived || !one.row.changing.empty());
  const Status written = world_.store().write("transition", [&](store::Writer& writer) {
    writer.set_node_status(row.cluster_id, row.name, changed.status, changed.message);
    writer.add_event(entry);
    if (is_first) {
      const std::chrono::duration<double> took = now_utc() - row.launched;
      writer.add_step_time(fmt::format("node {}", name(one.model->nodes.at(row.name).place.role)),
                           took.count());
    }
    if (reached) {
      writer.add_event(*reached);
    }
  });
  if (!written) {
    log::error(kRoom, "node={} {}", row.name, written.error().message);
  }
}

// Nodes that left are forgotten when nothing of them is there any more.
void Rounds::finish_leaving(const Case& one) {
  for (const store::Node& row : one.rows) {
    const auto seen = one.seen.nodes.find(row.name);
    if (row.leaving == model::Leaving::no || one.row.deleting || seen->second.machine_exists ||
        is_worked_on(one.row.id, row.name)) {
      continue;
    }
    store::Event entry = about(one.row, &row);
    entry.what = fmt::format("{} is gone", row.name);
    entry.because = fmt::format("group {} has fewer nodes", row.group);
    const Status written = world_.store().write("left", [&](store::Writer& writer) {
      writer.delete_node(one.row.id, row.name);
      writer.add_event(entry);
    });
    if (!written) {
      log::error(kRoom, "node={} {}", row.name, written.error().message);
    }
    world_.engine().wake();
  }
}

bool Rounds::is_worked_on(const std::string& cluster_id, const std::string& node) const {
  const auto& steps = steps_of(cluster_id, node);
  return std::any_of(steps.begin(), steps.end(), [](const control::StepView& step) {
    return step.state.standing == control::Standing::running;
  });
}

void Rounds::finish_removal(const Case& one) {
  if (!one.row.deleting || one.works > 0 || one.seen.network_trace ||
      world_.engine().is_busy(one.row.id)) {
    return;
  }
  const bool machines_left =
      std::any_of(one.seen.nodes.begin(), one.seen.nodes.end(),
                  [](const auto& entry) { return entry.second.machine_exists; });
  if (machines_left || (one.row.delete_data && one.seen.data)) {
    return;
  }
  ignore(os::remove_tree(fmt::format("{}/logs/{}", world_.settings().state, one.row.id)),
         "logs of scripts; the next start tries again");
  ignore(os::remove_tree(fmt::format("{}/ssh/known_hosts.{}", world_.settings().state, one.row.id)),
         "a file of public keys");
  store::Removal removal = removal_done(world_, one.row, *one.model);
  store::Event entry = about(one.row, nullptr);
  entry.what = fmt::format("{} is deleted", one.row.name);
  entry.because = "nothing of it is left but what was to be kept";
  const Status written = world_.store().write("removed", [&](store::Writer& writer) {
    writer.put_removal(removal);
    writer.delete_cluster(one.row.id);
    writer.add_event(entry);
  });
  if (!written) {
    log::error(kRoom, "cluster={} {}", one.row.name, written.error().message);
    return;
  }
  world_.agents().forget(one.row.id);
}

}  // namespace provost::service
