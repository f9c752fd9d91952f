#include "cluster/change.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace provost::cluster {
namespace {

using model::InstanceGroup;
using model::Leaving;

Finding refusal(std::string rule, const std::string& group, std::string what, std::string better) {
  return {.severity = Severity::error,
          .rule = "change." + std::move(rule),
          .path = "InstanceGroups",
          .value = group,
          .what = std::move(what),
          .better = std::move(better),
          .where = {}};
}

using NodesByGroup = std::map<std::string, std::vector<NodeUse>>;

/// Nodes of each group, by number.
NodesByGroup by_group(const std::vector<NodeUse>& nodes) {
  NodesByGroup groups;
  for (const NodeUse& node : nodes) {
    groups[node.group].push_back(node);
  }
  for (auto& [name, own] : groups) {
    std::sort(own.begin(), own.end(),
              [](const NodeUse& left, const NodeUse& right) { return left.number < right.number; });
  }
  return groups;
}

const std::vector<NodeUse>& nodes_of(const NodesByGroup& groups, const std::string& group) {
  static const std::vector<NodeUse> none;
  const auto found = groups.find(group);
  return found == groups.end() ? none : found->second;
}

void refuse_other_nature(const InstanceGroup& before, const InstanceGroup& after,
                         Findings& refused) {
  const auto refuse = [&](const char* rule, std::string_view what, const auto& is,
                          const auto& would_be) {
    refused.push_back(refusal(
        rule, after.name,
        fmt::format("group {} has {} {}, which cannot become {}", after.name, what, is, would_be),
        after.role == model::Role::controller || before.role == model::Role::controller
            ? fmt::format("keep {}; another controller is another cluster", is)
            : fmt::format("add a group of another name with {}, and set the InstanceCount of {} "
                          "to 0",
                          would_be, after.name)));
  };
  if (before.role != after.role) {
    refuse("role", "the role", name(before.role), name(after.role));
  } else if (before.type.name != after.type.name) {
    refuse("type", "the type", before.type.name, after.type.name);
  } else if (before.threads_per_core != after.threads_per_core) {
    refuse("threads", "ThreadsPerCore", before.threads_per_core, after.threads_per_core);
  }
}

void refuse_missing(const model::Cluster& before, const model::Cluster& after,
                    const NodesByGroup& nodes, Findings& refused) {
  for (const InstanceGroup& group : before.groups) {
    if (after.find_group(group.name) != nullptr) {
      continue;
    }
    if (group.role == model::Role::controller) {
      refused.push_back(refusal("controller", group.name,
                                fmt::format("group {} is the controller's and is not in the files "
                                            "any more",
                                            group.name),
                                "leave it as it is, under its name: another controller is another "
                                "cluster (provost create)"));
    } else if (const auto& left = nodes_of(nodes, group.name); !left.empty()) {
      refused.push_back(refusal(
          "group-with-nodes", group.name,
          fmt::format("group {} is not in the files any more and has {} node{}", group.name,
                      left.size(), left.size() == 1 ? "" : "s"),
          fmt::format("set its InstanceCount to 0 and apply that first; then take {} out of the "
                      "files",
                      group.name)));
    }
  }
}

void grow(std::vector<NodeUse> nodes, GroupChange& change) {
  int missing = change.after - change.before;
  std::set<int> taken;
  std::stable_sort(nodes.begin(), nodes.end(), [](const NodeUse& left, const NodeUse& right) {
    return left.jobs.size() > right.jobs.size();
  });
  for (const NodeUse& node : nodes) {
    taken.insert(node.number);
    if (node.leaving == Leaving::when_idle && missing > 0) {
      change.returns.push_back(node.name);
      --missing;
    }
  }
  for (int number = 1; missing > 0; ++number) {
    if (!taken.contains(number)) {
      change.joins.push_back(number);
      --missing;
    }
  }
}

void shrink(std::vector<NodeUse> nodes, GroupChange& change) {
  std::erase_if(nodes, [](const NodeUse& node) { return node.leaving != Leaving::no; });
  std::stable_sort(nodes.begin(), nodes.end(), [](const NodeUse& left, const NodeUse& right) {
    if (left.failed != right.failed) {
      return left.failed;
    }
    return left.jobs.size() != right.jobs.size() ? left.jobs.size() < right.jobs.size()
                                                 : left.number > right.number;
  });
  for (int i = 0; i < change.before - change.after; ++i) {
    change.leaves.push_back(nodes[static_cast<std::size_t>(i)].name);
  }
}

}  // namespace

Change change(const model::Cluster& before, const model::Cluster& after,
              const std::vector<NodeUse>& nodes) {
  Change result;
  const NodesByGroup groups = by_group(nodes);
  refuse_missing(before, after, groups, result.refused);
  for (const InstanceGroup& group : after.groups) {
    const InstanceGroup* was = before.find_group(group.name);
    const auto& own = nodes_of(groups, group.name);
    GroupChange one{.group = group.name};
    one.before = static_cast<int>(std::count_if(
        own.begin(), own.end(), [](const NodeUse& node) { return node.leaving == Leaving::no; }));
    one.after = group.count;
    one.is_new = was == nullptr;
    if (was != nullptr && !own.empty()) {
      refuse_other_nature(*was, group, result.refused);
    }
    one.other_script = was != nullptr && was->lifecycle != group.lifecycle;
    if (one.after > one.before) {
      grow(own, one);
    } else if (one.after < one.before) {
      shrink(own, one);
    }
    if (one.after != one.before || one.is_new || one.other_script) {
      result.groups.push_back(std::move(one));
    }
  }
  return result;
}

}  // namespace provost::cluster
