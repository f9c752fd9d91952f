// Reservations of the campus's calendar, as Slurm has them: wanted from campus.toml, seen from
// scontrol, commands from the difference. Pure but for the texts of the commands.
//
// Times are the controller's local ones, as texts: "2027-03-03T14:00:00". A repeating reservation
// is one of Slurm's own (DAILY, or WEEKLY for each of its days); Slurm moves it on by itself. What
// somebody made by hand (without the comment "provost") is left alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/campus.hpp"
#include "model/layout.hpp"
#include "model/plan.hpp"
#include "slurm/client.hpp"

namespace provost::scheduling {

/// One reservation of Slurm's.
struct SlurmReservation {
  std::string name;
  std::string start;
  std::string end;     ///< of its next or present occurrence
  std::string repeat;  ///< "DAILY", "WEEKLY" or empty
  bool maintenance = false;
  std::string nodes;                  ///< a host list
  std::vector<std::string> users;     ///< sorted
  std::vector<std::string> accounts;  ///< sorted
  bool ours = true;                   ///< Provost made it
  int line = 0;                       ///< of campus.toml

  friend bool operator==(const SlurmReservation&, const SlurmReservation&) = default;
};

/// What the campus says, with the nodes it means.
struct Calendar {
  struct Entry {
    model::Reservation said;
    std::string nodes;                  ///< a host list
    std::vector<std::string> users;     ///< sorted
    std::vector<std::string> accounts;  ///< sorted; with users besides, those of the accounts are
                                        ///< among them, and this is empty
  };
  std::vector<Entry> entries;
};

/// The first nodes of its groups, by number, as many as it asks for.
Calendar calendar_of(const model::Campus& campus, const model::Layout& layout);

struct CalendarSeen {
  std::string now;  ///< on the controller
  std::vector<SlurmReservation> reservations;
  friend bool operator==(const CalendarSeen&, const CalendarSeen&) = default;
};

/// Runs on the controller.
std::vector<std::string> see_calendar_command();
/// Of what it printed. Any text.
CalendarSeen parse_calendar(std::string_view text);

/// What Slurm shall have now: what has ended is not wanted, what repeats begins with its next
/// occurrence.
std::vector<SlurmReservation> reservations_wanted(const Calendar& calendar, const std::string& now);

/// One change, as arguments of scontrol and in words.
struct CalendarChange {
  std::vector<std::string> arguments;  ///< behind "scontrol"
  std::string words;                   ///< "makes course-ai-101"
};
/// In the order in which they are made. Empty: Slurm has what is wanted.
std::vector<CalendarChange> calendar_changes(const Calendar& calendar, const CalendarSeen& seen);

/// "2 nodes of gpu, Tue,Thu 14:00-17:00, for nlp" for people.
std::string reservation_words(const model::Reservation& reservation);

/// The reservations of `seen` that a person should know of: those they may use, and maintenance;
/// with when each comes next.
struct Announced {
  std::string name;
  std::string words;
  std::string next;  ///< local time
  std::string end;
  bool maintenance = false;
  int line = 0;
};
std::vector<Announced> announced(const Calendar& calendar, const CalendarSeen& seen);

}  // namespace provost::scheduling
