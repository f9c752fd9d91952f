// What the node's GPUs did, by NVML where the driver is there.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "os/nvidia.hpp"
#include "protocol/messages.hpp"

namespace provost::agent {

/// Not thread-safe.
class GpuWatch {
 public:
  /// Nothing: no GPU here tells. A driver that comes later is found within a minute.
  std::optional<std::vector<protocol::GpuUse>> look();

 private:
  std::optional<os::Nvml> nvml_;
  std::chrono::steady_clock::time_point tried_{};
};

}  // namespace provost::agent
