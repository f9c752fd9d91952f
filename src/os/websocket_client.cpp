#include "os/websocket_client.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <thread>

#include "base/log.hpp"
#include "os/websocket_line.hpp"

namespace provost::os {
namespace {

constexpr auto kConnect = std::chrono::seconds(10);
constexpr auto kEnd = std::chrono::seconds(3);

using asio::ip::tcp;

// Loads who we are and whom we trust. Throws on PEM that OpenSSL cannot read.
void set_up(asio::ssl::context& context, const WebSocketTarget& target) {
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.add_certificate_authority(asio::buffer(target.authority));
  context.set_verify_mode(asio::ssl::verify_peer);
  if (!target.identity.certificate.empty()) {
    context.use_certificate_chain(asio::buffer(target.identity.certificate));
    context.use_private_key(asio::buffer(target.identity.key), asio::ssl::context::pem);
  }
}

}  // namespace

class WebSocketClient::Implementation {
 public:
  Implementation(WebSocketTarget target, Callbacks callbacks)
      : target_(std::move(target)),
        callbacks_(std::move(callbacks)),
        tls_(asio::ssl::context::tls_client),
        work_(context_.get_executor()),
        timer_(context_) {}

  ~Implementation() {
    quiet_ = true;
    if (!thread_.joinable()) {
      return;
    }
    asio::post(context_, [this] {
      work_.reset();
      timer_.cancel();
      if (line_) {
        line_->close();
      } else if (wire_) {
        wire_->close();
      }
      line_.reset();
    });
    if (ended_.get_future().wait_for(kEnd) != std::future_status::ready) {
      context_.stop();
    }
    thread_.join();
  }
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;

  Status connect() {
    error_code error;
    const auto address = asio::ip::make_address(target_.address, error);
    if (error) {
      return fail(ErrorKind::invalid, "\"{}\" is not an IP address", target_.address);
    }
    try {
      set_up(tls_, target_);
    } catch (const std::exception& problem) {
      return fail(ErrorKind::invalid, "cannot use a certificate: {}", problem.what());
    }
    auto connected = connected_.get_future();
    asio::post(context_, [this, address] { open({address, target_.port}); });
    thread_ = std::thread([this] { run(); });
    return connected.get();
  }

  void send(std::string text) {
    asio::post(context_, [this, text = std::move(text)]() mutable {
      if (line_) {
        line_->send(std::move(text));
      }
    });
  }

 private:
  void run() {
    bool ended = false;
    while (!ended) {
      try {
        context_.run();
        ended = true;
      } catch (const std::exception& problem) {
        log::error("os", "a WebSocket callback threw: {}", problem.what());
      }
    }
    ended_.set_value();
  }

  // Answers `connect`, once.
  void settle(Status status) {
    if (!std::exchange(settled_, true)) {
      timer_.cancel();
      connected_.set_value(std::move(status));
    }
  }
  void give_up(ErrorKind kind, std::string_view why) {
    settle(fail(kind, "cannot connect to {}:{}: {}", target_.address, target_.port, why));
  }

  void open(const tcp::endpoint& endpoint) {
    timer_.expires_after(kConnect);
    timer_.async_wait([this](error_code error) {
      if (!error) {
        give_up(ErrorKind::timeout, fmt::format("no answer in {} s", kConnect.count()));
        abandon();
      }
    });
    auto socket = std::make_shared<tcp::socket>(context_);
    socket_ = socket;
    socket->async_connect(endpoint, [this, socket](error_code error) {
      if (error) {
        give_up(ErrorKind::unavailable, error.message());
      } else if (!settled_) {
        secure(std::move(*socket));
      }
    });
  }

  // Ends whatever stage the connecting is in.
  void abandon() {
    if (const auto socket = socket_.lock()) {
      error_code ignored;
      socket->close(ignored);
    }
    if (wire_) {
      wire_->close();
    }
    if (line_) {
      line_->drop("closed");
    }
  }

  void secure(tcp::socket socket) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    wire_ = std::make_unique<Wire>(Wire::Socket(std::move(socket)), tls_);
    SSL* handle = wire_->tls()->native_handle();
    SSL_set_tlsext_host_name(handle, target_.server_name.data());
    SSL_set1_host(handle, target_.server_name.c_str());
    wire_->tls()->async_handshake(asio::ssl::stream_base::client, [this](error_code error) {
      if (error) {
        give_up(error.category() == asio::error::get_ssl_category() ? ErrorKind::denied
                                                                    : ErrorKind::unavailable,
                reason(error));
      } else if (!settled_) {
        upgrade();
      }
    });
  }

  void upgrade() {
    line_ = std::make_shared<WebSocketLine>(std::move(wire_));
    line_->handshake(target_.server_name, target_.path, [this](error_code error) {
      if (error || settled_) {
        const bool refused = error == beast::websocket::error::upgrade_declined ||
                             error.category() == asio::error::get_ssl_category();
        give_up(refused ? ErrorKind::denied : ErrorKind::unavailable, reason(error));
        line_.reset();
        return;
      }
      settle({});
      line_->start({[this](std::string text) { on_message(std::move(text)); },
                    [this](const std::string& why) { on_close(why); }});
    });
  }

  void on_message(std::string text) {
    if (!quiet_ && callbacks_.on_message) {
      callbacks_.on_message(std::move(text));
    }
  }
  void on_close(const std::string& why) {
    line_.reset();
    if (!quiet_ && callbacks_.on_close) {
      callbacks_.on_close(why);
    }
  }

  const WebSocketTarget target_;
  const Callbacks callbacks_;
  std::promise<Status> connected_;
  std::promise<void> ended_;
  std::atomic<bool> quiet_ = false;  // being destroyed: no more callbacks

  asio::io_context context_{1};
  asio::ssl::context tls_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer timer_;
  std::weak_ptr<tcp::socket> socket_;  // while it connects
  std::unique_ptr<Wire> wire_;         // while it shakes hands
  std::shared_ptr<WebSocketLine> line_;
  bool settled_ = false;
  std::thread thread_;
};

WebSocketClient::WebSocketClient(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

WebSocketClient::~WebSocketClient() = default;

Result<std::unique_ptr<WebSocketClient>> WebSocketClient::connect(const WebSocketTarget& target,
                                                                  Callbacks callbacks) {
  auto implementation = std::make_unique<Implementation>(target, std::move(callbacks));
  if (auto connected = implementation->connect(); !connected) {
    return pass(connected.error());
  }
  return std::unique_ptr<WebSocketClient>(new WebSocketClient(std::move(implementation)));
}

void WebSocketClient::send(std::string text) { implementation_->send(std::move(text)); }

}  // namespace provost::os
