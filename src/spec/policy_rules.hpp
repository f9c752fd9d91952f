// What the rules of a campus's policy share: the document, the groups of the cluster, and names
// with the places where they were given. Private to this room.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "spec/cluster_draft.hpp"
#include "spec/document.hpp"
#include "spec/report.hpp"

namespace provost::spec {

struct Policy {
  const Document& document;
  const std::vector<GroupDraft>& groups;
  Report& report;
  std::map<std::string, const GroupDraft*> compute{};  ///< compute groups by name
  std::vector<std::string> group_names{};              ///< of them
  std::map<std::string, int> partitions{};  ///< and where each was first given; 0: by a group
  std::vector<std::string> partition_names{};
  std::map<std::string, const Value*> qos{};
  std::vector<std::string> qos_names{};
  std::vector<std::string> accounts{};  ///< departments and projects

  [[nodiscard]] Spot at(const Value& value, std::string path) const {
    return spot(document, value, std::move(path));
  }
  /// The tables of a kind: `list("qos")`.
  [[nodiscard]] const std::vector<Value>& list(std::string_view name) const;
};

/// Items of a list, none of nullptr.
const std::vector<Value>& items_of(const Value* list);
/// What a text field says; empty: nothing.
std::string said(const Value& table, std::string_view field);

/// Limits that one place cannot keep: the same one on a department and on a QoS, one that no
/// machine reaches, GPUs that do not fill nodes.
void apply_limit_rules(Policy& policy);

}  // namespace provost::spec
