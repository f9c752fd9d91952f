// Which group is what in Slurm. Two ways to say it, never both: SlurmConfig in each group, or
// provisioning-parameters.json.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "spec/cluster_draft.hpp"
#include "spec/pattern.hpp"

namespace provost::spec {
namespace {

using model::Role;

/// HyperPod's partition of all nodes.
constexpr std::string_view kUniversal = "dev";

const Value* slurm_config(const GroupDraft& group) { return group.value->find("SlurmConfig"); }

bool has_slurm_config(const ClusterDraft& draft) {
  return std::any_of(draft.groups.begin(), draft.groups.end(),
                     [](const GroupDraft& group) { return slurm_config(group) != nullptr; });
}

/// True when Slurm takes `name` for a partition; `dev` is fine but not worth naming.
bool check_partition(Report& report, const Spot& where, const std::string& name) {
  const std::string lower = lower_case(name);
  if (name.empty() || !only_letters_digits_and(name, "_.-") || !is_letter_or_digit(name.front())) {
    report.error(where, "partition.name", fmt::format("\"{}\" is no partition name", shorten(name)),
                 "letters, digits and _ . -, beginning with a letter or digit");
    return false;
  }
  if (lower == "default") {
    report.error(where, "partition.name.reserved",
                 fmt::format("Slurm keeps the partition name \"{}\" for itself", name),
                 "choose another name");
    return false;
  }
  if (name == kUniversal) {
    report.warning(where, "partition.name.universal",
                   "partition \"dev\" holds every node of a cluster anyway",
                   "name another partition to have one of this group's own");
    return false;
  }
  if (lower == kUniversal) {
    report.error(where, "partition.name.case",
                 fmt::format("partitions \"{}\" and \"dev\" differ in case only", name),
                 "\"dev\" holds every node of a cluster; choose another name");
    return false;
  }
  return true;
}

void compute_partition(ClusterDraft& draft, GroupDraft& group, const Value* names) {
  if (names == nullptr || (names->kind == Kind::list && names->items.empty())) {
    draft.report.error(draft.at(group, "SlurmConfig"), "partition.missing",
                       fmt::format("{} is a compute group without a partition", group.words()),
                       "add \"PartitionNames\": [\"<name>\"]");
    return;
  }
  if (names->items.size() != 1) {
    return;  // the shape has refused it
  }
  const std::string path = group.path("SlurmConfig.PartitionNames[0]");
  const std::string* name = text_of(&names->items[0]);
  const bool has_shape = name != nullptr && pattern_named("name")->matches(*name);
  if (has_shape &&
      check_partition(draft.report, spot(draft.config, names->items[0], path), *name)) {
    group.partitions.push_back(*name);
  }
}

void role_from_slurm_config(ClusterDraft& draft, GroupDraft& group) {
  const Value* config = slurm_config(group);
  if (config == nullptr) {
    draft.report.error(draft.at(group, ""), "slurm-config.missing",
                       fmt::format("{} has no SlurmConfig, other groups have", group.words()),
                       "add \"SlurmConfig\": {\"NodeType\": \"Compute\", \"PartitionNames\": "
                       "[\"<name>\"]}");
    return;
  }
  const std::string* type = text_of(config->find("NodeType"));
  if (type == nullptr) {
    return;
  }
  if (*type == "Controller") {
    group.role = Role::controller;
  } else if (*type == "Login") {
    group.role = Role::login;
  } else if (*type == "Compute") {
    group.role = Role::compute;
  } else {
    return;
  }
  group.role_said = draft.at(group, "SlurmConfig.NodeType");
  const Value* names = config->find("PartitionNames");
  if (group.role == Role::compute) {
    compute_partition(draft, group, names);
  } else if (names != nullptr && !names->items.empty()) {
    draft.report.error(draft.at(group, "SlurmConfig.PartitionNames"), "partition.forbidden",
                       fmt::format("{} is a {} group and has PartitionNames", group.words(),
                                   model::name(*group.role)),
                       "only compute groups have partitions; take them away");
  }
}

/// The group that a field of the provisioning parameters names, if it does.
GroupDraft* group_named(ClusterDraft& draft, const Value& value, const std::string& path) {
  const std::string* name = text_of(&value);
  if (name == nullptr || name->empty()) {
    return nullptr;
  }
  const auto found = std::find_if(draft.groups.begin(), draft.groups.end(),
                                  [&](const GroupDraft& group) { return group.name == *name; });
  if (found != draft.groups.end()) {
    return &*found;
  }
  draft.report.error(spot(*draft.parameters, value, path), "provisioning.group.unknown",
                     fmt::format("{} names group \"{}\", which {} does not have", path,
                                 shorten(*name), draft.config.file),
                     did_you_mean(*name, draft.group_names()));
  const auto meant = nearest(*name, draft.group_names());
  for (GroupDraft& group : draft.groups) {
    group.is_misspelt = group.is_misspelt || group.name == meant;
  }
  return nullptr;
}

/// Gives the group its role; false when it has one already.
bool give_role(ClusterDraft& draft, GroupDraft& group, Role role, const Spot& said) {
  if (group.role) {
    draft.report.error(said, "provisioning.group.twice",
                       fmt::format("{} is named twice", group.words()),
                       fmt::format("line {} makes it a {} group already; name each group once",
                                   group.role_said.where.line, model::name(*group.role)));
    return false;
  }
  group.role = role;
  group.role_said = said;
  return true;
}

void role_from_field(ClusterDraft& draft, const std::string& field, Role role) {
  const Value* value = draft.parameters->root.find(field);
  if (value == nullptr) {
    return;
  }
  if (GroupDraft* group = group_named(draft, *value, field)) {
    give_role(draft, *group, role, spot(*draft.parameters, *value, field));
  }
}

void role_from_worker(ClusterDraft& draft, const Value& worker, const std::string& path) {
  const Value* name = worker.find("instance_group_name");
  const Value* partition = worker.find("partition_name");
  GroupDraft* group =
      name == nullptr ? nullptr : group_named(draft, *name, path + ".instance_group_name");
  const bool is_worker =
      group != nullptr && give_role(draft, *group, Role::compute,
                                    spot(*draft.parameters, *name, path + ".instance_group_name"));
  const std::string* text = text_of(partition);
  if (text != nullptr && !text->empty() &&
      check_partition(draft.report, spot(*draft.parameters, *partition, path + ".partition_name"),
                      *text) &&
      is_worker) {
    group->partitions.push_back(*text);
  }
}

void unnamed_groups(ClusterDraft& draft) {
  const Value* workers = draft.parameters->root.find("worker_groups");
  const Value& place = workers == nullptr ? draft.parameters->root : *workers;
  for (const GroupDraft& group : draft.groups) {
    const bool is_meant =
        std::any_of(draft.groups.begin(), draft.groups.end(), [&](const GroupDraft& other) {
          return (other.role || other.is_misspelt) && other.name == group.name;
        });
    if (!is_meant && !group.name.empty()) {
      draft.report.error(
          spot(*draft.parameters, place, "worker_groups"), "provisioning.group.unnamed",
          fmt::format("{} of {} is named nowhere in this file", group.words(), draft.config.file),
          fmt::format("add {{\"instance_group_name\": \"{}\", \"partition_name\": \"<name>\"}} to "
                      "worker_groups",
                      shorten(group.name)));
    }
  }
}

void roles_from_parameters(ClusterDraft& draft) {
  const Value& root = draft.parameters->root;
  role_from_field(draft, "controller_group", Role::controller);
  role_from_field(draft, "login_group", Role::login);
  if (const Value* workers = root.find("worker_groups")) {
    for (std::size_t i = 0; i < workers->items.size(); ++i) {
      role_from_worker(draft, workers->items[i], fmt::format("worker_groups[{}]", i));
    }
  }
  unnamed_groups(draft);
}

void roles(ClusterDraft& draft) {
  if (draft.groups.empty()) {
    return;
  }
  const bool by_groups = has_slurm_config(draft);
  if (by_groups && draft.has_parameters) {
    const auto first = std::find_if(draft.groups.begin(), draft.groups.end(),
                                    [](const GroupDraft& group) { return slurm_config(group); });
    draft.report.error(draft.at(*first, "SlurmConfig"), "slurm-config.both",
                       "The LifeCycleConfig cannot include both a SLURM Orchestrator Config and a "
                       "provisioning_parameters.json file simultaneously",
                       "take SlurmConfig out of the groups, or leave the other file out");
    return;
  }
  if (by_groups) {
    for (GroupDraft& group : draft.groups) {
      role_from_slurm_config(draft, group);
    }
  } else if (draft.parameters != nullptr) {
    roles_from_parameters(draft);
  } else if (!draft.has_parameters) {
    draft.report.error(
        spot(draft.config, *draft.config.root.find("InstanceGroups"), "InstanceGroups"),
        "slurm-config.neither",
        "nothing says which group is the controller: no group has SlurmConfig, and "
        "there is no provisioning-parameters.json",
        "add \"SlurmConfig\": {\"NodeType\": \"Controller\"} to one group, and "
        "NodeType Login or Compute to the others");
  }
}

/// Every group has a role, so that one that is absent is truly absent.
bool all_roles_known(const ClusterDraft& draft) {
  return !draft.groups.empty() &&
         std::all_of(draft.groups.begin(), draft.groups.end(),
                     [](const GroupDraft& group) { return group.role.has_value(); });
}

void only_one(ClusterDraft& draft, Role role) {
  const GroupDraft* first = nullptr;
  for (const GroupDraft& group : draft.groups) {
    if (group.role != role) {
      continue;
    }
    if (first != nullptr) {
      draft.report.error(
          group.role_said, fmt::format("{}.second", model::name(role)),
          fmt::format("{} is a second {} group", group.words(), model::name(role)),
          fmt::format("{} at line {} is one; a cluster has {} one", first->words(),
                      first->value->place.line, role == Role::controller ? "exactly" : "at most"));
      continue;
    }
    first = &group;
  }
}

void controller(ClusterDraft& draft) {
  only_one(draft, Role::controller);
  bool is_there = false;
  for (const GroupDraft& group : draft.groups) {
    if (group.role != Role::controller) {
      continue;
    }
    is_there = true;
    if (group.count && *group.count != 1) {
      draft.report.error(
          draft.at(group, "InstanceCount"), "controller.count",
          fmt::format("controller {} has InstanceCount {}", group.words(), *group.count),
          "a controller group has exactly 1 node");
    }
  }
  if (!is_there && all_roles_known(draft)) {
    draft.report.error(
        spot(draft.config, *draft.config.root.find("InstanceGroups"), "InstanceGroups"),
        "controller.missing", "the cluster has no controller group",
        "exactly one group must have NodeType Controller");
  }
}

void login(ClusterDraft& draft) { only_one(draft, Role::login); }

void partition_case(ClusterDraft& draft) {
  std::map<std::string, std::string> seen;
  for (const GroupDraft& group : draft.groups) {
    for (const std::string& partition : group.partitions) {
      const auto [first, is_new] = seen.emplace(lower_case(partition), partition);
      if (!is_new && first->second != partition) {
        draft.report.error(group.role_said, "partition.name.case",
                           fmt::format("partitions \"{}\" and \"{}\" differ in case only",
                                       first->second, partition),
                           "write both alike, or choose another name");
      }
    }
  }
}

constexpr ClusterRule kRules[] = {
    {"each group says once what it is", roles},
    {"one controller with one node", controller},
    {"at most one login group", login},
    {"partitions are told apart by more than case", partition_case},
};

}  // namespace

void apply_role_rules(ClusterDraft& draft) {
  for (const ClusterRule& rule : kRules) {
    rule.apply(draft);
  }
}

}  // namespace provost::spec
