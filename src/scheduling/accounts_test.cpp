#include "scheduling/accounts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "os/files.hpp"
#include "scheduling/samples_for_tests.hpp"

namespace provost::scheduling {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Accounts captured() {
  const std::string directory = TESTDATA;
  const auto file = [&](const char* name) { return os::read_file(directory + name).value(); };
  return parse_accounts({.accounts = file("/sacctmgr-accounts.txt"),
                         .defaults = file("/sacctmgr-defaults.txt"),
                         .administrators = file("/sacctmgr-administrators.txt"),
                         .associations = file("/sacctmgr-associations.txt"),
                         .qos = file("/sacctmgr-qos.txt")});
}

TEST(Wanted, MakesADepartmentAnAccountWithItsSupervisorsAsCoordinators) {
  const Accounts wanted = accounts_wanted(samples::university());
  EXPECT_THAT(wanted.accounts.at("nlp").coordinators, ElementsAre("linh"));
  EXPECT_THAT(wanted.accounts.at("nlp").users, ElementsAre("linh", "minh"));
  EXPECT_THAT(wanted.accounts.at("vision").users, ElementsAre("an", "minh"));
  EXPECT_EQ(wanted.users.at("minh").default_account, "nlp");
}

TEST(Wanted, GivesAnAdministratorWithoutDepartmentAnAccount) {
  const Accounts wanted = accounts_wanted(samples::university());
  EXPECT_THAT(wanted.accounts.at(kAdministration).users, ElementsAre("ada"));
  EXPECT_TRUE(wanted.users.at("ada").administrator);
  EXPECT_FALSE(wanted.users.at("linh").administrator);
}

TEST(Wanted, LetsUbuntuSubmitOnlyWithoutACampus) {
  EXPECT_EQ(accounts_wanted(samples::without_campus()).users.at("ubuntu").default_account,
            kDefaultAccount);
  EXPECT_FALSE(accounts_wanted(samples::university()).users.contains("ubuntu"));
}

TEST(Seen, IsReadFromWhatSacctmgrPrinted) {
  const Accounts seen = captured();
  EXPECT_EQ(seen.accounts.count("root"), 0U);
  EXPECT_TRUE(seen.accounts.at("vision").ours);
  EXPECT_THAT(seen.accounts.at("nlp").coordinators, ElementsAre("linh"));
  EXPECT_EQ(seen.users.at("minh").default_account, "nlp");
  EXPECT_TRUE(seen.users.at("ada").administrator);
}

TEST(Seen, SurvivesAnyText) {
  for (const char* text : {"", "|", "||", "|||", "\n|a|b\n", "nothing", "a|b|c|d|e|f"}) {
    (void)parse_accounts({text, text, text, text, text});
  }
}

TEST(Commands, AreNoneWhenAllIsAsWanted) {
  EXPECT_THAT(differences(accounts_wanted(samples::university()), captured()), IsEmpty());
  EXPECT_THAT(commands(accounts_wanted(samples::university()), captured(), "university"),
              IsEmpty());
}

TEST(Commands, BuildAnEmptyDatabaseInOneGo) {
  EXPECT_THAT(commands(accounts_wanted(samples::university()), {}, "university"),
              ElementsAre("add account name=administration cluster=university parent=root "
                          "description=\"Administration\" organization=provost",
                          "add account name=university cluster=university parent=root "
                          "description=\"Example University\" organization=provost",
                          "add account name=nlp cluster=university parent=university "
                          "description=\"Natural Language Processing\" organization=provost",
                          "add account name=vision cluster=university parent=university "
                          "description=\"Computer  Vision \" organization=provost",
                          "add user name=ada cluster=university account=administration",
                          "add user name=linh,minh cluster=university account=nlp",
                          "add user name=an,minh cluster=university account=vision",
                          "modify user where name=ada set adminlevel=Administrator",
                          "add coordinator name=linh account=nlp",
                          "add coordinator name=an account=vision"));
}

TEST(Commands, TakeAwayOnlyWhatProvostMade) {
  Accounts seen = captured();
  seen.accounts["old"] = {"", {}, {"gone"}, true};
  seen.accounts["handmade"] = {"", {}, {"ubuntu"}, false};
  const auto lines = commands(accounts_wanted(samples::university()), seen, "university");
  EXPECT_THAT(lines, ElementsAre("delete user name=gone", "delete account name=old"));
  EXPECT_THAT(differences(accounts_wanted(samples::university()), seen),
              ElementsAre("account old is still there"));
}

// A campus of many: two departments, a member of the first in the second, too.
Accounts crowd(int count) {
  model::Cluster cluster = samples::university();
  model::Campus& campus = *cluster.campus;
  campus.departments = {{.name = "a", .supervisors = {"u0"}}, {.name = "b", .members = {"u0"}}};
  campus.people.clear();
  campus.administrators.clear();
  for (int i = 0; i < count; ++i) {
    campus.people.push_back({.name = fmt::format("u{}", i), .uid = 2000 + i});
    campus.departments[static_cast<std::size_t>(i % 2)].members.push_back(fmt::format("u{}", i));
  }
  return accounts_wanted(cluster);
}

TEST(Loads, AreOfManyNewcomersEachOnceInTheirDefaultAccount) {
  EXPECT_THAT(loads(crowd(100), Accounts{}, "c", 2).people, IsEmpty()) << "a few come by commands";
  const Loads made = loads(crowd(1000), Accounts{}, "c", 2);
  const auto& files = made.people;
  ASSERT_EQ(files.size(), 2U);
  EXPECT_THAT(files[0], ::testing::StartsWith("Cluster - 'c'\nParent - 'a'\n"
                                              "User - 'u0':DefaultAccount='a':Fairshare=1\n"));
  EXPECT_THAT(files[1], ::testing::StartsWith("Cluster - 'c'\nParent - 'b'\n"));
  EXPECT_THAT(files[1], ::testing::Not(HasSubstr("'u0'")));
  EXPECT_EQ(std::count(files[0].begin(), files[0].end(), '\n') +
                std::count(files[1].begin(), files[1].end(), '\n'),
            1000 + 4);
  EXPECT_THAT(loads(crowd(1000), crowd(1000), "c", 2).people, IsEmpty());
  EXPECT_EQ(loads(crowd(1000), Accounts{}, "c", 8).people.size(), 2U) << "no file is empty";
}

TEST(Loads, BringTheAccountsThatAreNotThere) {
  Accounts wanted = crowd(1000);
  wanted.accounts.at("b").title = "Bits: 'n' Bytes";
  wanted.accounts.at("b").settings["Fairshare"] = "30";
  Accounts seen;
  seen.accounts["university"] = {};
  EXPECT_EQ(loads(wanted, seen, "c", 2).accounts,
            "Cluster - 'c'\n"
            "Parent - 'university'\n"
            "Account - 'a':Description='a':Organization='provost':Fairshare=1\n"
            "Parent - 'university'\n"
            "Account - 'b':Description='Bits   n  Bytes':Organization='provost':Fairshare=30\n");
}

TEST(Differences, NameTheLineThatIsNotKept) {
  model::Cluster cluster = samples::university();
  model::Campus& campus = *cluster.campus;
  campus.departments[0].line = 10;
  campus.departments[0].share = 40;
  campus.departments[0].limits = {{"gpus", {4, 13}}, {"cpus_per_user", {2, -3}}};
  campus.qos = {{.name = "normal", .limits = {{"wall", {60, 21}}}, .line = 20}};
  campus.lines = {{"nlp.share", 12}, {"nlp.members/minh", -4}, {"nlp.supervisors/linh", 11}};
  EXPECT_THAT(differences(accounts_wanted(cluster), Accounts{}),
              ::testing::IsSupersetOf(
                  {"account nlp is missing (campus.toml:10)",
                   "user linh is not in account nlp (campus.toml:11)",
                   "user minh is not in account nlp (overlay 4)",
                   "account nlp: Fairshare is 1, not 40 (campus.toml:12)",
                   "account nlp: GrpTRES gres/gpu is not set, not 4 (campus.toml:13)",
                   "user minh in account nlp: GrpTRES cpu is not set, not 2 (overlay 3)",
                   "QoS normal is missing (campus.toml:20)",
                   "QoS normal: MaxWallDurationPerJob is not set, not 01:00:00 (campus.toml:21)"}));
}

TEST(Commands, ChangeDefaultsBeforeTheyTakeAway) {
  model::Cluster moved = samples::university();
  moved.campus->departments[0].members = {};  // minh leaves nlp for vision alone
  const auto lines = commands(accounts_wanted(moved), captured(), "university");
  EXPECT_THAT(lines, ElementsAre("modify user where name=minh set defaultaccount=vision",
                                 "delete user name=minh cluster=university account=nlp"));
}

TEST(Commands, KeepLinesShortForThousandsOfPeople) {
  model::Cluster crowd = samples::university();
  for (int i = 0; i < 5000; ++i) {
    crowd.campus->departments[0].members.push_back(fmt::format("student{:05}", i));
  }
  for (const std::string& line : commands(accounts_wanted(crowd), {}, "university")) {
    EXPECT_LT(line.size(), 8192U);
  }
}

TEST(Digest, ChangesWithWhatIsComparedOnly) {
  model::Cluster cluster = samples::university();
  const std::string before = digest(accounts_wanted(cluster));
  cluster.campus->departments[0].title = "Another title";
  EXPECT_EQ(digest(accounts_wanted(cluster)), before);
  cluster.campus->departments[0].supervisors.push_back("minh");
  EXPECT_NE(digest(accounts_wanted(cluster)), before);
}

}  // namespace
}  // namespace provost::scheduling
