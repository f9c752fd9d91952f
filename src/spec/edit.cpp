// Changing a user's file where it says one thing, and nowhere else.
#include <algorithm>

#include "base/text.hpp"
#include "spec/json_reader.hpp"

namespace provost::spec {
namespace {

const std::vector<Value>& groups_of(const Value& root) {
  static const std::vector<Value> kNone;
  const Value* groups = root.kind == Kind::list ? &root : root.find("InstanceGroups");
  return groups == nullptr ? kNone : groups->items;
}

enum class Absent { error, skipped };

// A count as it stands in the file of the group of that name; nullptr: it may be absent, and is.
Result<const Value*> count_of(const Value& root, const std::string& group, const char* field,
                              Absent absent) {
  std::vector<std::string> names;
  for (const Value& each : groups_of(root)) {
    const std::string* name = text_of(each.find("InstanceGroupName"));
    if (name == nullptr) {
      continue;
    }
    names.push_back(*name);
    const Value* count = each.find(field);
    if (*name == group && count != nullptr && count->kind == Kind::integer) {
      return count;
    }
    if (*name == group && absent == Absent::skipped) {
      return nullptr;
    }
    if (*name == group) {
      return fail(ErrorKind::invalid, "group {} has no {}", group, field);
    }
  }
  return pass(Error{ErrorKind::not_found, fmt::format("there is no group named {}", group),
                    "the groups are " + join(names, ", ")});
}

Result<std::string> with_counts(const SourceText& config, const std::map<std::string, int>& counts,
                                const char* field, Absent absent) {
  std::string text = config.text;
  for (const auto& [group, count] : counts) {
    Report report;
    const Document document = read_json({config.name, text}, report);
    if (!document.sound) {
      return fail(ErrorKind::invalid, "{} cannot be read", config.name);
    }
    const auto found = count_of(document.root, group, field, absent);
    if (!found) {
      return pass(found.error());
    }
    if (*found == nullptr) {
      continue;
    }
    text.replace(Lines(text).offset((*found)->place), (*found)->text.size(), std::to_string(count));
  }
  return text;
}

}  // namespace

Result<std::string> with_instance_counts(const SourceText& config,
                                         const std::map<std::string, int>& counts) {
  return with_counts(config, counts, "InstanceCount", Absent::error);
}

Result<std::string> with_least_counts(const SourceText& config,
                                      const std::map<std::string, int>& counts) {
  return with_counts(config, counts, "MinInstanceCount", Absent::skipped);
}

}  // namespace provost::spec
