#include "agent/gpu_use.hpp"

#include "os/files.hpp"

namespace provost::agent {

std::optional<std::vector<protocol::GpuUse>> GpuWatch::look() {
  constexpr std::chrono::seconds kTries{60};
  const auto now = std::chrono::steady_clock::now();
  const bool tried = tried_ != std::chrono::steady_clock::time_point{};
  if (!nvml_ && (!tried || now - tried_ > kTries)) {
    tried_ = now;
    if (os::exists("/dev/nvidiactl")) {
      if (auto loaded = os::Nvml::load(os::nvidia_library("libnvidia-ml.so.1"))) {
        nvml_ = std::move(*loaded);
      }
    }
  }
  if (!nvml_) {
    return std::nullopt;
  }
  std::vector<protocol::GpuUse> uses;
  for (const auto& [file, millis] : nvml_->busy_millis()) {
    uses.push_back({.file = file, .busy_millis = millis});
  }
  return uses;
}

}  // namespace provost::agent
