// The named patterns that shapes and rules hold names against: a predicate and its words.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace provost::spec {

struct Pattern {
  std::string_view name;
  bool (*matches)(std::string_view);
  std::string_view words;  ///< follows "it must be"
};

/// A regular expression of the models, compiled when it is first asked: a program start needs few.
/// Thread-safe.
class Regex {
 public:
  explicit Regex(std::string text) : text_(std::move(text)) {}
  /// True when it matches the whole text.
  [[nodiscard]] bool matches(std::string_view text) const;
  /// False: it is no regular expression.
  [[nodiscard]] bool is_sound() const;

 private:
  const re2::RE2& compiled() const;

  std::string text_;
  mutable std::once_flag once_;
  mutable std::unique_ptr<re2::RE2> compiled_;
};

/// By the name that `models/*.shapes.json` uses; nullptr when there is none.
const Pattern* pattern_named(std::string_view name);

/// `a` to `z`, `A` to `Z`, `0` to `9`, whatever the locale.
bool is_letter_or_digit(char c);
bool is_digit(char c);
bool is_lower(char c);

/// ASCII only; the rest is left as it is.
std::string lower_case(std::string_view text);

/// True when each byte is a letter, a digit or one of `others`.
bool only_letters_digits_and(std::string_view text, std::string_view others);

}  // namespace provost::spec
