#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/spec.hpp"

namespace provost::spec {
namespace {

using ::testing::HasSubstr;

constexpr const char* kConfig = R"({ "ClusterName": "é",
  "InstanceGroups": [
    {"InstanceCount":1, "InstanceGroupName": "controller"},
   { "InstanceGroupName" : "work", "InstanceCount" :  12 , "InstanceType": "ml.c5.xlarge" },
    {"InstanceGroupName": "none"}
  ]
})";

TEST(WithInstanceCounts, ChangesNothingButTheNumbers) {
  const auto changed = with_instance_counts({"c", kConfig}, {{"work", 3}, {"controller", 100}});
  ASSERT_TRUE(changed) << changed.error().message;
  std::string expected = kConfig;
  expected.replace(expected.find("  12 "), 5, "  3 ");
  expected.replace(expected.find(":1,"), 3, ":100,");
  EXPECT_EQ(*changed, expected);
}

TEST(WithInstanceCounts, SaysWhichGroupsThereAre) {
  const auto unknown = with_instance_counts({"c", kConfig}, {{"wrok", 3}});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "there is no group named wrok");
  EXPECT_EQ(unknown.error().hint, "the groups are controller, work, none");
  EXPECT_THAT(with_instance_counts({"c", kConfig}, {{"none", 3}}).error().message,
              HasSubstr("has no InstanceCount"));
  EXPECT_FALSE(with_instance_counts({"c", "{"}, {{"work", 3}}));
}

}  // namespace
}  // namespace provost::spec
