// Time: UTC only, whole milliseconds. Decisions take `now` as an argument; only programs and the
// engine ask the clock.
#pragma once

#include <chrono>
#include <string>

namespace provost {

using UtcTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// The wall clock now.
UtcTime now_utc();

/// "2027-03-01T12:34:56.789Z".
std::string to_iso(UtcTime time);

/// "12:34:56" in UTC, for lines of a log.
std::string to_clock(UtcTime time);

/// Milliseconds since 1970, the form in which times are stored and sent.
inline std::int64_t to_millis(UtcTime time) { return time.time_since_epoch().count(); }
inline UtcTime from_millis(std::int64_t millis) {
  return UtcTime(std::chrono::milliseconds(millis));
}

/// For people: "0.4 s", "12 s", "3 min 5 s", "2 h 4 min", "3 d 1 h".
std::string to_words(std::chrono::milliseconds duration);

}  // namespace provost
