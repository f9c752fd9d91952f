// Clusters that are on the host and not in the store.
#include "service/strays.hpp"

#include <map>
#include <set>

#include "base/text.hpp"
#include "service/desk.hpp"
#include "service/world.hpp"

namespace provost::service {

std::vector<Stray> strays_of(const std::vector<store::Cluster>& known,
                             const std::vector<provider::MachineSeen>& machines,
                             const std::vector<std::string>& networks) {
  std::map<std::string, std::vector<std::string>> found;
  for (const std::string& network : networks) {
    found[network];
  }
  for (const provider::MachineSeen& machine : machines) {
    found[machine.cluster].push_back(machine.node);
  }
  for (const store::Cluster& row : known) {
    found.erase(row.name);
  }
  std::vector<Stray> strays;
  strays.reserve(found.size());
  for (auto& [cluster, nodes] : found) {
    strays.push_back({cluster, std::move(nodes)});
  }
  return strays;
}

Result<std::vector<Stray>> Desk::strays() {
  // Seen first: what is made meanwhile has its row before its first machine.
  const auto machines = world_.provider().observe();
  const auto networks = world_.provider().network_traces();
  if (!machines || !networks) {
    return pass(machines ? networks.error() : machines.error());
  }
  return strays_of(world_.store().clusters(), *machines, *networks);
}

Result<Stray> Desk::remove_stray(const Caller& caller, const std::string& name) {
  const std::scoped_lock lock(world_.change_mutex());
  if (world_.store().cluster_named(name)) {
    return pass(Error{ErrorKind::conflict, fmt::format("the cluster {} is no stray", name),
                      "provost delete " + name});
  }
  const auto found = strays();
  if (!found) {
    return pass(found.error());
  }
  for (const Stray& stray : *found) {
    if (stray.cluster != name) {
      continue;
    }
    const auto nothing = [](std::string_view) {};
    for (const std::string& node : stray.nodes) {
      if (Status gone = world_.provider().remove(name, node, nothing); !gone) {
        return pass(gone.error(), "cannot remove " + node);
      }
    }
    if (Status gone = world_.provider().remove_network(name, nothing); !gone) {
      return pass(gone.error());
    }
    const Status written = world_.store().write("stray", [&](store::Writer& writer) {
      writer.add_event(
          {.cluster = name,
           .actor = caller.name,
           .what = fmt::format("the stray {} is gone: {}", name, join(stray.nodes, ", ")),
           .because = caller.name + " asked for it"});
    });
    if (!written) {
      return pass(written.error());
    }
    return stray;
  }
  return fail(ErrorKind::not_found, "there is no stray cluster named {} on this host", name);
}

}  // namespace provost::service
