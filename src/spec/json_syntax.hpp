// Words for what is wrong with a JSON text. The reader's library knows that something is wrong;
// this finds the place a person would look at and says what belongs there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace provost::spec {

struct SyntaxError {
  std::size_t offset = 0;
  std::string what;
  std::string better;
};

/// What stood last before the place where reading stopped.
enum class Before { nothing, open_object, open_list, value_in_object, value_in_list };

/// What is wrong in `text` from `next` on, where `before` stands just before `next`. Looks as far
/// as the next value; nothing when it finds no fault there.
std::optional<SyntaxError> explain_token(std::string_view text, std::size_t next, Before before);

/// A hint for what other languages allow at this place; empty when there is none.
std::string foreign_hint(std::string_view text, std::size_t at);

/// Offset after the scalar (string, number or word) at `at`.
std::size_t after_scalar(std::string_view text, std::size_t at);

/// The first string without an end on its line.
std::optional<SyntaxError> explain_strings(std::string_view text);

/// The first bracket without its partner, or what follows the end of the document.
std::optional<SyntaxError> explain_brackets(std::string_view text);

}  // namespace provost::spec
