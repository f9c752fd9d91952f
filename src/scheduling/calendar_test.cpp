#include "scheduling/calendar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/text.hpp"

namespace provost::scheduling {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kMonday = "2027-03-01T10:00:00";

model::Layout layout() {
  model::Layout layout;
  const auto add = [&](const char* group, int count, model::Role role) {
    for (int i = 1; i <= count; ++i) {
      layout.nodes.push_back(
          {.name = fmt::format("{}-{}", group, i), .group = group, .number = i, .role = role});
    }
  };
  add("controller", 1, model::Role::controller);
  add("cpu", 3, model::Role::compute);
  add("gpu", 2, model::Role::compute);
  return layout;
}

model::Campus campus(const model::Reservation& reservation) {
  model::Campus campus;
  campus.departments.push_back({.name = "nlp", .supervisors = {"linh"}, .members = {"minh"}});
  campus.departments[0].projects.push_back({.name = "viet-llm", .lead = "minh", .members = {"an"}});
  campus.reservations.push_back(reservation);
  return campus;
}

Calendar calendar(const model::Reservation& reservation) {
  return calendar_of(campus(reservation), layout());
}

std::vector<std::string> times(const model::Reservation& reservation, const char* now) {
  std::vector<std::string> all;
  for (const SlurmReservation& each : reservations_wanted(calendar(reservation), now)) {
    all.push_back(fmt::format("{} {} {} {}", each.name, each.start, each.end, each.repeat));
  }
  return all;
}

TEST(Calendar, TakesTheFirstNodesOfItsGroups) {
  EXPECT_EQ(calendar({.name = "c", .department = "nlp"}).entries[0].nodes, "cpu-[1-3],gpu-[1-2]");
  EXPECT_EQ(calendar({.name = "c", .groups = {"gpu"}, .nodes = 1}).entries[0].nodes, "gpu-1");
}

TEST(Calendar, WithPeopleBesideADepartmentItIsUsersAlone) {
  const auto both = calendar({.name = "c", .department = "nlp", .people = {"chi"}}).entries[0];
  EXPECT_THAT(both.users, ElementsAre("an", "chi", "linh", "minh"));
  EXPECT_THAT(both.accounts, IsEmpty());
  EXPECT_THAT(calendar({.name = "c", .department = "viet-llm"}).entries[0].accounts,
              ElementsAre("viet-llm"));
}

TEST(Calendar, OnceIsWantedUntilItsEnd) {
  const model::Reservation once{.name = "exam",
                                .department = "nlp",
                                .from = "2027-03-03T08:00:00",
                                .until = "2027-03-03T12:00:00"};
  EXPECT_THAT(times(once, kMonday), ElementsAre("exam 2027-03-03T08:00:00 2027-03-03T12:00:00 "));
  EXPECT_THAT(times(once, "2027-03-03T12:00:00"), IsEmpty());
}

TEST(Calendar, ADayIsMeantToItsEnd) {
  EXPECT_THAT(times({.name = "m", .from = "2027-03-03", .until = "2027-03-03", .maintenance = true},
                    kMonday),
              ElementsAre("m 2027-03-03T00:00:00 2027-03-04T00:00:00 "));
}

TEST(Calendar, RepeatsOnEachOfItsDays) {
  const model::Reservation course{
      .name = "course", .department = "nlp", .until = "2027-03-10", .every = "Mon,Thu 09:00-11:00"};
  EXPECT_THAT(times(course, kMonday),
              ElementsAre("course-mon 2027-03-08T09:00:00 2027-03-08T11:00:00 WEEKLY",
                          "course-thu 2027-03-04T09:00:00 2027-03-04T11:00:00 WEEKLY"));
  EXPECT_THAT(times(course, "2027-03-05T00:00:00"),
              ElementsAre(HasSubstr("course-mon 2027-03-08")));
  EXPECT_THAT(times({.name = "d", .department = "nlp", .every = "day 12:00-13:30"}, kMonday),
              ElementsAre("d 2027-03-01T12:00:00 2027-03-01T13:30:00 DAILY"));
  EXPECT_THAT(
      times({.name = "w", .department = "nlp", .from = "2027-04-01", .every = "Mon 09:00-11:00"},
            kMonday),
      ElementsAre("w 2027-04-05T09:00:00 2027-04-05T11:00:00 WEEKLY"));
}

// As scontrol of 24.11 prints them.
constexpr const char* kSeen =
    "now=2027-03-01T10:00:00\n"
    "ReservationName=course StartTime=2027-03-02T14:00:00 EndTime=2027-03-02T17:00:00 "
    "Duration=03:00:00 Nodes=gpu-[1-2] NodeCnt=2 CoreCnt=8 Features=(null) PartitionName=(null) "
    "Flags=IGNORE_JOBS,WEEKLY,SPEC_NODES,MAGNETIC TRES=cpu=8 Users=(null) Groups=(null) "
    "Accounts=nlp Licenses=(null) State=INACTIVE BurstBuffer=(null) MaxStartDelay=(null) "
    "Comment=provost\n"
    "ReservationName=by-hand StartTime=2027-03-02T14:00:00 EndTime=2027-03-02T17:00:00 "
    "Nodes=cpu-1 Flags=SPEC_NODES Users=root Accounts=(null) Comment=(null)\n";

TEST(Calendar, WhatIsSeenIsLeftAsItIsWhenItIsWanted) {
  const CalendarSeen seen = parse_calendar(kSeen);
  ASSERT_EQ(seen.reservations.size(), 2U);
  EXPECT_FALSE(seen.reservations[1].ours);
  const model::Reservation course{
      .name = "course", .department = "nlp", .groups = {"gpu"}, .every = "Tue 14:00-17:00"};
  EXPECT_THAT(calendar_changes(calendar(course), seen), IsEmpty());
}

TEST(Calendar, ChangesAreToldAndMade) {
  const CalendarSeen seen = parse_calendar(kSeen);
  const auto first = [&](const model::Reservation& reservation) {
    std::vector<std::string> all;
    for (const CalendarChange& each : calendar_changes(calendar(reservation), seen)) {
      all.push_back(join(each.arguments, " "));
    }
    return all;
  };
  model::Reservation course{.name = "course",
                            .department = "nlp",
                            .groups = {"gpu"},
                            .nodes = 1,
                            .every = "Tue 14:00-17:00"};
  EXPECT_THAT(first(course), ElementsAre("update ReservationName=course Nodes=gpu-1"));
  course.nodes = 0;
  course.every = "Wed 14:00-17:00";
  EXPECT_THAT(first(course),
              ElementsAre("delete ReservationName=course",
                          "create reservation ReservationName=course "
                          "StartTime=2027-03-03T14:00:00 EndTime=2027-03-03T17:00:00 "
                          "Nodes=gpu-[1-2] Flags=MAGNETIC,IGNORE_JOBS,WEEKLY Comment=provost "
                          "Accounts=nlp"));
  EXPECT_THAT(
      first({.name = "closed", .from = "2027-03-01", .until = "2027-03-02", .maintenance = true}),
      ElementsAre("delete ReservationName=course",
                  "create reservation ReservationName=closed StartTime=now "
                  "EndTime=2027-03-03T00:00:00 Nodes=cpu-[1-3],gpu-[1-2] "
                  "Flags=MAINT,IGNORE_JOBS Comment=provost Users=root"));
}

TEST(Calendar, NothingIsDoneWithoutTheControllersTime) {
  EXPECT_THAT(calendar_changes(
                  calendar({.name = "c", .department = "nlp", .every = "day 01:00-02:00"}), {}),
              IsEmpty());
}

TEST(Calendar, WhatConcernsAPersonIsAnnounced) {
  const auto all = announced(calendar({.name = "course",
                                       .department = "nlp",
                                       .groups = {"gpu"},
                                       .every = "Tue 14:00-17:00",
                                       .line = 9}),
                             parse_calendar(kSeen));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].words, "all nodes of gpu, Tue 14:00-17:00, for nlp");
  EXPECT_EQ(all[0].next, "2027-03-02T14:00:00");
  EXPECT_EQ(all[0].line, 9);
}

// What is made is what is wanted: nothing is left to change, at any later moment of its life.
RC_GTEST_PROP(Calendar, AppliedItLeavesNothingToChange, ()) {
  const std::string days = *rc::gen::element<std::string>("day", "Mon", "Tue,Fri", "Sat,Sun,Wed");
  const int begin = *rc::gen::inRange(0, 22);
  const model::Reservation said{
      .name = "r",
      .department = "nlp",
      .nodes = *rc::gen::inRange(0, 5),
      .from = *rc::gen::element<std::string>("", "2027-02-01", "2027-03-20"),
      .every = fmt::format("{} {:02}:00-{:02}:30", days, begin, begin + 1)};
  CalendarSeen seen{.now = fmt::format("2027-03-{:02}T{:02}:{:02}:00", *rc::gen::inRange(1, 28),
                                       *rc::gen::inRange(0, 24), *rc::gen::inRange(0, 60))};
  seen.reservations = reservations_wanted(calendar(said), seen.now);
  RC_ASSERT(!seen.reservations.empty());
  RC_ASSERT(calendar_changes(calendar(said), seen).empty());
  const std::string later = seen.reservations.front().start;
  seen.now = later.substr(0, 14) + "10:00";  // within the first occurrence
  RC_ASSERT(calendar_changes(calendar(said), seen).empty());
}

}  // namespace
}  // namespace provost::scheduling
