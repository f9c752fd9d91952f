#include "agent/changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace provost::agent {
namespace {

using Kind = SeenPath::Kind;

class FilePlan {
 public:
  explicit FilePlan(const SeenFiles& seen) : seen_(seen) {}

  void add(const model::DirectoryPart& directory) {
    if (!find_owner(directory.path, directory.owner, directory.group)) {
      return;
    }
    const SeenPath* now = seen_at(directory.path);
    if (now == nullptr) {
      changes_.push_back(MakeDirectory{directory.path, directory.mode, uid_, gid_});
    } else if (now->kind != Kind::directory) {
      changes_.push_back(Impossible{directory.path, "something that is no directory is there"});
    } else if (differs(*now, directory.mode)) {
      changes_.push_back(SetOwnerAndMode{directory.path, directory.mode, uid_, gid_});
    }
  }

  void add(const model::FilePart& file) {
    if (!find_owner(file.path, file.owner, file.group)) {
      return;
    }
    const SeenPath* now = seen_at(file.path);
    if (now != nullptr && now->kind == Kind::directory) {
      changes_.push_back(Impossible{file.path, "a directory is there"});
    } else if (now == nullptr || now->kind != Kind::file || now->content != file.content) {
      changes_.push_back(WriteFile{file.path, &file.content, file.mode, uid_, gid_});
    } else if (differs(*now, file.mode)) {
      changes_.push_back(SetOwnerAndMode{file.path, file.mode, uid_, gid_});
    }
  }

  std::vector<FileChange> take() { return std::move(changes_); }

 private:
  const SeenPath* seen_at(const std::string& path) const {
    const auto found = seen_.paths.find(path);
    return found == seen_.paths.end() || found->second.kind == Kind::absent ? nullptr
                                                                            : &found->second;
  }
  bool find_owner(const std::string& path, const std::string& user, const std::string& group) {
    const auto uid = seen_.owners.users.find(user);
    const auto gid = seen_.owners.groups.find(group);
    if (uid == seen_.owners.users.end()) {
      changes_.push_back(Impossible{path, fmt::format("there is no user \"{}\"", user)});
      return false;
    }
    if (gid == seen_.owners.groups.end()) {
      changes_.push_back(Impossible{path, fmt::format("there is no group \"{}\"", group)});
      return false;
    }
    uid_ = uid->second;
    gid_ = gid->second;
    return true;
  }
  [[nodiscard]] bool differs(const SeenPath& now, unsigned mode) const {
    return now.mode != mode || now.uid != uid_ || now.gid != gid_;
  }

  const SeenFiles& seen_;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  std::vector<FileChange> changes_;
};

bool is_below(std::string_view path, std::string_view directory) {
  return path == directory ||
         (path.starts_with(directory) && path.substr(directory.size()).starts_with('/'));
}

Turn turn_of(std::string_view path) {
  if (is_below(path, "/var/lib/extrausers")) {
    return Turn::people;
  }
  return is_below(path, "/etc") ? Turn::settings : Turn::rest;
}

}  // namespace

std::vector<FileChange> plan_files(const model::NodePart& part, const SeenFiles& seen) {
  FilePlan plan(seen);
  std::vector<const model::DirectoryPart*> directories;
  directories.reserve(part.directories.size());
  for (const model::DirectoryPart& directory : part.directories) {
    directories.push_back(&directory);
  }
  std::stable_sort(directories.begin(), directories.end(),
                   [](const auto* left, const auto* right) { return left->path < right->path; });
  // The same directory may come from two rooms: the first one decides.
  const auto end =
      std::unique(directories.begin(), directories.end(),
                  [](const auto* left, const auto* right) { return left->path == right->path; });
  std::for_each(directories.begin(), end, [&](const auto* directory) { plan.add(*directory); });
  for (const model::FilePart& file : part.files) {
    plan.add(file);
  }
  return plan.take();
}

model::NodePart of_turn(const model::NodePart& part, Turn turn) {
  model::NodePart some{.room = part.room, .directories = {}, .files = {}, .units = {}};
  const auto is_due = [&](const auto& entry) { return turn_of(entry.path) == turn; };
  std::copy_if(part.directories.begin(), part.directories.end(),
               std::back_inserter(some.directories), is_due);
  std::copy_if(part.files.begin(), part.files.end(), std::back_inserter(some.files), is_due);
  return some;
}

std::vector<UnitChange> plan_units(const std::vector<model::UnitPart>& units,
                                   const std::set<std::string>& changed,
                                   const std::set<std::string>& active,
                                   const std::set<std::string>& owed) {
  std::vector<UnitChange> changes;
  changes.reserve(units.size());
  for (const model::UnitPart& unit : units) {
    const bool stale = owed.contains(unit.name) ||
                       std::any_of(unit.restart_on.begin(), unit.restart_on.end(),
                                   [&](const std::string& path) { return changed.contains(path); });
    if (!active.contains(unit.name)) {
      changes.push_back(UnitChange::start);
    } else {
      changes.push_back(stale ? UnitChange::restart : UnitChange::keep);
    }
  }
  return changes;
}

bool concerns_systemd(const std::set<std::string>& changed) {
  return std::any_of(changed.begin(), changed.end(),
                     [](const std::string& path) { return is_below(path, "/etc/systemd"); });
}

}  // namespace provost::agent
