#include "provider/local/owners.hpp"

#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/tls.hpp"
#include "provider/local/machine.hpp"
#include "provider/local/names.hpp"

namespace provost::provider::local {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNotes = "/run/provost-states";

std::string note_of(const std::string& state) {
  return fmt::format("{}/{}", kNotes, to_hex(os::sha256(absolute_state(state))).substr(0, 16));
}

bool is_same_file(const std::string& left, const std::string& right) {
  std::error_code problem;
  return fs::equivalent(left, right, problem);
}

std::string state_of_process(const std::string& pid) {
  const auto text = os::read_file("/proc/" + pid + "/cmdline");
  if (!text) {
    return {};
  }
  std::string state = state_of_command(split(*text, '\0'));
  if (!state.empty() && state.front() != '/') {
    std::error_code problem;
    state = fs::read_symlink("/proc/" + pid + "/cwd", problem).string() + "/" + state;
  }
  // In a mount namespace of its own the path may mean another directory.
  const std::string seen = "/proc/" + pid + "/root" + state;
  return state.empty() || is_same_file("/proc/self/ns/mnt", "/proc/" + pid + "/ns/mnt") ? state
                                                                                        : seen;
}

}  // namespace

std::string absolute_state(const std::string& path) {
  std::error_code problem;
  const fs::path found = fs::weakly_canonical(path, problem);
  return problem ? path : found.string();
}

std::string state_of_command(const std::vector<std::string>& argv) {
  const std::string program = argv.empty() ? std::string() : argv[0].substr(argv[0].rfind('/') + 1);
  if (program == "systemd-nspawn") {
    constexpr std::string_view kDirectory = "--directory=";
    for (const std::string& argument : argv) {
      if (argument.starts_with(kDirectory)) {
        return state_of_mount(argument.substr(kDirectory.size()));
      }
    }
  }
  if (program != "provostd") {
    return {};
  }
  constexpr std::string_view kOption = "--state";
  for (std::size_t i = 1; i < argv.size(); ++i) {
    if (argv[i] == kOption && i + 1 < argv.size()) {
      return argv[i + 1];
    }
    if (argv[i].starts_with(std::string(kOption) + "=")) {
      return argv[i].substr(kOption.size() + 1);
    }
  }
  return "/var/lib/provost";
}

std::string state_of_mount(const std::string& point) {
  // STATE/machines/CLUSTER/NODE/root
  const auto parts = split(point, '/');
  if (parts.size() < 6 || parts.back() != "root" || parts[parts.size() - 4] != "machines") {
    return {};
  }
  return join({parts.begin(), parts.end() - 4}, "/");
}

Status note_state(const std::string& state) {
  if (Status made = os::make_directories(kNotes, 0755); !made) {
    return made;
  }
  const std::string note = note_of(state);
  if (::symlink(absolute_state(state).c_str(), note.c_str()) != 0 && errno != EEXIST) {
    return os::errno_error("make " + note);
  }
  return {};
}

void forget_state(const std::string& state) {
  ::unlink(note_of(state).c_str());
  ::rmdir(kNotes);  // only when empty
}

std::vector<std::string> states_of_host() {
  std::set<std::string> found;
  const auto add = [&](const std::string& state) {
    if (!state.empty() && os::is_directory(state)) {
      // What is seen through another process's root has no name of its own here.
      found.insert(state.starts_with("/proc/") ? state : absolute_state(state));
    }
  };
  for (const std::string& note : os::list_directory(kNotes)) {
    add(std::string(kNotes) + "/" + note);
  }
  for (const std::string& pid : os::list_directory("/proc")) {
    if (to_number(pid)) {
      add(state_of_process(pid));
    }
  }
  std::ifstream mounts("/proc/self/mounts");
  std::string line;
  while (std::getline(mounts, line)) {
    const auto fields = split(line, ' ');
    if (fields.size() > 2 && fields[0] == "provost" && fields[2] == "overlay") {
      add(state_of_mount(fields[1]));
    }
  }
  return {found.begin(), found.end()};
}

std::map<std::string, std::string> networks_of_state(const std::string& state) {
  const Places places{.state = state, .run = {}};
  std::map<std::string, std::string> found;
  for (const std::string& cluster : os::list_directory(state + "/machines")) {
    if (const auto id = read_network_id(places.network_file(cluster))) {
      found.emplace(*id, places.cluster(cluster));
    }
    for (const std::string& node : os::list_directory(places.cluster(cluster))) {
      if (const auto record = read_record(places.machine(cluster, node))) {
        found.emplace(record->network_id, places.cluster(cluster));
      }
    }
  }
  return found;
}

}  // namespace provost::provider::local
