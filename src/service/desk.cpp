// The queries, and what reaches into a node.
#include "service/desk.hpp"

#include <algorithm>
#include <cctype>
#include <unordered_map>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/tls.hpp"
#include "service/reading.hpp"
#include "service/world.hpp"

namespace provost::service {

namespace {

// journalctl's choice of what a unit said. A job's slurmstepd is in a unit of its own and belongs
// to slurmd's log; what slurmd hands to syslog it has said on its output already.
void append_filter(std::vector<std::string>& argv, const std::string& unit) {
  if (unit == "slurmd" || unit == "slurmd.service") {
    argv.insert(argv.end(), {"_SYSTEMD_UNIT=slurmd.service", "_TRANSPORT=stdout", "+",
                             "UNIT=slurmd.service", "+", "SYSLOG_IDENTIFIER=slurmstepd"});
  } else if (!unit.empty()) {
    argv.push_back("--unit=" + unit);
  }
}

std::string gpu_words(const model::InstanceType& type, const model::GpuSharing& sharing,
                      bool emulated) {
  if (type.accelerators == 0) {
    return {};
  }
  const int shards = model::shards_of(type, sharing);
  return fmt::format(
      "{} x {}{}{}", model::schedulable_gpus(type, sharing), model::gpu_gres_type(type, sharing),
      shards > 0 ? fmt::format(" in {} shards", shards) : "", emulated ? " (emulated)" : "");
}

// What each way of sharing fences, and what it cannot.
std::string fence_words(const model::InstanceType& type, const model::GpuSharing& sharing) {
  if (type.accelerators == 0 || type.accelerator.empty()) {
    return {};
  }
  switch (sharing.mode) {
    case model::Sharing::none:
      return "whole GPUs: a job opens those it was given and no others";
    case model::Sharing::shard:
      return "shards: jobs on one GPU share its device file and all of its memory; nothing but "
             "good "
             "manners keeps them apart, while other GPUs stay closed to them";
    case model::Sharing::mig:
      return "MIG: a job opens the partitions it was given and no others; memory and compute of a "
             "partition are fenced by the GPU itself";
  }
  return {};
}

std::string step_words(const control::StepView& step) {
  if (step.progress.empty()) {
    return step.state.step.line;
  }
  return fmt::format("{}: {}", step.state.step.line, step.progress);
}

std::vector<std::string> lacks_of(const ClusterModel& model, const provider::Capacity& host) {
  std::vector<std::string> lacks;
  for (const model::InstanceGroup& group : model.cluster.groups) {
    std::vector<std::string> short_of;
    if (group.type.vcpus > host.cpus) {
      short_of.push_back(fmt::format("{} of its {} CPUs", host.cpus, group.type.vcpus));
    }
    if (group.type.memory_mib > host.memory_total_mib) {
      short_of.push_back(
          fmt::format("{} of its {} MiB of memory", host.memory_total_mib, group.type.memory_mib));
    }
    if (static_cast<std::size_t>(group.type.accelerators) > host.gpus.size()) {
      short_of.push_back(
          fmt::format("none of its {} GPUs (they are emulated: device files without "
                      "a device)",
                      group.type.accelerators));
    }
    if (!short_of.empty()) {
      lacks.push_back(fmt::format("group {} ({}): this host has {}", group.name, group.type.name,
                                  join(short_of, " and ")));
    }
  }
  return lacks;
}

}  // namespace

std::vector<std::string> journal_of(const std::string& unit, int lines) {
  std::vector<std::string> argv = {"journalctl", "--no-pager", "-o",
                                   "short-iso",  "-n",         std::to_string(lines)};
  append_filter(argv, unit);
  return argv;
}

Result<Desk::Reading> Desk::read(const store::Cluster& row) {
  Reading reading{.row = row,
                  .nodes = world_.store().nodes(row.id),
                  .model = nullptr,
                  .picture = world_.collector().picture(row.id),
                  .steps = {}};
  world_.collector().somebody_looks(row.id);
  auto model = world_.model_of(row, reading.nodes);
  if (!model) {
    return pass(model.error());
  }
  reading.model = *model;
  for (control::StepView& step : world_.engine().steps()) {
    if (step.cluster_id == row.id) {
      reading.steps.push_back(std::move(step));
    }
  }
  return reading;
}

ClusterReport Desk::report(const Reading& reading) {
  ClusterReport report{
      .name = reading.row.name,
      .id = reading.row.id,
      .arn = reading.row.arn,
      .status = {},
      .failure = reading.row.failure,
      .changing = false,
      .began = reading.row.began == UtcTime{} ? reading.row.created : reading.row.began,
      .created = reading.row.created,
      .groups = {},
      .lacks = {}};
  const cluster::Operation operation{.deleting = reading.row.deleting,
                                     .arrived = reading.row.arrived,
                                     .changing = !reading.row.changing.empty(),
                                     .continuous = reading.model->cluster.continuous,
                                     .keep_failed = reading.row.keep_failed,
                                     .phase = reading.row.phase};
  report.changing = operation.changing || operation.phase == model::Phase::rolling_back;
  std::vector<model::NodeStatus> all;
  for (const model::InstanceGroup& group : reading.model->cluster.groups) {
    GroupReport one{.name = group.name,
                    .role = group.role,
                    .type = group.type.name,
                    .count = group.count,
                    .running = 0,
                    .status = {},
                    .partitions = group.partitions,
                    .gpus = {}};
    std::vector<model::NodeStatus> statuses;
    bool is_emulated = false;
    for (const store::Node& node : reading.nodes) {
      if (node.group == group.name) {
        statuses.push_back(node.status);
        one.running += node.status == model::NodeStatus::running ? 1 : 0;
        is_emulated = !reading.model->nodes.at(node.name).place.gpus_are_real;
        if (node.status == model::NodeStatus::failure && report.failure.empty()) {
          report.failure = fmt::format("{}: {}", node.name, node.message);
        }
      }
    }
    one.status = cluster::group_status_of(operation, group.min_count, statuses);
    const model::GpuSharing sharing = reading.model->cluster.sharing_of(group.name);
    one.gpus = gpu_words(group.type, sharing, is_emulated);
    one.sharing = fence_words(group.type, sharing);
    all.insert(all.end(), statuses.begin(), statuses.end());
    report.groups.push_back(std::move(one));
  }
  report.status = cluster::status_of(operation, all);
  const auto refused =
      std::find_if(reading.steps.begin(), reading.steps.end(), [](const control::StepView& step) {
        return step.state.standing == control::Standing::refused;
      });
  if (refused != reading.steps.end() && report.failure.empty()) {
    report.failure = fmt::format("{}: {}", refused->state.step.line, refused->state.found);
    if (report.status == model::ClusterStatus::creating && reading.row.keep_failed) {
      report.status = model::ClusterStatus::failed;
    }
  }
  if (const auto capacity = world_.provider().capacity()) {
    report.lacks = lacks_of(*reading.model, *capacity);
  }
  return report;
}

HandEdits Desk::by_hand(const Reading& reading) {
  HandEdits edits{.strategy = reading.model->cluster.slurm_config,
                  .kept = slurm::to_words(reading.model->kept_edits)};
  if (const auto files = world_.scheduling_seen(reading.row.id).files) {
    edits.drift = slurm::to_words(files->by_hand);
    edits.is_read = files->is_read;
  }
  return edits;
}

std::vector<NodeReport> Desk::node_reports(const Reading& reading) {
  std::vector<NodeReport> reports;
  std::unordered_map<std::string_view, const store::Node*> rows;
  for (const store::Node& row : reading.nodes) {
    rows.emplace(row.name, &row);
  }
  std::unordered_map<std::string_view, const control::StepView*> steps;
  for (const control::StepView& step : reading.steps) {
    if (step.state.standing != control::Standing::waiting) {
      steps.emplace(step.node, &step);  // the first of a node
    }
  }
  std::unordered_map<std::string_view, const slurm::NodeSeen*> in_slurm;
  if (reading.picture) {
    in_slurm = reading.picture->view.by_name();
  }
  for (const std::string& name : reading.model->order) {
    const NodeModel& model = reading.model->nodes.at(name);
    NodeReport one{.row = *rows.at(name),
                   .cluster = reading.row.name,
                   .role = model.place.role,
                   .type = reading.model->cluster.find_group(model.place.group)->type,
                   .gpus_emulated = !model.place.gpus_are_real};
    if (const auto step = steps.find(name); step != steps.end()) {
      one.step = step_words(*step->second);
    }
    if (const auto slurm = in_slurm.find(name); slurm != in_slurm.end()) {
      one.slurm_state = slurm::state_words(*slurm->second);
      one.slurm_reason = slurm->second->reason;
    }
    const cluster::AgentSeen agent = world_.agents().seen({reading.row.id, name});
    one.agent_connected = agent.connected;
    if (agent.heard != UtcTime{}) {
      one.seconds_since_heard =
          std::chrono::duration_cast<std::chrono::seconds>(now_utc() - agent.heard).count();
    }
    if (agent.report) {
      one.script = agent.report->script;
      std::copy_if(agent.report->units.begin(), agent.report->units.end(),
                   std::back_inserter(one.failing_units), [](const protocol::UnitReport& unit) {
                     return unit.state == protocol::UnitState::failed;
                   });
    }
    reports.push_back(std::move(one));
  }
  return reports;
}

std::vector<ClusterReport> Desk::list(const Caller& caller) {
  std::vector<ClusterReport> reports;
  for (const store::Cluster& row : world_.store().clusters()) {
    if (!caller.from_cluster.empty() && caller.from_cluster != row.name) {
      continue;
    }
    if (const auto reading = read(row)) {
      reports.push_back(report(*reading));
    }
  }
  return reports;
}

Result<store::Cluster> Desk::row_named(const std::string& name) {
  if (auto row = world_.store().cluster_named(name)) {
    return *row;
  }
  std::vector<std::string> names;
  for (const store::Cluster& each : world_.store().clusters()) {
    names.push_back(each.name);
  }
  Error error{ErrorKind::not_found, fmt::format("there is no cluster named {}", name),
              did_you_mean(name, names)};
  return pass(std::move(error));
}

Result<Description> Desk::describe(const std::string& name) {
  const auto row = row_named(name);
  if (!row) {
    return pass(row.error());
  }
  auto reading = read(*row);
  if (!reading) {
    return pass(reading.error());
  }
  if (reading->picture) {
    if (auto fresh = world_.collector().fresh(row->id, std::chrono::seconds(2))) {
      reading->picture = *fresh;
    }
  }
  Description description{.cluster = report(*reading),
                          .nodes = node_reports(*reading),
                          .partitions = {},
                          .jobs_running = std::nullopt,
                          .jobs_waiting = std::nullopt,
                          .steps = reading->steps,
                          .step_times = world_.store().step_times(),
                          .by_hand = by_hand(*reading)};
  for (const model::InstanceGroup& group : reading->model->cluster.groups) {
    for (const std::string& partition : group.partitions) {
      auto known =
          std::find_if(description.partitions.begin(), description.partitions.end(),
                       [&](const PartitionReport& each) { return each.name == partition; });
      if (known == description.partitions.end()) {
        known = description.partitions.insert(known, {partition, {}});
      }
      known->groups.push_back(group.name);
    }
  }
  if (reading->picture && reading->picture->view.answering) {
    const auto& jobs = reading->picture->view.jobs;
    description.jobs_running =
        static_cast<int>(std::count_if(jobs.begin(), jobs.end(), slurm::is_running));
    description.jobs_waiting =
        static_cast<int>(std::count_if(jobs.begin(), jobs.end(), slurm::is_waiting));
  }
  return description;
}

Result<std::vector<NodeReport>> Desk::nodes(const std::string& cluster) {
  std::vector<NodeReport> all;
  bool found = cluster.empty();
  for (const store::Cluster& row : world_.store().clusters()) {
    if (!cluster.empty() && row.name != cluster) {
      continue;
    }
    found = true;
    const auto reading = read(row);
    if (!reading) {
      return pass(reading.error());
    }
    auto some = node_reports(*reading);
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  if (!found) {
    return fail(ErrorKind::not_found, "there is no cluster named {}", cluster);
  }
  return all;
}

Result<NodeReport> Desk::node(const std::string& cluster, const std::string& node) {
  auto all = nodes(cluster);
  if (!all) {
    return pass(all.error());
  }
  std::vector<std::string> names;
  std::vector<NodeReport> matching;
  for (NodeReport& each : *all) {
    names.push_back(each.row.name);
    if (each.row.name == node || each.row.instance_id == node) {
      matching.push_back(std::move(each));
    }
  }
  if (matching.empty()) {
    Error error{ErrorKind::not_found, fmt::format("there is no node named {}", node),
                did_you_mean(node, names)};
    return pass(std::move(error));
  }
  if (matching.size() > 1) {
    std::vector<std::string> clusters;
    clusters.reserve(matching.size());
    for (const NodeReport& each : matching) {
      clusters.push_back(each.cluster);
    }
    Error error{ErrorKind::conflict,
                fmt::format("{} is in more than one cluster: {}", node, join(clusters, ", ")),
                fmt::format("name the cluster: --cluster {}", clusters.front())};
    return pass(std::move(error));
  }
  return matching.front();
}

std::vector<store::Event> Desk::events(const store::EventFilter& filter) {
  return world_.store().events(filter);
}

void Desk::wait_for_event(std::int64_t after, std::chrono::milliseconds limit) {
  world_.wait_for_event(after, limit);
}

Result<int> Desk::exec(const Caller& caller, const NodeReport& node, const Command& command,
                       const os::OnOutput& on_output, const std::stop_token& stop) {
  if (command.argv.empty()) {
    return fail(ErrorKind::invalid, "there is no command to run");
  }
  store::Event event;
  event.resource = store::Resource::node;
  event.cluster = node.cluster;
  event.group = node.row.group;
  event.node = node.row.name;
  event.actor = caller.name;
  // Arguments may hold secrets: only the program is recorded.
  event.what = fmt::format("{} run as root on {}", shorten(command.argv.front()), node.row.name);
  event.because = caller.name + " asked for it";
  if (const Status noted =
          world_.store().write("exec", [&](store::Writer& writer) { writer.add_event(event); });
      !noted) {
    return pass(noted.error());
  }
  const auto ran = world_.agents().run(
      {node.row.cluster_id, node.row.name},
      {.argv = command.argv, .input = command.input, .timeout = command.timeout}, on_output, stop);
  if (!ran) {
    return pass(ran.error());
  }
  return ran->status;
}

Status Desk::logs(const NodeReport& node, const LogQuery& query,
                  const std::function<void(std::string_view)>& on_text,
                  const std::stop_token& stop) {
  const auto hand_on = [&](os::Channel, std::string_view text) { on_text(text); };
  if (query.unit == "console") {
    const auto text = world_.provider().console_tail(node.cluster, node.row.name);
    if (!text) {
      return pass(text.error());
    }
    on_text(*text);
    return {};
  }
  std::vector<std::string> argv;
  if (query.unit == "lifecycle") {
    // Kept here as well: it can be read when the node is gone or silent.
    const std::string file = world_.script_log_file(node.row.cluster_id, node.row.name);
    if (!os::exists(file)) {
      on_text("");
      return {};
    }
    argv = {"tail", "-n", std::to_string(query.lines), file};
    if (query.follow) {
      argv.insert(argv.begin() + 1, "-F");
    }
    const auto ran =
        os::run({.argv = argv, .timeout = std::chrono::hours(24 * 365)}, hand_on, stop);
    return ran ? Status{} : pass(ran.error());
  }
  argv = journal_of(query.unit, query.lines);
  if (query.follow) {
    argv.push_back("--follow");
  }
  const auto ran =
      world_.agents().run({node.row.cluster_id, node.row.name},
                          {.argv = argv, .timeout = std::chrono::seconds(0)}, hand_on, stop);
  if (!ran && ran.error().kind == ErrorKind::unavailable && !stop.stop_requested()) {
    Error error = ran.error();
    error.hint =
        fmt::format("what the node printed while booting: provost logs {}/{} --unit console",
                    node.cluster, node.row.name);
    return pass(std::move(error));
  }
  return {};
}

Result<SshReport> Desk::ssh(const Caller& caller, const NodeReport& node) {
  if (!caller.local) {
    return fail(ErrorKind::denied, "the way into nodes as root is for root on provostd's machine");
  }
  const auto row = world_.store().cluster_named(node.cluster);
  if (!row) {
    return fail(ErrorKind::not_found, "there is no cluster named {}", node.cluster);
  }
  const std::string file = fmt::format("{}/ssh/known_hosts.{}", world_.settings().state, row->id);
  const auto key = split(row->host_key_public, ' ');
  std::string lines;
  for (const store::Node& each : world_.store().nodes(row->id)) {
    lines += fmt::format("{},{} {} {}\n", each.name, each.address, key.at(0), key.at(1));
  }
  if (Status written = os::write_file(file, lines, 0644); !written) {
    return pass(written.error());
  }
  return SshReport{node.row.address, world_.keys().admin_key_file, file};
}

Result<std::string> Desk::make_token(const Caller& caller, const std::string& name) {
  if (!caller.local) {
    return fail(ErrorKind::denied, "tokens are made by root on provostd's machine");
  }
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char each) {
    return std::isalnum(each) != 0 || each == '-' || each == '_' || each == '.';
  });
  if (name.empty() || name.size() > 64 || !plain) {
    return fail(ErrorKind::invalid,
                "a token needs a name of 1 to 64 letters, digits, hyphens, underscores or dots");
  }
  const std::string secret = "pvt_" + to_hex(os::random_bytes(24));
  const store::Token token{name, to_hex(os::sha256(secret)), now_utc()};
  const Status written =
      world_.store().write("token", [&](store::Writer& writer) { writer.insert_token(token); });
  if (!written) {
    return written.error().kind == ErrorKind::conflict
               ? fail(ErrorKind::conflict, "there is a token named {} already", name)
               : pass(written.error());
  }
  return secret;
}

Result<std::vector<store::Token>> Desk::tokens(const Caller& /*caller*/) {
  return world_.store().tokens();
}

Status Desk::delete_token(const Caller& caller, const std::string& name) {
  if (!caller.local) {
    return fail(ErrorKind::denied, "tokens are taken back by root on provostd's machine");
  }
  const auto all = world_.store().tokens();
  if (std::none_of(all.begin(), all.end(),
                   [&](const store::Token& token) { return token.name == name; })) {
    return fail(ErrorKind::not_found, "there is no token named {}", name);
  }
  return world_.store().write("token", [&](store::Writer& writer) { writer.delete_token(name); });
}

Result<Caller> Desk::caller_of(const std::string& token) {
  const std::string hash = to_hex(os::sha256(token));
  std::optional<Caller> found;
  for (const store::Token& each : world_.store().tokens()) {
    if (os::equal_in_constant_time(each.hash, hash)) {
      found = Caller{.name = "token " + each.name, .local = false};
    }
  }
  if (!found) {
    return fail(ErrorKind::denied, "this token is not known here");
  }
  return *found;
}

Result<Caller> Desk::person_at(const AgentName& agent, std::int64_t uid) {
  const auto rows = world_.store().clusters();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const store::Cluster& each) {
    return each.id == agent.cluster_id;
  });
  if (row == rows.end()) {
    return fail(ErrorKind::denied, "this node's cluster is gone");
  }
  const auto reading = read(*row);
  if (!reading) {
    return pass(reading.error());
  }
  const auto node = reading->model->nodes.find(agent.node);
  if (node == reading->model->nodes.end() || node->second.place.incarnation != agent.incarnation ||
      node->second.place.role == model::Role::compute) {
    return fail(ErrorKind::denied, "nobody asks from {}: people ask from login nodes", agent.node);
  }
  if (uid == 0) {
    return pass(Error{ErrorKind::denied, "root of a node is no person of the campus",
                      "administrators ask on provostd's own host"});
  }
  if (const auto& campus = reading->model->cluster.campus) {
    const auto found = std::find_if(campus->people.begin(), campus->people.end(),
                                    [&](const model::Person& each) { return each.uid == uid; });
    if (found != campus->people.end()) {
      return Caller{.name = found->name, .local = false, .from_cluster = row->name};
    }
  }
  return fail(ErrorKind::denied, "the user with uid {} is no person of campus.toml", uid);
}

Result<HostReport> Desk::host() {
  const auto capacity = world_.provider().capacity();
  if (!capacity) {
    return pass(capacity.error());
  }
  auto found = strays();
  if (!found) {
    return pass(found.error());
  }
  return HostReport{*capacity,
                    world_.provider().raised_limits(),
                    world_.settings().network,
                    world_.settings().api_url,
                    world_.settings().bucket_root(),
                    std::move(*found)};
}

}  // namespace provost::service
