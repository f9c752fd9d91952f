#include <algorithm>
#include <map>
#include <set>

#include "access/access.hpp"

namespace provost::access {
namespace {

constexpr std::int64_t kFirstGroup = 50'000;
constexpr std::int64_t kGroups = 10'000;

// FNV-1a: the same number for a name on every machine and in every version.
std::int64_t number_of(std::string_view name) {
  std::uint32_t hash = 2'166'136'261U;
  for (const char each : name) {
    hash = (hash ^ static_cast<unsigned char>(each)) * 16'777'619U;
  }
  return kFirstGroup + hash % kGroups;
}

std::map<std::string, std::set<std::string>> named_groups(const model::Cluster& cluster) {
  std::map<std::string, std::set<std::string>> named;
  named[kAdministrators] = {};
  if (!cluster.campus) {
    named[kAdministrators].insert("ubuntu");
    return named;
  }
  named[kAdministrators].insert(cluster.campus->administrators.begin(),
                                cluster.campus->administrators.end());
  for (const model::Department& department : cluster.campus->departments) {
    std::set<std::string>& members = named[department.name];
    members.insert(department.supervisors.begin(), department.supervisors.end());
    members.insert(department.members.begin(), department.members.end());
  }
  return named;
}

}  // namespace

std::vector<Identity> identities(const model::Cluster& cluster) {
  std::vector<Identity> people;
  if (cluster.campus) {
    for (const model::Person& person : cluster.campus->people) {
      if (person.name != "ubuntu") {
        people.push_back({person.name, person.uid, person.title, "/fsx/home/" + person.name});
      }
    }
  }
  std::sort(people.begin(), people.end(),
            [](const Identity& left, const Identity& right) { return left.name < right.name; });
  people.insert(people.begin(), {"ubuntu", 1000, "HyperPod's default user", "/fsx/home/ubuntu"});
  return people;
}

std::vector<Group> groups(const model::Cluster& cluster) {
  std::vector<Group> made;
  std::set<std::int64_t> taken;
  std::set<std::string> names;
  for (const Identity& person : identities(cluster)) {
    made.push_back({person.name, person.uid, {}});
    taken.insert(person.uid);
    names.insert(person.name);
  }
  for (const auto& [name, members] : named_groups(cluster)) {
    if (names.contains(name)) {
      continue;
    }
    std::int64_t gid = number_of(name);
    while (taken.contains(gid)) {
      gid = kFirstGroup + (gid + 1 - kFirstGroup) % kGroups;
    }
    taken.insert(gid);
    made.push_back({name, gid, {members.begin(), members.end()}});
  }
  return made;
}

}  // namespace provost::access
