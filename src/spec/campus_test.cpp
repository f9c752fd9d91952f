#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "spec/checks_for_tests.hpp"

namespace provost::spec {
namespace {

using namespace tests;
using ::testing::HasSubstr;

std::string with_campus(const std::string& from, const std::string& to) {
  Sources sources = university();
  sources.campus->text = with(sources.campus->text, from, to);
  return lines(check_all(sources));
}

TEST(Campus, TheExampleHasItsPeopleAndDepartments) {
  const Checked checked = check_all(university());
  ASSERT_TRUE(checked.cluster && checked.cluster->campus);
  EXPECT_EQ(checked.cluster->campus->people.size(), 6U);
  EXPECT_EQ(checked.cluster->campus->departments.front().name, "nlp");
  EXPECT_EQ(checked.cluster->campus->departments.front().supervisors,
            std::vector<std::string>{"linh"});
}

TEST(Campus, RemembersWhereEachValueStands) {
  const Sources sources = university();
  const auto line_of = [&](const std::string& text) {
    const std::string& all = sources.campus->text;
    const auto at = all.begin() + static_cast<std::ptrdiff_t>(all.find(text));
    return static_cast<int>(std::count(all.begin(), at, '\n')) + 1;
  };
  const Checked checked = check_all(sources);
  ASSERT_TRUE(checked.cluster && checked.cluster->campus);
  const model::Campus& campus = *checked.cluster->campus;
  EXPECT_EQ(campus.line_of("campus.administrators/hoa"), line_of("administrators = [\"hoa\"]"));
  EXPECT_EQ(campus.line_of("nlp.members/minh"), line_of("members = [\"minh\", \"an\"]"));
  EXPECT_EQ(campus.line_of("nlp.supervisors/linh"), line_of("supervisors = [\"linh\"]"));
  EXPECT_EQ(campus.line_of("nlp.nothing"), 0);
}

TEST(Campus, SyntaxErrorsHaveTheirPlace) {
  EXPECT_THAT(with_campus("name = \"nlp\"", "name = nlp"), HasSubstr("campus.toml:"));
}

TEST(Campus, LettersBeyondAsciiBelongIntoTexts) {
  EXPECT_EQ(with_campus("Minh Nguyen", "Nguyễn Văn Minh # \\u00f6"), "");
  EXPECT_THAT(with_campus("title = \"Minh", "títle = \"Minh"), HasSubstr("between quotes"));
  EXPECT_THAT(with_campus("[campus]", "[\n[campus]"), HasSubstr("campus.toml:4:1: error: "));
}

TEST(Campus, PeopleWhoAreNotThereAreMissed) {
  EXPECT_THAT(with_campus("members = [\"minh\", \"an\"]", "members = [\"min\", \"an\"]"),
              HasSubstr("min"));
  EXPECT_THAT(with_campus("administrators = [\"hoa\"]", "administrators = [\"nobody-here\"]"),
              HasSubstr("nobody-here"));
}

TEST(Campus, AUidBelongsToOnePersonAndNotToTheSystem) {
  EXPECT_THAT(with_campus("uid = 2002", "uid = 2001"), HasSubstr("2001"));
  EXPECT_THAT(with_campus("uid = 2002", "uid = 0"), HasSubstr("error: "));
  EXPECT_THAT(with_campus("uid = 2002", "uid = 1000"), HasSubstr("error: "));
}

TEST(Campus, NamesAreOnesThatTheSystemTakes) {
  EXPECT_THAT(with_campus("name = \"minh\"", "name = \"root\""), HasSubstr("root"));
  EXPECT_THAT(with_campus("name = \"minh\"", "name = \"Minh Nguyen\""), HasSubstr("error: "));
}

TEST(Campus, AKeyThatIsNoneIsRefused) {
  EXPECT_THAT(with_campus("keys = []", "keys = [\"ssh-ed25519 not-a-key\"]"), HasSubstr("error: "));
  EXPECT_THAT(with_campus("keys = []", "keys = [\"-----BEGIN OPENSSH PRIVATE KEY-----\"]"),
              HasSubstr("error: "));
}

TEST(Campus, AnUnknownFieldNamesTheNearestKnownOne) {
  EXPECT_THAT(with_campus("supervisors =", "supervisor ="), HasSubstr("supervisors"));
}

/// The example's machines with a plain campus.
Sources plain(const std::string& policy, const std::string& fields) {
  Sources sources = university();
  sources.campus->text = "[campus]\nname = \"Lab\"\n" + policy +
                         "\n[[department]]\nname = \"nlp\"\nmembers = [\"minh\"]\n" + fields +
                         "\n[[department]]\nname = \"vision\"\n"
                         "[[person]]\nname = \"minh\"\nuid = 2001\n";
  return sources;
}
std::string with_policy(const std::string& policy) { return lines(check_all(plain(policy, ""))); }
/// ... and with more fields in its first department.
std::string in_department(const std::string& fields, const std::string& policy = "") {
  return lines(check_all(plain(policy, fields)));
}

TEST(Policy, ASoundOneGivesNothing) {
  EXPECT_EQ(
      in_department("owns = [\"gpu\"]\nshare = 40\nqos = [\"normal\", \"scavenger\"]\n"
                    "limits = { gpus = 1, memory = \"16G\" }",
                    "[scheduler]\nhalf_life = \"7d\"\nweights = { age = 1 }\n"
                    "[[qos]]\nname = \"normal\"\nlimits = { wall = \"3d\", jobs_per_user = 4 }\n"
                    "[[qos]]\nname = \"scavenger\"\npreempted_by = [\"normal\"]\n"
                    "charge = \"25%\"\n[[partition]]\nname = \"debug\"\ngroups = [\"cpu\"]\n"
                    "max_time = \"30m\"\n[[gpus]]\ngroups = [\"gpu\"]\n"
                    "sharing = { mode = \"shard\", per_gpu = 4 }\n"),
      "");
}

TEST(Policy, NumbersAndTimesThatMakeNoSenseAreRefused) {
  EXPECT_THAT(in_department("share = -3"), HasSubstr("share is -3; it must be from 1"));
  EXPECT_THAT(with_policy("[scheduler]\nhalf_life = \"soon\""), HasSubstr("a time as in"));
  EXPECT_THAT(in_department("limits = { memory = 64 }"), HasSubstr("must be a string"));
  EXPECT_THAT(in_department("limits = { gpu = 1 }"), HasSubstr("gpus"));
  EXPECT_THAT(with_policy("[[qos]]\nname = \"q\"\ncharge = \"150%\""), HasSubstr("charge"));
}

TEST(Policy, NamesOfWhatIsNotThereAreMissed) {
  EXPECT_THAT(in_department("owns = [\"gpus\"]"), HasSubstr("no instance group that runs jobs"));
  EXPECT_THAT(in_department("owns = [\"login\"]"), HasSubstr("no instance group that runs jobs"));
  EXPECT_THAT(in_department("partitions = [\"gpuu\"]"), HasSubstr("no partition"));
  EXPECT_THAT(in_department("qos = [\"fast\"]"), HasSubstr("no QoS of this file"));
  EXPECT_THAT(with_policy("[[partition]]\nname = \"empty\""), HasSubstr("has no nodes"));
  EXPECT_THAT(in_department("", "[[department]]\nname = \"x\"\nsupervisors = [\"nobody-at-all\"]"),
              HasSubstr("nobody-at-all"));
}

TEST(Policy, ACycleOfProjectsOrOfPreemptionIsFound) {
  EXPECT_THAT(
      in_department("",
                    "[[department]]\nname = \"d\"\n[[department.project]]\nname = \"a\"\n"
                    "parent = \"b\"\n[[department.project]]\nname = \"b\"\nparent = \"a\"\n"),
      HasSubstr("projects are part of one another: a -> b -> a"));
  EXPECT_THAT(with_policy("[[qos]]\nname = \"a\"\npreempted_by = [\"b\"]\n[[qos]]\nname = \"b\"\n"
                          "preempted_by = [\"a\"]"),
              HasSubstr("preempt one another"));
}

TEST(Policy, OnePlaceDefinesEachLimit) {
  EXPECT_THAT(
      in_department("limits = { gpus = 1 }", "[[qos]]\nname = \"normal\"\nlimits = { gpus = 1 }"),
      HasSubstr("gpus is limited here and by QoS \"normal\", and Slurm takes the QoS's alone"));
  EXPECT_EQ(in_department("qos = [\"other\"]\nlimits = { gpus = 1 }",
                          "[[qos]]\nname = \"normal\"\nlimits = { gpus = 1 }\n"
                          "[[qos]]\nname = \"other\""),
            "")
      << "its people cannot use that QoS";
}

TEST(Policy, LimitsThatNoMachineReachesAreWarnedOf) {
  const std::string beyond = with_policy("[[qos]]\nname = \"q\"\nlimits = { gpus_per_user = 99 }");
  EXPECT_THAT(beyond, HasSubstr("warning: "));
  EXPECT_THAT(beyond, HasSubstr("is 99, but the cluster has 1"));
  Sources many = plain("[[qos]]\nname = \"q\"\nlimits = { gpus_per_user = 5 }", "");
  many.cluster_config.text =
      with(with(many.cluster_config.text,
                "\"InstanceType\": \"ml.g5.xlarge\",\n      \"InstanceCount\": 1",
                "\"InstanceType\": \"ml.g5.12xlarge\",\n      \"InstanceCount\": 4"),
           "", "");
  EXPECT_THAT(lines(check_all(many)), HasSubstr("4 or 8 fills whole nodes"));
}

TEST(Policy, TheSameTwiceIsSaidOnce) {
  EXPECT_THAT(with_policy("[[qos]]\nname = \"q\"\n[[qos]]\nname = \"q\""),
              HasSubstr("a second qos is named \"q\""));
  EXPECT_THAT(
      in_department("", "[[department]]\nname = \"d\"\n[[department.project]]\nname = \"vision\""),
      HasSubstr("a second department or project is named \"vision\""));
  EXPECT_THAT(in_department("owns = [\"gpu\"]", "[[department]]\nname = \"d\"\nowns = [\"gpu\"]"),
              HasSubstr("is owned by d already"));
}

TEST(Policy, ASyntaxErrorInTheLastOfManyLinesHasItsPlace) {
  Sources sources = university();
  for (int i = 0; i < 10'000; ++i) {
    sources.campus->text += fmt::format("# line {}\n", i);
  }
  const auto line = std::count(sources.campus->text.begin(), sources.campus->text.end(), '\n') + 1;
  sources.campus->text += "[[qos]";
  EXPECT_THAT(lines(check_all(sources)), HasSubstr(fmt::format("campus.toml:{}:", line)));
}

}  // namespace
}  // namespace provost::spec
