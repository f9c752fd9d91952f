#include "scheduling/why.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace provost::scheduling {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

model::Campus campus() {
  model::Campus made;
  made.qos = {
      {.name = "normal",
       .limits = {{"gpus_per_user", {8, 13}}, {"jobs_per_user", {2, 14}}, {"wall", {60, 15}}}}};
  made.departments = {{.name = "nlp",
                       .limits = {{"gpus", {16, 30}}, {"cpus_per_user", {4, 31}}},
                       .projects = {{.name = "llm", .limits = {{"gpus", {4, 40}}}}}}};
  return made;
}

Job job(const std::string& id, const std::string& user, const std::string& account, int gpus,
        const std::string& reason = "") {
  Job made{.id = id,
           .user = user,
           .account = account,
           .partition = "gpu",
           .qos = "normal",
           .state = reason.empty() ? "RUNNING" : "PENDING",
           .reason = reason,
           .amounts = {{"cpu", 2}, {"gres/gpu", gpus}}};
  made.end = from_millis(1'800'000'000'000);
  return made;
}

std::string told(const Job& waiting, std::vector<Job> others = {}) {
  static const model::Campus kCampus = campus();
  others.push_back(waiting);
  return why({.job = waiting,
              .jobs = others,
              .waiting = {{"gpu", 2}},
              .campus = &kCampus,
              .partitions = {{.name = "gpu", .groups = {"g"}}, {.name = "cpu", .groups = {"c"}}},
              .now = from_millis(1'799'990'000'000)});
}

TEST(Why, NamesTheLimitItsLineWhoHasItAndTheWayOut) {
  const std::string text =
      told(job("9", "minh", "nlp", 4, "QOSMaxGRESPerUser"), {job("7", "minh", "nlp", 6)});
  EXPECT_THAT(text, HasSubstr("6 of 8 GPUs per user of QoS normal are in use (campus.toml:13)"));
  EXPECT_THAT(text, HasSubstr("job 7 with 6"));
  EXPECT_THAT(text, HasSubstr("it asks for 4"));
  EXPECT_THAT(text, HasSubstr("sooner if it asks for 2 or less"));
}

TEST(Why, CountsEverybodysJobsInADepartmentsLimitAndNotThoseOfOthers) {
  const std::string text =
      told(job("9", "minh", "nlp", 2, "AssocGrpGRES"),
           {job("7", "an", "nlp", 12), job("8", "an", "llm", 4), job("6", "duc", "vision", 8)});
  EXPECT_THAT(text, HasSubstr("16 of 16 GPUs together of department nlp"));
  EXPECT_THAT(text, HasSubstr("job 7 of an with 12, job 8 of an with 4"));
  EXPECT_THAT(text, Not(HasSubstr("duc")));
}

TEST(Why, FindsTheProjectsLimitWhenThatIsTheOneUsedUp) {
  EXPECT_THAT(told(job("9", "minh", "llm", 1, "AssocGrpGRES"), {job("8", "an", "llm", 4)}),
              HasSubstr("4 of 4 GPUs together of project llm are in use (campus.toml:40)"));
}

TEST(Why, SaysWhatCanNeverStart) {
  EXPECT_THAT(told(job("9", "minh", "nlp", 9, "QOSMaxGRESPerUser")),
              HasSubstr("more than it can ever have"));
  EXPECT_THAT(told(job("9", "minh", "nlp", 1, "QOSMaxWallDurationPerJobLimit")),
              HasSubstr("1 hour time per job that QoS normal allows (campus.toml:15)"));
}

TEST(Why, TellsTheTurnAndWhereNobodyWaits) {
  const Job before = job("7", "an", "nlp", 1, "Resources");
  Job next = job("9", "minh", "nlp", 1, "Priority");
  next.before = 1;
  const std::string text = told(next, {before});
  EXPECT_THAT(text, HasSubstr("1 job with a higher priority waits before it"));
  EXPECT_THAT(text, HasSubstr("nobody waits in partition cpu"));
  EXPECT_THAT(told(before), HasSubstr("2 CPUs, 1 GPU are free together"));
}

TEST(Why, HasWordsForEveryReasonAndTellsOthersAsSlurmDoes) {
  for (const std::string& reason : known_reasons()) {
    const std::string text = told(job("9", "minh", "nlp", 1, reason));
    EXPECT_THAT(text, Not(HasSubstr("Slurm says: "))) << reason;
    EXPECT_THAT(text, Not(HasSubstr("{id}"))) << reason;
  }
  EXPECT_THAT(told(job("9", "minh", "nlp", 1, "SomethingNew")),
              HasSubstr("Slurm says: SomethingNew"));
  EXPECT_GT(known_reasons().size(), 50U);
}

TEST(Why, TellsOfAJobThatRuns) {
  EXPECT_THAT(told(job("9", "minh", "nlp", 1)), HasSubstr("runs since"));
}

TEST(Limits, AreShownWithTheirUse) {
  const auto all = limits_with_use(campus(), "minh", "nlp", "normal",
                                   {job("7", "minh", "nlp", 6), job("8", "an", "nlp", 2)});
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0].shown, "6 of 8");
  EXPECT_EQ(all[1].shown, "1 of 2");
  EXPECT_EQ(all[2].shown, "1 hour");
}

TEST(Jobs, AreReadFromWhatSqueuePrinted) {
  const auto list = parse_jobs(
      "1|minh|nlp|gpu|normal|RUNNING|None|1795747941|1795751541|31000|cpu=2,mem=7850M,node=1,"
      "billing=2,gres/gpu=1,gres/gpu:a10g=1|\nwaiting|gpu|7\nleft-out|3\nrubbish\n");
  const auto& jobs = list.jobs;
  EXPECT_EQ(list.waiting.at("gpu"), 7);
  EXPECT_EQ(list.left_out, 3);
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs[0].amounts.at("mem"), 7850);
  EXPECT_EQ(jobs[0].amounts.at("gres/gpu"), 1);
  EXPECT_EQ(jobs[0].priority, 31000);
  EXPECT_EQ(parse_amounts("mem=1.50G,=,cpu").at("mem"), 1536);
}

}  // namespace
}  // namespace provost::scheduling
