// All files together: read, hold against their shapes, apply the rules, and build the cluster when
// nothing is wrong.
#include <fmt/format.h>

#include "spec/campus_rules.hpp"
#include "spec/cluster_draft.hpp"
#include "spec/json_reader.hpp"
#include "spec/shape.hpp"
#include "spec/spec.hpp"
#include "spec/toml_reader.hpp"

namespace provost::spec {
namespace {

/// `aws sagemaker create-cluster --instance-groups` takes a file with the list alone: says so and
/// goes on with it as what was meant.
bool wrap_bare_list(Document& config, Report& report) {
  if (config.root.kind != Kind::list) {
    return false;
  }
  report.error(spot(config, config.root, {}), "cluster-config.list",
               "the file is a list of instance groups",
               "put it into an object: {\"ClusterName\": \"<name>\", \"InstanceGroups\": [ ... ]}");
  Value list = std::move(config.root);
  config.root = {};
  config.root.kind = Kind::object;
  config.root.place = list.place;
  config.root.fields.push_back({"InstanceGroups", list.place, std::move(list)});
  return true;
}

/// The shape, but a name given apart from the file stands in for ClusterName.
void check_config_shape(Document& config, const Sources& sources, Report& report,
                        Checked& checked) {
  const ShapeOptions options{.positions = &checked.positions,
                             .allow_unknown = sources.allow_unknown,
                             .defaults = &checked.defaults};
  const bool may_be_nameless = wrap_bare_list(config, report) || !sources.name.empty();
  if (!may_be_nameless || config.root.find("ClusterName") != nullptr ||
      config.root.kind != Kind::object) {
    check_shape(config, cluster_config_shape(), report, options);
    return;
  }
  static const Shape kNameless = [] {
    Shape shape = cluster_config_shape();
    for (Member& member : shape.members) {
      member.required = member.required && member.name != "ClusterName";
    }
    return shape;
  }();
  check_shape(config, kNameless, report, options);
}

}  // namespace

Checked check(const Sources& sources, const Catalogue& catalogue) {
  Report report;
  Checked checked;
  Document config = read_json(sources.cluster_config, report);
  if (config.sound) {
    check_config_shape(config, sources, report, checked);
  }

  std::optional<Document> parameters;
  if (sources.provisioning_parameters) {
    parameters = read_json(*sources.provisioning_parameters, report);
    if (parameters->sound) {
      check_shape(*parameters, provisioning_parameters_shape(), report,
                  {.allow_unknown = sources.allow_unknown, .defaults = &checked.defaults});
    }
  }
  const bool has_sound_parameters = parameters && parameters->sound;

  ClusterDraft draft{.config = config,
                     .parameters = has_sound_parameters ? &*parameters : nullptr,
                     .has_parameters = parameters.has_value(),
                     .catalogue = catalogue,
                     .report = report,
                     .name = sources.name,
                     .groups = {}};
  if (config.sound) {
    draft.groups = read_groups(config);
    apply_cluster_rules(draft);
    apply_role_rules(draft);
  }

  std::optional<Document> campus;
  if (sources.campus) {
    campus = read_toml(*sources.campus, report);
    if (campus->sound) {
      const std::size_t before = report.errors();
      check_shape(*campus, campus_shape(), report,
                  {.allow_unknown = sources.allow_unknown, .defaults = &checked.defaults});
      apply_campus_rules(*campus, report, before);
      apply_policy_rules(*campus, draft.groups, report);
    }
  }

  if (!report.has_errors()) {
    checked.cluster = finish(draft);
    if (campus) {
      checked.cluster->campus = read_campus(*campus);
    }
    if (sources.provisioning_parameters) {
      checked.cluster->provisioning_parameters = sources.provisioning_parameters->text;
    }
  }
  checked.findings = report.take();
  return checked;
}

}  // namespace provost::spec
