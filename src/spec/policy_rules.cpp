// Rules of a campus's policy across its tables and the cluster's groups.
#include "spec/policy_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "model/limits.hpp"
#include "spec/campus_rules.hpp"
#include "spec/pattern.hpp"

namespace provost::spec {
namespace {

/// A list of names that must be among `known`, each once.
void names_among(Policy& policy, const Value& table, std::string_view field,
                 const std::string& path, const std::vector<std::string>& known,
                 std::string_view rule, std::string_view what) {
  std::set<std::string> seen;
  const std::vector<Value>& names = items_of(table.find(field));
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string* name = text_of(&names[i]);
    if (name == nullptr) {
      continue;
    }
    const std::string here = fmt::format("{}.{}[{}]", path, field, i);
    if (std::find(known.begin(), known.end(), *name) == known.end()) {
      policy.report.error(
          policy.at(names[i], here), std::string(rule),
          fmt::format("{} names \"{}\", which is no {}", here, shorten(*name), what),
          did_you_mean(*name, known));
    } else if (!seen.insert(*name).second) {
      policy.report.warning(policy.at(names[i], here), std::string(rule) + ".twice",
                            fmt::format("{} names \"{}\" twice", here, shorten(*name)),
                            "once is enough");
    }
  }
}

void group_names(Policy& policy, const Value& table, const std::string& path) {
  names_among(policy, table, "groups", path, policy.group_names, "policy.group.unknown",
              "instance group that runs jobs");
}

void collect(Policy& policy) {
  for (const GroupDraft& group : policy.groups) {
    if (group.role == model::Role::compute && !group.name.empty()) {
      policy.compute[group.name] = &group;
      policy.group_names.push_back(group.name);
      for (const std::string& name : group.partitions) {
        policy.partitions.emplace(name, 0);
      }
    }
  }
  for (const Value& each : policy.list("partition")) {
    policy.partitions.emplace(said(each, "name"), each.place.line);
  }
  for (const Value& each : policy.list("qos")) {
    policy.qos.emplace(said(each, "name"), &each);
  }
  for (const Value& each : policy.list("department")) {
    policy.accounts.push_back(said(each, "name"));
    if (!items_of(each.find("owns")).empty()) {
      policy.partitions.emplace(policy.accounts.back(), each.place.line);
    }
    for (const Value& project : items_of(each.find("project"))) {
      policy.accounts.push_back(said(project, "name"));
    }
  }
  for (const auto& [name, line] : policy.partitions) {
    policy.partition_names.push_back(name);
  }
  for (const auto& [name, table] : policy.qos) {
    policy.qos_names.push_back(name);
  }
}

/// Names that stand twice among the tables of a kind.
void twice(Policy& policy, std::string_view kind) {
  std::map<std::string, int> seen;
  const std::vector<Value>& tables = policy.list(kind);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const Value* value = tables[i].find("name");
    const std::string* name = text_of(value);
    if (name == nullptr) {
      continue;
    }
    const auto [first, is_new] = seen.emplace(*name, value->place.line);
    if (!is_new) {
      policy.report.error(policy.at(*value, fmt::format("{}[{}].name", kind, i)),
                          fmt::format("{}.name.duplicate", kind),
                          fmt::format("a second {} is named \"{}\"", kind, shorten(*name)),
                          fmt::format("the first is at line {}; rename one", first->second));
    }
  }
}

void partition(Policy& policy, const Value& table, const std::string& path) {
  const std::string name = said(table, "name");
  group_names(policy, table, path);
  names_among(policy, table, "qos", path, policy.qos_names, "policy.qos.unknown",
              "QoS of this file");
  const Value* value = table.find("name");
  if (name == "dev" && value != nullptr) {
    policy.report.error(policy.at(*value, path + ".name"), "partition.name.reserved",
                        "partition \"dev\" is HyperPod's own: all nodes, for administrators",
                        "choose another name");
  }
  const bool named_by_group =
      std::any_of(policy.compute.begin(), policy.compute.end(), [&](const auto& each) {
        const auto& names = each.second->partitions;
        return std::find(names.begin(), names.end(), name) != names.end();
      });
  const bool owned = std::any_of(
      policy.list("department").begin(), policy.list("department").end(), [&](const Value& each) {
        return said(each, "name") == name && !items_of(each.find("owns")).empty();
      });
  if (!policy.compute.empty() && !named_by_group && !owned &&
      items_of(table.find("groups")).empty()) {
    policy.report.error(
        policy.at(table, path), "partition.no-nodes",
        fmt::format("partition \"{}\" has no nodes: no instance group names it", shorten(name)),
        fmt::format("name its groups here: groups = [\"{}\"]", policy.group_names.front()));
  }
  const std::int64_t longest = model::read_duration(said(table, "max_time"));
  const std::int64_t usual = model::read_duration(said(table, "default_time"));
  if (longest > 0 && usual > longest) {
    policy.report.error(policy.at(*table.find("default_time"), path + ".default_time"),
                        "partition.default-time",
                        fmt::format("{}.default_time is longer than max_time", path),
                        fmt::format("at most \"{}\"", said(table, "max_time")));
  }
}

void partitions(Policy& policy) {
  twice(policy, "partition");
  const std::vector<Value>& tables = policy.list("partition");
  const Value* chosen = nullptr;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const std::string path = fmt::format("partition[{}]", i);
    partition(policy, tables[i], path);
    const Value* is_default = tables[i].find("default");
    if (is_default == nullptr || !is_default->truth) {
      continue;
    }
    if (chosen != nullptr) {
      policy.report.error(
          policy.at(*is_default, path + ".default"), "partition.default.twice",
          "a second partition is the default",
          fmt::format("the first is at line {}; take one away", chosen->place.line));
    }
    chosen = is_default;
  }
}

void preemption(Policy& policy, const Value& table, const std::string& path) {
  const std::string name = said(table, "name");
  const std::vector<Value>& by = items_of(table.find("preempted_by"));
  for (std::size_t i = 0; i < by.size(); ++i) {
    const auto other = policy.qos.find(by[i].text);
    if (other == policy.qos.end()) {
      continue;  // said as unknown
    }
    const auto& back = items_of(other->second->find("preempted_by"));
    const bool mutual =
        std::any_of(back.begin(), back.end(), [&](const Value& each) { return each.text == name; });
    if (by[i].text == name || mutual) {
      policy.report.error(
          policy.at(by[i], fmt::format("{}.preempted_by[{}]", path, i)), "qos.preemption.cycle",
          by[i].text == name
              ? fmt::format("QoS \"{}\" is preempted by itself", name)
              : fmt::format("QoS \"{}\" and \"{}\" preempt one another", name, by[i].text),
          "jobs would put each other back for ever; leave one direction");
    }
  }
}

void qualities(Policy& policy) {
  twice(policy, "qos");
  const std::vector<Value>& tables = policy.list("qos");
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const std::string path = fmt::format("qos[{}]", i);
    names_among(policy, tables[i], "preempted_by", path, policy.qos_names, "policy.qos.unknown",
                "QoS of this file");
    preemption(policy, tables[i], path);
    const bool is_pool = !items_of(tables[i].find("preempted_by")).empty();
    const auto same = policy.partitions.find(said(tables[i], "name"));
    if (is_pool && same != policy.partitions.end()) {
      policy.report.error(policy.at(tables[i], path), "qos.name.partition",
                          fmt::format("QoS \"{}\" can be preempted and brings a partition of its "
                                      "name, but there is one already",
                                      same->first),
                          "rename one of them");
    }
  }
}

void owned_groups(Policy& policy, const Value& table, const std::string& path,
                  std::map<std::string, std::string>& owners) {
  const std::vector<Value>& owns = items_of(table.find("owns"));
  for (std::size_t i = 0; i < owns.size(); ++i) {
    const std::string here = fmt::format("{}.owns[{}]", path, i);
    const auto group = policy.compute.find(owns[i].text);
    if (group == policy.compute.end()) {
      policy.report.error(policy.at(owns[i], here), "policy.group.unknown",
                          fmt::format("{} names \"{}\", which is no instance group that runs jobs",
                                      here, shorten(owns[i].text)),
                          did_you_mean(owns[i].text, policy.group_names));
      continue;
    }
    const auto [owner, is_new] = owners.emplace(owns[i].text, said(table, "name"));
    if (!is_new) {
      policy.report.error(
          policy.at(owns[i], here), "department.owns.twice",
          fmt::format("group \"{}\" is owned by {} already", owns[i].text, owner->second),
          "one department owns a group; others may use it by a QoS that can be "
          "preempted");
    }
    if (group->second->count == 0) {
      policy.report.warning(policy.at(owns[i], here), "department.no-nodes",
                            fmt::format("group \"{}\" has no nodes: the jobs of partition \"{}\" "
                                        "wait until it has some",
                                        owns[i].text, said(table, "name")),
                            "raise its InstanceCount");
    }
  }
}

/// Projects above one another must end at the department.
void parents(Policy& policy, const Value& department, const std::string& path) {
  std::map<std::string, std::string> above;
  const std::vector<Value>& projects = items_of(department.find("project"));
  for (const Value& project : projects) {
    above.emplace(said(project, "name"), said(project, "parent"));
  }
  std::vector<std::string> names;
  names.reserve(above.size());
  for (const auto& [name, parent] : above) {
    names.push_back(name);
  }
  for (std::size_t i = 0; i < projects.size(); ++i) {
    const Value* parent = projects[i].find("parent");
    if (parent == nullptr) {
      continue;
    }
    const std::string here = fmt::format("{}.project[{}].parent", path, i);
    if (!above.contains(parent->text)) {
      policy.report.error(policy.at(*parent, here), "project.parent.unknown",
                          fmt::format("{} names \"{}\", which is no project of this department",
                                      here, shorten(parent->text)),
                          did_you_mean(parent->text, names));
      continue;
    }
    const std::string own = said(projects[i], "name");
    std::vector<std::string> way{own};
    for (std::string up = parent->text; !up.empty(); up = above[up]) {
      way.push_back(up);
      if (up == own) {
        policy.report.error(policy.at(*parent, here), "project.cycle",
                            fmt::format("projects are part of one another: {}", join(way, " -> ")),
                            "one of them must be the department's own: leave out its parent");
        break;
      }
      if (way.size() > above.size() + 1) {
        break;  // a cycle further up, said there
      }
    }
  }
}

/// A last day is a whole one.
void last_day(Policy& policy, const Value& table, const std::string& path) {
  const Value* until = table.find("until");
  if (until != nullptr && until->kind == Kind::date && until->text.find('T') != std::string::npos) {
    policy.report.error(policy.at(*until, path + ".until"), "account.until",
                        fmt::format("{}.until has a time", path),
                        fmt::format("write the day alone: {}", until->text.substr(0, 10)));
  }
}

void departments(Policy& policy) {
  std::map<std::string, std::string> owners;
  const std::vector<Value>& tables = policy.list("department");
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const std::string path = fmt::format("department[{}]", i);
    if (!policy.groups.empty()) {
      owned_groups(policy, tables[i], path, owners);
      names_among(policy, tables[i], "partitions", path, policy.partition_names,
                  "policy.partition.unknown", "partition");
    }
    names_among(policy, tables[i], "qos", path, policy.qos_names, "policy.qos.unknown",
                "QoS of this file");
    parents(policy, tables[i], path);
    last_day(policy, tables[i], path);
    const std::vector<Value>& projects = items_of(tables[i].find("project"));
    for (std::size_t each = 0; each < projects.size(); ++each) {
      last_day(policy, projects[each], fmt::format("{}.project[{}]", path, each));
    }
  }
}

int gpus_of(const GroupDraft& group) {
  return !group.type || group.type->accelerator.empty() ? 0 : group.type->accelerators;
}

// What a mode of sharing needs.
void sharing(Policy& policy, const Value& table, const std::string& path) {
  const Value* value = find(&table, "sharing");
  const Value* mode = find(value, "mode");
  const std::string* name = text_of(mode);
  if (name == nullptr) {
    return;
  }
  const Value* each = value->find("per_gpu");
  const Value* profile = value->find("profile");
  if (*name == "mps") {
    policy.report.error(
        policy.at(*mode, path + ".mode"), "gpus.mps",
        "mode \"mps\" is not offered: MPS serves one user at a time, so that others "
        "wait, and a client that misses its daemon runs without any fence",
        "write mode = \"mig\" for a fence, or mode = \"shard\" with per_gpu for "
        "users who trust one another");
  } else if (*name != "none" && *name != "shard" && *name != "mig") {
    policy.report.error(policy.at(*mode, path + ".mode"), "field.choice",
                        fmt::format("{}.mode is {}", path, quoted(*mode)),
                        "it must be \"none\", \"shard\" or \"mig\"");
  } else if (*name == "shard" && (each == nullptr || each->integer < 2)) {
    policy.report.error(policy.at(*value, path), "gpus.shard",
                        "shards need a number for each GPU, at least 2",
                        "add per_gpu = 4, or write mode = \"none\"");
  } else if (*name == "mig" && profile == nullptr) {
    policy.report.error(policy.at(*value, path), "gpus.mig",
                        "MIG needs the profile of its partitions",
                        "add profile = \"3g.40gb\" and per_gpu = 2, as the GPU offers");
  } else if (*name != "mig" && profile != nullptr) {
    policy.report.error(policy.at(*profile, path + ".profile"), "gpus.profile",
                        "a profile belongs to mode \"mig\"", "take it away");
  } else if (*name == "mig" && profile != nullptr && !profile->text.empty() && each != nullptr) {
    constexpr int kSlices = 7;  // compute slices of an A100, H100, H200
    const int slices = profile->text[0] - '0';
    if (slices > 0 && each->integer * slices > kSlices) {
      policy.report.error(
          policy.at(*each, path + ".per_gpu"), "gpus.slices",
          fmt::format("{} partitions of {} compute slices are more than the {} of a "
                      "GPU",
                      each->integer, slices, kSlices),
          fmt::format("at most per_gpu = {}", kSlices / slices));
    }
  }
}

void gpus(Policy& policy) {
  constexpr std::string_view kWithMig[] = {"a100", "a30", "h100", "h200", "b200", "b300"};
  std::map<std::string, int> ruled;
  const std::vector<Value>& tables = policy.list("gpus");
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const std::string path = fmt::format("gpus[{}]", i);
    if (!policy.groups.empty()) {
      group_names(policy, tables[i], path);
    }
    sharing(policy, tables[i], path + ".sharing");
    const bool mig = find(find(&tables[i], "sharing"), "mode") != nullptr &&
                     find(find(&tables[i], "sharing"), "mode")->text == "mig";
    for (const Value& name : items_of(tables[i].find("groups"))) {
      const auto group = policy.compute.find(name.text);
      const auto [first, is_new] = ruled.emplace(name.text, name.place.line);
      if (!is_new && group != policy.compute.end()) {
        policy.report.error(
            policy.at(name, path + ".groups"), "gpus.twice",
            fmt::format("how the GPUs of \"{}\" are shared is said twice", name.text),
            fmt::format("line {} says it already", first->second));
      }
      if (group == policy.compute.end() || !group->second->type) {
        continue;
      }
      const std::string& accelerator = group->second->type->accelerator;
      if (gpus_of(*group->second) == 0) {
        policy.report.error(policy.at(name, path + ".groups"), "gpus.none",
                            fmt::format("the nodes of \"{}\" have no GPUs ({})", name.text,
                                        group->second->type->name),
                            "take it away");
      } else if (mig && std::none_of(std::begin(kWithMig), std::end(kWithMig),
                                     [&](std::string_view known) {
                                       return accelerator.substr(0, known.size()) == known;
                                     })) {
        policy.report.error(
            policy.at(name, path + ".groups"), "gpus.no-mig",
            fmt::format("the GPUs of \"{}\" ({}) have no MIG", name.text, accelerator),
            "write mode = \"shard\", or \"none\"");
      }
    }
  }
}

std::int64_t nodes_of(const Policy& policy, const Value& table) {
  std::vector<std::string> named;
  for (const Value& each : items_of(table.find("groups"))) {
    named.push_back(each.text);
  }
  std::int64_t nodes = 0;
  for (const auto& [name, group] : policy.compute) {
    const bool counts = named.empty() || std::find(named.begin(), named.end(), name) != named.end();
    nodes += counts ? group->count.value_or(0) : 0;
  }
  return nodes;
}

constexpr std::size_t kDate = 10;  // "2027-03-03": a day, to its end

void reservation(Policy& policy, const Value& table, const std::string& path) {
  group_names(policy, table, path);
  const auto error = [&](const Value& value, std::string_view field, const char* rule,
                         std::string what, std::string better) {
    policy.report.error(policy.at(value, field.empty() ? path : fmt::format("{}.{}", path, field)),
                        std::string("reservation.") + rule, std::move(what), std::move(better));
  };
  const Value* account = table.find("department");
  if (account != nullptr && std::find(policy.accounts.begin(), policy.accounts.end(),
                                      account->text) == policy.accounts.end()) {
    error(*account, "department", "department",
          fmt::format("{}.department names \"{}\", which is no department or project", path,
                      shorten(account->text)),
          did_you_mean(account->text, policy.accounts));
  }
  const Value* maintenance = table.find("maintenance");
  const bool closed = maintenance != nullptr && maintenance->truth;
  const bool for_somebody = account != nullptr || !items_of(table.find("people")).empty();
  if (closed == for_somebody) {
    error(table, "", "whom",
          closed ? "a maintenance is for nobody's jobs, but somebody is named"
                 : "nobody may use this reservation",
          "name a department or people, or write maintenance = true");
  }
  const std::int64_t there = nodes_of(policy, table);
  const Value* nodes = table.find("nodes");
  if (nodes != nullptr && nodes->integer > there && !policy.compute.empty()) {
    error(*nodes, "nodes", "nodes",
          fmt::format("{}.nodes is {}, but there are {}", path, nodes->integer, there),
          fmt::format("at most {}", there));
  } else if (there == 0 && !policy.compute.empty()) {
    error(table, "", "nodes", "its groups have no nodes", "raise their InstanceCount");
  }
  const Value* from = table.find("from");
  const Value* until = table.find("until");
  const Value* every = table.find("every");
  if (every == nullptr && (from == nullptr || until == nullptr)) {
    error(table, "", "when", "it has no beginning and end",
          "add from = and until =, or every = \"Tue 14:00-17:00\"");
  } else if (from != nullptr && until != nullptr && !(from->text < until->text) &&
             !(from->text == until->text && until->text.size() == kDate)) {
    error(*until, "until", "when", "it ends before it begins", fmt::format("after {}", from->text));
  }
  if (every != nullptr && every->text.size() > 11) {
    const std::string times = every->text.substr(every->text.size() - 11);
    if (times.substr(0, 5) >= times.substr(6)) {
      error(*every, "every", "when", "it ends before it begins",
            "write the earlier time first; over midnight, write two");
    }
  }
}

void idle(Policy& policy) {
  const Value* table = policy.document.root.find("idle");
  if (table == nullptr || table->kind != Kind::object) {
    return;
  }
  const auto known = [&](const std::string& name) {
    const auto named = [&](const Value& person) { return said(person, "name") == name; };
    const auto& people = policy.list("person");
    return policy.qos.contains(name) ||
           std::find(policy.accounts.begin(), policy.accounts.end(), name) !=
               policy.accounts.end() ||
           std::any_of(people.begin(), people.end(), named);
  };
  const std::vector<Value>& exempt = items_of(table->find("exempt"));
  for (std::size_t i = 0; i < exempt.size(); ++i) {
    if (exempt[i].kind == Kind::text && !known(exempt[i].text)) {
      policy.report.error(
          policy.at(exempt[i], fmt::format("idle.exempt[{}]", i)), "idle.exempt",
          fmt::format("\"{}\" is no person, department, project or QoS", shorten(exempt[i].text)),
          did_you_mean(exempt[i].text, policy.accounts));
    }
  }
  const std::int64_t after =
      table->find("after") == nullptr ? 60 : model::read_duration(said(*table, "after"));
  const std::int64_t warn =
      table->find("warn") == nullptr ? 15 : model::read_duration(said(*table, "warn"));
  if (after > 0 && warn > after) {
    const Value* given = table->find("warn");
    policy.report.error(policy.at(given == nullptr ? *table : *given, "idle.warn"), "idle.warn",
                        "the warning comes earlier than an allocation can be unused",
                        fmt::format("warn at most {} ahead", model::duration_words(after)));
  }
}

void persons(Policy& policy) {
  const std::vector<Value>& people = policy.list("person");
  for (std::size_t i = 0; i < people.size(); ++i) {
    const Value* department = people[i].find("department");
    if (department != nullptr && std::find(policy.accounts.begin(), policy.accounts.end(),
                                           department->text) == policy.accounts.end()) {
      const std::string path = fmt::format("person[{}].department", i);
      policy.report.error(policy.at(*department, path), "person.department",
                          fmt::format("{} names \"{}\", which is no department or project", path,
                                      shorten(department->text)),
                          did_you_mean(department->text, policy.accounts));
    }
  }
}

}  // namespace

const std::vector<Value>& items_of(const Value* list) {
  static const std::vector<Value> kNone;
  return list == nullptr ? kNone : list->items;
}

std::string said(const Value& table, std::string_view field) {
  const std::string* text = text_of(table.find(field));
  return text == nullptr ? std::string() : *text;
}

const std::vector<Value>& Policy::list(std::string_view name) const {
  return items_of(document.root.find(name));
}

void apply_policy_rules(const Document& document, const std::vector<GroupDraft>& groups,
                        Report& report) {
  Policy policy{.document = document, .groups = groups, .report = report};
  collect(policy);
  partitions(policy);
  qualities(policy);
  departments(policy);
  gpus(policy);
  twice(policy, "reservation");
  const std::vector<Value>& reservations = policy.list("reservation");
  for (std::size_t i = 0; i < reservations.size(); ++i) {
    reservation(policy, reservations[i], fmt::format("reservation[{}]", i));
  }
  idle(policy);
  persons(policy);
  apply_limit_rules(policy);
}

}  // namespace provost::spec
