#include "os/http_server.hpp"

#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <thread>

#include "base/guarded.hpp"
#include "os/files.hpp"
#include "os/http_session.hpp"

namespace provost::os {
namespace {

using asio::ip::tcp;
using Unix = asio::local::stream_protocol;

constexpr auto kEnd = std::chrono::seconds(5);

// A place where connections come in.
class Listener : public Closable {
 public:
  [[nodiscard]] virtual bool is_at(const std::string& address, std::uint16_t port) const = 0;
  virtual void start(const std::shared_ptr<Shared>& shared) = 0;
};

// The loop of one acceptor. Out of descriptors it waits a little instead of spinning.
template <class Acceptor, class OnSocket>
void accept_next(Acceptor& acceptor, std::shared_ptr<Listener> keep, OnSocket on_socket) {
  acceptor.async_accept([&acceptor, keep, on_socket](error_code error, auto socket) {
    if (!acceptor.is_open()) {
      return;
    }
    if (!error) {
      guarded("accepting", [&] { on_socket(std::move(socket)); });
      accept_next(acceptor, keep, on_socket);
      return;
    }
    auto pause = std::make_shared<asio::steady_timer>(acceptor.get_executor(),
                                                      std::chrono::milliseconds(100));
    pause->async_wait([&acceptor, keep, on_socket, pause](error_code) {
      if (acceptor.is_open()) {
        accept_next(acceptor, keep, on_socket);
      }
    });
  });
}

class UnixListener : public Listener, public std::enable_shared_from_this<UnixListener> {
 public:
  UnixListener(Loop& loop, std::string path) : acceptor_(loop.context), path_(std::move(path)) {}

  Status open(unsigned mode) {
    if (path_.empty() || path_.size() >= sizeof(sockaddr_un::sun_path)) {
      return fail(ErrorKind::invalid, "\"{}\" cannot be the path of a socket: 1 to {} bytes", path_,
                  sizeof(sockaddr_un::sun_path) - 1);
    }
    if (Status cleared = clear_stale(); !cleared) {
      return cleared;
    }
    error_code error;
    acceptor_.open(Unix(), error);
    const auto step = [&](auto&& next) {
      if (!error) {
        next();
      }
    };
    step([&] { acceptor_.bind(Unix::endpoint(path_), error); });
    // Nobody can connect before listen, so nobody meets another mode than this.
    step([&] {
      struct stat status {};
      if (::chmod(path_.c_str(), mode) != 0 || ::stat(path_.c_str(), &status) != 0) {
        error.assign(errno, boost::system::system_category());
      }
      inode_ = status.st_ino;
    });
    step([&] { acceptor_.listen(asio::socket_base::max_listen_connections, error); });
    if (error) {
      errno = error.value();
      return errno_error(fmt::format("cannot listen on {}", path_));
    }
    return {};
  }

  void start(const std::shared_ptr<Shared>& shared) override {
    accept_next(acceptor_, shared_from_this(), [shared](Unix::socket socket) {
      ucred credentials{};
      socklen_t size = sizeof(credentials);
      if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return;
      }
      Peer peer{true, credentials.uid, {}, "unix"};
      start_session(std::make_unique<Wire>(Wire::Socket(std::move(socket))), std::move(peer),
                    shared);
    });
  }

  void close_now() override {
    error_code ignored;
    acceptor_.close(ignored);
    struct stat status {};
    // Another server may have put its own there meanwhile.
    if (inode_ != 0 && ::lstat(path_.c_str(), &status) == 0 && status.st_ino == inode_) {
      ::unlink(path_.c_str());
    }
    inode_ = 0;
  }

  [[nodiscard]] bool is_at(const std::string& address, std::uint16_t /*port*/) const override {
    return address == path_;
  }

 private:
  // A socket that nobody listens on is what a killed server leaves.
  Status clear_stale() {
    struct stat status {};
    if (::lstat(path_.c_str(), &status) != 0) {
      return {};
    }
    if (!S_ISSOCK(status.st_mode)) {
      return fail(ErrorKind::conflict, "cannot listen on {}: another kind of file is there", path_);
    }
    asio::io_context context;
    Unix::socket probe(context);
    error_code error;
    probe.connect(Unix::endpoint(path_), error);
    if (error != asio::error::connection_refused) {
      return fail(ErrorKind::conflict, "cannot listen on {}: another server answers there", path_);
    }
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT) {
      return errno_error(fmt::format("cannot replace {}", path_));
    }
    return {};
  }

  Unix::acceptor acceptor_;
  std::string path_;
  ino_t inode_ = 0;
};

class TlsListener : public Listener, public std::enable_shared_from_this<TlsListener> {
 public:
  TlsListener(Loop& loop, std::string address)
      : acceptor_(loop.context),
        tls_(std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server)),
        address_(std::move(address)) {}

  Status open(const TlsListen& listen) {
    try {
      set_up(listen);
    } catch (const std::exception& problem) {
      return fail(ErrorKind::invalid, "cannot use a certificate: {}", problem.what());
    }
    error_code error;
    const auto address = asio::ip::make_address(address_, error);
    if (error) {
      return fail(ErrorKind::invalid, "\"{}\" is not an IP address", address_);
    }
    const tcp::endpoint endpoint(address, listen.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) {
      acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
      acceptor_.bind(endpoint, error);
    }
    if (!error) {
      acceptor_.listen(asio::socket_base::max_listen_connections, error);
    }
    if (error) {
      const ErrorKind kind = error == asio::error::address_in_use  ? ErrorKind::conflict
                             : error == asio::error::access_denied ? ErrorKind::denied
                                                                   : ErrorKind::unavailable;
      return fail(kind, "cannot listen on {}:{}: {}", address_, listen.port, error.message());
    }
    port_ = acceptor_.local_endpoint().port();
    return {};
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }

  void start(const std::shared_ptr<Shared>& shared) override {
    accept_next(acceptor_, shared_from_this(), [this, shared](tcp::socket socket) {
      error_code error;
      const auto remote = socket.remote_endpoint(error);
      if (error) {
        return;  // gone already
      }
      socket.set_option(tcp::no_delay(true), error);
      socket.set_option(asio::socket_base::keep_alive(true), error);
      const unsigned patience = 60'000;  // ms until what was sent must have been taken
      ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience,
                   sizeof(patience));
      Peer peer{false, 0, {}, remote.address().to_string()};
      start_session(std::make_unique<Wire>(Wire::Socket(std::move(socket)), *tls_), std::move(peer),
                    shared);
    });
  }

  void close_now() override {
    error_code ignored;
    acceptor_.close(ignored);
  }

  [[nodiscard]] bool is_at(const std::string& address, std::uint16_t port) const override {
    return address == address_ && port == port_;
  }

 private:
  // Throws on PEM that OpenSSL cannot read.
  void set_up(const TlsListen& listen) {
    SSL_CTX* context = tls_->native_handle();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    // Without resumption every connection shows its certificate anew.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_num_tickets(context, 0);
    tls_->use_certificate_chain(asio::buffer(listen.identity.certificate));
    tls_->use_private_key(asio::buffer(listen.identity.key), asio::ssl::context::pem);
    if (!listen.client_authority.empty()) {
      tls_->add_certificate_authority(asio::buffer(listen.client_authority));
      tls_->set_verify_mode(asio::ssl::verify_peer);
    }
  }

  tcp::acceptor acceptor_;
  std::shared_ptr<asio::ssl::context> tls_;  // OpenSSL counts its users: sessions may outlive this
  std::string address_;
  std::uint16_t port_ = 0;
};

}  // namespace

class HttpServer::Implementation {
 public:
  explicit Implementation(ServerHandlers handlers)
      : loop_(std::make_shared<Loop>()),
        shared_(std::make_shared<Shared>()),
        work_(loop_->context.get_executor()) {
    shared_->handlers = std::move(handlers);
    shared_->loop = loop_;
    thread_ = std::thread([this] { run(); });
  }

  ~Implementation() {
    asio::post(loop_->context, [this] {
      shared_->closing = true;
      listeners_.with([](auto& listeners) {
        for (const auto& listener : listeners) {
          listener->close_now();
        }
        listeners.clear();
      });
      for (const auto& weak : shared_->open) {
        if (const auto one = weak.lock()) {
          one->close_now();
        }
      }
      work_.reset();
    });
    // All that is left are cancelled operations; but a fault in one must not hang the program.
    if (ended_.get_future().wait_for(kEnd) != std::future_status::ready) {
      log::warning("os", "the HTTP server does not end by itself");
      loop_->context.stop();
    }
    thread_.join();
  }
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;

  Status listen_unix(const std::string& path, unsigned mode) {
    auto listener = std::make_shared<UnixListener>(*loop_, path);
    if (Status opened = listener->open(mode); !opened) {
      return opened;
    }
    add(std::move(listener));
    return {};
  }

  Result<std::uint16_t> listen_tls(const TlsListen& listen) {
    auto listener = std::make_shared<TlsListener>(*loop_, listen.address);
    if (Status opened = listener->open(listen); !opened) {
      return pass(opened.error());
    }
    const std::uint16_t port = listener->port();
    add(std::move(listener));
    return port;
  }

  void stop_listening(const std::string& address, std::uint16_t port) {
    std::promise<void> done;
    asio::dispatch(loop_->context, [&] {
      listeners_.with([&](auto& listeners) {
        std::erase_if(listeners, [&](const auto& listener) {
          const bool meant = listener->is_at(address, port);
          if (meant) {
            listener->close_now();
          }
          return meant;
        });
      });
      done.set_value();
    });
    done.get_future().wait();
  }

 private:
  void add(std::shared_ptr<Listener> listener) {
    listeners_.with([&](auto& listeners) { listeners.push_back(listener); });
    asio::post(loop_->context,
               [listener = std::move(listener), shared = shared_] { listener->start(shared); });
  }

  void run() {
    bool ended = false;
    while (!ended) {
      guarded("the HTTP server", [&] {
        loop_->context.run();
        ended = true;
      });
    }
    ended_.set_value();
  }

  std::shared_ptr<Loop> loop_;
  std::shared_ptr<Shared> shared_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  Guarded<std::vector<std::shared_ptr<Listener>>> listeners_;
  std::promise<void> ended_;
  std::thread thread_;
};

HttpServer::HttpServer(ServerHandlers handlers)
    : implementation_(std::make_unique<Implementation>(std::move(handlers))) {}
HttpServer::~HttpServer() = default;
Status HttpServer::listen_unix(const std::string& path, unsigned mode) {
  return implementation_->listen_unix(path, mode);
}
Result<std::uint16_t> HttpServer::listen_tls(const TlsListen& listen) {
  return implementation_->listen_tls(listen);
}
void HttpServer::stop_listening(const std::string& address, std::uint16_t port) {
  implementation_->stop_listening(address, port);
}

}  // namespace provost::os
