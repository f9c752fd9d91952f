#include "model/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace provost::model {
namespace {

constexpr std::int64_t kHour = 60;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kWeek = 7 * kDay;
constexpr std::int64_t kMostDigits = 9;

std::string counted(std::int64_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

std::int64_t minutes_of(char unit) {
  switch (unit) {
    case 'm':
      return 1;
    case 'h':
      return kHour;
    case 'd':
      return kDay;
    case 'w':
      return kWeek;
    default:
      return -1;
  }
}

// The number at the front of `text`, taken away; -1: none, or a long one.
std::int64_t take_number(std::string_view& text) {
  std::int64_t number = -1;
  for (int digits = 0; !text.empty() && text[0] >= '0' && text[0] <= '9'; ++digits) {
    if (digits == kMostDigits) {
      return -1;
    }
    number = std::max<std::int64_t>(number, 0) * 10 + (text[0] - '0');
    text.remove_prefix(1);
  }
  return number;
}

}  // namespace

const LimitKind* find_limit_kind(std::string_view name) {
  const auto* found = std::find_if(kLimitKinds.begin(), kLimitKinds.end(),
                                   [&](const LimitKind& kind) { return kind.name == name; });
  return found == kLimitKinds.end() ? nullptr : found;
}

std::string duration_words(std::int64_t minutes) {
  std::string words;
  const auto add = [&](std::int64_t number, std::string_view what) {
    if (number > 0) {
      words += (words.empty() ? "" : " ") + counted(number, what);
    }
  };
  add(minutes / kDay, "day");
  add(minutes % kDay / kHour, "hour");
  add(minutes % kHour, "minute");
  return words.empty() ? "0 minutes" : words;
}

std::string slurm_duration(std::int64_t minutes) {
  const std::int64_t days = minutes / kDay;
  return fmt::format("{}{:02}:{:02}:00", days > 0 ? fmt::format("{}-", days) : "",
                     minutes % kDay / kHour, minutes % kHour);
}

std::string memory_words(std::int64_t mib) {
  constexpr std::int64_t kGib = 1024;
  return mib % kGib == 0 ? fmt::format("{} GiB", mib / kGib) : fmt::format("{} MiB", mib);
}

std::string limit_words(const LimitKind& kind, std::int64_t value) {
  if (kind.name == "wall") {
    return duration_words(value);
  }
  return kind.tres == "mem" ? memory_words(value) : fmt::format("{}", value);
}

std::int64_t read_duration(std::string_view text) {
  std::int64_t minutes = 0;
  if (text.empty()) {
    return -1;
  }
  while (!text.empty()) {
    const std::int64_t number = take_number(text);
    const std::int64_t unit = text.empty() ? -1 : minutes_of(text[0]);
    if (number < 0 || unit < 0) {
      return -1;
    }
    minutes += number * unit;
    text.remove_prefix(1);
  }
  return minutes <= std::numeric_limits<std::int32_t>::max() ? minutes : -1;
}

std::int64_t read_memory(std::string_view text) {
  const std::int64_t number = take_number(text);
  if (number < 0 || text.size() != 1) {
    return -1;
  }
  switch (text[0]) {
    case 'M':
      return number;
    case 'G':
      return number * 1024;
    case 'T':
      return number * 1024 * 1024;
    default:
      return -1;
  }
}

}  // namespace provost::model
