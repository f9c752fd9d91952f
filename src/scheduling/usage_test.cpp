#include "scheduling/usage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace provost::scheduling {
namespace {

constexpr std::int64_t kHour = 3'600'000;

// As sacct of 24.11 prints it, a step below its job.
constexpr std::string_view kRecords =
    "1|minh|nlp|3600|7200|10800|billing=2,cpu=2,gres/gpu=1,mem=2G,node=1|01:00:00|\n"
    "1.batch||nlp|7200|7200|10800|cpu=2,mem=2G,node=1|01:00:00|1048576K\n"
    "1.extern||nlp|7200|7200|10800|cpu=2|00:00:00|0\n"
    "2|an|llm|7200|7200|14400|cpu=4,mem=4G,node=1|1-00:00:00|\n"
    "3|duc|vision|7200|10800|Unknown|cpu=1,mem=1G,node=1|00:00:00|\n"
    "4|duc|vision|7200|Unknown|Unknown||00:00:00|\n"
    "5|eve|by-hand|0|3600|7200|cpu=8,mem=1G|00:00.500|\n"
    "rubbish\n";

model::Campus campus() {
  model::Campus made;
  made.departments = {{.name = "nlp",
                       .title = "Language",
                       .supervisors = {"linh", "tam"},
                       .projects = {{.name = "llm"}}},
                      {.name = "vision"}};
  return made;
}

const Period kPeriod{from_millis(2 * kHour), from_millis(5 * kHour)};
const UtcTime kNow = from_millis(4 * kHour);

std::map<std::string, Usage> by(UsageBy what, const Period& period = kPeriod) {
  static const model::Campus kCampus = campus();
  std::map<std::string, Usage> rows;
  for (const Usage& each : usage_of(parse_records(kRecords), &kCampus, what, period, kNow)) {
    rows[each.name] = each;
  }
  return rows;
}

TEST(Usage, IsOfADepartmentWithItsProjects) {
  const auto rows = by(UsageBy::department);
  EXPECT_DOUBLE_EQ(rows.at("nlp").cpu_hours, 2 + 8);
  EXPECT_DOUBLE_EQ(rows.at("nlp").gpu_hours, 1);
  EXPECT_EQ(rows.at("nlp").title, "Language");
  EXPECT_DOUBLE_EQ(rows.at("vision").cpu_hours, 1) << "what runs counts until now";
  EXPECT_EQ(rows.count("by-hand"), 0U) << "it ended as the period began";
}

TEST(Usage, CountsAJobWithinThePeriodOnly) {
  const Period half{from_millis(2 * kHour), from_millis(2 * kHour + kHour / 2)};
  EXPECT_DOUBLE_EQ(by(UsageBy::user, half).at("minh").cpu_hours, 1);
  EXPECT_EQ(by(UsageBy::user, half).count("duc"), 0U);
}

TEST(Usage, KnowsWaitsAndHowMuchWasUsedOfWhatWasAskedFor) {
  const auto rows = by(UsageBy::user);
  EXPECT_DOUBLE_EQ(rows.at("minh").mean_wait_seconds, 3600);
  EXPECT_DOUBLE_EQ(rows.at("minh").cpu_efficiency, 0.5);
  EXPECT_DOUBLE_EQ(rows.at("minh").memory_efficiency, 0.5);
  EXPECT_DOUBLE_EQ(rows.at("duc").cpu_efficiency, -1) << "nothing of theirs ended";
}

TEST(Usage, AddsUpToTheSameWhoeverItIsOf) {
  for (std::int64_t from = 0; from < 5; ++from) {
    const Period period{from_millis(from * kHour), from_millis(from * kHour + 2 * kHour)};
    const Usage total = total_of(parse_records(kRecords), period, kNow);
    for (const UsageBy what : {UsageBy::department, UsageBy::project, UsageBy::user}) {
      double cpus = 0;
      int jobs = 0;
      for (const auto& [name, usage] : by(what, period)) {
        cpus += usage.cpu_hours;
        jobs += usage.jobs;
      }
      EXPECT_NEAR(cpus, total.cpu_hours, 1e-9);
      EXPECT_EQ(jobs, total.jobs);
    }
  }
}

TEST(Usage, GivesEachSupervisorTheirDepartment) {
  const auto rows = by(UsageBy::supervisor);
  EXPECT_DOUBLE_EQ(rows.at("linh").cpu_hours, rows.at("tam").cpu_hours);
  EXPECT_TRUE(rows.contains("vision")) << "nobody supervises it";
}

}  // namespace
}  // namespace provost::scheduling
