#include "spec/toml_scan.hpp"

#include <algorithm>

namespace provost::spec {
namespace {

// Just after the text that begins at `at` with a quote; the end when it is not closed.
std::size_t after_text(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string_view triple = quote == '"' ? "\"\"\"" : "'''";
  const bool many_lines = text.substr(at, 3) == triple;
  at += many_lines ? 3 : 1;
  while (at < text.size()) {
    if (quote == '"' && text[at] == '\\') {
      at += 2;
      continue;
    }
    if (many_lines && text.substr(at, 3) == triple) {
      at += 3;
      while (at < text.size() && text[at] == quote) {  // up to two quotes may belong to the text
        ++at;
      }
      return at;
    }
    if (!many_lines && (text[at] == quote || text[at] == '\n')) {
      return at + 1;
    }
    ++at;
  }
  return text.size();
}

}  // namespace

std::size_t non_ascii_outside_text(std::string_view text) {
  std::size_t at = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
  while (at < text.size()) {
    const char each = text[at];
    if (each == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (each == '"' || each == '\'') {
      at = after_text(text, at);
    } else if (static_cast<unsigned char>(each) >= 0x80) {
      return at;
    } else {
      ++at;
    }
  }
  return std::string_view::npos;
}

}  // namespace provost::spec
