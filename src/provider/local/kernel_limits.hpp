// Kernel limits that many nodes on one host need raised. The values from before are kept in the
// state directory and put back when the last network is removed. Source: sysctl/fs(5), keyrings(7).
#pragma once

#include <string>

#include "base/result.hpp"

namespace provost::provider::local {

/// Raises what is too low; notes the old values in `record_file` before the first change.
Status raise_kernel_limits(const std::string& record_file);

/// Puts back what `raise_kernel_limits` changed, where nobody changed it since.
Status restore_kernel_limits(const std::string& record_file);

}  // namespace provost::provider::local
