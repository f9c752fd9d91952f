// Rules of campus.toml across its fields, and the campus it means.
#pragma once

#include "model/cluster.hpp"
#include "spec/cluster_draft.hpp"
#include "spec/document.hpp"
#include "spec/report.hpp"

namespace provost::spec {

/// Reports what is wrong with a campus file whose shape may be wrong anywhere. `errors_before`: how
/// many errors there were before this file was looked at.
void apply_campus_rules(const Document& document, Report& report, std::size_t errors_before);

/// Reports what is wrong with the policy: partitions, QoS, departments, projects, limits, sharing
/// of GPUs, reservations, idle rules, beside the groups of the cluster's files.
void apply_policy_rules(const Document& document, const std::vector<GroupDraft>& groups,
                        Report& report);

/// The campus meant, of a document in which nothing is wrong.
model::Campus read_campus(const Document& document);

}  // namespace provost::spec
