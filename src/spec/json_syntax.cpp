#include "spec/json_syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "spec/document.hpp"

namespace provost::spec {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr std::string_view kHex = "0123456789abcdefABCDEF";

std::size_t skip_blank(std::string_view text, std::size_t from) {
  const std::size_t next = text.find_first_not_of(kBlank, from);
  return next == std::string_view::npos ? text.size() : next;
}

/// Offset after the string that begins at `quote`; npos when it has no end on its line.
std::size_t after_string(std::string_view text, std::size_t quote) {
  for (std::size_t i = quote + 1; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20) {
      return std::string_view::npos;
    }
    if (byte == '"') {
      return i + 1;
    }
    if (byte == '\\') {
      ++i;
    }
  }
  return std::string_view::npos;
}

/// What stands at `at`, as a message names it.
std::string found(std::string_view text, std::size_t at) {
  if (text[at] == '"') {
    const std::size_t after = after_string(text, at);
    return shorten(text.substr(at, (after == std::string_view::npos ? text.size() : after) - at),
                   30);
  }
  const bool is_mark = std::string_view(",:{}[]").find(text[at]) != std::string_view::npos;
  const std::size_t end = is_mark ? at + 1 : text.find_first_of(" \t\r\n,:{}[]", at + 1);
  return shorten(text.substr(at, end - at), 30);
}

bool begins_value(char c) {
  return std::string_view("{[\"-0123456789tfn").find(c) != std::string_view::npos;
}

SyntaxError expected(std::string_view text, std::size_t at, std::string_view what,
                     std::string_view better) {
  if (at >= text.size()) {
    return {text.size(), fmt::format("expected {}, found the end of the file", what),
            "is a part of it missing?"};
  }
  const std::string hint = foreign_hint(text, at);
  return {at, fmt::format("expected {}, found {}", what, found(text, at)),
          hint.empty() ? std::string(better) : hint};
}

/// Source: RFC 8259, section 7.
bool has_sound_escapes(std::string_view string) {
  for (std::size_t i = string.find('\\'); i != std::string_view::npos; i = string.find('\\', i)) {
    const char kind = i + 1 < string.size() ? string[i + 1] : '\0';
    const std::string_view digits = string.substr(std::min(i + 2, string.size()), 4);
    const bool is_hex = digits.size() == 4 && digits.find_first_not_of(kHex) == digits.npos;
    if (std::string_view("\"\\/bfnrtu").find(kind) == std::string_view::npos ||
        (kind == 'u' && (!is_hex || digits[0] == 'd' || digits[0] == 'D'))) {
      return false;  // pairs of \ud8xx are sound, but who writes them is served by the hint too
    }
    i += 2;
  }
  return true;
}

/// Source: RFC 8259, section 6; and what fits 64 bits.
bool is_sound_number(std::string_view token) {
  if (!token.empty() && token[0] == '-') {
    token.remove_prefix(1);
  }
  const auto take_digits = [&] {
    const std::size_t end = std::min(token.find_first_not_of("0123456789"), token.size());
    token.remove_prefix(end);
    return end;
  };
  const bool begins_with_zero = !token.empty() && token[0] == '0';
  const std::size_t whole = take_digits();
  if (whole == 0 || whole > 19 || (begins_with_zero && whole > 1)) {
    return false;
  }
  if (!token.empty() && token[0] == '.') {
    token.remove_prefix(1);
    if (take_digits() == 0) {
      return false;
    }
  }
  if (!token.empty() && (token[0] == 'e' || token[0] == 'E')) {
    return false;  // no field of these files is written so; reached only for one out of range
  }
  return token.empty();
}

/// What is wrong with the scalar at `at` by itself.
std::optional<SyntaxError> explain_scalar(std::string_view text, std::size_t at) {
  const std::string_view token = text.substr(at, after_scalar(text, at) - at);
  if (token[0] == '"') {
    if (has_sound_escapes(token)) {
      return std::nullopt;
    }
    return SyntaxError{
        at, fmt::format("the string {} holds an escape that JSON does not know", found(text, at)),
        R"(after \ comes one of " \ / b f n r t or u and four hexadecimal digits)"};
  }
  if (token[0] == '-' || (token[0] >= '0' && token[0] <= '9')) {
    if (is_sound_number(token)) {
      return std::nullopt;
    }
    return SyntaxError{at, fmt::format("{} is no number that can be read", found(text, at)),
                       "write digits without a leading zero or letters, at most 19 of them"};
  }
  if (token == "true" || token == "false" || token == "null") {
    return std::nullopt;
  }
  return SyntaxError{at, fmt::format("{} is no JSON value", found(text, at)),
                     "strings take double quotes; other words are true, false and null"};
}

std::optional<SyntaxError> explain_end(std::string_view text, std::size_t at, bool in_object);

/// What is wrong from the value at `at` on, up to the end of a scalar and what follows it.
std::optional<SyntaxError> explain_value(std::string_view text, std::size_t at, bool in_object) {
  if (at >= text.size() || !begins_value(text[at])) {
    return expected(text, at, "a value", "");
  }
  if (text[at] == '{' || text[at] == '[') {
    return std::nullopt;
  }
  const auto error = explain_scalar(text, at);
  return error ? error : explain_end(text, skip_blank(text, after_scalar(text, at)), in_object);
}

/// What is wrong from the field name at `at` on.
std::optional<SyntaxError> explain_name(std::string_view text, std::size_t at) {
  if (at >= text.size() || text[at] != '"') {
    return expected(text, at, "a field name in double quotes", "");
  }
  if (auto error = explain_scalar(text, at)) {
    return error;
  }
  const std::size_t colon = skip_blank(text, after_scalar(text, at));
  if (colon >= text.size() || text[colon] != ':') {
    return expected(text, colon, "a colon after the field name", "");
  }
  return explain_value(text, skip_blank(text, colon + 1), true);
}

/// What is wrong after a value, where a comma or the end must follow.
std::optional<SyntaxError> explain_end(std::string_view text, std::size_t at, bool in_object) {
  const char close = in_object ? '}' : ']';
  const char c = at < text.size() ? text[at] : '\0';
  if (c == close) {
    return std::nullopt;
  }
  if (c != ',') {
    return expected(text, at, fmt::format("a comma or {}", close), "is a comma missing before it?");
  }
  const std::size_t next = skip_blank(text, at + 1);
  if (next < text.size() && text[next] == close) {
    return SyntaxError{at, fmt::format("no value comes between this comma and {}", close),
                       "take the comma away"};
  }
  // A sound value after the comma is where reading went on.
  if (in_object) {
    return next < text.size() && text[next] == '"' ? std::nullopt : explain_name(text, next);
  }
  return next < text.size() && begins_value(text[next]) ? std::nullopt
                                                        : explain_value(text, next, false);
}

}  // namespace

std::string foreign_hint(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(std::min(at, text.size()));
  const auto begins = [&](std::string_view word) { return rest.substr(0, word.size()) == word; };
  if (begins("'")) {
    return "strings take double quotes";
  }
  if (begins("//") || begins("/*") || begins("#")) {
    return "JSON has no comments; take it away";
  }
  if (begins("True") || begins("False") || begins("None")) {
    return "write true, false or null in small letters";
  }
  return {};
}

std::size_t after_scalar(std::string_view text, std::size_t at) {
  return text[at] == '"' ? after_string(text, at)
                         : std::min(text.find_first_of(" \t\r\n,:{}[]", at), text.size());
}

std::optional<SyntaxError> explain_token(std::string_view text, std::size_t next, Before before) {
  const std::size_t at = skip_blank(text, next);
  const char c = at < text.size() ? text[at] : '\0';
  switch (before) {
    case Before::nothing:
      return explain_value(text, at, false);
    case Before::open_object:
      return c == '"' ? explain_name(text, at)
                      : expected(text, at, "a field name in double quotes or }", "");
    case Before::open_list:
      return explain_value(text, at, false);
    case Before::value_in_object:
    case Before::value_in_list: {
      const bool in_object = before == Before::value_in_object;
      auto error = explain_end(text, at, in_object);
      if (error || c != ',') {
        return error;
      }
      const std::size_t following = skip_blank(text, at + 1);
      return in_object ? explain_name(text, following) : explain_value(text, following, false);
    }
  }
  return std::nullopt;
}

std::optional<SyntaxError> explain_strings(std::string_view text) {
  std::size_t at = text.find('"');
  while (at != std::string_view::npos) {
    const std::size_t after = after_string(text, at);
    if (after == std::string_view::npos) {
      const std::string_view line = text.substr(at, text.find_first_of("\r\n", at) - at);
      return SyntaxError{at,
                         fmt::format("the string {} does not end on its line", shorten(line, 30)),
                         R"(close it with "; a line break or tab inside is written \n or \t)"};
    }
    at = text.find('"', after);
  }
  return std::nullopt;
}

std::optional<SyntaxError> explain_brackets(std::string_view text) {
  std::vector<std::size_t> open;
  const Lines lines(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      const std::size_t after = after_string(text, i);
      if (after == std::string_view::npos) {
        return std::nullopt;
      }
      i = after - 1;
    } else if (c == '{' || c == '[') {
      open.push_back(i);
    } else if (c == '}' || c == ']') {
      if (open.empty()) {
        return SyntaxError{i, fmt::format("{} closes nothing", c), "take it away"};
      }
      const char close = text[open.back()] == '{' ? '}' : ']';
      if (c != close) {
        return SyntaxError{i, fmt::format("expected {}, found {}", close, c),
                           fmt::format("the {} of line {} is still open", text[open.back()],
                                       lines.at(open.back()).line)};
      }
      open.pop_back();
      const std::size_t next = skip_blank(text, i + 1);
      if (open.empty() && next < text.size()) {
        return SyntaxError{next, fmt::format("the document ended before {}", found(text, next)),
                           "take away what follows the end, or mend the brackets before it"};
      }
    }
  }
  if (open.empty()) {
    return std::nullopt;
  }
  return SyntaxError{text.size(),
                     fmt::format("the file ends, but the {} of line {} is still open",
                                 text[open.back()], lines.at(open.back()).line),
                     fmt::format("close it with {}", text[open.back()] == '{' ? '}' : ']')};
}

}  // namespace provost::spec
