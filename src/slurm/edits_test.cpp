#include "slurm/edits.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "slurm/render.hpp"

namespace provost::slurm {
namespace {

constexpr const char* kMade =
    "# Made.\n"
    "SchedulerType=sched/backfill\n"
    "NodeName=cpu-[1-3] NodeAddr=10.0.0.[4-6] CPUs=4 State=UNKNOWN\n"
    "NodeName=gpu-1 CPUs=8 Gres=gpu:a10g:1 State=UNKNOWN\n"
    "\n"
    "# Partitions.\n"
    "PartitionName=main Nodes=cpu-[1-3] Default=YES MaxTime=1-0\n"
    "PartitionName=gpu Nodes=gpu-1 Default=NO\n";

Files files(const std::string& text) { return {{"slurm.conf", text}}; }

std::string with(const std::string& text, const std::string& from, const std::string& to) {
  std::string changed = text;
  changed.replace(changed.find(from), from.size(), to);
  return changed;
}

/// What merging leaves of a hand's change to kMade when `made` is what is made now.
std::string merged(const std::string& by_hand, const std::string& made) {
  return merge(files(made), edits(files(kMade), files(by_hand)))[0].second;
}

TEST(Edits, CommentsOrderAndCaseMeanNothing) {
  const std::string other =
      "partitionname=gpu Default=NO Nodes=gpu-1 # as it was\n"
      "PartitionName=main Nodes=cpu-1,cpu-2,cpu-3 \\\n  Default=YES MaxTime=1-0\n"
      "NodeName=cpu-1 NodeAddr=10.0.0.4 CPUs=4 State=UNKNOWN\n"
      "NodeName=cpu-[2-3] NodeAddr=10.0.0.5,10.0.0.6 State=UNKNOWN CPUs=4\n"
      "NodeName=gpu-1 CPUs=8 Gres=gpu:a10g:1 State=UNKNOWN\n"
      "SchedulerType=sched/backfill\n";
  EXPECT_TRUE(edits(files(kMade), files(other)).empty());
}

TEST(Edits, SayWhatWasAddedChangedAndTakenAway) {
  const std::string by_hand =
      with(with(kMade, "MaxTime=1-0", "MaxTime=2-0 PriorityTier=5"),
           "SchedulerType=sched/backfill\n", "PartitionName=debug Nodes=cpu-1\n");
  const auto words = to_words(edits(files(kMade), files(by_hand)));
  ASSERT_EQ(words.size(), 3U);
  EXPECT_EQ(words[0], "slurm.conf: - SchedulerType");
  EXPECT_EQ(words[1],
            "slurm.conf: PartitionName=main: MaxTime=2-0 instead of 1-0, PriorityTier=5 added");
  EXPECT_EQ(words[2], "slurm.conf: + PartitionName=debug Nodes=cpu-1");
}

TEST(Edits, OfLikeNodesAreOneLine) {
  const std::string by_hand = with(kMade, "NodeName=cpu-[1-3] NodeAddr=10.0.0.[4-6] CPUs=4",
                                   "NodeName=cpu-1 NodeAddr=10.0.0.4 CPUs=4\n"
                                   "NodeName=cpu-[2-3] NodeAddr=10.0.0.[5-6] Weight=9 CPUs=4");
  const auto found =
      edits(files(kMade), files(with(by_hand, "CPUs=4\n", "CPUs=4 State=UNKNOWN\n")));
  EXPECT_EQ(found.size(), 2U);
  EXPECT_EQ(to_words(found),
            std::vector<std::string>{"slurm.conf: NodeName=cpu-[2-3]: Weight=9 added"});
}

TEST(Edits, MergedIntoWhatIsMadeNowKeepBoth) {
  const std::string grown = with(with(kMade, "NodeName=cpu-[1-3] NodeAddr=10.0.0.[4-6]",
                                      "NodeName=cpu-[1-4] NodeAddr=10.0.0.[4-6],10.0.0.9"),
                                 "Nodes=cpu-[1-3]", "Nodes=cpu-[1-4]");
  const std::string by_hand = with(kMade, "MaxTime=1-0", "MaxTime=7-0") +
                              "PartitionName=debug Nodes=cpu-1,gpu-1 MaxTime=10\n";
  const std::string both = merged(by_hand, grown);
  EXPECT_NE(both.find("PartitionName=main Nodes=cpu-[1-4] Default=YES MaxTime=7-0\n"),
            std::string::npos)
      << both;
  EXPECT_NE(both.find("# Added by hand.\nPartitionName=debug Nodes=cpu-1,gpu-1 MaxTime=10\n"),
            std::string::npos)
      << both;
  EXPECT_NE(both.find("NodeName=cpu-[1-4] NodeAddr=10.0.0.[4-6],10.0.0.9 CPUs=4 State=UNKNOWN\n"),
            std::string::npos)
      << both;
}

TEST(Edits, OfANodeStayWithItWhenItsGroupGrows) {
  const std::string grown = with(kMade, "NodeName=cpu-[1-3] NodeAddr=10.0.0.[4-6]",
                                 "NodeName=cpu-[1-5] NodeAddr=10.0.0.[4-6],10.0.0.9,10.0.0.7");
  const std::string by_hand =
      with(kMade, "NodeName=cpu-[1-3] NodeAddr=10.0.0.[4-6] CPUs=4 State=UNKNOWN",
           "NodeName=cpu-[1,3] NodeAddr=10.0.0.4,10.0.0.6 CPUs=4 State=UNKNOWN\n"
           "NodeName=cpu-2 NodeAddr=10.0.0.5 CPUs=4 State=UNKNOWN Features=quiet");
  const std::string both = merged(by_hand, grown);
  EXPECT_NE(
      both.find("NodeName=cpu-1,cpu-[3-5] NodeAddr=10.0.0.4,10.0.0.6,10.0.0.9,10.0.0.7 CPUs=4 "
                "State=UNKNOWN\nNodeName=cpu-2 NodeAddr=10.0.0.5 CPUs=4 State=UNKNOWN "
                "Features=quiet\n"),
      std::string::npos)
      << both;
}

TEST(Edits, AHostMovedByHandStaysMovedAndAHostThatIsGoneIsInNoPartition) {
  const std::string by_hand =
      with(with(kMade, "Nodes=cpu-[1-3]", "Nodes=cpu-[1-2]"), "Nodes=gpu-1", "Nodes=gpu-1,cpu-3");
  EXPECT_NE(merged(by_hand, kMade).find("PartitionName=gpu Nodes=gpu-1,cpu-3 "), std::string::npos);
  const std::string shrunk = with(with(kMade, "NodeName=cpu-[1-3] NodeAddr=10.0.0.[4-6]",
                                       "NodeName=cpu-[1-2] NodeAddr=10.0.0.[4-5]"),
                                  "Nodes=cpu-[1-3]", "Nodes=cpu-[1-2]");
  EXPECT_NE(merged(by_hand, shrunk).find("PartitionName=gpu Nodes=gpu-1 "), std::string::npos)
      << merged(by_hand, shrunk);
}

TEST(Edits, WhatTheFilesWantIsNotTakenAwayByHandButASettingIs) {
  const std::string by_hand = with(with(kMade, "SchedulerType=sched/backfill\n", ""),
                                   "PartitionName=gpu Nodes=gpu-1 Default=NO\n", "");
  EXPECT_EQ(merged(by_hand, kMade), with(kMade, "SchedulerType=sched/backfill\n", ""));
}

TEST(Edits, OneAfterTheOtherAreOne) {
  const Files made = files(kMade);
  const Files first = files(with(kMade, "MaxTime=1-0", "MaxTime=2-0"));
  const Files second = files(with(kMade, "MaxTime=1-0", "MaxTime=3-0") + "MaxJobCount=5\n");
  EXPECT_EQ(compose(edits(made, first), edits(first, second)), edits(made, second));
  EXPECT_TRUE(compose(edits(made, first), edits(first, made)).empty());
}

TEST(Edits, OfIncludedFilesAreWrittenAsSlurmReadsThem) {
  const std::string by_hand = std::string(kMade) + "include /etc/slurm/site.conf\n";
  EXPECT_NE(merged(by_hand, kMade).find("\nInclude /etc/slurm/site.conf\n"), std::string::npos);
}

TEST(Edits, AreKeptAsText) {
  const auto found =
      edits(files(kMade), files(with(kMade, "MaxTime=1-0", "MaxTime=2-0") + "A=\"b c\"\n"));
  EXPECT_EQ(decode_edits(encode(found)), found);
  EXPECT_TRUE(decode_edits("no such text\n").empty());
}

RC_GTEST_PROP(Edits, MergedIntoWhatTheyWereMadeOfGiveWhatWasFound, ()) {
  const auto value = rc::gen::element<std::string>("1", "2-0", "\"a b\"", "x,y", "UP");
  std::string found = kMade;
  for (const int which : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5))) {
    switch (which) {
      case 0:
        found += "Setting" + std::to_string(*rc::gen::inRange(0, 3)) + "=" + *value + "\n";
        break;
      case 1:
        found = with(found, "CPUs=4",
                     "CPUs=4 Weight" + std::to_string(*rc::gen::inRange(0, 3)) + "=" + *value);
        break;
      case 2:
        found = with(found, "Default=NO", "Default=NO Tier=" + *value);
        break;
      case 3:
        found +=
            "PartitionName=p" + std::to_string(*rc::gen::inRange(0, 3)) + " Nodes=cpu-2,gpu-1\n";
        break;
      default:
        found = with(found, "# Partitions.", "# Other words.\n");
    }
    if (found.find("# Partitions.") == std::string::npos) {
      found += "# Partitions.\n";
    }
  }
  const Files merged = merge(files(kMade), edits(files(kMade), files(found)));
  RC_ASSERT(edits(files(found), merged).empty());
  RC_ASSERT(merge(files(kMade), {}) == files(kMade));
}

}  // namespace
}  // namespace provost::slurm
