#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/checks_for_tests.hpp"

namespace provost::spec {
namespace {

using namespace tests;
using ::testing::HasSubstr;
using ::testing::Not;

Surroundings all_well(const Checked& checked) {
  Surroundings around;
  for (const model::InstanceGroup& group : checked.cluster->groups) {
    if (group.lifecycle) {
      around.scripts[script_key(*group.lifecycle)] = Surroundings::Script::present;
    }
  }
  around.memory_available_mib = 16'000;
  around.nodes_possible = 1000;
  around.bucket_root = "/buckets";
  return around;
}

std::string said(const Surroundings& around, Purpose purpose = Purpose::create) {
  const Sources sources = university();
  const Checked checked = check_all(sources);
  std::string all;
  for (const Finding& finding : check_surroundings(checked, sources, around, purpose)) {
    all += to_text(finding) + "\n";
  }
  return all;
}

TEST(Surroundings, OfASoundWorldSayNothing) {
  EXPECT_EQ(said(all_well(check_all(university()))), "");
}

TEST(Surroundings, AMissingBucketOrScriptIsNamedAtItsField) {
  Surroundings around = all_well(check_all(university()));
  for (auto& [key, script] : around.scripts) {
    script = Surroundings::Script::no_bucket;
  }
  EXPECT_THAT(said(around), HasSubstr("config.json:"));
  EXPECT_THAT(said(around), HasSubstr("sagemaker-university"));
  EXPECT_THAT(said(around), HasSubstr("error: "));
  EXPECT_THAT(said(around, Purpose::validate), Not(HasSubstr("error: ")));
  for (auto& [key, script] : around.scripts) {
    script = Surroundings::Script::carriage_returns;
  }
  EXPECT_THAT(said(around), HasSubstr("on_create.sh"));
}

TEST(Surroundings, NamesTakenAndTooLittleMemoryAreSaid) {
  Surroundings around = all_well(check_all(university()));
  around.memory_available_mib = 10;
  EXPECT_THAT(said(around), HasSubstr("error: "));
  around = all_well(check_all(university()));
  around.nodes_possible = 2;
  EXPECT_THAT(said(around), HasSubstr("error: "));
}

}  // namespace
}  // namespace provost::spec
