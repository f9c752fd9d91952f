#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/checks_for_tests.hpp"

namespace provost::spec {
namespace {

using namespace tests;
using ::testing::HasSubstr;

std::string syntax(const std::string& text) {
  return lines(check_all({.cluster_config = {"c.json", text}}));
}

TEST(Json, SyntaxErrorsHaveLineAndColumn) {
  EXPECT_THAT(syntax("{\"ClusterName\": \"a\",\n  \"InstanceGroups\": [1 2]}"),
              HasSubstr("c.json:2:"));
  EXPECT_THAT(syntax("{\"a\": tru}"), HasSubstr("c.json:1:7: error: "));
  EXPECT_THAT(syntax("{\"a\": 1,}"), HasSubstr("c.json:1:"));
  EXPECT_THAT(syntax("{\"a\": \"x"), HasSubstr("c.json:1:7: error: "));
  EXPECT_THAT(syntax(""), HasSubstr("c.json:1:1: error: "));
  EXPECT_THAT(syntax("{\"a\": [1, 2}"), HasSubstr("or ], found }"));
  EXPECT_THAT(syntax("{} {}"), HasSubstr("c.json:1:4: error: "));
}

TEST(Json, ANameGivenTwiceIsAnError) {
  EXPECT_THAT(syntax("{\"ClusterName\": \"a\",\n\"ClusterName\": \"b\"}"),
              HasSubstr("c.json:2:1: error: "));
}

TEST(Json, BytesThatAreNoTextAreRefusedAtTheirPlace) {
  EXPECT_THAT(syntax("{\"ClusterName\": \"\xff\xfe\"}"), HasSubstr("c.json:1:"));
  EXPECT_THAT(syntax(std::string("{\"a\": \"\0\"}", 10)), HasSubstr("c.json:1:"));
}

TEST(Json, DepthAndLengthAreBounded) {
  EXPECT_THAT(syntax(std::string(100'000, '[')), HasSubstr("error: "));
  EXPECT_THAT(syntax("\"" + std::string(5 << 20, 'x') + "\""), HasSubstr("error: "));
}

TEST(Json, AByteOrderMarkAndWindowsLineEndsAreNoHarmOrAreSaid) {
  Sources sources = university();
  sources.cluster_config.text = "\xef\xbb\xbf" + sources.cluster_config.text;
  const Checked checked = check_all(sources);
  EXPECT_TRUE(checked.cluster || !lines(checked).empty());
}

}  // namespace
}  // namespace provost::spec
