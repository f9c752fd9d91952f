// cluster-config.json half understood: what rules look at while anything may still be wrong, and
// what becomes the cluster when nothing is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/cluster.hpp"
#include "spec/document.hpp"
#include "spec/report.hpp"
#include "spec/spec.hpp"

namespace provost::spec {

/// A group as far as it could be read. Fields of a wrong type are absent: that has been reported.
struct GroupDraft {
  std::size_t index = 0;
  const Value* value = nullptr;  ///< never null
  std::string name;              ///< empty: not known
  std::optional<std::int64_t> count;
  std::optional<model::InstanceType> type;
  std::optional<model::LifecycleScript> lifecycle;

  /// Set by the role rules, from SlurmConfig or from the provisioning parameters.
  std::optional<model::Role> role;
  Spot role_said;            ///< where
  bool is_misspelt = false;  ///< a name in the provisioning parameters looks like this group's
  std::vector<std::string> partitions;

  /// "InstanceGroups[2].InstanceCount"; the group itself for "".
  [[nodiscard]] std::string path(std::string_view field = {}) const;
  /// The field's value, else the group itself: where a finding belongs.
  [[nodiscard]] const Value& at(std::string_view field) const;
  /// `group "cpu"`, or its path when it has no name.
  [[nodiscard]] std::string words() const;
};

struct ClusterDraft {
  const Document& config;
  const Document* parameters;  ///< nullptr: there is no such file, or it is not sound
  bool has_parameters;         ///< the user gave such a file
  const Catalogue& catalogue;
  Report& report;
  std::string name;  ///< given apart from the file; empty: ClusterName counts
  std::vector<GroupDraft> groups;

  /// A spot in cluster-config at a group's field.
  [[nodiscard]] Spot at(const GroupDraft& group, std::string_view field) const;
  [[nodiscard]] std::vector<std::string> group_names() const;
};

/// One rule: looks at the draft, reports, and may fill in what it understood.
struct ClusterRule {
  const char* about;
  void (*apply)(ClusterDraft&);
};

/// Reads the groups of a document whose shape may be wrong anywhere.
std::vector<GroupDraft> read_groups(const Document& config);

/// SlurmConfigStrategy as the file has it; nullptr: it does not say.
const std::string* strategy_said(const Document& config);

void apply_cluster_rules(ClusterDraft& draft);  ///< names, counts, types, scripts, tags
void apply_role_rules(ClusterDraft& draft);     ///< controller, login, compute, partitions

/// The cluster meant, of a draft in which no rule found an error.
model::Cluster finish(const ClusterDraft& draft);

}  // namespace provost::spec
