// One connection of the HTTP server, from the handshake to its end. Private to this room.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <vector>

#include "base/log.hpp"
#include "os/http_server.hpp"
#include "os/wire.hpp"

namespace provost::os {

/// The thread's work. Whoever may call later than the server lives (a Responder, a WebSocket) holds
/// it; what they post then is never run. Sessions must not hold it: their operations are inside.
struct Loop {
  asio::io_context context{1};
};

/// What the server needs to close everything it has.
class Closable {
 public:
  virtual ~Closable() = default;
  virtual void close_now() = 0;
};

/// What sessions share with the server; lives as long as they do.
struct Shared {
  ServerHandlers handlers;
  std::weak_ptr<Loop> loop;
  std::vector<std::weak_ptr<Closable>> open;  ///< on the loop only
  std::size_t purge_at = 64;
  bool closing = false;

  void add(const std::shared_ptr<Closable>& one) {
    if (open.size() >= purge_at) {
      std::erase_if(open, [](const auto& weak) { return weak.expired(); });
      purge_at = open.size() * 2 + 64;
    }
    open.push_back(one);
  }
};

/// A handler of the program that throws must not end the server.
template <class Function>
void guarded(std::string_view what, Function&& function) {
  try {
    function();
  } catch (const std::exception& problem) {
    log::error("os", "{} threw: {}", what, problem.what());
  }
}

/// Serves `wire` until it closes. On the loop.
void start_session(std::unique_ptr<Wire> wire, Peer peer, const std::shared_ptr<Shared>& shared);

}  // namespace provost::os
