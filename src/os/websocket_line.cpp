#include "os/websocket_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/buffers_to_string.hpp>

namespace provost::os {
namespace {

constexpr std::size_t kMessageLimit = 64U << 20U;
constexpr std::size_t kQueueLimit = 64U << 20U;
constexpr auto kPing = std::chrono::seconds(15);
constexpr auto kSilence = std::chrono::seconds(45);
constexpr auto kGoodbye = std::chrono::seconds(2);
constexpr auto kHandshake = std::chrono::seconds(10);

// Length of the character that begins `text`, 0 when it is not UTF-8.
std::size_t utf8_length(std::string_view text) {
  struct Form {
    unsigned char first, last;  // of the lead byte
    unsigned char low, high;    // of the second: no overlong forms, surrogates, beyond U+10FFFF
    std::size_t length;
  };
  static constexpr std::array kForms = {
      Form{0xC2, 0xDF, 0x80, 0xBF, 2}, Form{0xE0, 0xE0, 0xA0, 0xBF, 3},
      Form{0xE1, 0xEC, 0x80, 0xBF, 3}, Form{0xED, 0xED, 0x80, 0x9F, 3},
      Form{0xEE, 0xEF, 0x80, 0xBF, 3}, Form{0xF0, 0xF0, 0x90, 0xBF, 4},
      Form{0xF1, 0xF3, 0x80, 0xBF, 4}, Form{0xF4, 0xF4, 0x80, 0x8F, 4}};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) {
    return 1;
  }
  const auto* const form = std::find_if(kForms.begin(), kForms.end(), [&](const Form& one) {
    return byte(0) >= one.first && byte(0) <= one.last;
  });
  if (form == kForms.end() || text.size() < form->length) {
    return 0;
  }
  for (std::size_t i = 1; i < form->length; ++i) {
    if (byte(i) < (i == 1 ? form->low : 0x80) || byte(i) > (i == 1 ? form->high : 0xBF)) {
      return 0;
    }
  }
  return form->length;
}

// Text frames must be UTF-8 (RFC 6455 section 5.6, RFC 3629 section 4 for its forms); the other
// side closes on anything else.
bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::string reason(const error_code& error) {
  if (error == asio::error::eof || error == beast::websocket::error::closed ||
      error == asio::ssl::error::stream_truncated) {
    return "closed by the other side";
  }
  return error.message();
}

WebSocketLine::WebSocketLine(std::unique_ptr<Wire> wire)
    : wire_(std::move(wire)),
      stream_(*wire_),
      ticker_(wire_->get_executor()),
      goodbye_timer_(wire_->get_executor()) {
  heard();
  stream_.set_option(beast::websocket::stream_base::timeout{
      kHandshake, beast::websocket::stream_base::none(), false});
  stream_.read_message_max(kMessageLimit);
  stream_.auto_fragment(false);
  stream_.write_buffer_bytes(65536);
}

void WebSocketLine::accept(Request request, std::function<void(error_code)> done) {
  const auto kept = std::make_shared<Request>(std::move(request));
  stream_.async_accept(*kept, [self = shared_from_this(), kept,
                               done = std::move(done)](error_code error) { done(error); });
}

void WebSocketLine::handshake(const std::string& host, const std::string& path,
                              std::function<void(error_code)> done) {
  stream_.async_handshake(
      host, path,
      [self = shared_from_this(), done = std::move(done)](error_code error) { done(error); });
}

void WebSocketLine::start(Events events) {
  events_ = std::move(events);
  heard();
  stream_.control_callback([this](auto /*kind*/, auto /*payload*/) { heard(); });
  tick();
  read();
}

void WebSocketLine::read() {
  stream_.async_read_some(
      buffer_, 65536,
      [self = shared_from_this()](error_code error, std::size_t) { self->on_read(error); });
}

void WebSocketLine::on_read(error_code error) {
  if (closed_) {
    return;
  }
  if (error) {
    drop(reason(error));
    return;
  }
  heard();
  if (stream_.is_message_done()) {
    std::string text = beast::buffers_to_string(buffer_.data());
    buffer_.clear();
    if (events_.on_message) {
      events_.on_message(std::move(text));
    }
  }
  if (!closed_) {
    read();
  }
}

void WebSocketLine::send(std::string text) {
  if (closed_ || closing_) {
    return;
  }
  queued_bytes_ += text.size();
  if (queued_bytes_ > kQueueLimit) {
    drop("the other side reads too slowly");
    return;
  }
  queue_.push_back(std::move(text));
  if (queue_.size() == 1) {
    write();
  }
}

void WebSocketLine::write() {
  stream_.binary(!is_utf8(queue_.front()));
  stream_.async_write(asio::buffer(queue_.front()),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (self->closed_) {
                          return;
                        }
                        if (error) {
                          self->drop(reason(error));
                          return;
                        }
                        self->queued_bytes_ -= self->queue_.front().size();
                        self->queue_.pop_front();
                        if (!self->queue_.empty()) {
                          self->write();
                        } else if (self->closing_) {
                          self->say_goodbye();
                        }
                      });
}

void WebSocketLine::tick() {
  if (std::chrono::steady_clock::now() - last_heard_ > kSilence) {
    drop(fmt::format("nothing heard for {} s", kSilence.count()));
    return;
  }
  ticker_.expires_after(kPing);
  ticker_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (error || !self || self->closed_) {
      return;
    }
    if (!self->pinging_ && !self->said_goodbye_) {
      self->pinging_ = true;
      self->stream_.async_ping({}, [self](error_code) { self->pinging_ = false; });
    }
    self->tick();
  });
}

void WebSocketLine::close() {
  if (closed_ || closing_) {
    return;
  }
  closing_ = true;
  goodbye_timer_.expires_after(kGoodbye);
  goodbye_timer_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (!error && self) {
      self->drop("closed");
    }
  });
  if (queue_.empty()) {
    say_goodbye();
  }
}

void WebSocketLine::say_goodbye() {
  said_goodbye_ = true;
  stream_.async_close(beast::websocket::close_code::normal,
                      [self = shared_from_this()](error_code) { self->drop("closed"); });
}

void WebSocketLine::drop(const std::string& why) {
  if (closed_) {
    return;
  }
  closed_ = true;
  ticker_.cancel();
  goodbye_timer_.cancel();
  wire_->close();
  // The callbacks may own what owns us: they are let go, but not while one of them runs.
  asio::post(wire_->get_executor(), [self = shared_from_this(), why] {
    const Events events = std::exchange(self->events_, Events{});
    if (events.on_close) {
      events.on_close(why);
    }
  });
}

}  // namespace provost::os
