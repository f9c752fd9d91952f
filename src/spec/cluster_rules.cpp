// Rules of cluster-config.json alone that no single field can break: names against each other,
// sums, the catalogue, scripts, tags.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "spec/cluster_draft.hpp"
#include "spec/lifecycle.hpp"
#include "spec/pattern.hpp"

namespace provost::spec {
namespace {

/// slurm.conf(5) ClusterName: table names of the accounting database leave no more.
constexpr std::size_t kLongestClusterName = 40;
/// Slurm refuses host names of 65 characters, and `<group>-<n>` has up to 5 after the group.
constexpr std::size_t kLongestGroupName = 58;
/// Slurm's MAX_SLURM_NODES.
constexpr std::int64_t kMostNodes = 65536;

void cluster_name(ClusterDraft& draft) {
  const Value* value = draft.config.root.find("ClusterName");
  const std::string* in_file = text_of(value);
  const bool is_given = !draft.name.empty();
  const std::string name = is_given ? draft.name : (in_file == nullptr ? "" : *in_file);
  const Spot where = is_given || value == nullptr ? Spot{{}, "ClusterName", draft.name}
                                                  : spot(draft.config, *value, "ClusterName");
  if (is_given && !pattern_named("name")->matches(name)) {
    draft.report.error(where, "cluster.name",
                       fmt::format("the cluster's name is \"{}\"", shorten(name)),
                       fmt::format("it must be {}", pattern_named("name")->words));
  }
  if (name.size() > kLongestClusterName) {
    draft.report.error(where, "cluster.name.length",
                       fmt::format("the cluster's name has {} characters", name.size()),
                       fmt::format("Slurm's accounting takes at most {}", kLongestClusterName));
  }
}

void group_names(ClusterDraft& draft) {
  std::map<std::string, const GroupDraft*> seen;  // host names do not tell case apart
  for (const GroupDraft& group : draft.groups) {
    if (group.name.empty()) {
      continue;
    }
    if (group.name.size() > kLongestGroupName) {
      draft.report.error(draft.at(group, "InstanceGroupName"), "instance-group.name.length",
                         fmt::format("the group's name has {} characters", group.name.size()),
                         fmt::format("at most {}: its nodes are named <group>-<n>, and Slurm takes "
                                     "no longer host names",
                                     kLongestGroupName));
    }
    const auto [first, is_new] = seen.emplace(lower_case(group.name), &group);
    if (is_new) {
      continue;
    }
    const int line = first->second->at("InstanceGroupName").place.line;
    if (first->second->name == group.name) {
      draft.report.error(draft.at(group, "InstanceGroupName"), "instance-group.name.duplicate",
                         fmt::format("a second group is named \"{}\"", shorten(group.name)),
                         fmt::format("the first is at line {}; rename one", line));
    } else {
      draft.report.error(draft.at(group, "InstanceGroupName"), "instance-group.name.case",
                         fmt::format("groups \"{}\" and \"{}\" differ in case only",
                                     shorten(first->second->name), shorten(group.name)),
                         "their nodes' host names would be the same; rename one");
    }
  }
}

void node_total(ClusterDraft& draft) {
  std::int64_t total = 0;
  for (const GroupDraft& group : draft.groups) {
    total += std::clamp<std::int64_t>(group.count.value_or(0), 0, kMostNodes);
  }
  const Value* list = draft.config.root.find("InstanceGroups");
  if (total > kMostNodes && list != nullptr) {
    draft.report.error(spot(draft.config, *list, "InstanceGroups"), "cluster.nodes",
                       fmt::format("the groups have {} nodes together", total),
                       fmt::format("Slurm takes at most {}", kMostNodes));
  }
}

/// Names of the same family ("ml.g5."), or the families when there is none of that name.
std::string other_types(const Catalogue& catalogue, const std::string& wanted) {
  std::vector<std::string> names;
  for (const auto& [name, type] : catalogue) {
    names.push_back(name);
  }
  if (const auto near = nearest(wanted, names)) {
    return fmt::format("did you mean \"{}\"? A type of your own is a line of {}", *near,
                       kOwnTypesFile);
  }
  std::vector<std::string> families;
  for (const std::string& name : names) {
    const std::string family = name.substr(0, name.rfind('.'));
    if (families.empty() || families.back() != family) {
      families.push_back(family);
    }
  }
  return fmt::format("families there are: {}; add a type of your own to {}", join(families, ", "),
                     kOwnTypesFile);
}

void instance_types(ClusterDraft& draft) {
  for (GroupDraft& group : draft.groups) {
    const std::string* name = text_of(group.value->find("InstanceType"));
    if (name == nullptr) {
      continue;
    }
    const auto found = draft.catalogue.find(*name);
    if (found != draft.catalogue.end()) {
      if (found->second.vcpus > 0 && found->second.memory_mib > 0) {
        group.type = found->second;
        continue;
      }
      draft.report.error(draft.at(group, "InstanceType"), "instance-group.type.unmeasured",
                         fmt::format("HyperPod offers \"{}\" and says neither its vCPUs nor its "
                                     "memory",
                                     *name),
                         fmt::format("give them in {}: \"type,vcpus,memory_mib\", then \"{},...\"",
                                     kOwnTypesFile, *name));
      continue;
    }
    draft.report.error(draft.at(group, "InstanceType"), "instance-group.type.unknown",
                       fmt::format("instance type \"{}\" is none of the {} that are known",
                                   shorten(*name), draft.catalogue.size()),
                       other_types(draft.catalogue, *name));
  }
}

/// Which of the two scripts a group names; reports when that is not exactly one.
std::optional<model::LifecycleScript::When> script_named(ClusterDraft& draft,
                                                         const GroupDraft& group,
                                                         const Value& config) {
  const bool creates = config.find("OnCreate") != nullptr;
  const bool completes = config.find("OnInitComplete") != nullptr;
  if (creates && completes) {
    draft.report.error(draft.at(group, "LifeCycleConfig.OnInitComplete"), "lifecycle.both",
                       fmt::format("{} has both OnCreate and OnInitComplete", group.words()),
                       "keep one: OnCreate configures a node alone, OnInitComplete runs after "
                       "Provost has configured it");
    return std::nullopt;
  }
  if (!creates && !completes) {
    draft.report.error(draft.at(group, "LifeCycleConfig"), "lifecycle.script.missing",
                       fmt::format("LifeCycleConfig of {} names no script", group.words()),
                       "add \"OnCreate\": \"on_create.sh\", or take LifeCycleConfig away");
    return std::nullopt;
  }
  return creates ? model::LifecycleScript::When::on_create
                 : model::LifecycleScript::When::on_init_complete;
}

void lifecycle_of(ClusterDraft& draft, GroupDraft& group, const Value& config) {
  using When = model::LifecycleScript::When;
  const std::string* uri = text_of(config.find("SourceS3Uri"));
  if (config.find("SourceS3Uri") == nullptr) {
    draft.report.error(draft.at(group, "LifeCycleConfig"), "lifecycle.source.missing",
                       fmt::format("LifeCycleConfig of {} has no SourceS3Uri", group.words()),
                       "add \"SourceS3Uri\": \"s3://<bucket>/<prefix>\"");
  }
  std::optional<ScriptSource> source;
  if (uri != nullptr && pattern_named("s3-uri")->matches(*uri)) {
    ReadSource read = read_source(*uri);
    source = std::move(read.source);
    if (!source) {
      draft.report.error(draft.at(group, "LifeCycleConfig.SourceS3Uri"), "lifecycle.source",
                         fmt::format("in SourceS3Uri {}", read.wrong.what), read.wrong.better);
    }
  }
  const auto when = script_named(draft, group, config);
  if (!when) {
    return;
  }
  const std::string field = *when == When::on_create ? "OnCreate" : "OnInitComplete";
  const std::string* script = text_of(config.find(field));
  if (script == nullptr) {
    return;
  }
  if (const auto wrong = wrong_script(*script)) {
    draft.report.error(draft.at(group, "LifeCycleConfig." + field), "lifecycle.script",
                       fmt::format("{} {}", field, wrong->what), wrong->better);
    return;
  }
  if (source) {
    group.lifecycle = model::LifecycleScript{source->bucket, source->prefix, *script, *when};
  }
}

void lifecycle(ClusterDraft& draft) {
  for (GroupDraft& group : draft.groups) {
    const Value* config = group.value->find("LifeCycleConfig");
    if (config != nullptr && config->kind == Kind::object) {
      lifecycle_of(draft, group, *config);
    }
  }
}

void tags(ClusterDraft& draft) {
  const Value* list = draft.config.root.find("Tags");
  if (list == nullptr) {
    return;
  }
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const Value* value = list->items[i].find("Key");
    const std::string* key = text_of(value);
    if (key == nullptr) {
      continue;
    }
    const auto [first, is_new] = seen.emplace(*key, value->place.line);
    if (!is_new) {
      draft.report.error(spot(draft.config, *value, fmt::format("Tags[{}].Key", i)),
                         "tag.duplicate",
                         fmt::format("a second tag is named \"{}\"", shorten(*key)),
                         fmt::format("the first is at line {}; keep one", first->second));
    }
  }
}

void orchestrator(ClusterDraft& draft) {
  const Value* value = draft.config.root.find("Orchestrator");
  if (value != nullptr && value->kind == Kind::object && value->fields.empty()) {
    draft.report.error(spot(draft.config, *value, "Orchestrator"), "orchestrator.empty",
                       "Orchestrator is empty", "write \"Slurm\": {} into it, or take it away");
  }
}

bool is_continuous(const ClusterDraft& draft) {
  return draft.config.root.find("NodeProvisioningMode") != nullptr;
}

// HyperPod rejects any explicit strategy in this mode.
void strategy(ClusterDraft& draft) {
  const std::string* said = strategy_said(draft.config);
  if (said == nullptr || !is_continuous(draft)) {
    return;
  }
  const Value& value = *draft.config.root.find("Orchestrator")->find("Slurm");
  draft.report.error(spot(draft.config, *value.find("SlurmConfigStrategy"),
                          "Orchestrator.Slurm.SlurmConfigStrategy"),
                     "cluster.strategy.continuous",
                     fmt::format("SlurmConfigStrategy is \"{}\" and NodeProvisioningMode is "
                                 "Continuous",
                                 shorten(*said)),
                     "take SlurmConfigStrategy away: with Continuous it is always Merge");
}

void least_counts(ClusterDraft& draft) {
  for (const GroupDraft& group : draft.groups) {
    const Value* least = group.value->find("MinInstanceCount");
    if (least == nullptr || least->kind != Kind::integer) {
      continue;
    }
    if (group.count && least->integer > *group.count) {
      draft.report.error(draft.at(group, "MinInstanceCount"), "instance-group.min-count",
                         fmt::format("MinInstanceCount of {} is {} and its InstanceCount {}",
                                     group.words(), least->integer, *group.count),
                         fmt::format("at most {}", *group.count));
    } else if (!is_continuous(draft) && least->integer > 0) {
      draft.report.warning(draft.at(group, "MinInstanceCount"), "instance-group.min-count.mode",
                           fmt::format("MinInstanceCount of {} has no effect", group.words()),
                           "it counts with \"NodeProvisioningMode\": \"Continuous\"; without "
                           "it a group comes whole or not at all");
    }
  }
}

constexpr ClusterRule kRules[] = {
    {"the cluster's name fits Slurm's accounting", cluster_name},
    {"group names are unique and fit host names", group_names},
    {"Slurm takes the nodes together", node_total},
    {"instance types are known", instance_types},
    {"each group has at most one script, below its source", lifecycle},
    {"tags are named once", tags},
    {"Orchestrator says Slurm", orchestrator},
    {"Continuous leaves no choice of strategy", strategy},
    {"a group's least count is not above its count", least_counts},
};

}  // namespace

void apply_cluster_rules(ClusterDraft& draft) {
  for (const ClusterRule& rule : kRules) {
    rule.apply(draft);
  }
}

}  // namespace provost::spec
