#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>

#include "control/choose.hpp"
#include "control/engine.hpp"

namespace provost::control {
namespace {

model::Step step(const std::string& key, std::vector<std::string> needs,
                 std::vector<std::string> gives) {
  model::Step made;
  made.key = key;
  made.line = "+ " + key;
  made.needs = std::move(needs);
  made.gives = std::move(gives);
  return made;
}

TEST(Choose, OrdersByWhatStepsNeedAndGive) {
  const std::vector<model::Step> steps = {step("script", {"registered"}, {"prepared"}),
                                          step("network", {}, {"network"}),
                                          step("node", {"network"}, {"registered"})};
  EXPECT_EQ(order(steps), (std::vector<std::size_t>{1, 2, 0}));
}

TEST(Choose, ACycleStillNamesEveryStepOnce) {
  const std::vector<model::Step> steps = {step("a", {"y"}, {"x"}), step("b", {"x"}, {"y"})};
  EXPECT_EQ(order(steps).size(), 2U);
}

TEST(Choose, BeginsWhatNeedsNothingAndHoldsBackTheRestWithItsReason) {
  const auto choice =
      choose({step("node", {"network"}, {}), step("network", {}, {"network"})}, {}, from_millis(0));
  ASSERT_EQ(choice.states.size(), 2U);
  EXPECT_EQ(choice.states[0].standing, Standing::ready);
  EXPECT_EQ(choice.states[1].standing, Standing::waiting);
  EXPECT_EQ(choice.states[1].waits_for, (std::vector<std::string>{"network"}));
}

TEST(Choose, AMissingViewHoldsBackOnlyTheStepThatReadsIt) {
  model::Step reader = step("accounts", {}, {});
  reader.reads = {"slurm/tiny"};
  const auto choice = choose({reader, step("node", {}, {})}, {}, from_millis(0));
  EXPECT_EQ(choice.states[0].standing, Standing::waiting);
  EXPECT_EQ(choice.states[1].standing, Standing::ready);
}

TEST(Choose, AnIntentThatWasCutOffIsBegunAgain) {
  Picture picture;
  picture.intents["node"] = {.key = "node", .attempt = 1};
  const auto choice = choose({step("node", {}, {})}, picture, from_millis(5));
  EXPECT_EQ(choice.states[0].standing, Standing::ready);
  EXPECT_EQ(choice.states[0].attempt, 1);
}

TEST(Choose, ARetryWaitsForItsTimeAndSaysWhen) {
  Picture picture;
  picture.intents["node"] = {.key = "node",
                             .attempt = 1,
                             .ended = from_millis(10),
                             .outcome = model::Ended::retry,
                             .retry_at = from_millis(500)};
  auto choice = choose({step("node", {}, {})}, picture, from_millis(499));
  EXPECT_EQ(choice.states[0].standing, Standing::retrying);
  EXPECT_EQ(choice.look_again, from_millis(500));
  choice = choose({step("node", {}, {})}, picture, from_millis(500));
  EXPECT_EQ(choice.states[0].standing, Standing::ready);
}

TEST(Choose, WhatWasAskedIsNotAskedAgainBeforeItsDeadline) {
  Picture picture;
  picture.intents["node"] = {
      .key = "node", .attempt = 1, .ended = from_millis(0), .outcome = model::Ended::asked};
  model::Step node = step("node", {}, {"registered"});
  node.deadline = std::chrono::seconds(1);
  EXPECT_EQ(choose({node}, picture, from_millis(999)).states[0].standing, Standing::asked);
  EXPECT_EQ(choose({node}, picture, from_millis(1000)).states[0].standing, Standing::ready);
}

TEST(Choose, AClockThatWasSetBackHoldsNothingUp) {
  Picture picture;
  for (const model::Ended outcome : {model::Ended::retry, model::Ended::asked}) {
    picture.intents["a"] = {.key = "a",
                            .attempt = 1,
                            .ended = from_millis(3'600'000),
                            .outcome = outcome,
                            .retry_at = from_millis(3'605'000)};
    EXPECT_EQ(choose({step("a", {}, {})}, picture, from_millis(1000)).states[0].standing,
              Standing::ready);
  }
}

TEST(Choose, WhatWasRefusedStaysRefused) {
  Picture picture;
  picture.intents["node"] = {
      .key = "node", .attempt = 1, .ended = from_millis(0), .outcome = model::Ended::refused};
  EXPECT_EQ(choose({step("node", {}, {})}, picture, from_millis(1'000'000'000)).states[0].standing,
            Standing::refused);
}

class EngineTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        std::filesystem::temp_directory_path() / fmt::format("provost-engine-{}", ::getpid());
    std::filesystem::remove_all(directory_);
    auto opened = store::Store::open(directory_);
    ASSERT_TRUE(opened);
    store_ = std::move(*opened);
    ASSERT_TRUE(store_->write("cluster", [](store::Writer& writer) {
      store::Cluster cluster;
      cluster.id = "c";
      cluster.name = "tiny";
      writer.insert_cluster(cluster);
    }));
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  template <class Predicate>
  static bool eventually(Predicate predicate) {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    for (int i = 0; i < 500 && !predicate(); ++i) {
      never.wait_for(lock, std::chrono::milliseconds(10));
    }
    return predicate();
  }
  std::string directory_;
  std::unique_ptr<store::Store> store_;
};

TEST_F(EngineTest, CarriesOutStepsInOrderUntilNothingIsLeftAndKeepsNoIntent) {
  std::atomic<bool> network{false};
  std::atomic<bool> node{false};
  std::atomic<bool> wrong_order{false};
  Engine engine(*store_, {.threads = 4}, [&] {
    Round round;
    if (network) {
      round.seen.insert("network");
    } else {
      round.works.push_back({step("network", {}, {"network"}), "c", {}, [&](const Progress&) {
                               network = true;
                               return model::Outcome{};
                             }});
    }
    if (!node) {
      round.works.push_back({step("node", {"network"}, {"node"}), "c", {}, [&](const Progress&) {
                               wrong_order = !network;
                               node = true;
                               return model::Outcome{};
                             }});
    }
    return round;
  });
  engine.start();
  EXPECT_TRUE(eventually([&] { return node.load() && engine.steps().empty(); }));
  EXPECT_FALSE(wrong_order);
  EXPECT_TRUE(eventually([&] { return store_->intents().empty(); }));
  EXPECT_EQ(store_->events({}).size(), 2U);
}

TEST_F(EngineTest, RepeatsWhatDidNotWorkAndRecordsWhy) {
  std::atomic<int> tries{0};
  Engine engine(*store_, {.threads = 2}, [&] {
    Round round;
    if (tries < 3) {
      round.works.push_back({step("node", {}, {}), "c", {}, [&](const Progress&) {
                               ++tries;
                               return model::Outcome{.ended = model::Ended::retry,
                                                     .found = "the disk said no",
                                                     .retry_after = std::chrono::milliseconds(5)};
                             }});
    }
    return round;
  });
  engine.start();
  EXPECT_TRUE(eventually([&] { return tries == 3; }));
  EXPECT_TRUE(eventually([&] { return store_->events({}).size() == 6U; }));
  EXPECT_EQ(store_->events({})[1].because, "the disk said no");
}

TEST_F(EngineTest, DoesNotWaitForWhatAnEarlierProvostdAsked) {
  store::Intent intent{.key = "accounts", .cluster_id = "c", .attempt = 1, .begun = now_utc()};
  intent.ended = intent.begun;
  ASSERT_TRUE(store_->write("earlier", [&](store::Writer& writer) { writer.put_intent(intent); }));
  std::atomic<bool> done{false};
  Engine engine(*store_, {.threads = 2}, [&] {
    Round round;
    if (!done) {
      round.works.push_back({step("accounts", {}, {}), "c", {}, [&](const Progress&) {
                               done = true;
                               return model::Outcome{};
                             }});
    }
    return round;
  });
  engine.start();
  EXPECT_TRUE(eventually([&] { return done.load(); }));
}

TEST_F(EngineTest, IsBusyUntilAnActionHasEndedWhateverIsSeenMeanwhile) {
  std::atomic<bool> seen_gone{false};
  std::promise<void> may_end;
  const std::shared_future<void> ends = may_end.get_future();
  Engine engine(*store_, {.threads = 2}, [&] {
    Round round;
    if (!seen_gone) {
      round.works.push_back({step("network", {}, {}), "c", {}, [&](const Progress&) {
                               seen_gone = true;  // halfway, as a look at the world would find it
                               ends.wait();
                               return model::Outcome{};
                             }});
    }
    return round;
  });
  engine.start();
  ASSERT_TRUE(eventually([&] { return seen_gone.load(); }));
  engine.wake();
  EXPECT_TRUE(engine.is_busy("c"));
  EXPECT_FALSE(engine.is_busy("other"));
  may_end.set_value();
  EXPECT_TRUE(eventually([&] { return !engine.is_busy("c"); }));
}

TEST_F(EngineTest, ActsOnANodeOnceAtATimeSoThatTheNewerSpecificationIsSentLast) {
  std::mutex mutex;
  std::string order;
  std::atomic<bool> newer{false};
  std::promise<void> may_end;
  const std::shared_future<void> ends = may_end.get_future();
  store::Event about;
  about.node = "n-1";
  Engine engine(*store_, {.threads = 4}, [&] {
    Round round;
    const std::scoped_lock lock(mutex);
    if (!newer) {
      round.works.push_back({step("older", {}, {}), "c", about, [&](const Progress&) {
                               ends.wait();
                               const std::scoped_lock inner(mutex);
                               order += "older ";
                               return model::Outcome{};
                             }});
    } else if (order != "older newer ") {
      round.works.push_back({step("newer", {}, {}), "c", about, [&](const Progress&) {
                               const std::scoped_lock inner(mutex);
                               order += "newer ";
                               return model::Outcome{};
                             }});
      store::Event elsewhere = about;
      elsewhere.node = "n-2";
      round.works.push_back({step("elsewhere", {}, {}), "c", elsewhere, [&](const Progress&) {
                               may_end.set_value();  // only once "newer" had its chance
                               return model::Outcome{};
                             }});
    }
    return round;
  });
  engine.start();
  ASSERT_TRUE(eventually([&] { return engine.is_busy("c"); }));
  newer = true;
  engine.wake();
  EXPECT_TRUE(eventually([&] {
    const std::scoped_lock lock(mutex);
    return order == "older newer ";
  })) << order;
}

}  // namespace
}  // namespace provost::control
