// The people's way to provostd: a socket on the node that every user may open. What comes in goes
// to provostd over TLS with the node's own certificate and the number of the user who asks, which
// the kernel tells; provostd decides what that user may.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/settings.hpp"
#include "os/http_client.hpp"
#include "os/http_server.hpp"

namespace provost::agent {

inline constexpr const char* kDoorSocket = "/run/provost/provostd.sock";
/// The header with the number of the user who asks. Whatever a user sends under this name is
/// dropped.
inline constexpr const char* kUserHeader = "x-provost-uid";

class Door {
 public:
  explicit Door(const Settings& settings);
  ~Door();  ///< requests under way are answered first
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  /// Errors: those of the socket.
  Status open(const std::string& socket);

 private:
  void take(os::HttpRequest request, os::Responder responder);
  void hand_on(const os::HttpRequest& request, const os::Responder& responder) const;
  void work(const std::stop_token& stop);

  os::HttpTarget target_;
  std::mutex mutex_;
  std::condition_variable_any queued_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::jthread> threads_;
  std::unique_ptr<os::HttpServer> server_;  // last: its thread calls into all of the above
};

}  // namespace provost::agent
