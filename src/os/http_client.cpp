#include "os/http_client.hpp"

#include <openssl/ssl.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <charconv>
#include <memory>

#include "base/text.hpp"
#include "os/websocket_line.hpp"
#include "os/wire.hpp"

namespace provost::os {
namespace {

namespace message = beast::http;
using asio::ip::tcp;

constexpr auto kConnect = std::chrono::seconds(10);

struct Place {
  std::string host;
  std::string port;
};

// Of "https://host", "https://host:port", "https://[::1]:port", with or without a last "/".
std::optional<Place> place_of(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) {
    return std::nullopt;
  }
  url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) {
    url.remove_suffix(1);
  }
  const bool bracketed = url.starts_with('[');
  const std::size_t end = bracketed ? url.find(']') : url.find(':');
  Place place{std::string(bracketed ? url.substr(1, end - 1) : url.substr(0, end)), "443"};
  std::string_view rest =
      end == std::string_view::npos ? "" : url.substr(end + (bracketed ? 1 : 0));
  if (rest.starts_with(':')) {
    unsigned port = 0;
    const auto read = std::from_chars(rest.data() + 1, rest.data() + rest.size(), port);
    if (read.ec != std::errc{} || port == 0 || port > 65535) {
      return std::nullopt;
    }
    place.port = std::to_string(port);
    rest = std::string_view(read.ptr, rest.data() + rest.size());
  }
  const bool sound = rest.empty() && !place.host.empty() &&
                     place.host.find_first_of("/?#@ \t\r\n") == std::string::npos &&
                     (!bracketed || end != std::string_view::npos);
  return sound ? std::optional(std::move(place)) : std::nullopt;
}

bool is_of_tls(const error_code& error) {
  return error.category() == asio::error::get_ssl_category() &&
         error != asio::ssl::error::stream_truncated;
}

// One call, on the thread that makes it.
class Exchange {
 public:
  Exchange(const HttpTarget& target, const HttpCall& call)
      : target_(target), call_(call), over_(context_), connecting_(context_) {
    parser_.body_limit(boost::none);
    parser_.skip(call.method == "HEAD");
  }

  Result<HttpAnswer> run() {
    if (auto begun = begin(); !begun) {
      return pass(begun.error());
    }
    if (call_.timeout.count() > 0) {
      over_.expires_after(call_.timeout);
      over_.async_wait([this](error_code error) {
        if (!error) {
          give_up(ErrorKind::timeout,
                  fmt::format("no answer from {} in {:.3g} s", place(),
                              std::chrono::duration<double>(call_.timeout).count()));
        }
      });
    }
    context_.run();
    if (!error_.message.empty()) {
      return pass(error_);
    }
    return HttpAnswer{static_cast<int>(parser_.get().result_int()), std::move(body_)};
  }

 private:
  [[nodiscard]] const std::string& place() const {
    return target_.unix_socket.empty() ? target_.url : target_.unix_socket;
  }

  Status begin() {
    request_.version(11);
    request_.method_string(call_.method);
    request_.target(call_.path);
    request_.set(message::field::user_agent, "provost/" PROVOST_VERSION);
    request_.set(message::field::content_type, "application/json");
    request_.set(message::field::connection, "close");
    if (!target_.token.empty()) {
      request_.set(message::field::authorization, "Bearer " + target_.token);
    }
    for (const auto& [name, value] : call_.headers) {
      request_.set(name, value);
    }
    request_.body() = {call_.body.data(), call_.body.size()};
    request_.prepare_payload();
    limit_connecting();
    return target_.unix_socket.empty() ? begin_tls() : begin_local();
  }

  void limit_connecting() {
    connecting_.expires_after(kConnect);
    connecting_.async_wait([this](error_code error) {
      if (!error) {
        give_up(ErrorKind::timeout,
                fmt::format("no answer from {} in {} s", place(), kConnect.count()));
      }
    });
  }

  Status begin_local() {
    request_.set(message::field::host, "localhost");
    try {
      const asio::local::stream_protocol::endpoint endpoint(target_.unix_socket);
      wire_ = std::make_unique<Wire>(Wire::Socket(context_));
      wire_->socket().async_connect(endpoint, [this](error_code error) { on_connected(error); });
    } catch (const std::exception& problem) {
      return fail(ErrorKind::invalid, "cannot connect to {}: {}", target_.unix_socket,
                  problem.what());
    }
    return {};
  }

  Status begin_tls() {
    auto place = place_of(target_.url);
    if (!place) {
      return fail(ErrorKind::invalid, "\"{}\" is not https://HOST:PORT", target_.url);
    }
    const bool six = place->host.find(':') != std::string::npos;
    request_.set(message::field::host,
                 (six ? "[" + place->host + "]" : place->host) + ":" + place->port);
    host_ = target_.server_name.empty() ? place->host : target_.server_name;
    if (auto set_up = set_up_tls(); !set_up) {
      return set_up;
    }
    resolver_.emplace(context_);
    resolver_->async_resolve(place->host, place->port,
                             [this](error_code problem, const tcp::resolver::results_type& found) {
                               problem ? fail_connecting(problem) : connect(found);
                             });
    return {};
  }

  Status set_up_tls() {
    asio::ssl::context& tls = tls_.emplace(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
    tls.set_verify_mode(asio::ssl::verify_peer);
    tls.set_verify_callback(asio::ssl::host_name_verification(host_));
    error_code error;
    if (target_.authority_file.empty()) {
      tls.set_default_verify_paths(error);
    } else {
      tls.load_verify_file(target_.authority_file, error);
    }
    if (error) {
      return fail(ErrorKind::invalid, "cannot use the certificates of {}: {}",
                  target_.authority_file.empty() ? "the system" : target_.authority_file,
                  reason(error));
    }
    if (!target_.certificate_file.empty()) {
      tls.use_certificate_chain_file(target_.certificate_file, error);
      if (!error) {
        tls.use_private_key_file(target_.key_file, asio::ssl::context::pem, error);
      }
    }
    if (error) {
      return fail(ErrorKind::invalid, "cannot use {} with its key {}: {}", target_.certificate_file,
                  target_.key_file, reason(error));
    }
    return {};
  }

  void connect(const tcp::resolver::results_type& found) {
    auto socket = std::make_shared<tcp::socket>(context_);
    asio::async_connect(*socket, found, [this, socket](error_code error, const tcp::endpoint&) {
      if (error) {
        fail_connecting(error);
        return;
      }
      error_code ignored;
      socket->set_option(tcp::no_delay(true), ignored);
      wire_ = std::make_unique<Wire>(Wire::Socket(std::move(*socket)), *tls_);
      if (asio::ip::make_address(host_, ignored); ignored) {  // a name, not an address
        SSL_set_tlsext_host_name(wire_->tls()->native_handle(), host_.data());
      }
      wire_->tls()->async_handshake(asio::ssl::stream_base::client,
                                    [this](error_code problem) { on_connected(problem); });
    });
  }

  void fail_connecting(const error_code& error) {
    const bool refused = is_of_tls(error) || error == asio::error::access_denied ||
                         error == boost::system::errc::operation_not_permitted;
    give_up(refused ? ErrorKind::denied : ErrorKind::unavailable,
            fmt::format("cannot connect to {}: {}", place(), reason(error)));
  }

  void on_connected(const error_code& error) {
    if (error) {
      fail_connecting(error);
      return;
    }
    connecting_.cancel();
    // Read from the beginning: a server that refuses a body answers before it has read all of it.
    message::async_write(*wire_, request_, [this](error_code problem, std::size_t) {
      if (problem) {
        unsent_ = problem;
      }
    });
    read();
  }

  void read() {
    message::async_read_some(*wire_, buffer_, parser_,
                             [this](error_code error, std::size_t) { on_read(error); });
  }

  void on_read(const error_code& error) {
    const bool wants_more = take();
    if (wants_more && error) {
      lost(error);
    } else if (!wants_more || parser_.is_done()) {
      finish();
    } else {
      read();
    }
  }

  // What has come of the body; false: the caller wants no more.
  bool take() {
    if (!parser_.is_header_done()) {
      return true;
    }
    std::string& come = parser_.get().body();
    bool more = true;
    if (!call_.on_chunk || parser_.get().result_int() >= 400) {
      body_ += come;
    } else if (!come.empty()) {
      more = call_.on_chunk(come);
    }
    come.clear();
    return more;
  }

  void lost(const error_code& error) {
    const bool refused_early =
        unsent_ && parser_.is_header_done() && parser_.get().result_int() >= 400;
    if (refused_early) {
      finish();
      return;
    }
    give_up(is_of_tls(error) ? ErrorKind::denied : ErrorKind::unavailable,
            fmt::format("lost the connection to {}: {}", place(), reason(error)));
  }

  void give_up(ErrorKind kind, std::string message) {
    if (error_.message.empty() && !finished_) {
      error_ = {kind, std::move(message), {}};
    }
    finish();
  }

  void finish() {
    finished_ = true;
    context_.stop();
  }

  const HttpTarget& target_;
  const HttpCall& call_;
  asio::io_context context_{1};
  std::optional<asio::ssl::context> tls_;
  asio::steady_timer over_;
  asio::steady_timer connecting_;
  std::optional<tcp::resolver> resolver_;
  std::string host_;
  std::unique_ptr<Wire> wire_;
  message::request<message::span_body<const char>> request_;
  message::response_parser<message::string_body> parser_;
  beast::flat_buffer buffer_{};
  error_code unsent_;
  std::string body_;
  Error error_;
  bool finished_ = false;
};

}  // namespace

Result<HttpAnswer> http(const HttpTarget& target, const HttpCall& call) {
  try {
    return Exchange(target, call).run();
  } catch (const std::exception& problem) {
    return fail(ErrorKind::internal, "cannot ask {}: {}",
                target.unix_socket.empty() ? target.url : target.unix_socket, problem.what());
  }
}

std::string url_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' ||
                       byte == '~';
    if (plain) {
      encoded += character;
    } else {
      encoded += '%';
      encoded += kHex[byte >> 4U];
      encoded += kHex[byte & 15U];
    }
  }
  return encoded;
}

}  // namespace provost::os
