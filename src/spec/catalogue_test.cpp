#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/checks_for_tests.hpp"

namespace provost::spec {
namespace {

using namespace tests;
using ::testing::HasSubstr;

TEST(Catalogue, HasTheTypesThatHyperPodOffers) {
  EXPECT_EQ(builtin_catalogue().size(), 123U);
  const model::InstanceType& type = builtin_catalogue().at("ml.p4d.24xlarge");
  EXPECT_EQ(type.accelerators, 8);
  EXPECT_EQ(type.accelerator, "a100");
  EXPECT_EQ(type.vcpus, 96);
  EXPECT_GT(type.price_per_hour, 20);
  EXPECT_FALSE(type.is_own);
}

Result<Catalogue> own(const std::string& csv) {
  return extend_catalogue(builtin_catalogue(), {"types.csv", csv});
}

TEST(Catalogue, ASiteAddsTypesAndChangesPrices) {
  const auto catalogue =
      own("type,vcpus,memory_mib,accelerator,accelerators,price_per_hour\n"
          "# ours\n"
          "ml.campus.big,64,524288,h200,4,2.5\r\n"
          "ml.g5.xlarge,,,,,0.3\n");
  ASSERT_TRUE(catalogue) << catalogue.error().message;
  EXPECT_EQ(catalogue->at("ml.campus.big").accelerator, "h200");
  EXPECT_TRUE(catalogue->at("ml.campus.big").is_own);
  EXPECT_EQ(catalogue->at("ml.g5.xlarge").vcpus, 4);
  EXPECT_DOUBLE_EQ(catalogue->at("ml.g5.xlarge").price_per_hour, 0.3);
  EXPECT_EQ(catalogue->size(), builtin_catalogue().size() + 1);
}

TEST(Catalogue, ALineThatMakesNoSenseIsNamed) {
  const std::string header = "type,vcpus,memory_mib,accelerator,accelerators,price_per_hour\n";
  for (const char* row :
       {"ml.bad,two,4096,,0,1", "ml.bad,2,-1,,0,1", "ml.bad,2,4096,A100,1,1", "ml.bad,2,4096,,3,1",
        "ml.bad,2,4096,,0,free", "ml.bad,2,4096,,0", ",2,4096,,0,1", "ml.good,2,4096,,0,1",
        "ml.bad,0,4096,,0,1", "ml.bad,99999999999999999999,4096,,0,1", "ml.bad,2,4096,,0,nan"}) {
    const auto read = own(header + "ml.good,2,4096,,0,1\n" + row + "\n");
    ASSERT_FALSE(read) << row;
    EXPECT_THAT(read.error().message, HasSubstr("types.csv:3")) << row;
  }
  EXPECT_FALSE(own(""));
  EXPECT_FALSE(own("type,vcpus,vcpus\n"));
}

TEST(Catalogue, WhatIsWrittenIsReadAgain) {
  const model::InstanceType& type = builtin_catalogue().at("ml.g5.xlarge");
  const auto again = extend_catalogue({}, {"stored", to_csv({type})});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->at("ml.g5.xlarge").accelerator, type.accelerator);
  EXPECT_DOUBLE_EQ(again->at("ml.g5.xlarge").price_per_hour, type.price_per_hour);
}

TEST(Catalogue, ATypeThatNobodyMeasuredIsKnownAndCannotBeUsed) {
  const Checked checked = check_all(
      api_driven(group("c", "Controller") + "," + group("w", "Compute", "1", "ml.trn2.3xlarge")));
  EXPECT_THAT(lines(checked), HasSubstr("neither its vCPUs nor its memory"));
}

TEST(Cost, CountsNodesByTheHour) {
  const Checked checked = check_all(university());
  ASSERT_TRUE(checked.cluster);
  const Cost cost = cost_of(*checked.cluster);
  EXPECT_GT(cost.per_hour, 0.5);
  EXPECT_DOUBLE_EQ(cost.per_month, cost.per_hour * 730);
  EXPECT_EQ(cost.priced_nodes, 6);
  EXPECT_EQ(cost.own_nodes, 0);
}

}  // namespace
}  // namespace provost::spec
