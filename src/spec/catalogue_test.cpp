#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/checks_for_tests.hpp"

namespace provost::spec {
namespace {

using namespace tests;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Catalogue, HasTheTypesThatHyperPodOffers) {
  EXPECT_GE(builtin_catalogue().size(), 120U);
  const model::InstanceType& type = builtin_catalogue().at("ml.p4d.24xlarge");
  EXPECT_EQ(type.accelerators, 8);
  EXPECT_EQ(type.accelerator, "a100");
  EXPECT_EQ(type.vcpus, 96);
}

TEST(Catalogue, ALineThatMakesNoSenseIsNamed) {
  const auto read = read_catalogue({"types.csv",
                                    "type,vcpus,memory_mib,architecture,accelerator,accelerators\n"
                                    "ml.good,2,4096,x86_64,,0\nml.bad,two,4096,x86_64,,0\n"});
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("3"));
}

}  // namespace
}  // namespace provost::spec
