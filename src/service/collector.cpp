#include "service/collector.hpp"

#include <algorithm>

namespace provost::service {
namespace {

constexpr std::chrono::milliseconds kBusy{400};
constexpr std::chrono::milliseconds kWatched{2'000};
constexpr std::chrono::milliseconds kIdle{20'000};
constexpr std::chrono::milliseconds kLooksFor{15'000};
constexpr std::chrono::minutes kInspects{1};

bool same_for_plans(const slurm::View& left, const slurm::View& right) {
  const auto running = [](const slurm::View& view) {
    return std::count_if(view.jobs.begin(), view.jobs.end(), slurm::is_running);
  };
  const auto up = [](const slurm::View& view) {
    return std::count_if(view.nodes.begin(), view.nodes.end(), slurm::is_up);
  };
  const auto free = [](const slurm::View& view) {
    return std::count_if(view.nodes.begin(), view.nodes.end(), slurm::is_drained);
  };
  return left.answering == right.answering && running(left) == running(right) &&
         up(left) == up(right) && free(left) == free(right) &&
         left.nodes.size() == right.nodes.size();
}

}  // namespace

slurm::Run run_on(cluster::Agents& agents, const cluster::NodeKey& node) {
  return [&agents, node](const std::vector<std::string>& argv, const std::string& input) {
    return agents.run(node, {.argv = argv, .input = input, .timeout = std::chrono::seconds(120)});
  };
}

Collector::Collector(cluster::Agents& agents, std::function<void()> changed,
                     std::function<void(const cluster::NodeKey&)> inspect)
    : agents_(agents), changed_(std::move(changed)), inspect_(std::move(inspect)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

Collector::~Collector() {
  thread_.request_stop();
  thread_.join();
}

void Collector::watch(std::vector<Controller> controllers) {
  const std::scoped_lock lock(mutex_);
  for (const Controller& controller : controllers) {
    const bool known =
        std::any_of(controllers_.begin(), controllers_.end(), [&](const Controller& each) {
          return each.cluster_id == controller.cluster_id && each.busy == controller.busy;
        });
    news_ = news_ || !known;
  }
  std::erase_if(pictures_, [&](const auto& entry) {
    return std::none_of(controllers.begin(), controllers.end(),
                        [&](const Controller& each) { return each.cluster_id == entry.first; });
  });
  controllers_ = std::move(controllers);
  woken_.notify_one();
}

void Collector::somebody_looks(const std::string& cluster_id) {
  const std::scoped_lock lock(mutex_);
  const auto [looked, is_new] = looked_.try_emplace(cluster_id, Clock::now());
  if (is_new || Clock::now() - std::exchange(looked->second, Clock::now()) > kLooksFor) {
    news_ = true;  // the wait for the next picture may be long
    woken_.notify_one();
  }
}

std::optional<Picture> Collector::picture(const std::string& cluster_id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = pictures_.find(cluster_id);
  return found == pictures_.end() ? std::nullopt : std::optional(found->second);
}

Result<Picture> Collector::fresh(const std::string& cluster_id, std::chrono::milliseconds age) {
  std::optional<Controller> controller;
  {
    const std::scoped_lock lock(mutex_);
    looked_[cluster_id] = Clock::now();
    const auto found = pictures_.find(cluster_id);
    if (found != pictures_.end() && Clock::now() - found->second.taken <= age) {
      return found->second;
    }
    for (const Controller& each : controllers_) {
      if (each.cluster_id == cluster_id) {
        controller = each;
      }
    }
  }
  if (!controller) {
    return fail(ErrorKind::unavailable, "slurmctld does not answer");
  }
  take(*controller);
  const auto taken = picture(cluster_id);
  if (!taken) {
    return fail(ErrorKind::unavailable, "slurmctld does not answer");
  }
  return *taken;
}

void Collector::take(const Controller& controller) {
  const auto view = slurm::observe(run_on(agents_, {controller.cluster_id, controller.node}));
  bool news = false;
  {
    const std::scoped_lock lock(mutex_);
    if (view) {
      const auto before = pictures_.find(controller.cluster_id);
      news = before == pictures_.end() || !same_for_plans(before->second.view, *view);
      pictures_[controller.cluster_id] = {*view, Clock::now()};
    } else {
      news = pictures_.erase(controller.cluster_id) > 0;
    }
  }
  if (news) {
    changed_();
  }
}

void Collector::loop(const std::stop_token& stop) {
  std::map<std::string, Clock::time_point> last;
  while (!stop.stop_requested()) {
    std::vector<Controller> due;
    auto wait = kIdle;
    {
      const std::scoped_lock lock(mutex_);
      news_ = false;
      for (const Controller& controller : controllers_) {
        const bool watched = looked_.contains(controller.cluster_id) &&
                             Clock::now() - looked_.at(controller.cluster_id) < kLooksFor;
        const auto interval = controller.busy ? kBusy : watched ? kWatched : kIdle;
        const auto before = last.find(controller.cluster_id);
        const auto since = before == last.end()
                               ? interval
                               : std::chrono::duration_cast<std::chrono::milliseconds>(
                                     Clock::now() - before->second);
        if (since >= interval) {
          due.push_back(controller);
          wait = std::min(wait, interval);
        } else {
          wait = std::min(wait, interval - since);
        }
      }
    }
    for (const Controller& controller : due) {
      take(controller);
      const auto inspected = inspected_.find(controller.cluster_id);
      if (controller.arrived &&
          (inspected == inspected_.end() || Clock::now() - inspected->second > kInspects)) {
        inspected_[controller.cluster_id] = Clock::now();
        inspect_({controller.cluster_id, controller.node});
        changed_();
      }
      last[controller.cluster_id] = Clock::now();
    }
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, stop, wait, [this] { return news_; });
  }
}

}  // namespace provost::service
