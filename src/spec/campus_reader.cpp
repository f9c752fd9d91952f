// The campus of a document in which nothing is wrong.
#include <fmt/format.h>

#include <cstdlib>
#include <map>

#include "model/limits.hpp"
#include "spec/campus_rules.hpp"

namespace provost::spec {
namespace {

const std::vector<Value>& items(const Value* list) {
  static const std::vector<Value> kNone;
  return list == nullptr ? kNone : list->items;
}

std::string text_at(const Value* value, std::string_view field) {
  const Value* found = find(value, field);
  return found == nullptr ? std::string() : found->text;
}

std::vector<std::string> texts_at(const Value* value, std::string_view field) {
  std::vector<std::string> texts;
  for (const Value& item : items(find(value, field))) {
    texts.push_back(item.text);
  }
  return texts;
}

template <class Number>
void read_integer(const Value* value, std::string_view field, Number& into) {
  if (const Value* found = find(value, field)) {
    into = static_cast<Number>(found->integer);
  }
}

bool truth_at(const Value* value, std::string_view field) {
  const Value* found = find(value, field);
  return found != nullptr && found->truth;
}

std::optional<std::int64_t> duration_at(const Value* value, std::string_view field) {
  const Value* found = find(value, field);
  return found == nullptr ? std::nullopt : std::optional(model::read_duration(found->text));
}

double fraction_at(const Value* value, std::string_view field, double otherwise) {
  const Value* found = find(value, field);
  constexpr double kWhole = 100;
  return found == nullptr ? otherwise : std::strtod(found->text.c_str(), nullptr) / kWhole;
}

// Where each value of a table stands, and each name of its lists.
void note_lines(const std::string& whose, const Value* table, std::map<std::string, int>& lines) {
  for (const Field& field : table == nullptr ? std::vector<Field>() : table->fields) {
    const std::string what = fmt::format("{}.{}", whose, field.name);
    if (field.value.kind == Kind::object) {
      note_lines(what, &field.value, lines);
      continue;
    }
    lines[what] = field.place.line;
    for (const Value& item : field.value.items) {
      if (item.kind == Kind::text) {
        lines[fmt::format("{}/{}", what, item.text)] = item.place.line;
      }
    }
  }
}

void note_all_lines(const Value& root, std::map<std::string, int>& lines) {
  note_lines("campus", root.find("campus"), lines);
  note_lines("scheduler", root.find("scheduler"), lines);
  for (const Value& qos : items(root.find("qos"))) {
    note_lines("qos " + text_at(&qos, "name"), &qos, lines);
  }
  for (const Value& department : items(root.find("department"))) {
    note_lines(text_at(&department, "name"), &department, lines);
    for (const Value& project : items(department.find("project"))) {
      note_lines(text_at(&project, "name"), &project, lines);
    }
  }
}

model::Limits limits_at(const Value* value) {
  model::Limits limits;
  const Value* found = find(value, "limits");
  if (found == nullptr) {
    return limits;
  }
  for (const Field& field : found->fields) {
    const model::LimitKind* kind = model::find_limit_kind(field.name);
    if (kind == nullptr) {
      continue;
    }
    const std::int64_t number = kind->name == "wall"  ? model::read_duration(field.value.text)
                                : kind->tres == "mem" ? model::read_memory(field.value.text)
                                                      : field.value.integer;
    limits[field.name] = {number, field.place.line};
  }
  return limits;
}

model::Project read_project(const Value& value) {
  model::Project project{.name = text_at(&value, "name"),
                         .title = text_at(&value, "title"),
                         .parent = text_at(&value, "parent"),
                         .lead = text_at(&value, "lead"),
                         .members = texts_at(&value, "members"),
                         .limits = limits_at(&value),
                         .until = text_at(&value, "until"),
                         .line = value.place.line};
  read_integer(&value, "share", project.share);
  read_integer(&value, "priority", project.priority);
  return project;
}

model::Department read_department(const Value& value) {
  model::Department department{.name = text_at(&value, "name"),
                               .title = text_at(&value, "title"),
                               .supervisors = texts_at(&value, "supervisors"),
                               .members = texts_at(&value, "members"),
                               .owns = texts_at(&value, "owns"),
                               .partitions = texts_at(&value, "partitions"),
                               .qos = texts_at(&value, "qos"),
                               .limits = limits_at(&value),
                               .until = text_at(&value, "until"),
                               .line = value.place.line};
  read_integer(&value, "share", department.share);
  for (const Value& project : items(value.find("project"))) {
    department.projects.push_back(read_project(project));
  }
  return department;
}

model::Qos read_qos(const Value& value) {
  model::Qos qos{.name = text_at(&value, "name"),
                 .title = text_at(&value, "title"),
                 .limits = limits_at(&value),
                 .preempted_by = texts_at(&value, "preempted_by"),
                 .charge = fraction_at(&value, "charge", 1),
                 .refuses = truth_at(&value, "refuse"),
                 .line = value.place.line};
  read_integer(&value, "priority", qos.priority);
  return qos;
}

model::PartitionPolicy read_partition(const Value& value) {
  model::PartitionPolicy partition{.name = text_at(&value, "name"),
                                   .groups = texts_at(&value, "groups"),
                                   .max_time_minutes = duration_at(&value, "max_time"),
                                   .default_time_minutes = duration_at(&value, "default_time"),
                                   .qos = texts_at(&value, "qos"),
                                   .is_default = truth_at(&value, "default"),
                                   .administrators_only = truth_at(&value, "administrators_only"),
                                   .line = value.place.line};
  read_integer(&value, "priority", partition.priority);
  read_integer(&value, "tier", partition.tier);
  if (const Value* nodes = value.find("nodes_per_job")) {
    partition.nodes_per_job = nodes->integer;
  }
  return partition;
}

model::GpuSharing read_sharing(const Value& value) {
  const Value* sharing = value.find("sharing");
  const std::string mode = text_at(sharing, "mode");
  model::GpuSharing rule{.groups = texts_at(&value, "groups"),
                         .mode = mode == "shard" ? model::Sharing::shard
                                 : mode == "mig" ? model::Sharing::mig
                                                 : model::Sharing::none,
                         .profile = text_at(sharing, "profile"),
                         .line = value.place.line};
  read_integer(sharing, "per_gpu", rule.per_gpu);
  return rule;
}

model::Scheduler read_scheduler(const Value* value) {
  model::Scheduler scheduler;
  const auto duration = [&](const Value* from, std::string_view field, std::int64_t& into) {
    into = duration_at(from, field).value_or(into);
  };
  duration(value, "half_life", scheduler.half_life_minutes);
  duration(value, "max_age", scheduler.max_age_minutes);
  duration(value, "max_time", scheduler.max_time_minutes);
  const Value* weights = find(value, "weights");
  read_integer(weights, "age", scheduler.weight_age);
  read_integer(weights, "fairshare", scheduler.weight_fairshare);
  read_integer(weights, "qos", scheduler.weight_qos);
  read_integer(weights, "project", scheduler.weight_project);
  read_integer(weights, "partition", scheduler.weight_partition);
  read_integer(weights, "size", scheduler.weight_size);
  const Value* defaults = find(value, "defaults");
  duration(defaults, "time", scheduler.default_time_minutes);
  read_integer(defaults, "cpus_per_gpu", scheduler.cpus_per_gpu);
  if (const Value* memory = find(defaults, "memory_per_cpu")) {
    scheduler.memory_per_cpu_mib = model::read_memory(memory->text);
  }
  return scheduler;
}

model::Reservation read_reservation(const Value& value) {
  model::Reservation reservation{.name = text_at(&value, "name"),
                                 .department = text_at(&value, "department"),
                                 .people = texts_at(&value, "people"),
                                 .groups = texts_at(&value, "groups"),
                                 .from = text_at(&value, "from"),
                                 .until = text_at(&value, "until"),
                                 .every = text_at(&value, "every"),
                                 .maintenance = truth_at(&value, "maintenance"),
                                 .line = value.place.line};
  read_integer(&value, "nodes", reservation.nodes);
  return reservation;
}

model::IdleRule read_idle(const Value& value) {
  model::IdleRule rule{.exempt = texts_at(&value, "exempt"), .line = value.place.line};
  rule.after_minutes = duration_at(&value, "after").value_or(rule.after_minutes);
  rule.warn_minutes = duration_at(&value, "warn").value_or(rule.warn_minutes);
  rule.gpu_below = fraction_at(&value, "gpu_below", rule.gpu_below);
  rule.cpu_below = fraction_at(&value, "cpu_below", rule.cpu_below);
  return rule;
}

model::Person read_person(const Value& value) {
  model::Person person{.name = text_at(&value, "name"),
                       .title = text_at(&value, "title"),
                       .keys = texts_at(&value, "keys"),
                       .department = text_at(&value, "department")};
  read_integer(&value, "uid", person.uid);
  return person;
}

void read_head(const Value* head, model::Campus& campus) {
  campus.name = text_at(head, "name");
  const std::string currency = text_at(head, "currency");
  campus.currency = currency.empty() ? campus.currency : currency;
  campus.administrators = texts_at(head, "administrators");
  campus.mends_drift = text_at(head, "drift") == "mend";
  campus.selftest_after_apply = text_at(head, "selftest") != "on demand";
  campus.time_zone = text_at(head, "time_zone");
}

}  // namespace

model::Campus read_campus(const Document& document) {
  const Value& root = document.root;
  model::Campus campus;
  read_head(root.find("campus"), campus);
  campus.scheduler = read_scheduler(root.find("scheduler"));
  for (const Value& each : items(root.find("gpus"))) {
    campus.gpus.push_back(read_sharing(each));
  }
  for (const Value& each : items(root.find("partition"))) {
    campus.partitions.push_back(read_partition(each));
  }
  for (const Value& each : items(root.find("qos"))) {
    campus.qos.push_back(read_qos(each));
  }
  for (const Value& each : items(root.find("department"))) {
    campus.departments.push_back(read_department(each));
  }
  for (const Value& each : items(root.find("person"))) {
    campus.people.push_back(read_person(each));
  }
  for (const Value& each : items(root.find("reservation"))) {
    campus.reservations.push_back(read_reservation(each));
  }
  if (const Value* idle = root.find("idle")) {
    campus.idle = read_idle(*idle);
  }
  note_all_lines(root, campus.lines);
  return campus;
}

}  // namespace provost::spec
