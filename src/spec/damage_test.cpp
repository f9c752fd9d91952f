#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/checks_for_tests.hpp"

namespace provost::spec {
namespace {

using namespace tests;

// A file that was cut or scribbled on is an error or another sound file, never a crash; and an
// error has a place.
void expect_told(const Sources& sources) {
  const Checked checked = check_all(sources);
  EXPECT_NE(checked.cluster.has_value(), has_errors(checked.findings));
}

TEST(Damage, EveryCutOfEveryFileIsTold) {
  const Sources whole = university();
  for (std::size_t length = 0; length < whole.cluster_config.text.size(); length += 7) {
    Sources cut = whole;
    cut.cluster_config.text.resize(length);
    expect_told(cut);
  }
  for (std::size_t length = 0; length < whole.campus->text.size(); length += 11) {
    Sources cut = whole;
    cut.campus->text.resize(length);
    expect_told(cut);
  }
  for (std::size_t length = 0; length < whole.provisioning_parameters->text.size(); length += 5) {
    Sources cut = whole;
    cut.provisioning_parameters->text.resize(length);
    expect_told(cut);
  }
}

TEST(Damage, EveryScribbleIsTold) {
  const Sources whole = university();
  for (const char scribble : {'\0', '\xff', '"', '{', ']', '\\', '9', '\n'}) {
    for (std::size_t at = 0; at < whole.cluster_config.text.size(); at += 13) {
      Sources hurt = whole;
      hurt.cluster_config.text[at] = scribble;
      expect_told(hurt);
    }
    for (std::size_t at = 0; at < whole.campus->text.size(); at += 29) {
      Sources hurt = whole;
      hurt.campus->text[at] = scribble;
      expect_told(hurt);
    }
  }
}

}  // namespace
}  // namespace provost::spec
