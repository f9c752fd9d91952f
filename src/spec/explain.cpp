#include "spec/explain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "spec/pattern.hpp"
#include "spec/shape.hpp"

namespace provost::spec {
namespace {

using model::InstanceGroup;
using model::Role;

std::string script_words(const InstanceGroup& group) {
  if (!group.lifecycle) {
    return {};
  }
  const model::LifecycleScript& script = *group.lifecycle;
  const bool creates = script.when == model::LifecycleScript::When::on_create;
  return fmt::format("{} of s3://{}{}{} {}", script.script, script.bucket,
                     script.prefix.empty() ? "" : "/", script.prefix,
                     creates ? "when a node is created" : "when a node is configured");
}

std::vector<PartitionMeaning> partitions_of(const model::Cluster& cluster) {
  std::vector<PartitionMeaning> partitions;
  PartitionMeaning universal{.name = "dev", .groups = {}, .who = "everybody"};
  for (const InstanceGroup& group : cluster.groups) {
    if (group.role == Role::compute) {
      universal.groups.push_back(group.name);
    }
    for (const std::string& name : group.partitions) {
      auto found = std::find_if(partitions.begin(), partitions.end(),
                                [&](const PartitionMeaning& each) { return each.name == name; });
      if (found == partitions.end()) {
        partitions.push_back({.name = name, .groups = {}, .who = "everybody"});
        found = std::prev(partitions.end());
      }
      found->groups.push_back(group.name);
    }
  }
  if (cluster.campus) {
    const auto& names = cluster.campus->administrators;
    universal.who = names.empty() ? "nobody but root" : "administrators: " + join(names, ", ");
    for (PartitionMeaning& each : partitions) {
      each.who = "members of departments";
    }
  }
  partitions.push_back(std::move(universal));
  return partitions;
}

/// What nobody wrote and no field says.
void add_own_defaults(const model::Cluster& cluster, std::vector<DefaultUsed>& defaults) {
  const auto add = [&](const char* path, std::string value, const char* rule) {
    defaults.push_back({.path = path, .times = 1, .value = std::move(value), .rule = rule});
  };
  add("partition dev", "all compute nodes",
      cluster.campus ? "HyperPod's partition of all nodes; with a campus file for administrators "
                       "only, since it would go round every limit"
                     : "HyperPod's partition of all nodes");
  add("a job's time", "1 hour, at most 7 days", "nothing is unlimited by accident");
  add("a job's memory", "the node's memory divided by its CPUs, for each CPU", "jobs share nodes");
  if (!cluster.campus) {
    add("user", "ubuntu", "without a campus file HyperPod's own user submits jobs");
  }
}

std::string_view words(Effect effect) {
  switch (effect) {
    case Effect::honoured:
      return "honoured";
    case Effect::recorded:
      return "recorded without effect";
    case Effect::refused:
      return "refused";
  }
  return "honoured";
}

std::string range_words(const Shape& shape) {
  const bool has_min = shape.min > 0 || (shape.type == Type::integer &&
                                         shape.min != std::numeric_limits<std::int64_t>::min());
  const bool has_max = shape.max != std::numeric_limits<std::int64_t>::max();
  if (has_min && has_max) {
    return shape.min == shape.max ? fmt::format("{}", shape.min)
                                  : fmt::format("{} to {}", shape.min, shape.max);
  }
  if (has_max) {
    return fmt::format("at most {}", shape.max);
  }
  return has_min ? fmt::format("at least {}", shape.min) : std::string();
}

std::string type_words(const Shape& shape) {
  if (!shape.choices.empty()) {
    return fmt::format("\"{}\"", join(shape.choices, "\" or \""));
  }
  const std::string range = range_words(shape);
  switch (shape.type) {
    case Type::text: {
      std::string text =
          range.empty() ? "a string" : fmt::format("a string of {} characters", range);
      if (shape.pattern != nullptr) {
        text += fmt::format(": {}", shape.pattern->words);
      } else if (shape.regex != nullptr) {
        text += fmt::format(": {}", shape.regex_words);
      }
      return text;
    }
    case Type::integer:
      return range.empty() ? "a whole number" : fmt::format("a whole number, {}", range);
    case Type::boolean:
      return "true or false";
    case Type::date:
      return "a date, or a date with a time, without quotes";
    case Type::list:
      return range.empty() ? "a list" : fmt::format("a list of {}", range);
    case Type::map:
    case Type::object:
      return shape.is_union ? "an object with exactly one of its fields" : "an object";
    case Type::anything:
      return "anything";
  }
  return "anything";
}

/// A value that the shape takes, as JSON.
std::string example_of(const Shape& shape, int depth = 0) {
  if (!shape.choices.empty()) {
    return fmt::format("\"{}\"", shape.choices.front());
  }
  switch (shape.type) {
    case Type::integer:
      return std::to_string(std::max<std::int64_t>(shape.min, 1));
    case Type::boolean:
      return "true";
    case Type::date:
      return "2027-09-30";
    case Type::list:
      return fmt::format("[{}]", depth < 3 ? example_of(*shape.item, depth + 1) : "");
    case Type::object: {
      std::vector<std::string> fields;
      for (const Member& member : shape.members) {
        const bool wanted = member.required || (shape.is_union && fields.empty());
        if (wanted && depth < 3) {
          fields.push_back(fmt::format(
              "\"{}\": {}", member.name,
              member.example.empty() ? example_of(*member.shape, depth + 1) : member.example));
        }
      }
      return fmt::format("{{{}}}", join(fields, ", "));
    }
    case Type::text:
    case Type::map:
    case Type::anything:
      break;
  }
  const std::size_t at = shape.regex_words.rfind("as in ");
  return at == std::string::npos ? "\"...\""
                                 : fmt::format("\"{}\"", shape.regex_words.substr(at + 6));
}

class Fields {
 public:
  void add_file(const std::string& file, const Shape& root) {
    file_ = file;
    add_members(root, "", true);
  }
  std::vector<FieldHelp> take() { return std::move(all_); }

 private:
  void add_members(const Shape& shape, const std::string& prefix, bool has_effect) {
    for (const Member& member : shape.members) {
      add(member, prefix + member.name, has_effect);
    }
  }

  void add(const Member& member, const std::string& path, bool has_effect) {
    const Effect effect = has_effect ? member.effect : Effect::recorded;
    const Shape* shape = member.shape;
    all_.push_back({.file = file_,
                    .path = path,
                    .type = type_words(*shape),
                    .required = member.required,
                    .initial = member.initial,
                    .effect = std::string(words(effect)),
                    .reason = member.reason.empty() && !has_effect ? reason_ : member.reason,
                    .about = member.about,
                    .example = member.example.empty() ? example_of(*shape) : member.example});
    if (has_effect && effect == Effect::recorded) {
      reason_ = member.reason;
    }
    std::string below = path;
    while (shape->type == Type::list) {
      below += "[]";
      shape = shape->item;
    }
    if (shape->type == Type::object && effect != Effect::refused) {
      add_members(*shape, below + ".", effect == Effect::honoured);
    }
  }

  std::string file_;
  std::string reason_;  // of the field above that has no effect
  std::vector<FieldHelp> all_;
};

/// Without what stands in brackets, in small letters: "instancegroups[].type".
std::string plain_path(std::string_view path) {
  std::string plain;
  bool within = false;
  for (const char each : path) {
    within = within && each != ']';
    if (!within) {
      plain += each;
    }
    within = within || each == '[';
  }
  return lower_case(plain);
}

std::string last_name(const std::string& path) { return path.substr(path.rfind('.') + 1); }

std::string cell(const std::string& text) {
  std::string safe;
  for (const char each : text) {
    safe += each == '|' ? "\\|" : std::string(1, each);
  }
  return safe;
}

}  // namespace

Explanation explain(const Checked& checked) {
  const model::Cluster& cluster = *checked.cluster;
  Explanation all;
  all.name = cluster.name;
  all.described_by = cluster.provisioning_parameters.empty() ? "SlurmConfig of each group"
                                                             : "provisioning-parameters.json";
  for (std::size_t i = 0; i < cluster.groups.size(); ++i) {
    all.groups.push_back({.path = fmt::format("InstanceGroups[{}]", i),
                          .group = cluster.groups[i],
                          .script = script_words(cluster.groups[i])});
  }
  all.partitions = partitions_of(cluster);
  if (cluster.campus) {
    all.people = static_cast<int>(cluster.campus->people.size());
    for (const model::Department& department : cluster.campus->departments) {
      all.departments.push_back(department.name);
    }
    all.currency = cluster.campus->currency;
  }
  all.defaults = checked.defaults;
  std::sort(all.defaults.begin(), all.defaults.end(),
            [](const auto& one, const auto& other) { return one.path < other.path; });
  add_own_defaults(cluster, all.defaults);
  all.cost = cost_of(cluster);
  return all;
}

const std::vector<FieldHelp>& all_fields() {
  static const std::vector<FieldHelp> kFields = [] {
    Fields fields;
    fields.add_file("cluster-config.json", cluster_config_shape());
    fields.add_file("provisioning-parameters.json", provisioning_parameters_shape());
    fields.add_file("campus.toml", campus_shape());
    return fields.take();
  }();
  return kFields;
}

std::vector<FieldHelp> find_fields(const std::string& wanted) {
  const std::string plain = plain_path(wanted);
  std::vector<FieldHelp> whole;
  std::vector<FieldHelp> ends;
  for (const FieldHelp& field : all_fields()) {
    const std::string path = plain_path(field.path);
    if (path == plain) {
      whole.push_back(field);
    } else if (path.size() > plain.size() && path.ends_with("." + plain)) {
      ends.push_back(field);
    }
  }
  if (plain.empty()) {
    return {};
  }
  whole.insert(whole.end(), ends.begin(), ends.end());
  return whole;
}

std::string nearest_field(const std::string& wanted) {
  std::vector<std::string> names;
  for (const FieldHelp& field : all_fields()) {
    names.push_back(last_name(field.path));
  }
  return nearest(last_name(wanted), names).value_or("");
}

std::string fields_as_markdown() {
  std::string text =
      "# Every field of the three files\n\n"
      "Made by `provost explain --markdown` from `models/`; `provost explain FIELD` says the same\n"
      "of one field. *Honoured*: Provost acts on it. *Recorded without effect*: it is checked and\n"
      "kept, and `provost validate` notes why nothing comes of it. *Refused*: an error.\n";
  std::string file;
  for (const FieldHelp& field : all_fields()) {
    if (field.file != file) {
      file = field.file;
      text += fmt::format(
          "\n## {}\n\n| Field | What it is | Value | Without it | Here |\n"
          "|---|---|---|---|---|\n",
          file);
    }
    const std::string without = field.required          ? "an error"
                                : field.initial.empty() ? ""
                                                        : field.initial;
    text += fmt::format("| `{}` | {} | {} | {} | {}{}{} |\n", field.path, cell(field.about),
                        cell(field.type), cell(without), field.effect,
                        field.reason.empty() ? "" : ": ", cell(field.reason));
  }
  return text;
}

}  // namespace provost::spec
