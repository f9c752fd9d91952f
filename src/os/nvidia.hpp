// NVIDIA's GPUs as NVML knows them. The library comes with the driver and is loaded while running;
// a machine without it simply has no GPUs here. Only functions of NVML that its documentation keeps
// stable are used, by their versioned names
// (https://docs.nvidia.com/deploy/nvml-api, "NVML API Reference Guide").
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace provost::os {

enum class Mig {
  impossible,  ///< this kind of GPU cannot be divided
  off,
  on,
};

/// A way to divide a GPU.
struct MigProfile {
  std::string name;   ///< "3g.40gb"
  unsigned most = 0;  ///< that many fit on one GPU
};

struct NvidiaGpu {
  std::string file;  ///< "/dev/nvidia0"
  std::string name;  ///< "NVIDIA H100 80GB HBM3"
  std::string uuid;  ///< "GPU-..."
  std::int64_t memory_mib = 0;
  Mig mig = Mig::impossible;
  std::vector<MigProfile> profiles;     ///< it could be divided into, small ones first
  std::vector<std::string> partitions;  ///< profiles of those that exist
};

/// NVML while it is loaded. Not thread-safe.
class Nvml {
 public:
  /// `library`: its path or name. Errors: not_found when it is not there, unavailable with NVML's
  /// own words when it cannot be used (no driver, another version than the driver's).
  static Result<Nvml> load(const std::string& library);

  Nvml(Nvml&&) noexcept;
  Nvml& operator=(Nvml&&) noexcept;
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;
  ~Nvml();

  /// Of the driver: "580.159.04".
  [[nodiscard]] std::string driver() const;
  /// All that may be opened here, by number. One that does not answer is left out.
  [[nodiscard]] std::vector<NvidiaGpu> gpus() const;

  /// How long each GPU computed since this was loaded, by its device file, in milliseconds: the
  /// driver's samples (each says for which part of its time kernels ran) summed up. A GPU that
  /// cannot tell (divided by MIG, an old one) is left out.
  std::map<std::string, std::int64_t> busy_millis();

 private:
  struct Library;
  explicit Nvml(std::unique_ptr<Library> library);
  std::unique_ptr<Library> library_;
};

/// Where the driver's library of this name lies on this host ("libnvidia-ml.so.1"); empty: nowhere.
std::string nvidia_library(const std::string& name);

/// A file of the driver that programs in a node need.
struct DriverFile {
  std::string host;
  std::string node;
};
/// libcuda, NVML, what they load, and nvidia-smi: libraries stand in the node where its loader
/// looks first. Empty without a driver.
std::vector<DriverFile> nvidia_driver_files();

}  // namespace provost::os
