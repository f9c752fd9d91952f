#include "agent/inventory.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "base/text.hpp"
#include "os/files.hpp"

namespace provost::agent {
namespace {

// "/dev/nvidia0", but not "/dev/nvidiactl": a name and then digits alone.
bool is_numbered(std::string_view name, std::string_view kind) {
  return name.starts_with(kind) && to_number(name.substr(kind.size())).has_value();
}

}  // namespace

protocol::Inventory take_inventory() {
  protocol::Inventory inventory;
  inventory.cpus = static_cast<int>(std::thread::hardware_concurrency());
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  inventory.memory_mib = static_cast<std::int64_t>(pages) * page / (1 << 20);
  utsname name{};
  if (::uname(&name) == 0) {
    inventory.kernel = name.release;
  }
  for (const std::string& each : os::list_directory("/dev")) {
    if (is_numbered(each, "nvidia") || is_numbered(each, "provost-gpu")) {
      inventory.gpus.push_back("/dev/" + each);
    }
  }
  return inventory;
}

double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

std::string boot_id() {
  // A container shares its host's; the start of its first process tells its boots apart.
  const auto stat = os::read_file("/proc/1/stat");
  const auto kernel = os::read_file("/proc/sys/kernel/random/boot_id");
  std::string id(trim(kernel.value_or("")));
  if (stat) {
    const std::size_t end = stat->rfind(')');
    const auto fields = split(stat->substr(end == std::string::npos ? 0 : end + 1), ' ');
    constexpr std::size_t kStartTime = 20;  // the 22nd field, counted from after the name
    if (fields.size() > kStartTime) {
      id += "-" + fields[kStartTime];
    }
  }
  return id;
}

}  // namespace provost::agent
