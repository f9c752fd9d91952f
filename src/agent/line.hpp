// The agent's line to provostd: connected again and again, hello, reports and heartbeats, what the
// daemon sends handed on.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "agent/gpu_use.hpp"
#include "agent/job_use.hpp"
#include "agent/memory.hpp"
#include "agent/runs.hpp"
#include "agent/settings.hpp"
#include "agent/worker.hpp"
#include "os/websocket_client.hpp"

namespace provost::agent {

/// The whole agent. `run` blocks until `stop`.
class Line {
 public:
  Line(Settings settings, Memory& memory);

  void run(const std::stop_token& stop);

 private:
  struct Connection;
  Result<os::WebSocketTarget> target() const;
  Status connect(const std::stop_token& stop);
  void converse(os::WebSocketClient& client, const std::stop_token& stop);
  void hear(const std::string& frame);
  void hear_spec(protocol::Spec spec);
  void say(const protocol::Message& message);
  void log_line(std::string_view text);
  void wake();
  protocol::Report next_report(bool first);

  Settings settings_;
  Memory& memory_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool news_ = false;
  std::string closed_;                     ///< why the connection ended; empty while it is open
  os::WebSocketClient* client_ = nullptr;  ///< while connected
  std::deque<protocol::LogChunk> unsent_;  ///< log while nobody listens, at most kUnsent bytes
  std::size_t unsent_bytes_ = 0;
  std::chrono::steady_clock::time_point inventory_sent_;
  std::chrono::steady_clock::time_point jobs_sent_;
  JobWatch jobs_;  ///< on the thread of `run` alone
  GpuWatch gpus_;  ///< likewise
  Worker worker_;
  Runs runs_;
};

}  // namespace provost::agent
