// The one reader of Slurm for all viewers: a picture of each controller, taken often while
// something is under way or somebody looks, seldom otherwise.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cluster/agents.hpp"
#include "slurm/client.hpp"

namespace provost::service {

/// A controller to ask.
struct Controller {
  std::string cluster_id;
  std::string node;
  bool busy = false;     ///< look often
  bool arrived = false;  ///< its files may be looked at: they are in force
};

struct Picture {
  slurm::View view;
  std::chrono::steady_clock::time_point taken{};
};

class Collector {
 public:
  /// `changed` is called when a picture differs from the one before in what plans depend on;
  /// `inspect` with the first picture of a controller and every minute, for what changes seldom.
  Collector(cluster::Agents& agents, std::function<void()> changed,
            std::function<void(const cluster::NodeKey&)> inspect);
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  /// The controllers whose slurmctld answers now; others' pictures are dropped.
  void watch(std::vector<Controller> controllers);
  /// Somebody looks at this cluster: take pictures often for a while.
  void somebody_looks(const std::string& cluster_id);
  /// The last picture, if there is one.
  [[nodiscard]] std::optional<Picture> picture(const std::string& cluster_id) const;
  /// A picture not older than `age`; takes one if need be. Blocks. Errors: unavailable.
  Result<Picture> fresh(const std::string& cluster_id, std::chrono::milliseconds age);

 private:
  using Clock = std::chrono::steady_clock;  // whatever becomes of the host's time
  void loop(const std::stop_token& stop);
  void take(const Controller& controller);

  cluster::Agents& agents_;
  std::function<void()> changed_;
  std::function<void(const cluster::NodeKey&)> inspect_;
  std::map<std::string, Clock::time_point> inspected_;  // on the collector's thread only
  mutable std::mutex mutex_;
  std::condition_variable_any woken_;
  bool news_ = false;
  std::vector<Controller> controllers_;
  std::map<std::string, Picture> pictures_;
  std::map<std::string, Clock::time_point> looked_;
  std::jthread thread_;
};

/// How slurm/ runs a program on a controller: through its agent.
slurm::Run run_on(cluster::Agents& agents, const cluster::NodeKey& node);

}  // namespace provost::service
