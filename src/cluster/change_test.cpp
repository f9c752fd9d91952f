#include "cluster/change.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace provost::cluster {
namespace {

using model::Leaving;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

model::InstanceGroup group(const std::string& name, model::Role role, int count) {
  model::InstanceGroup group;
  group.name = name;
  group.role = role;
  group.count = count;
  group.type.name = "ml.c5.xlarge";
  return group;
}

model::Cluster cluster(int cpus) {
  model::Cluster cluster;
  cluster.name = "tiny";
  cluster.groups = {group("controller", model::Role::controller, 1),
                    group("cpu", model::Role::compute, cpus)};
  return cluster;
}

std::vector<NodeUse> nodes(int cpus) {
  std::vector<NodeUse> nodes = {{.name = "controller-1", .group = "controller", .number = 1}};
  for (int number = 1; number <= cpus; ++number) {
    nodes.push_back({.name = model::node_name("cpu", number), .group = "cpu", .number = number});
  }
  return nodes;
}

TEST(Change, IsNothingForTheSameFiles) {
  const Change same = change(cluster(3), cluster(3), nodes(3));
  EXPECT_THAT(same.groups, IsEmpty());
  EXPECT_THAT(same.refused, IsEmpty());
}

TEST(Change, GrowsIntoTheGapsOfAGroup) {
  auto there = nodes(3);
  there.erase(there.begin() + 2);  // cpu-2
  const Change grown = change(cluster(2), cluster(4), there);
  ASSERT_EQ(grown.groups.size(), 1U);
  EXPECT_THAT(grown.groups[0].joins, ElementsAre(2, 4));
}

TEST(Change, ShrinksByNodesWithoutJobsFirstThenByThoseWithFewest) {
  auto there = nodes(4);
  there[4].jobs = {"1", "2"};  // cpu-4
  there[2].jobs = {"1"};       // cpu-2
  EXPECT_THAT(change(cluster(4), cluster(2), there).groups.at(0).leaves,
              ElementsAre("cpu-3", "cpu-1"));
  EXPECT_THAT(change(cluster(4), cluster(0), there).groups.at(0).leaves,
              ElementsAre("cpu-3", "cpu-1", "cpu-2", "cpu-4"));
}

TEST(Change, TakesBackWhatHasNotLeftYetBeforeItMakesAnything) {
  auto there = nodes(3);
  there[3].leaving = Leaving::when_idle;
  there[2].leaving = Leaving::now;
  const Change grown = change(cluster(1), cluster(3), there);
  EXPECT_THAT(grown.groups.at(0).returns, ElementsAre("cpu-3"));
  EXPECT_THAT(grown.groups.at(0).joins, ElementsAre(4));
}

TEST(Change, RefusesAnotherNatureOfAGroupWithTheWayToDoIt) {
  auto after = cluster(3);
  after.groups[1].type.name = "ml.g5.xlarge";
  auto refused = change(cluster(3), after, nodes(3)).refused;
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_THAT(refused[0].what, HasSubstr("ml.c5.xlarge, which cannot become ml.g5.xlarge"));
  EXPECT_THAT(refused[0].better, HasSubstr("add a group of another name with ml.g5.xlarge"));
  after = cluster(3);
  after.groups[0].name = "head";
  refused = change(cluster(3), after, nodes(3)).refused;
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_THAT(refused[0].better, HasSubstr("another controller is another cluster"));
  after = cluster(3);
  after.groups.pop_back();
  refused = change(cluster(3), after, nodes(3)).refused;
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_THAT(refused[0].better, HasSubstr("set its InstanceCount to 0"));
  EXPECT_THAT(change(cluster(0), after, nodes(0)).refused, IsEmpty());
}

RC_GTEST_PROP(Change, LeavesAsManyNodesAsWereAskedFor, ()) {
  const int before = *rc::gen::inRange(0, 20);
  const int after = *rc::gen::inRange(0, 20);
  auto there = nodes(before);
  int stay = 0;
  for (std::size_t i = 1; i < there.size(); ++i) {
    there[i].leaving = static_cast<Leaving>(*rc::gen::inRange(0, 3));
    stay += there[i].leaving == Leaving::no ? 1 : 0;
  }
  const Change changed = change(cluster(stay), cluster(after), there);
  std::set<std::string> names;
  for (const NodeUse& node : there) {
    names.insert(node.name);
  }
  for (const GroupChange& each : changed.groups) {
    stay += static_cast<int>(each.joins.size() + each.returns.size()) -
            static_cast<int>(each.leaves.size());
    for (const int number : each.joins) {
      RC_ASSERT(names.insert(model::node_name("cpu", number)).second);  // no name twice
    }
  }
  RC_ASSERT(stay == after);
}

}  // namespace
}  // namespace provost::cluster
