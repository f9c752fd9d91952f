// What has to change on the node so that it is what a NodePart asks for. Pure: values in, values
// out; looking and acting are in files.hpp and work.hpp.
#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "model/node_part.hpp"

namespace provost::agent {

/// What is at a path now (a link is not followed at a file's place).
struct SeenPath {
  enum class Kind { absent, file, directory, other };
  Kind kind = Kind::absent;
  std::string content;  ///< of a file
  unsigned mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Users and groups by name, as the node knows them now.
struct Owners {
  std::map<std::string, uid_t> users;
  std::map<std::string, gid_t> groups;
};

struct SeenFiles {
  std::map<std::string, SeenPath> paths;  ///< every path of the part; absent ones may be left out
  Owners owners;                          ///< every name of the part that exists
};

struct MakeDirectory {
  std::string path;
  unsigned mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};
/// The content is right, mode or owner are not.
struct SetOwnerAndMode {
  std::string path;
  unsigned mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};
struct WriteFile {
  std::string path;
  const std::string* content = nullptr;  ///< in the part that was planned for
  unsigned mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};
/// Cannot be: a file is where a directory should be, or a name is unknown.
struct Impossible {
  std::string path;
  std::string why;
};
using FileChange = std::variant<MakeDirectory, SetOwnerAndMode, WriteFile, Impossible>;

/// Directories first, parents before what is in them; then files in their order. Empty when all is
/// as it should be.
std::vector<FileChange> plan_files(const model::NodePart& part, const SeenFiles& seen);

/// Which part of a NodePart is put in place when: names of owners may come from files of the
/// same part, so those are in place before other owners are looked up.
enum class Turn { people, settings, rest };
model::NodePart of_turn(const model::NodePart& part, Turn turn);

/// What to do with a unit when its turn in its stage has come.
enum class UnitChange { keep, start, restart };

/// One entry a unit, in their order. `changed`: paths written now, `owed`: units that were to be
/// restarted when the agent was stopped.
std::vector<UnitChange> plan_units(const std::vector<model::UnitPart>& units,
                                   const std::set<std::string>& changed,
                                   const std::set<std::string>& active,
                                   const std::set<std::string>& owed);

/// systemd has to read its files again.
bool concerns_systemd(const std::set<std::string>& changed);

}  // namespace provost::agent
