#include "scheduling/selftest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduling/samples_for_tests.hpp"

namespace provost::scheduling {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Tried opened(const std::string& text) { return {.status = 0, .out = text}; }

TEST(SelftestSight, IsReadFromASession) {
  const Sight sight =
      parse_sight("Welcome\njob_17/step_extern\nopen /dev/nvidia0\nclosed /dev/nvidia1\nopenly\n");
  EXPECT_THAT(sight.steps, ElementsAre("job_17/step_extern"));
  EXPECT_THAT(sight.open, ElementsAre("/dev/nvidia0"));
  EXPECT_THAT(sight.closed, ElementsAre("/dev/nvidia1"));
}

TEST(SelftestJudges, AComputeNodeMustRefuseAndSayHowToGetIn) {
  Check check;
  judge_closed(check, {.status = 255, .err = "No job of yours runs here\nsrun --pty bash\n"});
  EXPECT_EQ(check.proof, Proof::held);
  judge_closed(check, {.status = 255, .err = "Connection refused"});
  EXPECT_EQ(check.proof, Proof::failed);
  judge_closed(check, opened(""));
  EXPECT_EQ(check.proof, Proof::failed);
  EXPECT_EQ(check.found, "it opened without a job");
}

TEST(SelftestJudges, ASessionMustBeInItsJob) {
  Check check;
  judge_adopted(check, opened("job_17/step_extern\n"), "17");
  EXPECT_EQ(check.proof, Proof::held);
  judge_adopted(check, opened("job_18/step_extern\n"), "17");
  EXPECT_EQ(check.proof, Proof::failed);
  judge_adopted(check, opened(""), "17");
  EXPECT_EQ(check.found, "it is in no job");
  Check none;
  judge_adopted(none, {.status = 255}, "17");
  EXPECT_EQ(none.proof, Proof::not_tried);
}

TEST(SelftestJudges, AJobOpensItsGpusAndNoOthers) {
  const Tried own = opened("open /dev/nvidia1\nclosed /dev/nvidia0\n");
  const Tried other = opened("open /dev/nvidia0\nclosed /dev/nvidia1\n");
  const Tried all = opened("open /dev/nvidia0\nopen /dev/nvidia1\n");
  const Tried none = opened("closed /dev/nvidia0\nclosed /dev/nvidia1\n");
  const auto judged = [](const Tried& session, const Tried& step, int wanted) {
    Check check;
    judge_gpus(check, session, step, wanted, 2);
    return check;
  };
  EXPECT_EQ(judged(own, own, 1).found, "/dev/nvidia1 opened, 1 closed");
  EXPECT_EQ(judged(own, own, 1).proof, Proof::held);
  EXPECT_EQ(judged(none, none, 0).proof, Proof::held);
  EXPECT_EQ(judged(all, own, 1).proof, Proof::failed);
  EXPECT_THAT(judged(own, all, 1).found, HasSubstr("2 of the 2 GPUs opened to a step"));
  EXPECT_EQ(judged(other, own, 1).proof, Proof::failed);
  EXPECT_EQ(judged(none, none, 1).proof, Proof::failed) << "its own is closed";
  EXPECT_EQ(judged(opened(""), opened(""), 0).proof, Proof::failed) << "no device was tried";
  EXPECT_EQ(judged(all, {.status = 1, .err = "srun: error"}, 0).proof, Proof::not_tried);
}

TEST(SelftestJudges, ASessionEndsWithItsJob) {
  Check check;
  judge_outlive(check, opened("ended after 212 ms\n"));
  EXPECT_EQ(check.proof, Proof::held);
  judge_outlive(check, opened("ended after 7012 ms\n"));
  EXPECT_EQ(check.proof, Proof::failed);
  judge_outlive(check, {.status = 1, .out = "still there\n"});
  EXPECT_EQ(check.proof, Proof::failed);
}

TEST(SelftestJudges, WhatIsTakenIsNotRefused) {
  Check check;
  judge_forbidden(check, {.status = 1, .err = "sbatch: error: Refused: 4 days is longer\nmore\n"});
  EXPECT_EQ(check.proof, Proof::held);
  EXPECT_EQ(check.found, "Refused: 4 days is longer");
  judge_forbidden(check, opened("it was taken as job 9\n"));
  EXPECT_EQ(check.proof, Proof::failed);
  Check silent;
  judge_forbidden(silent,
                  {.status = 1, .err = "sbatch: error: Unable to contact slurm controller"});
  EXPECT_EQ(silent.proof, Proof::not_tried);
}

// ---- What is tried.

constexpr const char* kToday = "2027-03-01";

slurm::View idle(const model::Layout& layout) {
  slurm::View view{.answering = true};
  for (const model::NodePlace& node : layout.nodes) {
    if (node.role == model::Role::compute) {
      view.nodes.push_back({.name = node.name, .state = "IDLE"});
    }
  }
  return view;
}

Check named(const Trials& trials, const std::string& name) {
  for (Check& each : checks_of(trials)) {
    if (each.name == name) {
      return std::move(each);
    }
  }
  return {};
}

TEST(SelftestTrials, PreferANodeWithGpusAndRunFromALoginNode) {
  model::Cluster cluster = samples::university();
  cluster.campus->departments[1].line = 31;
  const model::Layout layout = samples::layout_of(cluster);
  const Trials trials = choose_trials(cluster, layout, idle(layout), kToday);
  EXPECT_EQ(trials.from, "login-1");
  EXPECT_EQ(trials.login, "login-2");
  ASSERT_TRUE(trials.place);
  EXPECT_EQ(trials.place->node, "gpu-1");
  EXPECT_EQ(trials.place->partition, "gpu");
  EXPECT_TRUE(trials.whole_gpu);
  EXPECT_THAT(trials.accounts, testing::Contains(trials.place->account));
}

TEST(SelftestTrials, TakeNoNodeThatHasJobsIsReservedOrIsDown) {
  const model::Cluster cluster = samples::university();
  const model::Layout layout = samples::layout_of(cluster);
  slurm::View view = idle(layout);
  for (slurm::NodeSeen& node : view.nodes) {
    node.state = node.name == "gpu-1" ? "MIXED" : "IDLE";
    node.flags = node.name == "cpu-1" ? std::vector<std::string>{"RESERVED"} : node.flags;
  }
  const Trials some = choose_trials(cluster, layout, view, kToday);
  ASSERT_TRUE(some.place);
  EXPECT_EQ(some.place->node, "cpu-2");
  EXPECT_THAT(named(some, "gpus-own").found, HasSubstr("no node with GPUs"));
  view.nodes.pop_back();
  for (slurm::NodeSeen& node : view.nodes) {
    node.state = "DOWN";
  }
  const Trials none = choose_trials(cluster, layout, view, kToday);
  EXPECT_FALSE(none.place);
  EXPECT_THAT(named(none, "compute-open").found, HasSubstr("without jobs"));
}

TEST(SelftestTrials, AskForOneMinuteMoreThanTheLeastLimitAllows) {
  model::Cluster cluster = samples::university();
  const model::Layout layout = samples::layout_of(cluster);
  EXPECT_THAT(named(choose_trials(cluster, layout, idle(layout), kToday), "limit").found,
              HasSubstr("no QoS, department or partition has a limit of time"));
  cluster.campus->qos = {
      {.name = "normal", .limits = {{"wall", {.value = 4320, .line = 14}}}, .line = 12}};
  cluster.campus->departments[0].limits["wall"] = {.value = 60, .line = 33};
  const Trials trials = choose_trials(cluster, layout, idle(layout), kToday);
  ASSERT_TRUE(trials.limit);
  EXPECT_EQ(trials.limit->line, 33);
  EXPECT_THAT(trials.limit->options, testing::IsSupersetOf({"-t", "61", "--qos=normal"}));
  EXPECT_THAT(trials.limit->words, HasSubstr("department nlp allows (1 hour)"));
}

TEST(SelftestTrials, AskForThePartitionOfAnotherDepartment) {
  model::Cluster cluster = samples::university();
  const model::Layout layout = samples::layout_of(cluster);
  EXPECT_THAT(named(choose_trials(cluster, layout, idle(layout), kToday), "partition").found,
              HasSubstr("open to every department"));
  cluster.campus->departments[0].owns = {"gpu"};
  cluster.campus->departments[0].line = 20;
  const Trials trials = choose_trials(cluster, layout, idle(layout), kToday);
  ASSERT_TRUE(trials.partition);
  EXPECT_THAT(trials.partition->options, testing::Contains("Vision"));
  EXPECT_EQ(trials.partition->line, 20);
  EXPECT_THAT(trials.accounts, testing::Contains("Vision"));
}

TEST(SelftestTrials, LeaveOutADepartmentThatHasEnded) {
  model::Cluster cluster = samples::university();
  const model::Layout layout = samples::layout_of(cluster);
  cluster.campus->departments[0].until = "2027-02-28";
  const Trials trials = choose_trials(cluster, layout, idle(layout), kToday);
  ASSERT_TRUE(trials.place);
  EXPECT_EQ(trials.place->account, "Vision");
  cluster.campus->departments[0].until = kToday;
  EXPECT_EQ(choose_trials(cluster, layout, idle(layout), kToday).place->account, "nlp");
}

TEST(SelftestTrials, RunFromTheControllerWhereThereIsNoLoginNode) {
  model::Cluster cluster = samples::university();
  std::erase_if(cluster.groups, [](const auto& each) { return each.role == model::Role::login; });
  const model::Layout layout = samples::layout_of(cluster);
  const Trials trials = choose_trials(cluster, layout, idle(layout), kToday);
  EXPECT_EQ(trials.from, "controller-1");
  EXPECT_EQ(named(trials, "login-open").found, "there is no login node");
  EXPECT_TRUE(trials.place);
}

TEST(SelftestChecks, AreKeptAsText) {
  std::vector<Check> checks = {{.name = "limit",
                                .words = "a job\tbeyond a limit",
                                .line = 17,
                                .proof = Proof::failed,
                                .found = "it was\ntaken"}};
  const auto back = checks_from("1800000000000 root asked\n" + to_text(checks));
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].words, "a job beyond a limit");
  EXPECT_EQ(back[0].proof, Proof::failed);
  EXPECT_EQ(back[0].line, 17);
  EXPECT_THAT(checks_from("nothing\n\n"), IsEmpty());
}

}  // namespace
}  // namespace provost::scheduling
