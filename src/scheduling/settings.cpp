#include "scheduling/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/text.hpp"

namespace provost::scheduling {
namespace {

// What sacctmgr is told where nothing is wanted. Source: sacctmgr(1): -1 clears.
std::string initial(std::string_view name) {
  if (name == "Fairshare" || name == "UsageFactor") {
    return "1";
  }
  if (name == "QosLevel" || name == "Preempt") {
    return "";
  }
  if (name == "PreemptMode") {
    return "cluster";
  }
  return "-1";
}

std::string value_or_initial(const Settings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? initial(name) : found->second;
}

std::string clause(const std::string& name, const std::string& value) {
  const std::size_t colon = name.find(':');
  if (colon == std::string::npos) {
    return fmt::format("{}={}", name, value);
  }
  // A TRES of an option: GrpTRES=gres/gpu=64. Memory without a unit is in MiB.
  return fmt::format("{}={}={}", name.substr(0, colon), name.substr(colon + 1), value);
}

bool stands_alone(std::string_view name) { return name == "QosLevel" || name == "DefaultQOS"; }

// MiB of what sacctmgr shows: "2T", "1536M", "512".
std::string to_mib(std::string_view shown) {
  constexpr std::string_view kUnits = "MGTP";
  const std::size_t unit = shown.empty() ? std::string_view::npos : kUnits.find(shown.back());
  const auto number =
      to_number(shown.substr(0, shown.size() - (unit == std::string_view::npos ? 0 : 1)));
  if (!number) {
    return std::string(shown);
  }
  std::int64_t mib = *number;
  for (std::size_t i = 0; unit != std::string_view::npos && i < unit; ++i) {
    mib *= 1024;
  }
  return std::to_string(mib);
}

}  // namespace

std::string setting_name(std::string_view on, const model::LimitKind& kind) {
  return kind.tres.empty() ? std::string(on) : fmt::format("{}:{}", on, kind.tres);
}

std::string setting_value(const model::LimitKind& kind, std::int64_t value) {
  return kind.name == "wall" ? model::slurm_duration(value) : std::to_string(value);
}

std::vector<std::string> changes(const Settings& seen, const Settings& wanted) {
  std::set<std::string> names;
  for (const auto& [name, value] : seen) {
    names.insert(name);
  }
  for (const auto& [name, value] : wanted) {
    names.insert(name);
  }
  std::vector<std::string> together;
  for (const std::string& name : names) {
    const std::string value = value_or_initial(wanted, name);
    if (!stands_alone(name) && value_or_initial(seen, name) != value) {
      together.push_back(clause(name, value));
    }
  }
  std::vector<std::string> clauses;
  if (!together.empty()) {
    clauses.push_back(join(together, " "));
  }
  const bool list_changes =
      value_or_initial(seen, "QosLevel") != value_or_initial(wanted, "QosLevel");
  const bool default_changes =
      value_or_initial(seen, "DefaultQOS") != value_or_initial(wanted, "DefaultQOS");
  if (list_changes || default_changes) {
    if (seen.contains("DefaultQOS")) {
      clauses.emplace_back("DefaultQOS=-1");
    }
    if (list_changes) {
      clauses.push_back(clause("QosLevel", value_or_initial(wanted, "QosLevel")));
    }
    if (wanted.contains("DefaultQOS")) {
      clauses.push_back(clause("DefaultQOS", wanted.at("DefaultQOS")));
    }
  }
  return clauses;
}

std::map<std::string, std::string> setting_differences(const Settings& wanted,
                                                       const Settings& seen) {
  std::map<std::string, std::string> found;
  const auto words = [](const std::string& value) {
    return value.empty() || value == "-1" ? std::string("not set") : value;
  };
  std::set<std::string> names;
  for (const auto& [name, value] : wanted) {
    names.insert(name);
  }
  for (const auto& [name, value] : seen) {
    names.insert(name);
  }
  for (const std::string& name : names) {
    const std::string is = value_or_initial(seen, name);
    const std::string shall = value_or_initial(wanted, name);
    if (is != shall) {
      std::string shown = name;
      std::replace(shown.begin(), shown.end(), ':', ' ');
      found[name] = fmt::format("{} is {}, not {}", shown, words(is),
                                shall == "-1" || shall.empty() ? "anything" : shall);
    }
  }
  return found;
}

void add_tres(Settings& settings, std::string_view option, std::string_view shown) {
  for (const std::string& each : split(shown, ',')) {
    const std::size_t equals = each.rfind('=');
    if (equals == std::string::npos || equals == 0) {
      continue;
    }
    const std::string tres = each.substr(0, equals);
    const std::string value = each.substr(equals + 1);
    settings[fmt::format("{}:{}", option, tres)] = tres == "mem" ? to_mib(value) : value;
  }
}

std::string in_order(std::string_view names) {
  std::vector<std::string> all = split(names, ',');
  std::sort(all.begin(), all.end());
  return join(all, ",");
}

}  // namespace provost::scheduling
