// Logging for operators: one line, key=value, to standard error (journald under systemd).
// Users are told by events, never by the log. Thread-safe. Secrets never go here.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace provost::log {

enum class Level { debug, info, warning, error };

/// Sets what is shown; info by default.
void set_level(Level level);

/// One line from `room`: "12:34:56.789 warning cluster: <text>".
void write(Level level, std::string_view room, std::string_view text);

template <class... Args>
void debug(std::string_view room, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::debug, room, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(std::string_view room, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::info, room, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(std::string_view room, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warning, room, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(std::string_view room, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, room, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace provost::log
