#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "spec/checks_for_tests.hpp"
#include "spec/shape.hpp"

namespace provost::spec {
namespace {

using namespace tests;
using ::testing::HasSubstr;

TEST(Shapes, AnUnknownFieldNamesTheNearestKnownOne) {
  const auto found = lines(check_all(
      api_driven(group("controller", "Controller") + "," +
                 group("work", "Compute", "1", "ml.t3.medium", ", \"ThreadPerCore\": 1"))));
  EXPECT_THAT(found, HasSubstr("config.json:4:"));
  EXPECT_THAT(found, HasSubstr("ThreadPerCore"));
  EXPECT_THAT(found, HasSubstr("\"ThreadsPerCore\""));
}

TEST(Shapes, AWrongTypeSaysWhatItIsAndWhatItMustBe) {
  EXPECT_THAT(lines(check_all(api_driven(group("controller", "Controller", "\"4\"")))),
              HasSubstr("InstanceCount"));
  EXPECT_THAT(
      lines(check_all({.cluster_config = {"c", "{\"ClusterName\": 7, \"InstanceGroups\": 8}"}})),
      HasSubstr("InstanceGroups"));
  EXPECT_THAT(lines(check_all({.cluster_config = {"c", "[]"}})), HasSubstr("error: "));
}

TEST(Shapes, RangesAndChoicesAreKept) {
  EXPECT_THAT(lines(check_all(api_driven(group("controller", "Controller", "-1")))),
              HasSubstr("-1"));
  EXPECT_THAT(
      lines(check_all(api_driven(group("controller", "Controller", "99999999999999999999")))),
      HasSubstr("error: "));
  EXPECT_THAT(lines(check_all(api_driven(group("controller", "Boss")))), HasSubstr("Controller"));
}

TEST(Shapes, WhatIsRequiredIsMissed) {
  const auto found = lines(check_all({.cluster_config = {"c", "{}"}}));
  EXPECT_THAT(found, HasSubstr("ClusterName"));
  EXPECT_THAT(found, HasSubstr("InstanceGroups"));
}

void expect_sound_regexes(const Shape& shape, std::set<const Shape*>& seen) {
  if (!seen.insert(&shape).second) {
    return;
  }
  if (shape.regex != nullptr) {
    EXPECT_TRUE(shape.regex->is_sound()) << shape.name;
  }
  if (shape.item != nullptr) {
    expect_sound_regexes(*shape.item, seen);
  }
  for (const Member& member : shape.members) {
    expect_sound_regexes(*member.shape, seen);
  }
}

TEST(Shapes, EveryRegularExpressionOfTheModelsIsOne) {
  std::set<const Shape*> seen;
  for (const Shape* root :
       {&cluster_config_shape(), &provisioning_parameters_shape(), &campus_shape()}) {
    expect_sound_regexes(*root, seen);
  }
  EXPECT_GT(seen.size(), 50U);
}

}  // namespace
}  // namespace provost::spec
