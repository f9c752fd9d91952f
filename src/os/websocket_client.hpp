// A WebSocket client over mutual TLS: the agent's line to the daemon. Beast stays behind this
// header.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "os/tls.hpp"

namespace provost::os {

struct WebSocketTarget {
  std::string address;  ///< IP address
  std::uint16_t port = 0;
  std::string server_name;  ///< must be a DNS name of the server's certificate
  std::string path;
  Identity identity;      ///< our certificate
  std::string authority;  ///< PEM that the server's certificate must verify against
};

/// One connection, on a thread of its own. `connect` blocks at most 10 s. `on_message` and
/// `on_close` are called on that thread, perhaps before `connect` has returned; both may call
/// `send`, neither may destroy the client. Destruction says goodbye (at most 2 s) and calls
/// neither. Thread-safe. Pings every 15 s; silent for 45 s: closed.
class WebSocketClient {
 public:
  struct Callbacks {
    std::function<void(std::string text)> on_message;
    std::function<void(std::string why)> on_close;
  };
  static Result<std::unique_ptr<WebSocketClient>> connect(const WebSocketTarget& target,
                                                          Callbacks callbacks);
  ~WebSocketClient();
  WebSocketClient(const WebSocketClient&) = delete;
  WebSocketClient& operator=(const WebSocketClient&) = delete;

  void send(std::string text);

 private:
  class Implementation;
  explicit WebSocketClient(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace provost::os
