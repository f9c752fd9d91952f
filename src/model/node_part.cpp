#include "model/node_part.hpp"

#include <map>

namespace provost::model {
namespace {

using Owners = std::map<std::string, std::string>;  // path or unit -> room

Status claim(Owners& owners, const std::string& what, const std::string& room) {
  const auto [entry, fresh] = owners.emplace(what, room);
  if (!fresh) {
    return fail(ErrorKind::conflict, "both {} and {} want to own {} on a node", entry->second, room,
                what);
  }
  return {};
}

}  // namespace

Result<NodePart> join(std::vector<NodePart> parts) {
  NodePart whole{.room = "cluster", .directories = {}, .files = {}, .units = {}};
  Owners owners;
  for (NodePart& part : parts) {
    for (FilePart& file : part.files) {
      if (Status claimed = claim(owners, file.path, part.room); !claimed) {
        return pass(claimed.error());
      }
      whole.files.push_back(std::move(file));
    }
    for (UnitPart& unit : part.units) {
      if (Status claimed = claim(owners, unit.name, part.room); !claimed) {
        return pass(claimed.error());
      }
      whole.units.push_back(std::move(unit));
    }
    whole.directories.insert(whole.directories.end(), part.directories.begin(),
                             part.directories.end());
  }
  return whole;
}

}  // namespace provost::model
