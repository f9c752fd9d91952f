#include <gtest/gtest.h>

#include <cstdint>

#include "base/finding.hpp"
#include "base/guarded.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

namespace provost {
namespace {

TEST(Text, NearestFindsATypingErrorAndNothingFar) {
  EXPECT_EQ(nearest("InstanceGroupNam", {"InstanceGroupName", "InstanceCount"}),
            "InstanceGroupName");
  EXPECT_EQ(nearest("zebra", {"InstanceGroupName", "InstanceCount"}), std::nullopt);
}

TEST(Text, Base64RoundTripsEveryLengthAndRefusesGarbage) {
  for (std::size_t length = 0; length < 20; ++length) {
    std::string bytes;
    for (std::size_t i = 0; i < length; ++i) {
      bytes += static_cast<char>(i * 37 + 200);
    }
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
  }
  EXPECT_EQ(from_base64("a"), std::nullopt);
  EXPECT_EQ(from_base64("a=bc"), std::nullopt);
  EXPECT_EQ(from_base64("===="), std::nullopt);
  EXPECT_EQ(from_base64("ab!c"), std::nullopt);
}

TEST(Text, NumbersAreWholeAndUnsigned) {
  EXPECT_EQ(to_number("42"), 42);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "1.0", "99999999999999999999"}) {
    EXPECT_EQ(to_number(bad), std::nullopt) << bad;
  }
}

TEST(Text, ShortenEscapesWhatATerminalWouldObey) {
  EXPECT_EQ(shorten("a\x1b[31m"), "a\\x1b[31m");
  EXPECT_EQ(shorten("abcdef", 3), "abc…");
}

TEST(Time, IsWrittenInUtcAndInWords) {
  EXPECT_EQ(to_iso(from_millis(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_iso(from_millis(1'700'000'000'123)), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(to_words(std::chrono::milliseconds(420)), "0.4 s");
  EXPECT_EQ(to_words(std::chrono::seconds(185)), "3 min 5 s");
}

TEST(Finding, ReadsAsFileLineColumnAndSortsErrorsFirst) {
  Findings findings = {
      {Severity::warning, "r", "p", "", "odd", "", {"f.json", 1, 1}},
      {Severity::error, "r", "p", "", "wrong", "write 3", {"f.json", 2, 5}},
  };
  sort_for_reading(findings);
  EXPECT_EQ(to_text(findings[0]), "f.json:2:5: error: wrong; write 3");
  EXPECT_TRUE(has_errors(findings));
}

TEST(Result, KeepsKindAndHintWhenContextIsAdded) {
  const Error error{ErrorKind::timeout, "no answer in 10 s", "try again"};
  const Error outer = error.within("while asking slurmctld");
  EXPECT_EQ(outer.kind, ErrorKind::timeout);
  EXPECT_EQ(outer.message, "while asking slurmctld: no answer in 10 s");
  EXPECT_EQ(outer.hint, "try again");
}

}  // namespace
}  // namespace provost
