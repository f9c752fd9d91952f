#include "os/http_session.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <deque>
#include <optional>

#include "os/http_text.hpp"
#include "os/websocket_line.hpp"

namespace provost::os {
namespace {

namespace http = beast::http;

constexpr std::uint32_t kHeaderLimit = 16U << 10U;
constexpr std::size_t kQueueLimit = 64U << 20U;
constexpr auto kIdle = std::chrono::seconds(60);
constexpr auto kHandshake = std::chrono::seconds(15);
constexpr auto kLinger = std::chrono::seconds(2);

// The first URI among a verified client certificate's names.
std::string certificate_uri(SSL* tls) {
  using Names = std::unique_ptr<GENERAL_NAMES, decltype([](auto* n) { GENERAL_NAMES_free(n); })>;
  using Certificate = std::unique_ptr<X509, decltype([](X509* c) { X509_free(c); })>;
  const Certificate certificate(SSL_get1_peer_certificate(tls));
  if (!certificate || SSL_get_verify_result(tls) != X509_V_OK) {
    return {};
  }
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) {
      const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
      std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                       static_cast<std::size_t>(ASN1_STRING_length(uri)));
      return text.find('\0') == std::string::npos ? text : std::string{};
    }
  }
  return {};
}

// A session as a Responder sees it; all on the loop. `exchange` numbers the request answered.
class Answering {
 public:
  virtual ~Answering() = default;
  virtual void send(std::uint64_t exchange, HttpResponse response) = 0;
  virtual void begin(std::uint64_t exchange, int status, std::string content_type) = 0;
  virtual void write(std::uint64_t exchange, std::string chunk) = 0;
  virtual void end(std::uint64_t exchange) = 0;
  virtual void abort(std::uint64_t exchange) = 0;
};

}  // namespace

// One request's answer, from any thread. The session does not hold it: when the last Responder
// goes, so does this, and says so.
class Responder::Connection {
 public:
  enum class State { waiting, begun, answered };

  Connection(std::shared_ptr<Loop> loop, std::weak_ptr<Answering> session, std::uint64_t exchange,
             std::shared_ptr<std::atomic<bool>> gone)
      : loop_(std::move(loop)),
        session_(std::move(session)),
        exchange_(exchange),
        gone_(std::move(gone)) {}
  ~Connection() {
    if (state_ == State::waiting) {
      send({500, "application/json", R"({"message":"the request was not answered"})"});
    } else if (state_ == State::begun) {
      on_session([](Answering& session, std::uint64_t exchange) { session.abort(exchange); });
    }
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(HttpResponse response) {
    if (move_on(State::waiting, State::answered)) {
      on_session(
          [response = std::move(response)](Answering& session, std::uint64_t exchange) mutable {
            session.send(exchange, std::move(response));
          });
    }
  }
  void begin(int status, std::string content_type) {
    if (move_on(State::waiting, State::begun)) {
      on_session([status, type = std::move(content_type)](Answering& session,
                                                          std::uint64_t exchange) mutable {
        session.begin(exchange, status, std::move(type));
      });
    }
  }
  void write(std::string chunk) {
    if (state_ == State::begun && !gone()) {
      on_session([chunk = std::move(chunk)](Answering& session, std::uint64_t exchange) mutable {
        session.write(exchange, std::move(chunk));
      });
    }
  }
  void end() {
    if (move_on(State::begun, State::answered)) {
      on_session([](Answering& session, std::uint64_t exchange) { session.end(exchange); });
    }
  }
  [[nodiscard]] bool gone() const { return gone_->load(); }

 private:
  bool move_on(State from, State to) { return state_.compare_exchange_strong(from, to); }

  template <class Action>
  void on_session(Action action) {
    asio::post(loop_->context,
               [weak = session_, exchange = exchange_, action = std::move(action)]() mutable {
                 if (const auto session = weak.lock()) {
                   action(*session, exchange);
                 }
               });
  }

  std::shared_ptr<Loop> loop_;
  std::weak_ptr<Answering> session_;
  std::uint64_t exchange_;
  std::shared_ptr<std::atomic<bool>> gone_;
  std::atomic<State> state_ = State::waiting;
};

Responder::Responder(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
void Responder::send(HttpResponse response) const { connection_->send(std::move(response)); }
void Responder::begin(int status, std::string content_type) const {
  connection_->begin(status, std::move(content_type));
}
void Responder::write(std::string chunk) const { connection_->write(std::move(chunk)); }
void Responder::end() const { connection_->end(); }
bool Responder::gone() const { return connection_->gone(); }

namespace {

// The program's end of a WebSocket.
class ServerSocket : public WebSocket {
 public:
  ServerSocket(std::shared_ptr<Loop> loop, std::weak_ptr<WebSocketLine> line, Peer peer)
      : loop_(std::move(loop)), line_(std::move(line)), peer_(std::move(peer)) {}

  void send(std::string text) override {
    asio::post(loop_->context, [weak = line_, text = std::move(text)]() mutable {
      if (const auto line = weak.lock()) {
        line->send(std::move(text));
      }
    });
  }
  void close() override {
    asio::post(loop_->context, [weak = line_] {
      if (const auto line = weak.lock()) {
        line->close();
      }
    });
  }
  [[nodiscard]] const Peer& peer() const override { return peer_; }

 private:
  std::shared_ptr<Loop> loop_;
  std::weak_ptr<WebSocketLine> line_;
  const Peer peer_;
};

class ClosableLine : public Closable {
 public:
  explicit ClosableLine(std::weak_ptr<WebSocketLine> line) : line_(std::move(line)) {}
  void close_now() override {
    if (const auto line = line_.lock()) {
      line->drop("the server ends");
    }
  }

 private:
  std::weak_ptr<WebSocketLine> line_;
};

// One HTTP connection. It always reads ahead to the next request's header, so that it notices a
// client that goes away while its answer is being made.
class Session : public std::enable_shared_from_this<Session>, public Answering, public Closable {
 public:
  Session(std::unique_ptr<Wire> wire, Peer peer, std::shared_ptr<Shared> shared)
      : wire_(std::move(wire)),
        timer_(wire_->get_executor()),
        peer_(std::move(peer)),
        shared_(std::move(shared)) {}

  void start() {
    if (wire_->tls() == nullptr) {
      read_header();
      return;
    }
    arm(kHandshake);
    wire_->tls()->async_handshake(
        asio::ssl::stream_base::server, [self = shared_from_this()](error_code error) {
          if (self->closed_) {
            return;
          }
          if (error) {
            log::debug("os", "handshake peer={} error={}", self->peer_.address, error.message());
            self->close();
            return;
          }
          SSL* tls = self->wire_->tls()->native_handle();
          self->peer_.certificate_uri = certificate_uri(tls);
          self->read_header();
        });
  }

  void close_now() override { close(); }

  void send(std::uint64_t exchange, HttpResponse response) override {
    if (!is_current(exchange)) {
      return;
    }
    AnswerHead head{response.status,
                    std::move(response.content_type),
                    std::move(response.headers),
                    response.body.size(),
                    false,
                    keep_alive_};
    const bool bodiless = response.status == 204 || response.status == 304;
    if (bodiless) {
      head.length.reset();
    }
    std::string text = to_text(head);
    if (!bodiless && !head_only_) {
      text += response.body;
    }
    ending_ = true;
    enqueue(std::move(text));
  }

  void begin(std::uint64_t exchange, int status, std::string content_type) override {
    if (!is_current(exchange)) {
      return;
    }
    if (*gone_) {
      close();
      return;
    }
    chunked_ = version_ >= 11;
    keep_alive_ = keep_alive_ && chunked_;
    streaming_ = true;
    enqueue(to_text({status, std::move(content_type), {}, std::nullopt, chunked_, keep_alive_}));
  }

  void write(std::uint64_t exchange, std::string chunk) override {
    if (!is_current(exchange) || chunk.empty() || head_only_) {
      return;
    }
    enqueue(chunked_ ? fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk) : std::move(chunk));
    if (queued_bytes_ > kQueueLimit) {
      log::warning("os", "dropped a client that reads too slowly peer={}", peer_.address);
      close();
    }
  }

  void end(std::uint64_t exchange) override {
    if (is_current(exchange)) {
      ending_ = true;
      enqueue(chunked_ && !head_only_ ? "0\r\n\r\n" : "");
    }
  }

  void abort(std::uint64_t exchange) override {
    if (is_current(exchange)) {
      close();
    }
  }

 private:
  [[nodiscard]] bool is_current(std::uint64_t exchange) const {
    return !closed_ && answering_ && !ending_ && exchange == exchange_;
  }

  // Closes the connection unless re-armed or cancelled in time.
  void arm(std::chrono::seconds after) {
    timer_.expires_after(after);
    timer_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (!error && self && self->timer_.expiry() <= std::chrono::steady_clock::now()) {
        self->close();
      }
    });
  }

  // Not cancel: a handler that is queued already would still find its time passed.
  void disarm() { timer_.expires_at(std::chrono::steady_clock::time_point::max()); }

  void close() {
    if (!closed_) {
      closed_ = true;
      *gone_ = true;
      disarm();
      wire_->close();
      kept_.reset();
    }
  }

  void read_header() {
    if (!answering_) {
      arm(kIdle);
    }
    header_ready_ = false;
    reading_ = true;
    parser_.emplace();
    parser_->header_limit(kHeaderLimit);
    parser_->body_limit(shared_->handlers.body_limit);
    http::async_read_header(*wire_, buffer_, *parser_,
                            [self = shared_from_this()](error_code error, std::size_t) {
                              self->reading_ = false;
                              if (!self->closed_) {
                                self->on_header(error);
                              }
                            });
  }

  void on_header(error_code error) {
    if (lingering_) {
      discard();
    } else if (answering_) {
      // The next request waits its turn; the end of the stream matters now.
      header_ready_ = !error;
      read_error_ = error;
      const bool ended = error && !is_malformed(error);
      if (ended) {
        *gone_ = true;
      }
      if (ended && streaming_) {
        close();
      }
    } else if (error) {
      refuse(error);
    } else {
      read_body();
    }
  }

  static bool is_malformed(const error_code& error) {
    return error.category() == http::make_error_code(http::error::bad_method).category() &&
           error != http::error::end_of_stream && error != http::error::partial_message;
  }

  // Ends the connection after a failed read, with a word if it was the client's mistake.
  void refuse(error_code error) {
    if (!is_malformed(error)) {
      close();
    } else if (error == http::error::body_limit) {
      refuse(413, "the body is larger than 64 MiB");
    } else if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      refuse(431, "the header is larger than 16 KiB");
    } else {
      refuse(400, "this is not HTTP");
    }
  }
  void refuse(int status, std::string_view message) {
    const std::string body = fmt::format(R"({{"message":"{}"}})", message);
    ending_ = true;
    refused_ = true;
    enqueue(to_text({status, "application/json", {}, body.size(), false, false}) + body);
  }

  void read_body() {
    if (!parser_->is_done() && parser_->get()[http::field::expect] == "100-continue") {
      enqueue("HTTP/1.1 100 Continue\r\n\r\n");
    }
    read_more_body();
  }

  void read_more_body() {
    if (parser_->is_done()) {
      disarm();
      dispatch();
      return;
    }
    arm(kIdle);  // anew for each piece: large is not slow
    reading_ = true;
    parser_->eager(true);
    http::async_read_some(*wire_, buffer_, *parser_,
                          [self = shared_from_this()](error_code error, std::size_t) {
                            self->reading_ = false;
                            if (self->closed_) {
                              return;
                            }
                            if (error) {
                              self->refuse(error);
                            } else {
                              self->read_more_body();
                            }
                          });
  }

  void dispatch() {
    ParsedRequest parsed = parser_->release();
    version_ = parsed.version();
    keep_alive_ = parsed.keep_alive();
    head_only_ = parsed.method() == http::verb::head;
    const bool upgrade = beast::websocket::is_upgrade(parsed);
    // The upgrade is answered from the header as it came; only the rest is ours to take apart.
    ParsedRequest header = upgrade ? parsed : ParsedRequest{};
    auto request = to_request(parsed, peer_);
    if (!request) {
      refuse(400, "the request's target is not well formed");
    } else if (upgrade) {
      open_socket(std::move(header), *request);
    } else {
      answer(std::move(*request));
    }
  }

  std::shared_ptr<Responder::Connection> expect_answer() {
    const auto loop = shared_->loop.lock();
    if (!loop) {
      close();
      return nullptr;
    }
    answering_ = true;
    streaming_ = false;
    kept_ = shared_from_this();
    gone_ = std::make_shared<std::atomic<bool>>(false);
    return std::make_shared<Responder::Connection>(loop, weak_from_this(), ++exchange_, gone_);
  }

  void answer(HttpRequest request) {
    auto connection = expect_answer();
    if (!connection) {
      return;
    }
    read_header();
    guarded("a request's handler", [&] {
      shared_->handlers.on_request(std::move(request), Responder(std::move(connection)));
    });
  }

  void open_socket(ParsedRequest header, const HttpRequest& request) {
    bool allowed = false;
    guarded("a WebSocket's handler", [&] {
      allowed = shared_->handlers.on_open && shared_->handlers.may_open &&
                shared_->handlers.may_open(request);
    });
    if (!allowed || buffer_.size() != 0) {
      refuse(allowed ? 400 : 403, allowed ? "frames before the handshake" : "not allowed");
      return;
    }
    closed_ = true;  // from here on the connection is the line's
    const auto line = std::make_shared<WebSocketLine>(std::move(wire_));
    auto closable = std::make_shared<ClosableLine>(line);
    shared_->add(closable);
    line->accept(std::move(header), [line, closable, shared = shared_, request](error_code error) {
      const auto loop = shared->loop.lock();
      if (error || !loop || shared->closing) {
        line->drop("the handshake failed");
        return;
      }
      auto socket = std::make_shared<ServerSocket>(loop, line, request.peer);
      guarded("a WebSocket's open handler", [&] { shared->handlers.on_open(socket, request); });
      line->start({[socket](std::string text) {
                     if (socket->on_message) {
                       guarded("a WebSocket's handler",
                               [&] { socket->on_message(std::move(text)); });
                     }
                   },
                   [socket, closable](const std::string&) {
                     if (socket->on_close) {
                       guarded("a WebSocket's handler", [&] { socket->on_close(); });
                     }
                     // They may hold the socket, which holds them.
                     socket->on_message = {};
                     socket->on_close = {};
                   }});
    });
  }

  void enqueue(std::string text) {
    queued_bytes_ += text.size();
    queue_.push_back(std::move(text));
    if (!writing_) {
      write_next();
    }
  }

  void write_next() {
    while (!queue_.empty() && written_ == queue_.front().size()) {
      queued_bytes_ -= queue_.front().size();
      queue_.pop_front();
      written_ = 0;
    }
    if (queue_.empty()) {
      if (ending_) {
        on_answered();
      }
      return;
    }
    if (ending_) {
      arm(kIdle);  // a client that does not take its answer
    }
    writing_ = true;
    const std::string& front = queue_.front();
    wire_->async_write_some(asio::buffer(front.data() + written_, front.size() - written_),
                            [self = shared_from_this()](error_code error, std::size_t bytes) {
                              self->writing_ = false;
                              if (self->closed_) {
                                return;
                              }
                              if (error) {
                                self->close();
                                return;
                              }
                              self->written_ += bytes;
                              self->write_next();
                            });
  }

  // The whole answer is on its way.
  void on_answered() {
    const auto self = shared_from_this();
    kept_.reset();
    ending_ = false;
    const bool was_answering = std::exchange(answering_, false);
    *gone_ = true;
    disarm();
    if (refused_ || !keep_alive_) {
      finish();
    } else if (read_error_) {
      refuse(read_error_);
    } else if (header_ready_) {
      header_ready_ = false;
      read_body();
    } else if (was_answering) {
      arm(kIdle);
    }
  }

  // Ends the connection so that the client gets all that was sent: closing while it still sends
  // would make the kernel throw our answer away.
  void finish() {
    lingering_ = true;
    arm(kLinger);
    if (wire_->tls() == nullptr) {
      error_code ignored;
      wire_->socket().shutdown(Wire::Socket::shutdown_send, ignored);
    } else if (!refused_) {
      wire_->tls()->async_shutdown([self = shared_from_this()](error_code) { self->close(); });
      return;
    }
    if (!reading_) {
      discard();
    }
  }

  void discard() {
    const auto scrap = std::make_shared<std::array<char, 16384>>();
    wire_->async_read_some(asio::buffer(*scrap),
                           [self = shared_from_this(), scrap](error_code error, std::size_t) {
                             if (error || self->closed_) {
                               self->close();
                             } else {
                               self->discard();
                             }
                           });
  }

  std::unique_ptr<Wire> wire_;
  asio::steady_timer timer_;
  Peer peer_;
  std::shared_ptr<Shared> shared_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;

  // Of the request being answered.
  std::uint64_t exchange_ = 0;
  std::shared_ptr<std::atomic<bool>> gone_ = std::make_shared<std::atomic<bool>>(false);
  unsigned version_ = 11;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool chunked_ = false;
  bool answering_ = false;
  bool streaming_ = false;
  std::shared_ptr<Session> kept_;  // itself: perhaps nothing is read or written meanwhile

  // Of the next one, read ahead.
  bool reading_ = false;
  bool header_ready_ = false;
  error_code read_error_;

  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::size_t written_ = 0;  // of the first in the queue
  bool writing_ = false;
  bool ending_ = false;   // the queue holds the answer to its end
  bool refused_ = false;  // that answer is a refusal: the connection ends with it
  bool lingering_ = false;
  bool closed_ = false;
};

}  // namespace

void start_session(std::unique_ptr<Wire> wire, Peer peer, const std::shared_ptr<Shared>& shared) {
  if (shared->closing) {
    return;
  }
  const auto session = std::make_shared<Session>(std::move(wire), std::move(peer), shared);
  shared->add(session);
  session->start();
}

}  // namespace provost::os
