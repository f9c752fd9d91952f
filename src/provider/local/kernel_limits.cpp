#include "provider/local/kernel_limits.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <fstream>

#include "base/log.hpp"
#include "base/text.hpp"
#include "os/files.hpp"

namespace provost::provider::local {
namespace {

struct Limit {
  const char* file;
  std::int64_t wanted;
};

// With the kernel's defaults systemd stops at 13 to 16 nodes ("Failed to allocate manager object").
// The neighbour table is one for all network namespaces: nodes that all talk to one another fill it
// with the square of their number. Every process and thread of every node takes a number.
constexpr std::array<Limit, 8> kLimits = {{{"/proc/sys/fs/inotify/max_user_instances", 8192},
                                           {"/proc/sys/fs/inotify/max_user_watches", 1'048'576},
                                           {"/proc/sys/kernel/keys/maxkeys", 20'000},
                                           {"/proc/sys/kernel/keys/maxbytes", 2'000'000},
                                           {"/proc/sys/net/ipv4/neigh/default/gc_thresh1", 16'384},
                                           {"/proc/sys/net/ipv4/neigh/default/gc_thresh2", 32'768},
                                           {"/proc/sys/net/ipv4/neigh/default/gc_thresh3", 65'536},
                                           {"/proc/sys/kernel/pid_max", 1'048'576}}};

std::int64_t read_limit(const std::string& file) {
  const auto text = os::read_file(file);
  return text ? to_number(trim(*text)).value_or(0) : 0;
}

}  // namespace

std::vector<KernelLimit> kernel_limits() {
  constexpr std::string_view kRoot = "/proc/sys/";
  std::vector<KernelLimit> found;
  for (const Limit& limit : kLimits) {
    const std::int64_t now = read_limit(limit.file);
    if (now > 0) {
      std::string name = std::string(limit.file).substr(kRoot.size());
      std::replace(name.begin(), name.end(), '/', '.');
      found.push_back({.name = std::move(name),
                       .now = now,
                       .wanted = limit.wanted,
                       .writable = ::access(limit.file, W_OK) == 0});
    }
  }
  return found;
}

Status raise_kernel_limits(const std::string& record_file) {
  boost::json::object before;
  const bool noted = os::exists(record_file);
  for (const Limit& limit : kLimits) {
    const std::int64_t now = read_limit(limit.file);
    if (now > 0 && now < limit.wanted) {
      before[limit.file] = now;
    }
  }
  if (before.empty()) {
    return {};
  }
  if (!noted) {
    if (Status written = os::write_file(record_file, boost::json::serialize(before)); !written) {
      return written;
    }
  }
  for (const Limit& limit : kLimits) {
    if (before.contains(limit.file)) {
      log::info("provider", "raising {} from {} to {}", limit.file, read_limit(limit.file),
                limit.wanted);
      std::ofstream(limit.file) << limit.wanted;
    }
  }
  return {};
}

namespace {

/// The values from before, by file.
boost::json::object read_record(const std::string& record_file) {
  const auto text = os::read_file(record_file);
  boost::system::error_code problem;
  const boost::json::value before = boost::json::parse(text.value_or("{}"), problem);
  return !problem && before.is_object() ? before.get_object() : boost::json::object();
}

std::string sysctl_name(std::string_view file) {
  constexpr std::string_view kRoot = "/proc/sys/";
  std::string name(file.substr(kRoot.size()));
  std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

}  // namespace

std::vector<std::string> raised_kernel_limits(const std::string& record_file) {
  const boost::json::object before = read_record(record_file);
  std::vector<std::string> raised;
  for (const Limit& limit : kLimits) {
    const auto* old = before.if_contains(limit.file);
    const std::int64_t now = read_limit(limit.file);
    if (old != nullptr && old->is_int64() && now > old->as_int64()) {
      raised.push_back(fmt::format("{} {} -> {}", sysctl_name(limit.file), old->as_int64(), now));
    }
  }
  return raised;
}

Status restore_kernel_limits(const std::string& record_file) {
  if (!os::exists(record_file)) {
    return {};
  }
  const boost::json::object before = read_record(record_file);
  for (const Limit& limit : kLimits) {
    const auto* old = before.if_contains(limit.file);
    if (old != nullptr && old->is_int64() && read_limit(limit.file) == limit.wanted) {
      std::ofstream(limit.file) << old->as_int64();
    }
  }
  ::unlink(record_file.c_str());
  return {};
}

}  // namespace provost::provider::local
