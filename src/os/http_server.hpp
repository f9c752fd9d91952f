// The one HTTP and WebSocket server of the daemon, on Unix sockets and over TLS. Boost.Beast stays
// behind this header (it costs a minute of compiling).
//
// One thread of the server's own runs all connections. Handlers are called on it and must not
// block: they take their Responder along and answer from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "os/tls.hpp"

namespace provost::os {

/// Who is at the other end.
struct Peer {
  bool local = false;           ///< came over a Unix socket
  unsigned uid = 0;             ///< of a local peer (SO_PEERCRED)
  std::string certificate_uri;  ///< first URI of a verified client certificate; empty without one
  std::string address;          ///< "10.77.0.5", or "unix"
};

struct HttpRequest {
  std::string method;
  std::string path;                            ///< decoded, without the query
  std::map<std::string, std::string> query;    ///< decoded
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  Peer peer;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers = {};
};

/// Answers one request, once: either `send`, or `begin` followed by chunks and `end`. Copyable,
/// callable from any thread; what is sent after the client went away is dropped. A Responder that
/// is destroyed unanswered answers 500.
class Responder {
 public:
  class Connection;
  explicit Responder(std::shared_ptr<Connection> connection);

  void send(HttpResponse response) const;
  /// Begins a chunked answer.
  void begin(int status, std::string content_type) const;
  void write(std::string chunk) const;
  void end() const;
  /// True once the client has gone: stop producing.
  [[nodiscard]] bool gone() const;

 private:
  std::shared_ptr<Connection> connection_;
};

/// An open WebSocket (text messages). Thread-safe.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  virtual void send(std::string text) = 0;  ///< queued; dropped when closed
  virtual void close() = 0;
  [[nodiscard]] virtual const Peer& peer() const = 0;
  /// Set both in the open handler, before it returns.
  std::function<void(std::string text)> on_message;
  std::function<void()> on_close;
};

struct ServerHandlers {
  std::function<void(HttpRequest, Responder)> on_request;
  /// Asked before a WebSocket is accepted: false answers 403.
  std::function<bool(const HttpRequest&)> may_open;
  std::function<void(std::shared_ptr<WebSocket>, const HttpRequest&)> on_open;
  std::uint64_t body_limit = 64U << 20U;  ///< bytes; larger requests are answered 413
};

struct TlsListen {
  std::string address;     ///< "0.0.0.0", "10.77.0.1", "127.0.0.1"
  std::uint16_t port = 0;  ///< 0: any; see the return value
  Identity identity;
  std::string
      client_authority;  ///< PEM: client certificates are asked for and, if given, must verify
};

class HttpServer {
 public:
  explicit HttpServer(ServerHandlers handlers);
  ~HttpServer();  ///< closes everything and joins its thread
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Idle connections are closed after 60 s.
  Status listen_unix(const std::string& path, unsigned mode);
  /// TLS 1.2 or newer. Returns the port. Errors: conflict (address in use), unavailable (no such
  /// address here).
  Result<std::uint16_t> listen_tls(const TlsListen& listen);
  /// Stops accepting on that address and port; open connections stay.
  void stop_listening(const std::string& address, std::uint16_t port);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace provost::os
