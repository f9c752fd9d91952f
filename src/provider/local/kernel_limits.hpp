// Kernel limits that many nodes on one host need raised. The values from before are kept in the
// state directory and put back when the last network is removed. Source: sysctl/fs(5), keyrings(7).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace provost::provider::local {

/// A limit as it is now.
struct KernelLimit {
  std::string name;  ///< as sysctl has it: "fs.inotify.max_user_instances"
  std::int64_t now = 0;
  std::int64_t wanted = 0;
  bool writable = false;  ///< false where /proc/sys is read-only, as in a container
};
/// Those that this kernel has.
std::vector<KernelLimit> kernel_limits();

/// The file in the state directory that remembers the values from before.
inline std::string kernel_limits_record(const std::string& state) {
  return state + "/machines.kernel-limits.json";
}

/// Raises what is too low; notes the old values in `record_file` before the first change.
Status raise_kernel_limits(const std::string& record_file);

/// What is raised now, for people: "fs.inotify.max_user_instances 128 -> 8192".
std::vector<std::string> raised_kernel_limits(const std::string& record_file);

/// Puts back what `raise_kernel_limits` changed, where nobody changed it since.
Status restore_kernel_limits(const std::string& record_file);

}  // namespace provost::provider::local
