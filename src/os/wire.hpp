// A connected stream, plain or TLS, as one type, so that Beast's heavy templates are compiled for
// it once. Private to this room: included by the files that hold Beast, never by a public header.
#pragma once

#include <sys/socket.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <optional>
#include <string>
#include <utility>

namespace provost::os {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

/// What the two kinds of connection have in common for Asio's composed operations: a stream that
/// is read and written. Not thread-safe; must outlive its operations.
class Wire {
 public:
  using executor_type = asio::any_io_executor;
  using Socket = asio::generic::stream_protocol::socket;
  using Tls = asio::ssl::stream<Socket&>;

  explicit Wire(Socket socket) : socket_(std::move(socket)) {}
  Wire(Socket socket, asio::ssl::context& context) : socket_(std::move(socket)) {
    tls_.emplace(socket_, context);
  }

  executor_type get_executor() { return socket_.get_executor(); }
  Socket& socket() { return socket_; }
  /// nullptr for a plain connection.
  Tls* tls() { return tls_ ? &*tls_ : nullptr; }

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (tls_) {
      tls_->async_read_some(buffers, std::forward<Handler>(handler));
    } else {
      socket_.async_read_some(buffers, std::forward<Handler>(handler));
    }
  }
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (tls_) {
      tls_->async_write_some(buffers, std::forward<Handler>(handler));
    } else {
      socket_.async_write_some(buffers, std::forward<Handler>(handler));
    }
  }
  void close() {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_both, ignored);
    socket_.close(ignored);
  }

  // Customisation points of Beast's WebSocket: how to end the stream below it.
  friend void beast_close_socket(Wire& wire) { wire.close(); }
  template <class Handler>
  friend void async_teardown(beast::role_type /*role*/, Wire& wire, Handler&& handler) {
    error_code ignored;
    wire.socket_.shutdown(Socket::shutdown_both, ignored);
    asio::post(wire.get_executor(),
               beast::bind_front_handler(std::forward<Handler>(handler), error_code{}));
  }
  friend void teardown(beast::role_type /*role*/, Wire& wire, error_code& error) {
    wire.socket_.shutdown(Socket::shutdown_both, error);
  }

 private:
  Socket socket_;
  std::optional<Tls> tls_;
};

}  // namespace provost::os
