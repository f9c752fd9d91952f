#include "provider/local/leftovers.hpp"

#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/process.hpp"
#include "provider/local/owners.hpp"

namespace provost::provider::local {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNspawn = "/run/systemd/nspawn";

bool is_network_id(std::string_view text) {
  return !text.empty() && text.size() <= 8 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string_view::npos;
}

bool is_tag(std::string_view text) {
  return text.size() == 4 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string_view without(std::string_view text, std::string_view start, std::string_view end = {}) {
  if (!text.starts_with(start) || !text.ends_with(end) || text.size() < start.size() + end.size()) {
    return {};
  }
  return text.substr(start.size(), text.size() - start.size() - end.size());
}

std::string last_part(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string below(const std::string& directory, const std::string& name) {
  return fmt::format("{}/{}", directory, name);
}

Trace named(TraceKind kind, const std::string& name, const ReadName& read) {
  return {.kind = kind, .name = name, .network_id = read.network_id, .machine = read.machine};
}

void find_interfaces(std::vector<Trace>& found) {
  for (const std::string& name : os::list_directory("/sys/class/net")) {
    const auto read = read_name(name);
    // A network card's name may look like a cable's: those we make are virtual.
    if (!read || !os::exists("/sys/devices/virtual/net/" + name)) {
      continue;
    }
    const bool bridge = os::is_directory("/sys/class/net/" + name + "/bridge");
    if (bridge == read->machine.empty()) {
      Trace trace = named(bridge ? TraceKind::bridge : TraceKind::cable, name, *read);
      const std::string owner = bridge ? owner_of_bridge(name) : "";
      trace.state = os::is_directory(owner) ? owner : "";  // one that is gone owns nothing
      found.push_back(std::move(trace));
    }
  }
}

void find_tables(std::vector<Trace>& found) {
  const auto listed = os::run({.argv = {"nft", "list", "tables", "inet"}});
  if (!listed || listed->status != 0) {
    return;
  }
  for (const std::string& line : split(listed->out, '\n')) {
    const std::string name = last_part(line.substr(line.rfind(' ') + 1));
    const auto read = read_name(name);
    if (read && name.starts_with("provost_")) {
      found.push_back(named(TraceKind::packet_rules, name, *read));
    }
  }
}

/// Machines' groups below `directory`, then the directory itself.
void find_machine_groups(const CgroupHost& host, const std::string& directory,
                         const std::string& network_id, std::vector<Trace>& found) {
  for (const std::string& name : os::list_directory(directory)) {
    const std::string_view plain = host.systemd ? without(name, "", ".service") : name;
    const auto read = read_name(plain);
    if (read && read->network_id == network_id && !read->machine.empty()) {
      Trace trace = named(TraceKind::control_group, below(directory, name), *read);
      trace.running = !Cgroups(host, network_id, read->machine).processes().empty();
      found.push_back(std::move(trace));
    }
  }
  found.push_back(named(TraceKind::control_group, directory, {network_id, {}}));
}

void find_control_groups(const CgroupHost& host, std::vector<Trace>& found) {
  for (const std::string& hierarchy : host.hierarchies) {
    const std::string top = host.systemd ? hierarchy : hierarchy + "/provost";
    for (const std::string& name : os::list_directory(top)) {
      const std::string_view id =
          host.systemd ? without(name, "provost_", ".slice") : std::string_view(name);
      if (is_network_id(id) && os::is_directory(below(top, name))) {
        find_machine_groups(host, below(top, name), std::string(id), found);
      }
    }
  }
}

void find_mounts(std::vector<Trace>& found) {
  std::ifstream mounts("/proc/self/mounts");
  std::string line;
  std::set<std::string> seen;  // mounted twice is still one
  while (std::getline(mounts, line)) {
    const auto fields = split(line, ' ');
    if (fields.size() < 3 || !seen.insert(fields[1]).second) {
      continue;
    }
    const auto read = read_name(last_part(fields[1]));
    if (fields[2] == "nsfs" && read && !read->machine.empty()) {
      found.push_back(named(TraceKind::network_namespace, fields[1], *read));
    } else if (fields[2] == "overlay" && fields[0] == "provost") {
      const std::string state = state_of_mount(fields[1]);
      const auto record = read_record(fs::path(fields[1]).parent_path());
      if (!state.empty()) {
        found.push_back({.kind = TraceKind::mount,
                         .name = fields[1],
                         .network_id = record ? record->network_id : "",
                         .state = state});
      }
    }
  }
}

void find_nspawn_files(std::vector<Trace>& found) {
  for (const auto& [folder, start] :
       {std::pair("propagate", ""), std::pair("locks", "name-"), std::pair("unix-export", "")}) {
    const std::string directory = fmt::format("{}/{}", kNspawn, folder);
    for (const std::string& name : os::list_directory(directory)) {
      const auto read = read_name(without(name, start));
      if (read && !read->machine.empty()) {
        found.push_back(named(TraceKind::nspawn_file, below(directory, name), *read));
      }
    }
  }
}

void find_directories(const Places& places, const CgroupHost& host, std::vector<Trace>& found) {
  for (const std::string& cluster : os::list_directory(places.state + "/machines")) {
    const std::string directory = places.cluster(cluster);
    for (const std::string& node : os::list_directory(directory)) {
      const std::string machine = places.machine(cluster, node);
      if (!os::is_directory(machine)) {
        continue;
      }
      const auto record = read_record(machine);
      Trace trace{.kind = TraceKind::machine,
                  .name = machine,
                  .network_id = record ? record->network_id : "",
                  .machine = record ? machine_name(record->network_id, record->address) : "",
                  .state = places.state,
                  .cluster = cluster,
                  .node = node};
      trace.running = record && Machine(places, host, *record).running();
      found.push_back(std::move(trace));
    }
    found.push_back({.kind = TraceKind::cluster,
                     .name = directory,
                     .network_id = read_network_id(places.network_file(cluster)).value_or(""),
                     .machine = {},
                     .state = places.state,
                     .cluster = cluster,
                     .node = {}});
  }
}

Status remove_interface(const std::string& name) {
  const auto there = [&] { return os::exists("/sys/class/net/" + name); };
  if (!there()) {
    return {};
  }
  const Status removed = os::check({"ip", "link", "del", name});
  return removed || there() ? removed : Status{};
}

Status remove_rules(const std::string& table) {
  const auto listed = os::run({.argv = {"nft", "list", "table", "inet", table}});
  return listed && listed->status == 0 ? os::check({"nft", "delete", "table", "inet", table})
                                       : Status{};
}

Status unmount(const std::string& point) {
  while (::umount2(point.c_str(), MNT_DETACH) == 0) {
  }
  return errno == EINVAL || errno == ENOENT ? Status{} : os::errno_error("unmount " + point);
}

/// Control groups without a process; the kernel refuses others.
Status remove_group(const std::string& directory) {
  for (const std::string& name : os::list_directory(directory)) {
    if (os::is_directory(below(directory, name))) {
      if (Status removed = remove_group(below(directory, name)); !removed) {
        return removed;
      }
    }
  }
  if (::rmdir(directory.c_str()) != 0 && errno != ENOENT) {
    return os::errno_error("remove the control group " + directory);
  }
  return {};
}

}  // namespace

std::string_view name(TraceKind kind) {
  switch (kind) {
    case TraceKind::machine:
      return "machine";
    case TraceKind::cluster:
      return "directory";
    case TraceKind::bridge:
      return "bridge";
    case TraceKind::cable:
      return "veth";
    case TraceKind::packet_rules:
      return "nft table";
    case TraceKind::control_group:
      return "control group";
    case TraceKind::network_namespace:
      return "network namespace";
    case TraceKind::mount:
      return "mount";
    case TraceKind::nspawn_file:
      return "nspawn file";
  }
  return "";
}

std::optional<ReadName> read_name(std::string_view name) {
  if (const auto id = without(name, "provost_"); is_network_id(id)) {
    return ReadName{std::string(id), {}};
  }
  if (const auto id = without(name, "pv-"); is_network_id(id)) {
    return ReadName{std::string(id), {}};
  }
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || !is_tag(name.substr(dash + 1))) {
    return std::nullopt;
  }
  const std::string_view start = name.substr(0, dash);
  for (const std::string_view prefix : {"pv-", "p"}) {  // a machine, or the cable of one
    if (const auto id = without(start, prefix); is_network_id(id)) {
      return ReadName{std::string(id), fmt::format("pv-{}-{}", id, name.substr(dash + 1))};
    }
  }
  return std::nullopt;
}

std::vector<Trace> traces_on_host(const Places& places) {
  const CgroupHost host = look_at_host();
  std::vector<Trace> found;
  find_directories(places, host, found);
  find_control_groups(host, found);
  find_mounts(found);
  find_interfaces(found);
  find_tables(found);
  find_nspawn_files(found);
  return found;
}

std::vector<Trace> leftovers(std::vector<Trace> traces, const Owners& owners) {
  if (!owners.store_is_known) {
    return {};
  }
  std::set<std::string> theirs;
  std::set<std::string> claimed;
  for (const Trace& trace : traces) {
    const bool in_run = trace.kind == TraceKind::network_namespace &&
                        trace.name.starts_with(owners.run + "/netns/");
    if (trace.state == owners.state || in_run) {
      claimed.insert(trace.network_id);
    } else if (!trace.state.empty()) {
      theirs.insert(trace.network_id);
    }
  }
  const auto is_owned = [&](const Trace& trace) {
    if (!trace.state.empty() && trace.state != owners.state) {
      return true;
    }
    if (trace.network_id.empty()) {  // cut off before it had a network, or a mount without a record
      return trace.cluster.empty() || owners.clusters.contains(trace.cluster);
    }
    return theirs.contains(trace.network_id) || owners.networks.contains(trace.network_id) ||
           owners.elsewhere.contains(trace.network_id);
  };
  std::erase_if(traces, is_owned);
  std::set<std::string> alive;
  std::map<std::string, std::string> elsewhere;  // network id -> run directory
  for (const Trace& trace : traces) {
    if (trace.running) {
      alive.insert(trace.network_id);
    }
    const std::string own = owners.run + "/netns/";
    if (trace.kind == TraceKind::network_namespace && !trace.name.starts_with(own)) {
      const std::string directory = fs::path(trace.name).parent_path().parent_path();
      elsewhere.emplace(trace.network_id, directory);
    }
  }
  for (Trace& trace : traces) {
    trace.running = alive.contains(trace.network_id);
    trace.claimed =
        trace.network_id.empty() ? trace.state == owners.state : claimed.contains(trace.network_id);
    const auto found = elsewhere.find(trace.network_id);
    trace.other_run = found == elsewhere.end() ? "" : found->second;
  }
  return traces;
}

std::set<std::string> networks_elsewhere(const std::string& state) {
  std::error_code problem;
  const std::string own = fs::weakly_canonical(state, problem).string();
  std::set<std::string> found;
  for (const std::string& other : states_of_host()) {
    if (other != own) {
      for (const auto& [id, directory] : networks_of_state(other)) {
        found.insert(id);
      }
    }
  }
  return found;
}

Status remove_leftover(const Trace& leftover, const LocalOptions& options, Removing removing) {
  const bool ours = leftover.kind == TraceKind::machine || leftover.kind == TraceKind::cluster;
  if (leftover.running && !(removing.running && ours)) {
    return fail(ErrorKind::conflict, "{} {} belongs to machines that run", name(leftover.kind),
                leftover.name);
  }
  if (!leftover.other_run.empty()) {
    return fail(ErrorKind::conflict, "{} {} belongs to a provostd with the run directory {}",
                name(leftover.kind), leftover.name, leftover.other_run);
  }
  if (!leftover.claimed && !removing.unclaimed) {
    return fail(ErrorKind::conflict, "{} {} names no owner: nobody can tell whose it was",
                name(leftover.kind), leftover.name);
  }
  const auto quietly = [](std::string_view) {};
  switch (leftover.kind) {
    case TraceKind::machine:
      return LocalProvider(options).remove(leftover.cluster, leftover.node, quietly);
    case TraceKind::cluster:
      return LocalProvider(options).remove_network(leftover.cluster, quietly);
    case TraceKind::bridge:
    case TraceKind::cable:
      return remove_interface(leftover.name);
    case TraceKind::packet_rules:
      return remove_rules(leftover.name);
    case TraceKind::control_group:
      return remove_group(leftover.name);
    case TraceKind::network_namespace: {
      Status gone = unmount(leftover.name);
      ::unlink(leftover.name.c_str());
      return gone;
    }
    case TraceKind::mount:
      return unmount(leftover.name);
    case TraceKind::nspawn_file:
      return os::remove_tree(leftover.name);
  }
  return {};
}

}  // namespace provost::provider::local
