// Rules about limits: one place defines each, and machines can reach them.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "model/limits.hpp"
#include "spec/policy_rules.hpp"

namespace provost::spec {
namespace {

const std::vector<Field>& limits_of(const Value& table) {
  static const std::vector<Field> kNone;
  const Value* limits = table.find("limits");
  return limits == nullptr ? kNone : limits->fields;
}

/// The QoS that jobs of a department may have.
std::vector<const Value*> qos_of(const Policy& policy, const Value& department) {
  std::vector<const Value*> found;
  const std::vector<Value>& named = items_of(department.find("qos"));
  for (const Value& each : policy.list("qos")) {
    const bool may =
        named.empty() || std::any_of(named.begin(), named.end(), [&](const Value& name) {
          return name.text == said(each, "name");
        });
    if (may) {
      found.push_back(&each);
    }
  }
  return found;
}

/// A limit of a QoS switches the same one of accounts off. Source: Slurm's resource_limits.html.
void one_place(Policy& policy, const Value& account, const std::string& path,
               const std::vector<const Value*>& qualities) {
  for (const Field& limit : limits_of(account)) {
    for (const Value* qos : qualities) {
      const Value* other = find(qos->find("limits"), limit.name);
      if (other == nullptr) {
        continue;
      }
      policy.report.error(
          policy.at(limit.value, fmt::format("{}.limits.{}", path, limit.name)), "limit.twice",
          fmt::format("{} is limited here and by QoS \"{}\", and Slurm takes the QoS's alone",
                      limit.name, said(*qos, "name")),
          fmt::format("line {} has the other; leave one of them", other->place.line));
    }
  }
}

void one_place_each(Policy& policy) {
  const std::vector<Value>& departments = policy.list("department");
  for (std::size_t i = 0; i < departments.size(); ++i) {
    const auto qualities = qos_of(policy, departments[i]);
    const std::string path = fmt::format("department[{}]", i);
    one_place(policy, departments[i], path, qualities);
    const std::vector<Value>& projects = items_of(departments[i].find("project"));
    for (std::size_t each = 0; each < projects.size(); ++each) {
      one_place(policy, projects[each], fmt::format("{}.project[{}]", path, each), qualities);
    }
  }
}

struct Machine {
  std::int64_t gpus = 0;
  std::int64_t cpus = 0;
  std::int64_t memory_mib = 0;
  std::int64_t nodes = 0;
  std::vector<std::int64_t> gpus_a_node;  ///< of groups with GPUs
};

Machine machine_of(const Policy& policy) {
  Machine machine;
  for (const auto& [name, group] : policy.compute) {
    if (!group->type) {
      continue;
    }
    const std::int64_t count = group->count.value_or(0);
    const std::int64_t gpus = group->type->accelerator.empty() ? 0 : group->type->accelerators;
    machine.nodes += count;
    machine.cpus += count * group->type->vcpus;
    machine.memory_mib += count * group->type->memory_mib;
    machine.gpus += count * gpus;
    if (gpus > 0) {
      machine.gpus_a_node.push_back(gpus);
    }
  }
  return machine;
}

std::int64_t most_of(const Machine& machine, const model::LimitKind& kind) {
  if (kind.tres == "gres/gpu") {
    return machine.gpus;
  }
  if (kind.tres == "cpu") {
    return machine.cpus;
  }
  if (kind.tres == "mem") {
    return machine.memory_mib;
  }
  return kind.tres == "node" ? machine.nodes : -1;
}

void reachable(Policy& policy, const Machine& machine, const Field& limit,
               const std::string& path) {
  const model::LimitKind* kind = model::find_limit_kind(limit.name);
  if (kind == nullptr || kind->tres.empty()) {
    return;
  }
  const std::int64_t value =
      kind->tres == "mem" ? model::read_memory(limit.value.text) : limit.value.integer;
  const std::int64_t most = most_of(machine, *kind);
  if (most >= 0 && value > most) {
    policy.report.warning(
        policy.at(limit.value, path), "limit.beyond",
        fmt::format("{} is {}, but the cluster has {}", path, model::limit_words(*kind, value),
                    model::limit_words(*kind, most)),
        kind->scope == model::LimitScope::least ? "no job can ask for so much"
                                                : "it limits nothing");
    return;
  }
  const bool for_one =
      kind->scope == model::LimitScope::user || kind->scope == model::LimitScope::job;
  if (kind->tres != "gres/gpu" || !for_one || machine.gpus_a_node.empty()) {
    return;
  }
  const auto& sizes = machine.gpus_a_node;
  const bool fits = std::any_of(sizes.begin(), sizes.end(), [&](std::int64_t size) {
    return value <= size || value % size == 0;
  });
  if (!fits) {
    const std::int64_t size = *std::max_element(sizes.begin(), sizes.end());
    policy.report.warning(
        policy.at(limit.value, path), "limit.uneven",
        fmt::format("{} is {}, but nodes have {} GPUs: one node's and a part of "
                    "another's",
                    path, value, size),
        fmt::format("{} or {} fills whole nodes", value / size * size, (value / size + 1) * size));
  }
}

void all_reachable(Policy& policy, const Value& table, const std::string& path,
                   const Machine& machine) {
  for (const Field& limit : limits_of(table)) {
    reachable(policy, machine, limit, fmt::format("{}.limits.{}", path, limit.name));
  }
}

}  // namespace

void apply_limit_rules(Policy& policy) {
  one_place_each(policy);
  if (policy.compute.empty()) {
    return;
  }
  const Machine machine = machine_of(policy);
  const std::vector<Value>& qualities = policy.list("qos");
  for (std::size_t i = 0; i < qualities.size(); ++i) {
    all_reachable(policy, qualities[i], fmt::format("qos[{}]", i), machine);
  }
  const std::vector<Value>& departments = policy.list("department");
  for (std::size_t i = 0; i < departments.size(); ++i) {
    const std::string path = fmt::format("department[{}]", i);
    all_reachable(policy, departments[i], path, machine);
    const std::vector<Value>& projects = items_of(departments[i].find("project"));
    for (std::size_t each = 0; each < projects.size(); ++each) {
      all_reachable(policy, projects[each], fmt::format("{}.project[{}]", path, each), machine);
    }
  }
}

}  // namespace provost::spec
