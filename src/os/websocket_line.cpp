#include "os/websocket_line.hpp"

#include <fmt/format.h>

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

// Text frames must be UTF-8 (RFC 6455 section 5.6); the other side closes on anything else.
bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t rest = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || text.size() - i <= rest) {
      return false;
    }
    for (std::size_t k = 1; k <= rest; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      // The second byte rules out overlong forms, surrogates and what is above U+10FFFF.
      const bool second = k == 1;
      const unsigned low = second && lead == 0xE0 ? 0xA0 : second && lead == 0xF0 ? 0x90 : 0x80;
      const unsigned high = second && lead == 0xED ? 0x9F : second && lead == 0xF4 ? 0x8F : 0xBF;
      if (next < low || next > high) {
        return false;
      }
    }
    i += rest + 1;
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
