#include "scheduling/idle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace provost::scheduling {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

const UtcTime kBegin = from_millis(1'800'000'000'000);

RunningJob job() {
  return {.number = 17,
          .id = "17",
          .user = "minh",
          .account = "viet-llm",
          .qos = "normal",
          .begun = kBegin,
          .amounts = {{"cpu", 4}, {"mem", 4096}, {"gres/gpu", 1}},
          .nodes = {"gpu-1"}};
}

/// Follows a job from look to look, as the watch does.
class Idle : public testing::Test {
 protected:
  IdleAct look(UtcTime now, std::int64_t cpu_millis, bool restarted = false) {
    use_.cpu_millis = cpu_millis;
    const IdleStep step =
        look_at(rule_, job(), use_, unused_, restarted ? std::nullopt : last_, now);
    unused_ = step.unused;
    last_ = LastLook{.at = now, .cpu_millis = cpu_millis};
    if (step.act == IdleAct::warn) {
      unused_->told = true;
    }
    return step.act;
  }
  IdleAct look_with_gpus() {
    const IdleStep step = look_at(rule_, job(), use_, unused_, last_, now_);
    unused_ = step.unused;
    last_ = LastLook{.at = now_, .cpu_millis = use_.cpu_millis, .gpu_millis = use_.gpu_millis};
    if (step.act == IdleAct::warn) {
      unused_->told = true;
    }
    return step.act;
  }
  /// Looks each 15 seconds from where it was until `until`; what was done, with its minute.
  std::vector<std::string> looks(UtcTime until, std::int64_t millis_a_look) {
    std::vector<std::string> acts;
    for (; now_ <= until; now_ += seconds(15)) {
      cpu_ += millis_a_look;
      const IdleAct act = look(now_, cpu_);
      const auto minute = std::chrono::duration_cast<minutes>(now_ - kBegin).count();
      if (act != IdleAct::none) {
        acts.push_back((act == IdleAct::warn ? "warn " : "release ") + std::to_string(minute));
      }
    }
    return acts;
  }

  model::IdleRule rule_{.after_minutes = 60, .warn_minutes = 15};
  SeenUse use_;
  std::optional<Unused> unused_;
  std::optional<LastLook> last_;
  UtcTime now_ = kBegin + minutes(1);
  std::int64_t cpu_ = 0;
};

TEST_F(Idle, AnUnusedJobIsWarnedAndThenReleased) {
  EXPECT_THAT(looks(kBegin + minutes(61), 2), ElementsAre("warn 46", "release 61"));
  EXPECT_EQ(look(now_, cpu_), IdleAct::release) << "again until it is gone";
}

TEST_F(Idle, AUsedJobIsLeftAlone) {
  EXPECT_THAT(looks(kBegin + minutes(300), 800), ElementsAre());
  EXPECT_FALSE(unused_);
}

TEST_F(Idle, UseAfterTheWarningBeginsTheTimeAnew) {
  looks(kBegin + minutes(50), 0);
  cpu_ += 5'000;
  EXPECT_EQ(look(now_, cpu_), IdleAct::none);
  EXPECT_FALSE(unused_);
  EXPECT_THAT(looks(kBegin + minutes(100), 0), ElementsAre("warn 95"));
}

TEST_F(Idle, IsNeverReleasedWithoutTheWholeTimeOfItsWarning) {
  looks(kBegin + minutes(40), 0);
  // provostd is away for an hour.
  EXPECT_EQ(look(kBegin + minutes(100), cpu_, true), IdleAct::warn);
  EXPECT_EQ(look(kBegin + minutes(114), cpu_), IdleAct::none);
  EXPECT_EQ(look(kBegin + minutes(115), cpu_), IdleAct::release);
}

TEST_F(Idle, WhatWasUsedWhileProvostdWasAwayCounts) {
  looks(kBegin + minutes(40), 0);
  EXPECT_EQ(look(kBegin + minutes(100), cpu_ + 10'000, true), IdleAct::none);
  EXPECT_FALSE(unused_);
}

TEST_F(Idle, AnAgentThatBeganAnewMakesNothingIdle) {
  cpu_ = 90'000;
  looks(kBegin + minutes(50), 0);
  EXPECT_EQ(look(now_, 0), IdleAct::none);
  EXPECT_FALSE(unused_);
}

TEST_F(Idle, NothingIsDoneOnHalfAPicture) {
  looks(kBegin + minutes(46), 0);
  use_.known = false;
  EXPECT_THAT(looks(kBegin + minutes(90), 0), ElementsAre());
  EXPECT_TRUE(unused_) << "what is known stays known";
}

TEST_F(Idle, BatchJobsAndHiddenGpusAreLeftAlone) {
  use_.batch = true;
  EXPECT_THAT(looks(kBegin + minutes(90), 0), ElementsAre());
  use_ = {.gpus_hidden = true};
  EXPECT_THAT(looks(kBegin + minutes(190), 0), ElementsAre());
}

TEST_F(Idle, ANumberThatComesAgainIsAnotherJob) {
  looks(kBegin + minutes(50), 0);
  unused_->begun = kBegin - minutes(500);
  EXPECT_EQ(look(now_, cpu_), IdleAct::none);
  EXPECT_EQ(unused_->warned, UtcTime{});
}

TEST_F(Idle, AWarningThatDidNotGoOutIsGivenAgain) {
  looks(kBegin + minutes(46), 0);
  unused_->told = false;
  EXPECT_EQ(look(now_, cpu_), IdleAct::warn);
}

TEST(IdleExempt, ByPersonQosProjectAndDepartment) {
  model::Campus campus;
  campus.departments.push_back({.name = "nlp"});
  campus.departments[0].projects.push_back({.name = "viet-llm"});
  const auto by = [&](const char* name) { return exempt_by({.exempt = {name}}, campus, job()); };
  EXPECT_EQ(by("minh"), "minh");
  EXPECT_EQ(by("normal"), "QoS normal");
  EXPECT_EQ(by("viet-llm"), "project viet-llm");
  EXPECT_EQ(by("nlp"), "department nlp");
  EXPECT_EQ(by("vision"), "");
}

TEST(IdleText, IsReadBack) {
  const std::vector<Unused> all{{.job = 17,
                                 .begun = kBegin,
                                 .since = kBegin + minutes(1),
                                 .cpu_millis = 250,
                                 .warned = kBegin + minutes(46),
                                 .told = true},
                                {.job = 18, .begun = kBegin, .since = kBegin}};
  EXPECT_EQ(unused_from(to_text(all)), all);
  EXPECT_THAT(unused_from("17 2\nx y z\n\n1 2 3 4 5 6 -7\n"), ElementsAre());
}

TEST(IdleText, RunningJobsAreReadFromSqueue) {
  const auto jobs = parse_running(
      "19|17_2|minh|nlp|normal|1800000000|cpu=2,mem=4G,node=2,gres/gpu=2|gpu-[1-2]|\n"
      "nonsense\n||||||||\n");
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs[0].number, 19);
  EXPECT_EQ(jobs[0].id, "17_2");
  EXPECT_EQ(jobs[0].begun, kBegin);
  EXPECT_THAT(jobs[0].nodes, ElementsAre("gpu-1", "gpu-2"));
}

TEST(IdleWords, TellWhatHowLongAndWhen) {
  const Unused unused{.job = 17, .begun = kBegin, .since = kBegin, .warned = kBegin + minutes(45)};
  const model::IdleRule rule{.after_minutes = 60, .warn_minutes = 15};
  EXPECT_EQ(warning_words(rule, job(), unused, kBegin + minutes(45)),
            "Job 17 has not used its 4 CPUs, 1 GPU for 45 min 0 s. It is released in 15 min 0 s "
            "unless you use it. Others wait for what it holds.");
  EXPECT_EQ(idle_words(job(), unused, {.cpu_millis = 240}, kBegin + minutes(45)),
            "job 17 of minh (viet-llm): 4 CPUs, 1 GPU unused for 45 min 0 s, 0.2 s of CPU time in "
            "it");
}

TEST_F(Idle, AGpuThatComputesIsUseOfTheJob) {
  rule_.gpu_below = 0.05;
  look(now_, 0);
  for (int i = 0; i < 400; ++i) {
    now_ += seconds(15);
    use_.gpu_millis += 900;  // 6 %
    ASSERT_EQ(look_with_gpus(), IdleAct::none);
    ASSERT_FALSE(unused_);
  }
  std::vector<IdleAct> acts;
  for (int i = 0; i < 241; ++i) {
    now_ += seconds(15);
    use_.gpu_millis += 300;  // 2 %
    acts.push_back(look_with_gpus());
  }
  EXPECT_EQ(acts.back(), IdleAct::release);
  EXPECT_THAT(idle_words(job(), *unused_, use_, now_), HasSubstr("72.3 s of GPU time in it"));
}

TEST(IdleGpus, AreReadFromTheController) {
  const auto found = parse_gpus(
      "17 JobId=17 JobName=x UserId=minh(2001) TresPerNode=gres/gpu:2 Nodes=gpu-[1-2] CPU_IDs=0-3 "
      "Mem=8192 GRES=gpu:h100:2(IDX:0,2) Nodes=gpu-3 CPU_IDs=0 Mem=100 GRES=gpu:h100:1(IDX:1) \n"
      "18 JobId=18 JobName=Nodes=evil Nodes=gpu-1 CPU_IDs=0 Mem=1 GRES=shard:h100:2(2/4)\n"
      "nothing at all\n19 JobId=19 Nodes=cpu-1 CPU_IDs=0 Mem=1 GRES= \n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found.at(17).at("gpu-1"), ElementsAre(0, 2));
  EXPECT_THAT(found.at(17).at("gpu-2"), ElementsAre(0, 2));
  EXPECT_THAT(found.at(17).at("gpu-3"), ElementsAre(1));
}

TEST(IdleGpus, WhatAnOlderProvostdKeptIsStillRead) {
  const auto all = unused_from("17 1 2 3 4 0 1\n18 1 2 3 4 0 1 9\n19 1\n");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].gpu_millis, 0);
  EXPECT_EQ(all[1].gpu_millis, 9);
}

}  // namespace
}  // namespace provost::scheduling
