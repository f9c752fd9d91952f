#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/checks_for_tests.hpp"

namespace provost::spec {
namespace {

using namespace tests;
using ::testing::HasSubstr;

std::string with_parameters(const std::string& from, const std::string& to) {
  Sources sources = university();
  sources.provisioning_parameters->text = with(sources.provisioning_parameters->text, from, to);
  return lines(check_all(sources));
}

TEST(ProvisioningParameters, ADanglingGroupIsNamedAtItsPlace) {
  const std::string found = with_parameters("\"controller_group\": \"controller\"",
                                            "\"controller_group\": \"controler\"");
  EXPECT_THAT(found, HasSubstr("params.json:"));
  EXPECT_THAT(found, HasSubstr("controler"));
  EXPECT_THAT(found, HasSubstr("\"controller\""));
}

TEST(ProvisioningParameters, AWorkerGroupThatIsNotThereIsNamed) {
  EXPECT_THAT(
      with_parameters("\"instance_group_name\": \"gpu\"", "\"instance_group_name\": \"gpus\""),
      HasSubstr("gpus"));
}

TEST(ProvisioningParameters, AndOrchestratorAreTwoWaysToSayOneThing) {
  Sources sources = university();
  sources.cluster_config.text =
      with(sources.cluster_config.text, "\"InstanceGroupName\": \"cpu\"",
           "\"SlurmConfig\": {\"NodeType\": \"Compute\"}, \"InstanceGroupName\": \"cpu\"");
  EXPECT_THAT(lines(check_all(sources)), HasSubstr("cannot include both"));
}

TEST(ProvisioningParameters, AreNeededWithoutOrchestrator) {
  Sources sources = university();
  sources.provisioning_parameters.reset();
  EXPECT_THAT(lines(check_all(sources)), HasSubstr("error: "));
}

}  // namespace
}  // namespace provost::spec
