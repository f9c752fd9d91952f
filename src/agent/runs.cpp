#include "agent/runs.hpp"

#include "os/process.hpp"

namespace provost::agent {
namespace {

constexpr std::size_t kAtOnce = 64;
constexpr std::chrono::hours kNoTimeout{24 * 365};

}  // namespace

Runs::~Runs() {
  std::map<std::int64_t, std::jthread> ending;
  {
    const std::scoped_lock lock(mutex_);
    ending.swap(running_);
  }
  for (auto& [id, thread] : ending) {
    thread.request_stop();
  }
}

void Runs::join_ended() {
  std::vector<std::jthread> done;
  const std::scoped_lock lock(mutex_);
  for (const std::int64_t id : ended_) {
    const auto found = running_.find(id);
    if (found != running_.end()) {
      done.push_back(std::move(found->second));
      running_.erase(found);
    }
  }
  ended_.clear();
}

void Runs::start(protocol::RunOrder order) {
  join_ended();
  const std::scoped_lock lock(mutex_);
  if (running_.size() >= kAtOnce || running_.contains(order.id)) {
    send_(protocol::RunEnd{
        .id = order.id, .status = 0, .failure = "the node runs too many commands at once already"});
    return;
  }
  const std::int64_t id = order.id;
  running_.emplace(id, [this, order = std::move(order)](const std::stop_token& stop) {
    run(order, stop);
    const std::scoped_lock ending(mutex_);
    ended_.push_back(order.id);
  });
}

void Runs::run(const protocol::RunOrder& order, const std::stop_token& stop) {
  os::Command command;
  command.argv = order.argv;
  command.environment = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                         {"HOME", "/root"},
                         {"LANG", "C.UTF-8"}};
  command.clear_environment = true;
  command.directory = "/root";
  command.input = order.input;
  command.timeout = order.timeout_s > 0 ? std::chrono::milliseconds(order.timeout_s * 1000)
                                        : std::chrono::milliseconds(kNoTimeout);
  const auto ran = os::run(
      command,
      [&](os::Channel channel, std::string_view bytes) {
        send_(protocol::RunOutput{.id = order.id,
                                  .error_channel = channel == os::Channel::err,
                                  .bytes = std::string(bytes)});
      },
      stop);
  protocol::RunEnd end{.id = order.id, .status = 0, .failure = {}};
  if (!ran) {
    end.failure = ran.error().message;
  } else {
    constexpr int kRanPastItsTime = 124;
    end.status = ran->timed_out ? kRanPastItsTime : ran->status;
  }
  send_(end);
}

void Runs::cancel(std::int64_t id) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = running_.find(id); found != running_.end()) {
    found->second.request_stop();
  }
}

void Runs::cancel_all() {
  const std::scoped_lock lock(mutex_);
  for (auto& [id, thread] : running_) {
    thread.request_stop();
  }
}

}  // namespace provost::agent
