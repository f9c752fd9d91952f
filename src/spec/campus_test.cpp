#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace provost::spec
