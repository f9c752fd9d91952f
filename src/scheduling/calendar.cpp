#include "scheduling/calendar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <set>

#include "base/text.hpp"
#include "slurm/hostlist.hpp"

namespace provost::scheduling {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr const char* kMark = "provost";
constexpr std::size_t kDate = 10;  // "2027-03-03"
constexpr std::array kWeekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

constexpr const char* kSeeCalendar = R"sh(set -u -o pipefail
date +now=%Y-%m-%dT%H:%M:%S
scontrol -o show reservations | cat
)sh";

// A local time taken for one of UTC: nothing but differences and weekdays are computed.
std::optional<sys_seconds> read_time(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  const int read = std::sscanf(text.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d", &year, &month, &day, &hour,
                               &minute, &second);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (read < 3 || !date.ok()) {
    return std::nullopt;
  }
  return sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

std::string to_text(sys_seconds time) {
  const sys_days day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string field(std::string_view line, std::string_view name) {
  const std::string key = std::string(name) + "=";
  for (const std::string& word : split(line, ' ')) {
    if (word.starts_with(key)) {
      std::string value = word.substr(key.size());
      return value == "(null)" ? std::string() : value;
    }
  }
  return {};
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::vector<std::string> list_of(const std::string& text) {
  return text.empty() ? std::vector<std::string>() : sorted(split(text, ','));
}

std::vector<std::string> nodes_of(const model::Reservation& said, const model::Layout& layout) {
  std::vector<std::string> nodes;
  for (const model::NodePlace& place : layout.nodes) {
    const bool taken = said.groups.empty() || has(said.groups, place.group);
    if (place.role == model::Role::compute && taken) {
      nodes.push_back(place.name);
    }
  }
  if (said.nodes > 0 && static_cast<std::size_t>(said.nodes) < nodes.size()) {
    nodes.resize(static_cast<std::size_t>(said.nodes));
  }
  return nodes;
}

// Slurm lets nobody in who is not among both users and accounts, so with both it is users alone.
void set_people(Calendar::Entry& entry, const model::Campus& campus) {
  const model::Reservation& said = entry.said;
  if (said.maintenance) {
    entry.users = {"root"};
    return;
  }
  if (said.people.empty()) {
    entry.accounts = {said.department};
    return;
  }
  entry.users = said.people;
  const model::Campus::Found found = campus.find_account(said.department);
  const auto add = [&](const std::vector<std::string>& names) {
    entry.users.insert(entry.users.end(), names.begin(), names.end());
  };
  if (found.project != nullptr) {
    add(found.project->members);
    add({found.project->lead});
  } else if (found.department != nullptr) {
    add(found.department->members);
    add(found.department->supervisors);
    for (const model::Project& each : found.department->projects) {
      add(each.members);
    }
  }
  std::erase(entry.users, std::string());
  entry.users = sorted(std::move(entry.users));
}

// ---- Repeating ones

struct Times {
  std::chrono::seconds begin{};
  std::chrono::seconds end{};
};

std::optional<Times> times_of(const std::string& every) {
  int begin_hour = 0;
  int begin_minute = 0;
  int end_hour = 0;
  int end_minute = 0;
  const std::size_t space = every.find(' ');
  if (space == std::string::npos ||
      std::sscanf(every.c_str() + space + 1, "%2d:%2d-%2d:%2d", &begin_hour, &begin_minute,
                  &end_hour, &end_minute) != 4) {
    return std::nullopt;
  }
  return Times{std::chrono::hours(begin_hour) + std::chrono::minutes(begin_minute),
               std::chrono::hours(end_hour) + std::chrono::minutes(end_minute)};
}

SlurmReservation base_of(const Calendar::Entry& entry, const std::string& name) {
  return {.name = name,
          .start = {},
          .end = {},
          .repeat = {},
          .maintenance = entry.said.maintenance,
          .nodes = entry.nodes,
          .users = entry.users,
          .accounts = entry.accounts,
          .line = entry.said.line};
}

// The next occurrence that begins after `now`, on a day of that number (7: any), not before the
// first day and not after the last.
std::optional<sys_seconds> next_begin(const model::Reservation& said, unsigned weekday,
                                      std::chrono::seconds begin, sys_seconds now) {
  constexpr unsigned kAnyDay = 7;
  sys_days day = std::chrono::floor<days>(now);
  if (const auto from = read_time(said.from)) {
    day = std::max(day, sys_days(std::chrono::floor<days>(*from)));
  }
  for (unsigned i = 0; i <= kAnyDay; ++i, day += days(1)) {
    const bool fits = weekday == kAnyDay || std::chrono::weekday(day).c_encoding() == weekday;
    if (fits && day + begin > now) {
      const auto until = read_time(said.until);
      const bool over = until && day > std::chrono::floor<days>(*until);
      return over ? std::nullopt : std::optional<sys_seconds>(day + begin);
    }
  }
  return std::nullopt;
}

void add_repeating(const Calendar::Entry& entry, sys_seconds now,
                   std::vector<SlurmReservation>& wanted) {
  constexpr unsigned kAnyDay = 7;
  const auto times = times_of(entry.said.every);
  if (!times) {
    return;
  }
  const auto names = split(entry.said.every.substr(0, entry.said.every.find(' ')), ',');
  const bool daily = names.front() == "day";
  for (const std::string& name : names) {
    const auto found = std::find(kWeekdays.begin(), kWeekdays.end(), name);
    const unsigned weekday =
        daily ? kAnyDay : static_cast<unsigned>(std::distance(kWeekdays.begin(), found));
    const auto begin = next_begin(entry.said, weekday, times->begin, now);
    if (!begin) {
      continue;
    }
    std::string suffix = names.size() > 1 ? "-" + name : "";
    std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    SlurmReservation one = base_of(entry, entry.said.name + suffix);
    one.repeat = daily ? "DAILY" : "WEEKLY";
    one.start = to_text(*begin);
    one.end = to_text(*begin + (times->end - times->begin));
    wanted.push_back(std::move(one));
  }
}

// ---- Comparing

std::string clock_of(const std::string& time) {
  return time.size() > kDate ? time.substr(kDate + 1) : "";
}

std::string weekday_of(const std::string& time) {
  const auto read = read_time(time);
  return read ? kWeekdays.at(std::chrono::weekday(std::chrono::floor<days>(*read)).c_encoding())
              : std::string();
}

// Slurm moves what repeats on, and one that has begun keeps the beginning that it had. One whose
// first day is still to come must not come earlier.
bool same_times(const SlurmReservation& wanted, const SlurmReservation& seen,
                const std::string& now) {
  if (wanted.repeat != seen.repeat) {
    return false;
  }
  if (wanted.repeat.empty()) {
    return wanted.end == seen.end &&
           (wanted.start == seen.start || (wanted.start <= now && seen.start <= now));
  }
  const bool same_day =
      wanted.repeat == "DAILY" || weekday_of(wanted.start) == weekday_of(seen.start);
  const bool not_early = seen.start >= wanted.start || seen.start <= now;
  return same_day && not_early && clock_of(wanted.start) == clock_of(seen.start) &&
         clock_of(wanted.end) == clock_of(seen.end);
}

bool same(const SlurmReservation& wanted, const SlurmReservation& seen, const std::string& now) {
  return same_times(wanted, seen, now) && wanted.maintenance == seen.maintenance &&
         wanted.users == seen.users && wanted.accounts == seen.accounts;
}

std::vector<std::string> create(const SlurmReservation& wanted, const std::string& now) {
  std::string flags = wanted.maintenance ? "MAINT,IGNORE_JOBS" : "MAGNETIC,IGNORE_JOBS";
  flags += wanted.repeat.empty() ? "" : "," + wanted.repeat;
  std::vector<std::string> arguments{"create",
                                     "reservation",
                                     "ReservationName=" + wanted.name,
                                     "StartTime=" + (wanted.start <= now ? "now" : wanted.start),
                                     "EndTime=" + wanted.end,
                                     "Nodes=" + wanted.nodes,
                                     "Flags=" + flags,
                                     std::string("Comment=") + kMark};
  if (!wanted.users.empty()) {
    arguments.push_back("Users=" + join(wanted.users, ","));
  }
  if (!wanted.accounts.empty()) {
    arguments.push_back("Accounts=" + join(wanted.accounts, ","));
  }
  return arguments;
}

const SlurmReservation* find(const std::vector<SlurmReservation>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const SlurmReservation& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

Calendar calendar_of(const model::Campus& campus, const model::Layout& layout) {
  Calendar calendar;
  for (const model::Reservation& said : campus.reservations) {
    Calendar::Entry entry{.said = said, .nodes = {}, .users = {}, .accounts = {}};
    entry.nodes = slurm::compress(nodes_of(said, layout));
    set_people(entry, campus);
    if (!entry.nodes.empty()) {
      calendar.entries.push_back(std::move(entry));
    }
  }
  return calendar;
}

std::vector<std::string> see_calendar_command() {
  return {"/bin/bash", "-c", kSeeCalendar, "see-calendar"};
}

CalendarSeen parse_calendar(std::string_view text) {
  CalendarSeen seen;
  for (const std::string& line : split(text, '\n')) {
    if (line.starts_with("now=")) {
      seen.now = line.substr(4);
      continue;
    }
    SlurmReservation one{.name = field(line, "ReservationName"),
                         .start = field(line, "StartTime"),
                         .end = field(line, "EndTime"),
                         .repeat = {},
                         .nodes = field(line, "Nodes"),
                         .users = list_of(field(line, "Users")),
                         .accounts = list_of(field(line, "Accounts")),
                         .ours = field(line, "Comment") == kMark};
    if (one.name.empty()) {
      continue;
    }
    const std::vector<std::string> flags = split(field(line, "Flags"), ',');
    one.maintenance = has(flags, "MAINT");
    one.repeat = has(flags, "WEEKLY") ? "WEEKLY" : has(flags, "DAILY") ? "DAILY" : "";
    if (const auto nodes = slurm::expand(one.nodes)) {
      one.nodes = slurm::compress(sorted(*nodes));
    }
    seen.reservations.push_back(std::move(one));
  }
  return seen;
}

std::vector<SlurmReservation> reservations_wanted(const Calendar& calendar,
                                                  const std::string& now) {
  std::vector<SlurmReservation> wanted;
  const auto time = read_time(now);
  for (const Calendar::Entry& entry : calendar.entries) {
    if (!time) {
      break;
    }
    if (!entry.said.every.empty()) {
      add_repeating(entry, *time, wanted);
      continue;
    }
    const auto from = read_time(entry.said.from);
    auto until = read_time(entry.said.until);
    if (until && entry.said.until.size() == kDate) {
      *until += days(1);  // a day is meant to its end
    }
    if (from && until && *until > *time) {
      SlurmReservation one = base_of(entry, entry.said.name);
      one.start = to_text(*from);
      one.end = to_text(*until);
      wanted.push_back(std::move(one));
    }
  }
  for (SlurmReservation& each : wanted) {
    if (const auto nodes = slurm::expand(each.nodes)) {
      each.nodes = slurm::compress(sorted(*nodes));
    }
  }
  return wanted;
}

std::vector<CalendarChange> calendar_changes(const Calendar& calendar, const CalendarSeen& seen) {
  std::vector<CalendarChange> changes;
  if (seen.now.empty()) {
    return changes;
  }
  const std::vector<SlurmReservation> wanted = reservations_wanted(calendar, seen.now);
  const auto drop = [&](const SlurmReservation& each) {
    changes.push_back({{"delete", "ReservationName=" + each.name}, "takes away " + each.name});
  };
  for (const SlurmReservation& each : seen.reservations) {
    const bool ended = each.end <= seen.now;  // Slurm takes it away by itself
    if (each.ours && !ended && find(wanted, each.name) == nullptr) {
      drop(each);
    }
  }
  for (const SlurmReservation& each : wanted) {
    const SlurmReservation* known = find(seen.reservations, each.name);
    if (known != nullptr && same(each, *known, seen.now)) {
      if (known->nodes != each.nodes) {
        changes.push_back({{"update", "ReservationName=" + each.name, "Nodes=" + each.nodes},
                           fmt::format("{} takes {}", each.name, each.nodes)});
      }
      continue;
    }
    if (known != nullptr) {
      drop(*known);
    }
    changes.push_back({create(each, seen.now),
                       fmt::format("makes {}, {} to {}", each.name, each.start, each.end)});
  }
  return changes;
}

std::string reservation_words(const model::Reservation& reservation) {
  std::string words = reservation.nodes > 0 ? fmt::format("{} node{}", reservation.nodes,
                                                          reservation.nodes == 1 ? "" : "s")
                                            : std::string("all nodes");
  if (!reservation.groups.empty()) {
    words += " of " + join(reservation.groups, ", ");
  }
  if (!reservation.every.empty()) {
    words += ", " + (reservation.every.starts_with("day") ? "every " : std::string()) +
             reservation.every;
    words += reservation.until.empty() ? "" : " until " + reservation.until;
  } else {
    words += fmt::format(", {} to {}", reservation.from, reservation.until);
  }
  if (reservation.maintenance) {
    return words + ", maintenance: no jobs run";
  }
  std::vector<std::string> whom = reservation.people;
  if (!reservation.department.empty()) {
    whom.insert(whom.begin(), reservation.department);
  }
  return words + ", for " + join(whom, ", ");
}

std::vector<Announced> announced(const Calendar& calendar, const CalendarSeen& seen) {
  std::vector<Announced> found;
  for (const Calendar::Entry& entry : calendar.entries) {
    const Calendar alone{.entries = {entry}};
    for (const SlurmReservation& each : reservations_wanted(alone, seen.now)) {
      const SlurmReservation* known = find(seen.reservations, each.name);
      found.push_back({.name = each.name,
                       .words = reservation_words(entry.said),
                       .next = known == nullptr ? each.start : known->start,
                       .end = known == nullptr ? each.end : known->end,
                       .maintenance = entry.said.maintenance,
                       .line = entry.said.line});
    }
  }
  return found;
}

}  // namespace provost::scheduling
