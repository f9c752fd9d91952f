#include "os/http_text.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace provost::os {
namespace {

namespace http = boost::beast::http;

std::optional<std::string> url_decode(std::string_view text, bool plus_is_space) {
  const auto digit = [](char character) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    return kDigits.find(character >= 'A' && character <= 'F' ? static_cast<char>(character + 32)
                                                             : character);
  };
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const std::size_t high = i + 2 < text.size() ? digit(text[i + 1]) : std::string_view::npos;
    const std::size_t low = i + 2 < text.size() ? digit(text[i + 2]) : std::string_view::npos;
    if (high == std::string_view::npos || low == std::string_view::npos || high + low == 0) {
      return std::nullopt;  // a broken escape, or a zero byte
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

bool decode_query(std::string_view text, std::map<std::string, std::string>& query) {
  for (const std::string& pair : split(text, '&')) {
    const std::size_t equals = pair.find('=');
    const auto name = url_decode(std::string_view(pair).substr(0, equals), true);
    const auto value =
        url_decode(equals == std::string::npos ? std::string_view{}
                                               : std::string_view(pair).substr(equals + 1),
                   true);
    if (!name || !value) {
      return false;
    }
    if (!name->empty()) {
      query[*name] = *value;
    }
  }
  return true;
}

// "/a%20b?x=1", or the absolute form that proxies send.
bool decode_target(std::string_view target, HttpRequest& request) {
  if (const std::size_t scheme = target.find("://");
      scheme != std::string_view::npos && !target.starts_with('/')) {
    const std::size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  const std::size_t question = target.find('?');
  const auto path = url_decode(target.substr(0, question), false);
  if (!path || path->empty()) {
    return false;
  }
  request.path = *path;
  return question == std::string_view::npos ||
         decode_query(target.substr(question + 1), request.query);
}

// What a header may hold: a line break would begin another header.
std::string one_line(std::string_view text) {
  std::string line(text);
  std::erase_if(line, [](char character) { return character == '\r' || character == '\n'; });
  return line;
}

}  // namespace

std::optional<HttpRequest> to_request(ParsedRequest& parsed, const Peer& peer) {
  HttpRequest request;
  request.method = std::string(parsed.method_string());
  if (!decode_target({parsed.target().data(), parsed.target().size()}, request)) {
    return std::nullopt;
  }
  for (const auto& field : parsed) {
    std::string name(field.name_string());
    for (char& character : name) {
      character =
          character >= 'A' && character <= 'Z' ? static_cast<char>(character + 32) : character;
    }
    std::string& value = request.headers[name];
    value += (value.empty() ? "" : ",") + std::string(field.value());
  }
  request.body = std::move(parsed.body());
  request.peer = peer;
  return request;
}

std::string to_text(const AnswerHead& head) {
  const auto reason =
      http::obsolete_reason(http::int_to_status(static_cast<unsigned>(head.status)));
  std::string text = fmt::format("HTTP/1.1 {} {}\r\n", head.status,
                                 std::string_view(reason.data(), reason.size()));
  if (!head.content_type.empty()) {
    text += fmt::format("Content-Type: {}\r\n", one_line(head.content_type));
  }
  for (const auto& [name, value] : head.headers) {
    text += fmt::format("{}: {}\r\n", one_line(name), one_line(value));
  }
  if (head.length) {
    text += fmt::format("Content-Length: {}\r\n", *head.length);
  } else if (head.chunked) {
    text += "Transfer-Encoding: chunked\r\n";
  }
  text += head.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return text;
}

}  // namespace provost::os
