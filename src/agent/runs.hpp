// Commands that the daemon asks to run on the node, each on a thread of its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "protocol/messages.hpp"

namespace provost::agent {

/// Thread-safe. Destruction ends all commands and waits for them.
class Runs {
 public:
  using Send = std::function<void(const protocol::Message&)>;
  explicit Runs(Send send) : send_(std::move(send)) {}
  ~Runs();
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;

  void start(protocol::RunOrder order);
  void cancel(std::int64_t id);
  /// The daemon that asked is gone: nobody waits for them any more.
  void cancel_all();

 private:
  void run(const protocol::RunOrder& order, const std::stop_token& stop);
  void join_ended();

  Send send_;
  std::mutex mutex_;
  std::map<std::int64_t, std::jthread> running_;
  std::vector<std::int64_t> ended_;
};

}  // namespace provost::agent
