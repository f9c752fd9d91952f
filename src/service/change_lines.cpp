#include "service/change_lines.hpp"

#include <algorithm>
#include <unordered_map>

#include "base/text.hpp"
#include "os/tls.hpp"
#include "scheduling/accounts.hpp"
#include "scheduling/configuration.hpp"
#include "scheduling/policy_words.hpp"

namespace provost::service {
namespace {

constexpr double kHoursAMonth = 730;

double price_per_hour(const model::Cluster& cluster) {
  double price = 0;
  for (const model::InstanceGroup& group : cluster.groups) {
    price += group.count * group.type.price_per_hour;
  }
  return price;
}

using Running = std::unordered_map<std::string_view, std::vector<const slurm::JobSeen*>>;

std::vector<std::string> jobs_on(const Running& running, const std::string& node) {
  std::vector<std::string> ids;
  if (const auto jobs = running.find(node); jobs != running.end()) {
    for (const slurm::JobSeen* job : jobs->second) {
      ids.push_back(job->id);
    }
  }
  return ids;
}

std::vector<std::string> waiting_in(const slurm::View& view, const std::string& partition) {
  std::vector<std::string> ids;
  for (const slurm::JobSeen& job : view.jobs) {
    const auto queues = split(job.partition, ',');
    if (slurm::is_waiting(job) &&
        std::find(queues.begin(), queues.end(), partition) != queues.end()) {
      ids.push_back(job.id);
    }
  }
  return ids;
}

void add_nodes(const Comparison& both, std::vector<PlannedLine>& lines) {
  const Running running = both.slurm.running_by_node();
  for (const cluster::GroupChange& each : both.change.groups) {
    const model::InstanceGroup& group = *both.after.cluster.find_group(each.group);
    const std::string because = each.is_new
                                    ? fmt::format("group {} is new in the files", each.group)
                                    : fmt::format("InstanceCount of {} is {} instead of {}",
                                                  each.group, each.after, each.before);
    for (const int number : each.joins) {
      lines.push_back(
          {fmt::format("+ {}  create  {}", model::node_name(each.group, number), group.type.name),
           because,
           {}});
    }
    for (const std::string& node : each.returns) {
      lines.push_back({fmt::format("~ {}  stays after all", node), because, {}});
    }
    for (const std::string& node : each.leaves) {
      model::Disturbance disturbs;
      (both.now ? disturbs.ends : disturbs.awaits) = jobs_on(running, node);
      if (group.role == model::Role::compute) {
        disturbs.drains = {node};
      }
      lines.push_back({fmt::format("- {}  {}", node,
                                   group.role != model::Role::compute ? "remove"
                                   : both.now ? "drain, end its jobs, remove"
                                              : "drain, wait for its jobs, remove"),
                       because, std::move(disturbs)});
    }
    if (each.other_script) {
      lines.push_back({fmt::format("~ group {}  another lifecycle script", each.group),
                       "it runs on nodes that are made from now on; those that are there keep "
                       "what they have",
                       {}});
    }
  }
}

std::map<std::string, slurm::Partition> partitions_of(const ClusterModel& model) {
  std::map<std::string, slurm::Partition> partitions;
  for (const slurm::Partition& each :
       scheduling::slurm_conf_of(model.cluster, model.layout).partitions) {
    partitions[each.name] = each;
  }
  return partitions;
}

bool same_rules(const slurm::Partition& left, const slurm::Partition& right) {
  return left.is_default == right.is_default && left.allow_groups == right.allow_groups &&
         left.default_time == right.default_time && left.max_time == right.max_time &&
         left.memory_per_cpu_mib == right.memory_per_cpu_mib &&
         left.allow_accounts == right.allow_accounts && left.allow_qos == right.allow_qos &&
         left.cpus_per_gpu == right.cpus_per_gpu && left.priority == right.priority &&
         left.tier == right.tier && left.nodes_per_job == right.nodes_per_job;
}

// A partition that goes while it has jobs would kill them: that is refused.
void refuse_or_remove(const Comparison& both, const std::string& partition,
                      std::vector<PlannedLine>& lines, Findings& refused) {
  std::vector<std::string> jobs;
  for (const slurm::JobSeen& job : both.slurm.jobs) {
    if (job.partition == partition) {
      jobs.push_back(job.id);
    }
  }
  if (jobs.empty()) {
    lines.push_back({"- partition " + partition, "no group of the files names it any more", {}});
    return;
  }
  refused.push_back(
      {.severity = Severity::error,
       .rule = "change.partition-with-jobs",
       .path = "partition_name",
       .value = partition,
       .what = fmt::format("partition {} has {} job{} ({}) and is not in the files "
                           "any more",
                           partition, jobs.size(), jobs.size() == 1 ? "" : "s", join(jobs, ", ")),
       .better = fmt::format("wait until they have ended, or end them: scancel "
                             "--partition={}",
                             partition),
       .where = {}});
}

bool same_sharing(const model::GpuSharing& left, const model::GpuSharing& right) {
  return left.mode == right.mode && left.profile == right.profile &&
         (left.mode == model::Sharing::none || left.per_gpu == right.per_gpu);
}

// Other GRES of a node want it without jobs and its slurmd started anew (slurm.conf(5), Gres),
// other devices want another machine: new nodes have them right from the start.
void add_sharing(const Comparison& both, std::vector<PlannedLine>& lines, Findings& refused) {
  for (const model::InstanceGroup& group : both.after.cluster.groups) {
    const model::InstanceGroup* was = both.before.cluster.find_group(group.name);
    const model::GpuSharing before = both.before.cluster.sharing_of(group.name);
    const model::GpuSharing after = both.after.cluster.sharing_of(group.name);
    if (was == nullptr || same_sharing(before, after)) {
      continue;
    }
    if (was->count == 0) {
      lines.push_back({fmt::format("~ group {}  GPUs shared by {}", group.name, name(after.mode)),
                       fmt::format("campus.toml:{}", after.line),
                       {}});
      continue;
    }
    refused.push_back(
        {.severity = Severity::error,
         .rule = "change.sharing",
         .path = "gpus.sharing",
         .value = std::string(name(after.mode)),
         .what =
             fmt::format("the GPUs of group {} are shared by {}, and it has nodes: their devices "
                         "cannot change under jobs",
                         group.name, name(before.mode)),
         .better = fmt::format("drain them first: provost scale {0} {1}=0, apply this file, then "
                               "provost scale {0} {1}={2}",
                               both.before.cluster.name, group.name, was->count),
         .where = {}});
  }
}

void add_partitions(const Comparison& both, std::vector<PlannedLine>& lines, Findings& refused) {
  const auto before = partitions_of(both.before);
  const auto after = partitions_of(both.after);
  for (const auto& [name, partition] : after) {
    const auto was = before.find(name);
    const model::Disturbance queue{.waiting = waiting_in(both.slurm, name)};
    if (was == before.end()) {
      lines.push_back({fmt::format("+ partition {}  {} nodes", name, partition.nodes.size()),
                       "the files name it",
                       {}});
    } else if (!same_rules(was->second, partition)) {
      lines.push_back(
          {"~ partition " + name, "its limits or users are others in the files", queue});
    } else if (was->second.nodes != partition.nodes) {
      lines.push_back({fmt::format("~ partition {}  {} -> {} nodes", name, was->second.nodes.size(),
                                   partition.nodes.size()),
                       "its groups have other nodes", queue});
    }
  }
  for (const auto& [name, partition] : before) {
    if (!after.contains(name)) {
      refuse_or_remove(both, name, lines, refused);
    }
  }
}

void add_accounts(const Comparison& both, std::vector<PlannedLine>& lines) {
  const auto& before = both.before.cluster.campus;
  const auto& after = both.after.cluster.campus;
  if (before && after) {
    for (scheduling::PolicyChange& each :
         scheduling::policy_changes(*before, *after, both.slurm.jobs)) {
      model::Disturbance disturbs;
      disturbs.awaits = std::move(each.awaits);
      disturbs.waiting = std::move(each.waiting);
      lines.push_back({"~ policy  " + each.sentence, each.because, std::move(disturbs)});
    }
  }
  const auto found = scheduling::differences(scheduling::accounts_wanted(both.after.cluster),
                                             scheduling::accounts_wanted(both.before.cluster));
  if (!found.empty()) {
    lines.push_back({fmt::format("~ accounting  sync  {} difference{}", found.size(),
                                 found.size() == 1 ? "" : "s"),
                     found.size() == 1 ? found.front() : "the first: " + found.front(),
                     {}});
  }
}

// Units that start anew because a file they are started with is another one.
std::vector<std::string> restarts_of(const NodeModel& before, const NodeModel& after) {
  std::vector<std::string> units;
  const auto same = [&](const std::string& path) {
    const auto text = [&](const NodeModel& node) {
      const auto found =
          std::find_if(node.part->files.begin(), node.part->files.end(),
                       [&](const model::FilePart& file) { return file.path == path; });
      return found == node.part->files.end() ? std::string() : found->content;
    };
    return text(before) == text(after);
  };
  for (const model::UnitPart& unit : after.part->units) {
    if (!std::all_of(unit.restart_on.begin(), unit.restart_on.end(), same)) {
      units.push_back(unit.name);
    }
  }
  return units;
}

void add_files(const Comparison& both, std::vector<PlannedLine>& lines) {
  if (both.before.scheduling.configuration != both.after.scheduling.configuration) {
    lines.push_back({"~ slurm.conf  reconfigure",
                     "Slurm reads its files anew; jobs that run go on, jobs that wait keep their "
                     "place",
                     {}});
  }
  std::size_t nodes = 0;
  model::Disturbance disturbs;
  // Nodes of a role share their parts: what is true of one pair is true of all.
  std::map<std::pair<const model::NodePart*, const model::NodePart*>, std::vector<std::string>>
      known;
  for (const auto& [name, after] : both.after.nodes) {
    const auto before = both.before.nodes.find(name);
    if (before == both.before.nodes.end() || before->second.revision == after.revision) {
      continue;
    }
    ++nodes;
    const auto [units, is_new] = known.try_emplace({before->second.part.get(), after.part.get()});
    if (is_new) {
      units->second = restarts_of(before->second, after);
    }
    for (const std::string& unit : units->second) {
      disturbs.restarts.push_back(fmt::format("{}/{}", name, unit));
    }
  }
  if (nodes > 0) {
    lines.push_back({fmt::format("~ {} node{}  other files", nodes, nodes == 1 ? "" : "s"),
                     "names, people or Slurm's files change on nodes that stay",
                     std::move(disturbs)});
  }
}

Finding drift(const std::string& controller, const std::vector<std::string>& words,
              std::string better) {
  return {.severity = Severity::error,
          .rule = "change.drift",
          .path = "Orchestrator.Slurm.SlurmConfigStrategy",
          .value = {},
          .what = fmt::format("Configuration drift detected: Slurm's files on {} were changed by "
                              "hand: {}",
                              controller, join(words, "; ")),
          .better = std::move(better),
          .where = {}};
}

void undo(const std::vector<slurm::Edit>& edits, std::vector<PlannedLine>& lines) {
  for (const std::string& each : slurm::to_words(edits)) {
    lines.push_back({"~ undo by hand  " + each, "SlurmConfigStrategy is Overwrite", {}});
  }
}

}  // namespace

std::vector<cluster::NodeUse> uses_of(const std::vector<store::Node>& nodes,
                                      const slurm::View& view) {
  std::vector<cluster::NodeUse> uses;
  uses.reserve(nodes.size());
  const auto running = view.running_by_node();
  for (const store::Node& node : nodes) {
    const bool going = node.status == model::NodeStatus::shutting_down;
    uses.push_back({.name = node.name,
                    .group = node.group,
                    .number = node.number,
                    .leaving = going ? model::Leaving::now : node.leaving,
                    .jobs = jobs_on(running, node.name),
                    .failed = node.status == model::NodeStatus::failure});
  }
  return uses;
}

void add_cost(const model::Cluster* before, const model::Cluster& after, ChangePlan& plan) {
  plan.per_hour_before = before == nullptr ? 0 : price_per_hour(*before);
  plan.per_hour_after = price_per_hour(after);
  plan.per_month_before = plan.per_hour_before * kHoursAMonth;
  plan.per_month_after = plan.per_hour_after * kHoursAMonth;
}

void add_lines(const Comparison& both, ChangePlan& plan) {
  add_nodes(both, plan.lines);
  add_partitions(both, plan.lines, plan.findings);
  add_sharing(both, plan.lines, plan.findings);
  add_accounts(both, plan.lines);
  add_files(both, plan.lines);
  const auto& jobs = both.slurm.jobs;
  plan.jobs_running = static_cast<int>(std::count_if(jobs.begin(), jobs.end(), slurm::is_running));
  plan.jobs_waiting = static_cast<int>(std::count_if(jobs.begin(), jobs.end(), slurm::is_waiting));
  add_cost(&both.before.cluster, both.after.cluster, plan);
}

HandEditsPlanned hand_edits(const ClusterModel& before, const model::Cluster& after,
                            const scheduling::FilesSeen& seen) {
  HandEditsPlanned found;
  const scheduling::Wanted wanted =
      scheduling::wanted(before.cluster, before.layout, before.kept_edits);
  const std::string controller = before.layout.controller().name;
  const auto words = slurm::to_words(seen.by_hand);
  switch (after.slurm_config) {
    case model::SlurmConfigStrategy::overwrite:
      undo(before.kept_edits, found.lines);
      undo(seen.by_hand, found.lines);
      found.kept = before.kept_edits.empty() ? std::nullopt : std::optional(std::string());
      break;
    case model::SlurmConfigStrategy::merge:
      if (words.empty() || scheduling::kept_with(wanted, seen) == before.kept_edits) {
        break;
      }
      if (!seen.is_read) {
        found.refused.push_back(
            drift(controller, words,
                  fmt::format("slurmctld has not read it yet: put it in force, then it is kept "
                              "(provost exec {} -- scontrol reconfigure), or undo it there",
                              controller)));
        break;
      }
      found.kept = slurm::encode(scheduling::kept_with(wanted, seen));
      for (const std::string& each : words) {
        found.lines.push_back({"~ keep by hand  " + each, "SlurmConfigStrategy is Merge", {}});
      }
      break;
    case model::SlurmConfigStrategy::managed:
      if (!words.empty()) {
        found.refused.push_back(
            drift(controller, words,
                  "undo it there, or say in Orchestrator.Slurm.SlurmConfigStrategy what shall "
                  "become of it: \"Merge\" keeps it, \"Overwrite\" undoes it"));
      }
      break;
  }
  return found;
}

std::string fingerprint_of(const ChangePlan& plan, const spec::Sources& sources) {
  std::string all = sources.cluster_config.text + "|";
  all += (sources.provisioning_parameters ? sources.provisioning_parameters->text : "-") + "|";
  all += (sources.campus ? sources.campus->text : "-") + "|";
  for (const PlannedLine& line : plan.lines) {
    all += line.line + "|" + join(line.disturbs.awaits, ",") + "|" + join(line.disturbs.ends, ",") +
           "\n";
  }
  return to_hex(os::sha256(all)).substr(0, 16);
}

}  // namespace provost::service
