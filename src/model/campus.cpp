#include "model/campus.hpp"

#include <algorithm>

namespace provost::model {
namespace {

template <class List>
auto find_named(const List& list, std::string_view name) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const auto& each) { return each.name == name; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

std::string_view name(Sharing sharing) {
  switch (sharing) {
    case Sharing::none:
      return "none";
    case Sharing::shard:
      return "shard";
    case Sharing::mig:
      return "mig";
  }
  return "none";
}

int Campus::line_of(const std::string& what) const {
  const auto found = lines.find(what);
  return found == lines.end() ? 0 : found->second;
}

const Department* Campus::find_department(std::string_view department) const {
  return find_named(departments, department);
}

Campus::Found Campus::find_account(std::string_view account) const {
  for (const Department& department : departments) {
    if (department.name == account) {
      return {&department, nullptr};
    }
    if (const Project* project = find_named(department.projects, account)) {
      return {&department, project};
    }
  }
  return {};
}

const Qos* Campus::find_qos(std::string_view wanted) const { return find_named(qos, wanted); }

const Person* Campus::find_person(std::string_view person) const {
  return find_named(people, person);
}

}  // namespace provost::model
