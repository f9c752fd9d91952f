// Small functions on text that several rooms need.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace provost {

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// Whether one of `names` is `name`.
bool has(const std::vector<std::string>& names, std::string_view name);
std::string_view trim(std::string_view text);

/// The candidate nearest to `word` by edit distance, if near enough to be what was meant
/// (at most a third of its length, at least 1). For "did you mean".
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);

/// `; did you mean "x"?`-style hint, or a list of the candidates when few, or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// At most `length` bytes of printable text; the rest is replaced by "…", control characters by
/// escapes. For quoting a stranger's value in a message.
std::string shorten(std::string_view text, std::size_t length = 60);

/// A whole decimal number without sign, spaces or rest; nothing else is accepted.
std::optional<std::int64_t> to_number(std::string_view text);

/// Standard base64 with padding.
std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

/// Lower-case hexadecimal.
std::string to_hex(std::string_view bytes);

}  // namespace provost
