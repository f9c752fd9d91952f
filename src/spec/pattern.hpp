// The named patterns that shapes and rules hold names against: a predicate and its words.
#pragma once

#include <string>
#include <string_view>

namespace provost::spec {

struct Pattern {
  std::string_view name;
  bool (*matches)(std::string_view);
  std::string_view words;  ///< follows "it must be"
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
