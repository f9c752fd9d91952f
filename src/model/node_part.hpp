// A room's share of what a node should be: files, users' files, units. Each room hands `cluster/` a
// NodePart; `cluster/` joins them into the node's specification and refuses a path that two rooms
// claim. Values only.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace provost::model {

struct FilePart {
  std::string path;  ///< absolute
  std::string content;
  unsigned mode = 0644;
  std::string owner = "root";  ///< user and group names as the node's image knows them
  std::string group = "root";
};

struct DirectoryPart {
  std::string path;
  unsigned mode = 0755;
  std::string owner = "root";
  std::string group = "root";
};

/// When a unit is started. The agent starts the units of a stage in their order, each once the one
/// before it is up; a stage begins when the daemon opens it.
enum class Stage {
  base,     ///< at once, before the lifecycle script: munge, sshd, the database
  service,  ///< after the lifecycle script: slurmdbd, slurmctld
  worker    ///< once the controller answers: slurmd
};

struct UnitPart {
  std::string name;  ///< "slurmctld.service"
  Stage stage = Stage::base;
  /// Tells that the unit is up: a command that ends with 0; empty: systemd's word is enough.
  std::vector<std::string> ready;
  /// Run once after `ready`, as root, each time the specification asks: must be safe to repeat.
  std::vector<std::vector<std::string>> then;
  /// Files whose change needs `reload` or `restart` of the unit.
  std::vector<std::string> restart_on;
};

struct NodePart {
  std::string room;  ///< who made it, for messages
  std::vector<DirectoryPart> directories;
  std::vector<FilePart> files;
  std::vector<UnitPart> units;
};

/// All parts as one; units in the order of the parts. Errors: conflict, when two rooms claim the
/// same path or unit (both rooms are named).
Result<NodePart> join(std::vector<NodePart> parts);

}  // namespace provost::model
