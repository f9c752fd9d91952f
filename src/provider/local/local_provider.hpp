// Machines on this host: systemd-nspawn containers on a bridge. See machine.hpp and network.hpp.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "provider/local/machine.hpp"
#include "provider/local/names.hpp"
#include "provider/provider.hpp"

namespace provost::provider::local {

struct LocalOptions {
  Places places;
  std::string images;       ///< folder with make-node-image
  std::string image_cache;  ///< folder that images are kept in; several provostd may share one
  NodePrograms programs;    ///< of the host, for nodes
};

/// The node image of a recipe.
struct ImageSeen {
  std::string path;    ///< where its root tree is, or would be
  bool there = false;  ///< made already, of the recipe as it is now
};
/// Makes nothing. Errors: not_found (no recipe in `images`), internal.
Result<ImageSeen> look_for_image(const std::string& images, const std::string& image_cache);

class LocalProvider : public Provider {
 public:
  explicit LocalProvider(LocalOptions options);

  Result<Capacity> capacity() override;
  Result<std::vector<MachineSeen>> observe() override;
  Result<std::vector<std::string>> networks() override;
  Result<std::vector<std::string>> network_traces() override;
  Status create_network(const NetworkSpec& spec, const Progress& progress) override;
  Status remove_network(const std::string& cluster, const Progress& progress) override;
  Status check_subnet(const std::string& subnet) override;
  Status ensure_running(const MachineSpec& spec, const Progress& progress) override;
  Status remove(const std::string& cluster, const std::string& node,
                const Progress& progress) override;
  Result<std::vector<Belonging>> inventory(const std::string& cluster) override;
  std::vector<std::string> raised_limits() override;
  Result<std::string> console_tail(const std::string& cluster, const std::string& node) override;

  /// The root tree of the node image; built first when there is none. Slow then (a minute).
  Result<std::string> image(const Progress& progress);

  /// What NVML said of the host's GPUs.
  struct Gpus {
    std::string driver;  ///< or why NVML does not tell; empty: not asked yet
    std::vector<os::NvidiaGpu> details;
    std::chrono::steady_clock::time_point looked;
  };

 private:
  [[nodiscard]] std::optional<std::string> network_id(const std::string& cluster) const;
  [[nodiscard]] std::vector<std::string> clusters() const;

  LocalOptions options_;
  CgroupHost host_;
  std::mutex image_mutex_;
  std::string image_;
  std::mutex network_mutex_;
  std::mutex gpu_mutex_;
  Gpus gpus_;
};

}  // namespace provost::provider::local
