// One open WebSocket of either role: queue, pings, silence, closing. Private to this room, shared
// by the server and the client.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "os/wire.hpp"

namespace provost::os {

/// All functions are called on the one thread that runs the wire's executor. Kept alive by its own
/// pending operations until closed.
class WebSocketLine : public std::enable_shared_from_this<WebSocketLine> {
 public:
  using Request = beast::http::request<beast::http::string_body>;
  struct Events {
    std::function<void(std::string text)> on_message;
    std::function<void(std::string why)> on_close;  ///< once, whoever closed
  };

  explicit WebSocketLine(std::unique_ptr<Wire> wire);

  /// Server: answers the upgrade `request`.
  void accept(Request request, std::function<void(error_code)> done);
  /// Client: asks for the upgrade.
  void handshake(const std::string& host, const std::string& path,
                 std::function<void(error_code)> done);
  /// Begins to read; only after `accept` or `handshake` succeeded.
  void start(Events events);

  /// Queues a message; over 64 MiB queued the connection is dropped.
  void send(std::string text);
  /// Sends what is queued, says goodbye, and waits at most 2 s for the answer.
  void close();
  /// Closes at once.
  void drop(const std::string& why);

 private:
  void read();
  void on_read(error_code error);
  void write();
  void tick();
  void say_goodbye();
  void heard() { last_heard_ = std::chrono::steady_clock::now(); }

  std::unique_ptr<Wire> wire_;
  beast::websocket::stream<Wire&> stream_;
  asio::steady_timer ticker_;
  asio::steady_timer goodbye_timer_;
  beast::flat_buffer buffer_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  Events events_;
  std::chrono::steady_clock::time_point last_heard_;
  bool pinging_ = false;
  bool closing_ = false;
  bool said_goodbye_ = false;
  bool closed_ = false;
};

/// Why a connection ended, for a person.
std::string reason(const error_code& error);

}  // namespace provost::os
