// What the desk answers about a cluster's policy: drift, why a job waits, what somebody has and may
// have, accounting. Values only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "scheduling/calendar.hpp"
#include "scheduling/jobs.hpp"
#include "scheduling/overlay.hpp"
#include "scheduling/usage.hpp"
#include "scheduling/why.hpp"
#include "service/idle_watch.hpp"
#include "service/selftest.hpp"

namespace provost::service {

/// Something that was done in slurmdbd since Provost put accounts in force last.
struct DriftAct {
  std::string time;  ///< as slurmdbd has it, "2027-03-01T10:00:00"
  std::string actor;
  std::string action;  ///< "Modify QOS"
  std::string what;    ///< where and what, in slurmdbd's words
};

/// What is not as the files want it, by somebody's hand.
struct DriftReport {
  bool mends = false;                 ///< accounts are put right by themselves
  std::vector<std::string> accounts;  ///< differences in slurmdbd
  std::vector<std::string> files;     ///< changes in Slurm's files
  std::vector<DriftAct> acts;
};

struct JobAndWhy {
  scheduling::Job job;
  std::string why;
  std::string unused;  ///< its owner has been warned: since when it is not used, when it goes
};

/// What supervisors changed, as it stands.
struct OverlayLine {
  model::Amendment amendment;
  std::string words;
  std::string why_void;  ///< why it has no effect beside campus.toml; empty: it has
};
struct OverlayReport {
  std::vector<OverlayLine> lines;
};

/// What somebody has changed just now.
struct AmendedReport {
  std::string words;    ///< what is so
  std::string because;  ///< why they may
};

enum class JobAct { hold, release, cancel };

/// The campus's reservations, and those that somebody made by hand.
struct CalendarReport {
  std::vector<scheduling::Announced> announced;
  std::vector<scheduling::SlurmReservation> by_hand;
};

/// The rule about unused allocations, and the jobs it looks at.
struct IdleReport {
  model::IdleRule rule;
  std::vector<IdleJob> jobs;
};

/// An account somebody may submit in.
struct Membership {
  std::string account;
  std::string title;
  std::string department;  ///< the account itself, or the department of a project
  std::vector<std::string> supervisors;
  bool is_default = false;
  bool supervises = false;
  int share = 1;
  std::string fair_share;  ///< Slurm's, from 0 (had much) to 1 (had nothing); empty: not known
  std::string until;
  std::vector<std::string> qos;
  std::vector<std::string> partitions;
  std::vector<scheduling::LimitUse> limits;
};

struct PersonReport {
  std::string name;
  std::string title;
  bool administrator = false;
  std::vector<Membership> accounts;
  std::vector<JobAndWhy> jobs;
  int left_out = 0;                             ///< waiting ones beyond the first hundred
  std::vector<scheduling::Announced> calendar;  ///< of the next two weeks
};

struct DepartmentReport {
  std::string name;
  std::string title;
  std::vector<std::string> supervisors;
  std::vector<std::string> members;
  std::vector<std::string> partitions;
  int share = 1;
  std::vector<scheduling::LimitUse> limits;
  struct Project {
    std::string name;
    std::string title;
    std::string lead;
    std::vector<std::string> members;
    int share = 1;
    int priority = 0;
    std::string until;
    std::vector<scheduling::LimitUse> limits;
  };
  std::vector<Project> projects;
  std::vector<JobAndWhy> jobs;
  int left_out = 0;  ///< waiting ones beyond the first hundred
};

struct UsageOrder {
  scheduling::UsageBy by = scheduling::UsageBy::department;
  scheduling::Period period;
};
struct UsageReport {
  std::vector<scheduling::Usage> rows;
  scheduling::Usage total;
};

}  // namespace provost::service
