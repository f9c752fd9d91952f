#include "spec/cluster_draft.hpp"

#include <fmt/format.h>

namespace provost::spec {
namespace {

std::string text_or_empty(const Value* value) {
  const std::string* text = text_of(value);
  return text == nullptr ? std::string() : *text;
}

model::InstanceGroup finish(const GroupDraft& draft) {
  model::InstanceGroup group;
  group.name = draft.name;
  group.role = draft.role.value_or(model::Role::compute);
  group.type = draft.type.value_or(model::InstanceType{});
  group.count = static_cast<int>(draft.count.value_or(0));
  if (const Value* threads = draft.value->find("ThreadsPerCore")) {
    group.threads_per_core = static_cast<int>(threads->integer);
  }
  if (const Value* least = draft.value->find("MinInstanceCount")) {
    group.min_count = static_cast<int>(least->integer);
  }
  group.partitions = draft.partitions;
  group.lifecycle = draft.lifecycle;
  group.execution_role = text_or_empty(draft.value->find("ExecutionRole"));
  return group;
}

// HyperPod's own default is Merge since the mid of 2026.
model::SlurmConfigStrategy strategy_of(const Document& config) {
  using model::SlurmConfigStrategy;
  const std::string* text = strategy_said(config);
  if (text == nullptr || *text == name(SlurmConfigStrategy::merge)) {
    return SlurmConfigStrategy::merge;
  }
  return *text == name(SlurmConfigStrategy::managed) ? SlurmConfigStrategy::managed
                                                     : SlurmConfigStrategy::overwrite;
}

}  // namespace

const std::string* strategy_said(const Document& config) {
  const Value* found = &config.root;
  for (const char* field : {"Orchestrator", "Slurm", "SlurmConfigStrategy"}) {
    found = found == nullptr ? nullptr : found->find(field);
  }
  return text_of(found);
}

std::string GroupDraft::path(std::string_view field) const {
  return fmt::format("InstanceGroups[{}]{}{}", index, field.empty() ? "" : ".", field);
}

const Value& GroupDraft::at(std::string_view field) const {
  const Value* found = value;
  for (std::size_t begin = 0; begin < field.size() && found != nullptr;) {
    const std::size_t end = std::min(field.find('.', begin), field.size());
    found = found->find(field.substr(begin, end - begin));
    begin = end + 1;
  }
  return found == nullptr ? *value : *found;
}

std::string GroupDraft::words() const {
  return name.empty() ? path() : fmt::format("group \"{}\"", name);
}

Spot ClusterDraft::at(const GroupDraft& group, std::string_view field) const {
  return spot(config, group.at(field), group.path(field));
}

std::vector<std::string> ClusterDraft::group_names() const {
  std::vector<std::string> names;
  for (const GroupDraft& group : groups) {
    if (!group.name.empty()) {
      names.push_back(group.name);
    }
  }
  return names;
}

std::vector<GroupDraft> read_groups(const Document& config) {
  constexpr std::size_t kMost = 100;  // the shape has refused a longer list
  std::vector<GroupDraft> groups;
  const Value* list = config.root.find("InstanceGroups");
  if (list == nullptr) {
    return groups;
  }
  for (std::size_t i = 0; i < list->items.size() && i < kMost; ++i) {
    const Value& value = list->items[i];
    if (value.kind != Kind::object) {
      continue;
    }
    GroupDraft group;
    group.index = i;
    group.value = &value;
    group.name = text_or_empty(value.find("InstanceGroupName"));
    const Value* count = value.find("InstanceCount");
    if (count != nullptr && count->kind == Kind::integer) {
      group.count = count->integer;
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

model::Cluster finish(const ClusterDraft& draft) {
  model::Cluster cluster;
  cluster.name =
      draft.name.empty() ? text_or_empty(draft.config.root.find("ClusterName")) : draft.name;
  for (const GroupDraft& group : draft.groups) {
    cluster.groups.push_back(finish(group));
  }
  if (const Value* tags = draft.config.root.find("Tags")) {
    for (const Value& tag : tags->items) {
      cluster.tags.push_back({text_or_empty(tag.find("Key")), text_or_empty(tag.find("Value"))});
    }
  }
  cluster.slurm_config = strategy_of(draft.config);
  cluster.continuous = draft.config.root.find("NodeProvisioningMode") != nullptr;
  return cluster;
}

}  // namespace provost::spec
