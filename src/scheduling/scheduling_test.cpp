#include "scheduling/scheduling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "os/files.hpp"
#include "scheduling/samples_for_tests.hpp"
#include "scheduling/slurm_config_script.hpp"

namespace provost::scheduling {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const model::Cluster kCluster = samples::university();
const model::Layout kLayout = samples::layout_of(kCluster);

model::NodePart part_of(const std::string& node) {
  return part(kCluster, kLayout, samples::secrets(), kLayout.find(node)->role, {});
}

const model::FilePart* file(const model::NodePart& part, const std::string& path) {
  const auto found = std::find_if(part.files.begin(), part.files.end(),
                                  [&](const model::FilePart& each) { return each.path == path; });
  return found == part.files.end() ? nullptr : &*found;
}

std::vector<std::string> units(const model::NodePart& part) {
  std::vector<std::string> names;
  for (const model::UnitPart& unit : part.units) {
    names.push_back(unit.name);
  }
  return names;
}

TEST(Part, StartsTheControllersUnitsInOrderAndNeverSlurmd) {
  const auto part = part_of("controller-1");
  EXPECT_THAT(units(part), ElementsAre("munge.service", "provost-slurm-config.service",
                                       "mariadb.service", "slurmdbd.service", "slurmctld.service"));
  ASSERT_NE(file(part, "/etc/systemd/system/slurmd.service.d/50-provost.conf"), nullptr);
  EXPECT_EQ(file(part, "/etc/provost/runs-jobs"), nullptr);
}

TEST(Part, NeverWritesTheFilesThatSlurmctldRunsBy) {
  EXPECT_EQ(file(part_of("controller-1"), "/etc/slurm/slurm.conf"), nullptr);
  EXPECT_NE(file(part_of("controller-1"), "/etc/provost/slurm/slurm.conf"), nullptr);
}

TEST(Part, GivesLoginNodesTheCommandsFilesAndNoDaemon) {
  const auto part = part_of("login-2");
  EXPECT_THAT(units(part), ElementsAre("munge.service"));
  EXPECT_NE(file(part, "/etc/slurm/slurm.conf"), nullptr);
  EXPECT_EQ(file(part, "/etc/provost/runs-jobs"), nullptr);
}

TEST(Part, LetsComputeNodesFetchTheirConfiguration) {
  const auto part = part_of("gpu-1");
  EXPECT_THAT(units(part), ElementsAre("munge.service", "slurmd.service"));
  EXPECT_EQ(part.units.back().stage, model::Stage::worker);
  EXPECT_EQ(file(part, "/etc/slurm/slurm.conf"), nullptr);
  EXPECT_THAT(file(part, "/etc/default/slurmd")->content,
              HasSubstr("--conf-server controller-1:6817"));
}

TEST(Part, KeepsSecretsFromReaders) {
  const auto part = part_of("controller-1");
  const auto* key = file(part, "/etc/munge/munge.key");
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->mode, 0400U);
  EXPECT_EQ(key->owner, "munge");
  EXPECT_EQ(file(part, "/etc/slurm/slurmdbd.conf")->mode, 0600U);
  EXPECT_EQ(file(part, "/etc/slurm/slurmdbd.conf")->owner, "slurm");
}

TEST(Plan, IsEmptyWhenWhatIsSeenIsWanted) {
  const Wanted all = wanted(kCluster, kLayout, {});
  const Seen seen{all.accounts, FilesSeen{.live = all.configuration, .agreed = all.configuration}};
  EXPECT_THAT(plan(all, seen).actions, IsEmpty());
  EXPECT_EQ(facts(all, seen).size(), 3U);
  EXPECT_THAT(facts(all, seen), Contains("university/slurm-config/in-force"));
}

TEST(Plan, SyncsAccountsOnceSlurmdbdAnswers) {
  const Wanted all = wanted(kCluster, kLayout, {});
  const auto made = plan(all, {});
  ASSERT_EQ(made.actions.size(), 1U);
  const model::Step& step = made.actions[0].step;
  EXPECT_EQ(step.key, "university/accounting/" + digest(all.accounts) + "/sync");
  EXPECT_THAT(step.needs,
              ElementsAre("university/slurmdbd/answers", "university/slurmctld/answers"));
  EXPECT_THAT(step.gives,
              ElementsAre("university/accounting/" + digest(all.accounts) + "/in-force"));
  EXPECT_THAT(facts(all, {all.accounts, {}}), ElementsAre(step.gives.front()));
}

/// What is seen when a setting was added by hand to the files in force.
FilesSeen edited_by_hand(const Wanted& all) {
  FilesSeen seen{.agreed = all.configuration, .live_files = slurm::merge(all.made, all.kept)};
  seen.live_files.front().second += "MaxJobCount=5\n";
  seen.live = digest(seen.live_files);
  seen.by_hand = {{"slurm.conf", "MaxJobCount", "", "MaxJobCount=5"}};
  return seen;
}

Wanted with_strategy(model::SlurmConfigStrategy strategy) {
  model::Cluster cluster = kCluster;
  cluster.slurm_config = strategy;
  return wanted(cluster, kLayout, {});
}

TEST(HandEdits, AreUndoneWhenTheFilesSayOverwrite) {
  const Wanted all = with_strategy(model::SlurmConfigStrategy::overwrite);
  const auto made = plan(all, {all.accounts, edited_by_hand(all)});
  ASSERT_EQ(made.actions.size(), 1U);
  EXPECT_TRUE(std::get<Reconfigure>(made.actions[0].deed).over_hand_edits);
  EXPECT_THAT(made.actions[0].step.needs, ElementsAre("university/slurmctld/answers"));
  EXPECT_THAT(made.actions[0].step.because.sentence, HasSubstr("MaxJobCount=5"));
}

TEST(HandEdits, AreLeftAloneWhenTheFilesSayManagedAndHoldBackWhatElseIsWanted) {
  Wanted all = with_strategy(model::SlurmConfigStrategy::managed);
  const FilesSeen seen = edited_by_hand(all);
  EXPECT_THAT(plan(all, {all.accounts, seen}).actions, IsEmpty());
  EXPECT_THAT(facts(all, {all.accounts, seen}), Contains("university/slurm-config/in-force"));
  all.configuration = "another";
  const auto made = plan(all, {all.accounts, seen});
  ASSERT_EQ(made.actions.size(), 1U);
  EXPECT_THAT(made.actions[0].step.needs, Contains("university/slurm-config/hand-edits-settled"));
}

TEST(HandEdits, AreKeptWhenTheFilesSayMerge) {
  const Wanted all = with_strategy(model::SlurmConfigStrategy::merge);
  const FilesSeen seen = edited_by_hand(all);
  EXPECT_FALSE(is_settled(all, seen));
  EXPECT_THAT(plan(all, {all.accounts, seen}).actions, IsEmpty());
  model::Cluster cluster = kCluster;
  const Wanted keeping = wanted(cluster, kLayout, kept_with(all, seen));
  EXPECT_TRUE(is_settled(keeping, seen));
  EXPECT_NE(keeping.configuration, all.configuration);
  const auto made = plan(keeping, {all.accounts, seen});
  ASSERT_EQ(made.actions.size(), 1U);  // Provost's own rendering of the same
  EXPECT_THAT(made.actions[0].step.needs, ElementsAre("university/slurmctld/answers"));
}

slurm::Run answering(const os::Ran& ran) {
  return
      [ran](const std::vector<std::string>&, const std::string&) { return Result<os::Ran>(ran); };
}

TEST(Reconfigure, SaysWhyItWasRefused) {
  const auto outcome =
      act(Reconfigure{"d"},
          answering({.status = kRefusedBySlurmctld, .err = "error: no such plugin\n"}));
  EXPECT_EQ(outcome.ended, model::Ended::refused);
  EXPECT_EQ(outcome.found,
            "slurmctld refuses the new configuration, the old one runs on: no such plugin");
}

TEST(Reconfigure, WaitsForDeliveryAndForSlurmctld) {
  EXPECT_EQ(act(Reconfigure{"d"}, answering({.status = kNotDelivered})).ended, model::Ended::retry);
  EXPECT_EQ(act(Reconfigure{"d"}, answering({.status = kSilent})).ended, model::Ended::retry);
  EXPECT_EQ(act(Reconfigure{"d"}, answering({})).ended, model::Ended::asked);
}

TEST(SyncAccounts, BelievesWhatItReadsBackNotTheExitStatus) {
  const Accounts want = accounts_wanted(kCluster);
  const auto outcome = act(SyncAccounts{"university", want}, answering({}));  // nothing is kept
  EXPECT_EQ(outcome.ended, model::Ended::retry);
  EXPECT_THAT(outcome.found, HasSubstr("account administration is missing"));
}

TEST(SyncAccounts, GivesSacctmgrAllCommandsAtOnce) {
  std::vector<std::string> inputs;
  std::vector<std::string> known;
  const std::string directory = TESTDATA;
  const auto outcome =
      act(SyncAccounts{"university", accounts_wanted(kCluster)},
          [&](const std::vector<std::string>& argv, const std::string& input) -> Result<os::Ran> {
            os::Ran ran;
            if (argv[0] == "timeout") {
              inputs.push_back(input);
            } else if (argv[0] == "/bin/bash") {
              known.push_back(input);
            } else if (!inputs.empty()) {
              const std::string what = argv.size() > 5 && argv[5] == "onlydefaults" ? "defaults"
                                       : argv[3] == "assoc"                         ? "associations"
                                       : argv[3] == "account"                       ? "accounts"
                                       : argv[3] == "user" ? "administrators"
                                                           : "qos";
              ran.out = os::read_file(directory + "/sacctmgr-" + what + ".txt").value();
            }
            return ran;
          });
  EXPECT_EQ(outcome.ended, model::Ended::asked) << outcome.found;
  ASSERT_EQ(inputs.size(), 1U);
  EXPECT_THAT(inputs[0], HasSubstr("add user name=an,minh cluster=university account=vision\n"));
  ASSERT_EQ(known.size(), 1U) << "and asks slurmctld whether it knows";
  EXPECT_THAT(known[0], HasSubstr("vision|minh\n"));
}

}  // namespace
}  // namespace provost::scheduling
