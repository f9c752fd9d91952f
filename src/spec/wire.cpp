#include "spec/wire.hpp"

#include <cmath>

namespace provost::spec {
namespace {

namespace json = boost::json;

json::value or_null(const std::string& text) {
  return text.empty() ? json::value() : json::value(text);
}

json::array to_array(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) {
    array.emplace_back(text);
  }
  return array;
}

/// Money to a ten-thousandth: sums of prices have tails.
double money(double amount) { return std::round(amount * 10'000) / 10'000; }

json::object cost_json(const Cost& cost) {
  return {{"per_hour", money(cost.per_hour)},
          {"per_month", money(cost.per_month)},
          {"priced_nodes", cost.priced_nodes},
          {"nodes_at_own_prices", cost.own_nodes},
          {"types_without_price", to_array(cost.unpriced)}};
}

json::object group_json(const GroupMeaning& meaning) {
  const model::InstanceGroup& group = meaning.group;
  return {{"path", meaning.path},
          {"name", group.name},
          {"role", model::name(group.role)},
          {"nodes", group.count},
          {"type", to_json(group.type)},
          {"threads_per_core", group.threads_per_core},
          {"partitions", to_array(group.partitions)},
          {"script", or_null(meaning.script)},
          {"price_per_hour", group.type.price_per_hour > 0
                                 ? json::value(money(group.type.price_per_hour * group.count))
                                 : json::value()}};
}

}  // namespace

json::array to_json(const Findings& findings) {
  json::array array;
  for (const Finding& finding : findings) {
    array.push_back(json::object{{"severity", provost::name(finding.severity)},
                                 {"rule", finding.rule},
                                 {"path", finding.path},
                                 {"value", or_null(finding.value)},
                                 {"what", finding.what},
                                 {"better", or_null(finding.better)},
                                 {"file", or_null(finding.where.file)},
                                 {"line", finding.where.line},
                                 {"column", finding.where.column}});
  }
  return array;
}

json::object to_json(const model::InstanceType& type) {
  const auto known = [](std::int64_t number) {
    return number > 0 ? json::value(number) : json::value();
  };
  return {{"name", type.name},
          {"vcpus", known(type.vcpus)},
          {"memory_mib", known(type.memory_mib)},
          {"accelerator", or_null(type.accelerator)},
          {"accelerators", type.accelerators},
          {"accelerator_memory_mib", known(type.accelerator_memory_mib)},
          {"network_mbps", known(type.network_mbps)},
          {"price_per_hour",
           type.price_per_hour > 0 ? json::value(money(type.price_per_hour)) : json::value()},
          {"source", type.is_own ? "own" : "EC2"}};
}

json::array to_json(const Catalogue& catalogue) {
  json::array array;
  for (const auto& [name, type] : catalogue) {
    array.push_back(to_json(type));
  }
  return array;
}

json::object to_json(const Explanation& explanation) {
  json::array groups;
  for (const GroupMeaning& group : explanation.groups) {
    groups.push_back(group_json(group));
  }
  json::array partitions;
  for (const PartitionMeaning& partition : explanation.partitions) {
    partitions.push_back(json::object{
        {"name", partition.name}, {"groups", to_array(partition.groups)}, {"who", partition.who}});
  }
  json::array defaults;
  for (const DefaultUsed& used : explanation.defaults) {
    defaults.push_back(json::object{
        {"path", used.path}, {"times", used.times}, {"value", used.value}, {"rule", used.rule}});
  }
  return {{"name", explanation.name},
          {"described_by", explanation.described_by},
          {"groups", std::move(groups)},
          {"partitions", std::move(partitions)},
          {"people", explanation.people},
          {"departments", to_array(explanation.departments)},
          {"defaults", std::move(defaults)},
          {"cost", cost_json(explanation.cost)},
          {"currency", or_null(explanation.currency)}};
}

json::object to_json(const FieldHelp& field) {
  return {{"file", field.file},
          {"path", field.path},
          {"type", field.type},
          {"required", field.required},
          {"default", or_null(field.initial)},
          {"effect", field.effect},
          {"reason", or_null(field.reason)},
          {"about", or_null(field.about)},
          {"example", field.example}};
}

}  // namespace provost::spec
