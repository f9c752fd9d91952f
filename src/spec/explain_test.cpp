#include "spec/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/checks_for_tests.hpp"

namespace provost::spec {
namespace {

using namespace tests;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(Explain, SaysWhatEachGroupIs) {
  const Checked checked = check_all(university());
  ASSERT_TRUE(checked.cluster);
  const Explanation all = explain(checked);
  EXPECT_EQ(all.described_by, "provisioning-parameters.json");
  ASSERT_EQ(all.groups.size(), 4U);
  EXPECT_EQ(all.groups[3].group.name, "gpu");
  EXPECT_THAT(all.groups[3].script, HasSubstr("on_create.sh of s3://sagemaker-university"));
  EXPECT_THAT(all.departments, ElementsAre("nlp", "vision"));
}

TEST(Explain, TheUniversalPartitionIsForAdministratorsOnceThereIsACampus) {
  const auto universal = [](const Sources& sources) {
    return explain(check_all(sources)).partitions.back().who;
  };
  EXPECT_THAT(universal(university()), HasSubstr("hoa"));
  EXPECT_EQ(universal(api_driven(group("c", "Controller") + "," + group("w", "Compute"))),
            "everybody");
}

TEST(Explain, ADefaultIsNamedWithItsRule) {
  const Checked checked =
      check_all(api_driven(group("c", "Controller") + "," + group("w", "Compute")));
  ASSERT_TRUE(checked.cluster) << lines(checked);
  const auto defaults = explain(checked).defaults;
  EXPECT_THAT(defaults, Contains(Field(&DefaultUsed::path, "InstanceGroups[0].ThreadsPerCore")));
  for (const DefaultUsed& each : defaults) {
    EXPECT_FALSE(each.rule.empty()) << each.path;
  }
}

TEST(Fields, AreFoundByNamePathAndEnd) {
  const auto paths = [](const char* wanted) {
    std::vector<std::string> all;
    for (const FieldHelp& field : find_fields(wanted)) {
      all.push_back(field.path);
    }
    return all;
  };
  EXPECT_THAT(paths("InstanceGroups[7].instancetype"),
              ElementsAre("InstanceGroups[].InstanceType"));
  EXPECT_THAT(paths("lifecycleconfig.oncreate"),
              ElementsAre("InstanceGroups[].LifeCycleConfig.OnCreate"));
  EXPECT_THAT(paths("uid"), ElementsAre("person[].uid"));
  EXPECT_THAT(paths("nothing"), IsEmpty());
  EXPECT_THAT(paths(""), IsEmpty());
  EXPECT_EQ(nearest_field("InstanceTyp"), "InstanceType");
}

TEST(Fields, EachHasWordsAnExampleAndAReasonWhenItHasNoEffect) {
  for (const FieldHelp& field : all_fields()) {
    EXPECT_THAT(field.about, Not(IsEmpty())) << field.path;
    EXPECT_THAT(field.example, Not(IsEmpty())) << field.path;
    if (field.effect != "honoured") {
      EXPECT_THAT(field.reason, Not(IsEmpty())) << field.path;
    }
  }
}

TEST(Fields, TheDocumentationIsThatOfTheModels) {
  std::ifstream file(std::string(PROVOST_SOURCE_DIR) + "/docs/files.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), fields_as_markdown())
      << "make it again: provost explain --markdown >docs/files.md";
}

TEST(NoEffect, IsNotedOnceHoweverManyGroupsHaveIt) {
  const Checked checked = check_all(university());
  int roles = 0;
  for (const Finding& finding : checked.findings) {
    roles +=
        finding.rule == "field.no-effect" && finding.what.find("ExecutionRole") != std::string::npos
            ? 1
            : 0;
  }
  EXPECT_EQ(roles, 1);
}

TEST(AllowUnknown, MakesAFieldThatNobodyKnowsAWarning) {
  Sources sources = api_driven(group("c", "Controller") + "," + group("w", "Compute"),
                               ", \"Newer\": {\"Field\": 1}");
  EXPECT_FALSE(check_all(sources).cluster);
  sources.allow_unknown = true;
  const Checked checked = check_all(sources);
  EXPECT_TRUE(checked.cluster);
  EXPECT_THAT(lines(checked), HasSubstr("warning: the file has no field \"Newer\""));
}

}  // namespace
}  // namespace provost::spec
