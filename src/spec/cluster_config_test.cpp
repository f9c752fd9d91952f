#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "spec/checks_for_tests.hpp"

namespace provost::spec {
namespace {

using namespace tests;
using ::testing::HasSubstr;

TEST(ClusterConfig, TheExampleIsSound) {
  const Checked checked = check_all(university());
  EXPECT_EQ(lines(checked), "");
  ASSERT_TRUE(checked.cluster);
  EXPECT_EQ(checked.cluster->name, "university");
  EXPECT_EQ(checked.cluster->controller_group().name, "controller");
  const model::InstanceGroup* gpu = checked.cluster->find_group("gpu");
  ASSERT_NE(gpu, nullptr);
  EXPECT_EQ(gpu->role, model::Role::compute);
  EXPECT_EQ(gpu->type.accelerators, 1);
  EXPECT_EQ(gpu->partitions, std::vector<std::string>{"gpu"});
  ASSERT_TRUE(gpu->lifecycle);
  EXPECT_EQ(gpu->lifecycle->bucket, "sagemaker-university");
  EXPECT_EQ(gpu->lifecycle->prefix, "lifecycle");
}

TEST(ClusterConfig, ANameOfItsOwnTakesThePlaceOfTheFiles) {
  Sources sources = university();
  sources.name = "second";
  const Checked checked = check_all(sources);
  ASSERT_TRUE(checked.cluster) << lines(checked);
  EXPECT_EQ(checked.cluster->name, "second");
}

TEST(ClusterConfig, TheNewerWayNeedsNoProvisioningParameters) {
  const Checked checked = check_all(
      api_driven(group("head", "Controller") + "," + group("door", "Login", "2") + "," +
                 group("work", "Compute", "3", "ml.c5.xlarge", ", \"ThreadsPerCore\": 1")));
  ASSERT_TRUE(checked.cluster) << lines(checked);
  EXPECT_EQ(checked.cluster->find_group("door")->role, model::Role::login);
  EXPECT_EQ(checked.cluster->find_group("work")->count, 3);
}

TEST(ClusterConfig, AllFaultsAreToldAtOnceErrorsFirst) {
  const Checked checked = check_all(api_driven(group("same", "Controller", "2") + "," +
                                               group("same", "Compute", "1", "ml.p99.huge") + "," +
                                               group("other", "Compute", "\"4\"")));
  EXPECT_FALSE(checked.cluster);
  const std::string found = lines(checked);
  EXPECT_THAT(found, HasSubstr("a second group is named \"same\""));
  EXPECT_THAT(found, HasSubstr("ml.p99.huge"));
  EXPECT_THAT(found, HasSubstr("InstanceCount"));
  EXPECT_GE(std::count(found.begin(), found.end(), '\n'), 4);
}

TEST(ClusterConfig, ThereIsExactlyOneController) {
  EXPECT_THAT(lines(check_all(api_driven(group("a", "Controller", "0")))), HasSubstr("controller"));
  EXPECT_THAT(lines(check_all(api_driven(group("a", "Controller", "2")))), HasSubstr("controller"));
  EXPECT_THAT(lines(check_all(api_driven(group("a", "Compute")))), HasSubstr("ontroller"));
  EXPECT_THAT(
      lines(check_all(api_driven(group("a", "Controller") + "," + group("b", "Controller")))),
      HasSubstr("ontroller"));
}

TEST(ClusterConfig, NamesThatDifferInCaseOnlyWouldBeOneHost) {
  EXPECT_THAT(lines(check_all(api_driven(group("a", "Controller") + "," + group("work", "Compute") +
                                         "," + group("Work", "Compute")))),
              HasSubstr("differ in case only"));
}

}  // namespace
}  // namespace provost::spec
