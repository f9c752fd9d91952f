// Errors as values. Every function that can fail for a reason outside the program returns
// Result<T>; exceptions of third-party code are caught in the room that calls it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace provost {

/// Closed set of kinds a caller may tell apart. `aws/` maps a kind to an error code, `cli/` to an
/// exit status, each in one table.
enum class ErrorKind {
  invalid,      ///< what was asked makes no sense; asking again will not help
  not_found,    ///< the thing named does not exist
  conflict,     ///< exists already, or its state forbids this now
  denied,       ///< the caller may not do this
  limit,        ///< capacity, quota or range used up
  unavailable,  ///< somebody needed did not answer; asking again may help
  timeout,      ///< took longer than its deadline
  internal,     ///< a fault of Provost's own
};

std::string_view name(ErrorKind kind);

/// A message for a person: lower case, no full stop, what was attempted and what was seen.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  std::string hint;  ///< the next command or step that helps; may be empty

  /// The same error seen from one level up: "while adding node cpu-3: <message>".
  [[nodiscard]] Error within(std::string_view context) const {
    return {kind, fmt::format("{}: {}", context, message), hint};
  }
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

/// Shorthand to return a failure: `return fail(ErrorKind::invalid, "no group \"{}\"", name);`
template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail(ErrorKind kind, fmt::format_string<Args...> format,
                                         Args&&... args) {
  return tl::unexpected<Error>(
      Error{kind, fmt::format(format, std::forward<Args>(args)...), std::string{}});
}

/// The failure of another result, passed up (optionally with a context).
[[nodiscard]] inline tl::unexpected<Error> pass(Error error) {
  return tl::unexpected<Error>(std::move(error));
}
[[nodiscard]] inline tl::unexpected<Error> pass(const Error& error, std::string_view context) {
  return tl::unexpected<Error>(error.within(context));
}

/// A result that is deliberately not looked at; `why` is for the reader.
template <class T>
void ignore(const Result<T>&, [[maybe_unused]] const char* why) {}

}  // namespace provost
