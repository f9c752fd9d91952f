#include "provider/local/cgroups.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/text.hpp"
#include "os/files.hpp"

namespace provost::provider::local {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTop = "provost";
// Where nspawn (--keep-unit) puts itself and the node's first process in the v2 tree.
constexpr const char* kSupervisor = "/supervisor";
constexpr const char* kPayload = "/payload";

void put(const std::string& path, const std::string& value) {
  std::ofstream file(path);
  file << value;
}

/// A v1 cpuset begins empty, and an empty one takes no process.
void inherit_cpuset(const std::string& parent, const std::string& directory) {
  for (const char* name : {"cpuset.cpus", "cpuset.mems"}) {
    if (const auto value = os::read_file(parent + "/" + name)) {
      const auto own = os::read_file(directory + "/" + name);
      if (own && trim(*own).empty()) {
        put(directory + "/" + name, std::string(trim(*value)));
      }
    }
  }
}

/// A controller is there for children only when the parent hands it down. One write each: one that
/// this kernel has not, or cannot give, would keep back all others.
void hand_controllers_down(const std::string& directory) {
  for (const char* controller : {"+cpu", "+memory", "+pids", "+cpuset", "+io"}) {
    put(directory + "/cgroup.subtree_control", controller);
  }
}

bool has_processes(const std::string& directory) {
  const auto events = os::read_file(directory + "/cgroup.events");
  return events && events->find("populated 1") != std::string::npos;
}

void set_limits(const std::string& directory, const Limits& limits) {
  constexpr int kPeriod = 100'000;  // microseconds
  if (limits.memory_mib > 0) {
    const std::string bytes = std::to_string(limits.memory_mib * 1024 * 1024);
    for (const char* name : {"memory.limit_in_bytes", "memory.max"}) {
      if (os::exists(directory + "/" + name)) {
        put(directory + "/" + name, bytes);
      }
    }
  }
  if (limits.cpu_weight != 100) {
    constexpr int kSharesOf100 = 1024;
    if (os::exists(directory + "/cpu.shares")) {
      put(directory + "/cpu.shares", std::to_string(limits.cpu_weight * kSharesOf100 / 100));
    }
    if (os::exists(directory + "/cpu.weight")) {
      put(directory + "/cpu.weight", std::to_string(limits.cpu_weight));
    }
  }
  if (limits.cpus > 0) {
    if (os::exists(directory + "/cpu.cfs_quota_us")) {
      put(directory + "/cpu.cfs_quota_us", std::to_string(limits.cpus * kPeriod));
    }
    if (os::exists(directory + "/cpu.max")) {
      put(directory + "/cpu.max", fmt::format("{} {}", limits.cpus * kPeriod, kPeriod));
    }
  }
}

void collect_processes(const std::string& directory, std::set<pid_t>& found) {
  std::ifstream file(directory + "/cgroup.procs");
  pid_t pid = 0;
  while (file >> pid) {
    found.insert(pid);
  }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    if (entry.is_directory(ignored)) {
      collect_processes(entry.path(), found);
    }
  }
}

void remove_below(const std::string& directory) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    if (entry.is_directory(ignored)) {
      remove_below(entry.path());
    }
  }
  ::rmdir(directory.c_str());
}

/// Begun, but not let go by `hand_down`: whoever was about to has been killed.
bool is_held_back(const std::string& directory) {
  const auto frozen = os::read_file(directory + kPayload + "/cgroup.freeze");
  return frozen && trim(*frozen) == "1";
}

/// Waits until a process has ended (its parent may still have to collect it).
bool wait_for_end(pid_t pid, std::chrono::milliseconds limit) {
  const os::Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!handle) {
    return true;
  }
  pollfd waiting{handle.get(), POLLIN, 0};
  return ::poll(&waiting, 1, static_cast<int>(limit.count())) > 0;
}

}  // namespace

CgroupHost look_at_host() {
  CgroupHost host;
  std::ifstream mounts("/proc/mounts");
  std::string line;
  bool version_one = false;
  while (std::getline(mounts, line)) {
    std::istringstream fields(line);
    std::string device;
    std::string point;
    std::string type;
    fields >> device >> point >> type;
    if (type == "cgroup" || type == "cgroup2") {
      host.hierarchies.push_back(point);
      version_one = version_one || type == "cgroup";
    }
  }
  host.unified = !version_one;
  const auto first = os::read_file("/proc/1/comm");
  host.systemd = first && trim(*first) == "systemd";
  return host;
}

std::string slice_name(const std::string& network_id) {
  // No hyphen: systemd would put it below a slice that stays behind.
  return fmt::format("{}_{}.slice", kTop, network_id);
}

Cgroups::Cgroups(CgroupHost host, std::string network_id, std::string machine)
    : host_(std::move(host)), network_id_(std::move(network_id)), machine_(std::move(machine)) {}

std::vector<std::string> Cgroups::directories() const {
  std::vector<std::string> found;
  for (const std::string& hierarchy : host_.hierarchies) {
    if (host_.systemd) {
      found.push_back(
          fmt::format("{}/{}/{}.service", hierarchy, slice_name(network_id_), machine_));
    } else {
      found.push_back(fmt::format("{}/{}/{}/{}", hierarchy, kTop, network_id_, machine_));
    }
  }
  return found;
}

Status Cgroups::prepare(const Limits& limits) const {
  for (const std::string& hierarchy : host_.hierarchies) {
    std::string directory = hierarchy;
    for (const std::string& part : {std::string(kTop), network_id_, machine_}) {
      const std::string parent = directory;
      directory += "/" + part;
      if (host_.unified) {
        hand_controllers_down(parent);
      }
      if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
        return os::errno_error("make the control group " + directory);
      }
      inherit_cpuset(parent, directory);
    }
    set_limits(directory, limits);
    if (host_.unified) {
      for (const char* part : {kSupervisor, kPayload}) {
        if (::mkdir((directory + part).c_str(), 0755) != 0 && errno != EEXIST) {
          return os::errno_error("make the control group " + directory + part);
        }
      }
      put(directory + kPayload + "/cgroup.freeze", "1");
    }
  }
  return {};
}

Status Cgroups::hand_down() const {
  if (!host_.unified || host_.systemd) {
    return {};
  }
  constexpr std::chrono::seconds kPatience{30};
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const std::string machine = directories().front();
  const os::Fd whole(::open((machine + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
  const os::Fd supervisor(
      ::open((machine + kSupervisor + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
  while (!has_processes(machine + kSupervisor)) {
    if (!has_processes(machine)) {
      return fail(ErrorKind::unavailable, "systemd-nspawn of {} ended at once", machine_);
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    std::array<pollfd, 2> waiting{{{whole.get(), POLLPRI, 0}, {supervisor.get(), POLLPRI, 0}}};
    if (left.count() <= 0 || !whole || !supervisor) {
      return fail(ErrorKind::timeout, "systemd-nspawn of {} has not begun after {} s", machine_,
                  kPatience.count());
    }
    ::poll(waiting.data(), waiting.size(), static_cast<int>(left.count()));
    for (const os::Fd* each : {&whole, &supervisor}) {
      char byte = 0;  // an event is told until the file has been read anew
      [[maybe_unused]] const ssize_t read = ::pread(each->get(), &byte, 1, 0);
    }
  }
  hand_controllers_down(machine);
  put(machine + kPayload + "/cgroup.freeze", "0");
  return {};
}

std::vector<std::string> Cgroups::joins() const {
  std::vector<std::string> files;
  for (const std::string& directory : directories()) {
    files.push_back(directory + "/cgroup.procs");
  }
  return files;
}

std::vector<std::string> Cgroups::unit_properties(const Limits& limits) {
  std::vector<std::string> properties = {"Delegate=yes", "KillMode=mixed", "TasksMax=infinity"};
  if (limits.memory_mib > 0) {
    properties.push_back(fmt::format("MemoryMax={}M", limits.memory_mib));
  }
  if (limits.cpu_weight != 100) {
    properties.push_back(fmt::format("CPUWeight={}", limits.cpu_weight));
  }
  if (limits.cpus > 0) {
    properties.push_back(fmt::format("CPUQuota={}%", limits.cpus * 100));
  }
  return properties;
}

bool Cgroups::running() const {
  // nspawn moves itself and the node's init below its directory in the v2 tree (and in v1's
  // name=systemd); in v1's resource hierarchies both stay where they began.
  for (const std::string& directory : directories()) {
    const bool plain = directory.find("/memory/") != std::string::npos;
    if (plain || host_.unified) {
      const auto listed = os::read_file(directory + (plain ? "" : kSupervisor) + "/cgroup.procs");
      return listed && !listed->empty() && (plain || !is_held_back(directory));
    }
  }
  return !processes().empty();
}

std::vector<pid_t> Cgroups::processes() const {
  std::set<pid_t> found;
  for (const std::string& directory : directories()) {
    collect_processes(directory, found);
  }
  return {found.begin(), found.end()};
}

Status Cgroups::kill_all() const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (true) {
    const std::vector<pid_t> left = processes();
    if (left.empty()) {
      return {};
    }
    for (const pid_t pid : left) {
      ::kill(pid, SIGKILL);
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return fail(ErrorKind::timeout, "{} processes of {} do not end after SIGKILL (first: {})",
                  left.size(), machine_, left.front());
    }
    for (const pid_t pid : left) {
      wait_for_end(pid, std::chrono::milliseconds(500));
    }
  }
}

void Cgroups::remove() const {
  for (const std::string& directory : directories()) {
    remove_below(directory);
    if (!host_.systemd) {
      const fs::path cluster = fs::path(directory).parent_path();
      ::rmdir(cluster.c_str());  // only when empty
      ::rmdir(cluster.parent_path().c_str());
    }
  }
}

}  // namespace provost::provider::local
