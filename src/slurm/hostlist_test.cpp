#include "slurm/hostlist.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace provost::slurm {
namespace {

using ::testing::ElementsAre;

TEST(Hostlist, FoldsNumbersOfOneGroupIntoRanges) {
  EXPECT_EQ(compress({"cpu-1", "cpu-2", "cpu-3", "cpu-7", "gpu-1"}), "cpu-[1-3,7],gpu-1");
  EXPECT_EQ(compress({"cpu-2"}), "cpu-2");
  EXPECT_EQ(compress({}), "");
}

TEST(Hostlist, SortsNumbersAndWritesEachOnce) {
  EXPECT_EQ(compress({"n-10", "n-9", "n-2", "n-9"}), "n-[2,9-10]");
}

TEST(Hostlist, KeepsNumbersWithLeadingZerosAsTheyAre) {
  EXPECT_EQ(compress({"n-01", "n-02", "n-0"}), "n-01,n-02,n-0");
}

TEST(Hostlist, KeepsANameAndANumberedNameOfTheSameStemApart) {
  EXPECT_EQ(compress({"n", "n1", "n2"}), "n,n[1-2]");
}

TEST(Hostlist, KeepsTheOrderWhereItMeansSomething) {
  const std::vector<std::string> addresses = {"10.0.0.5", "10.0.0.6", "10.0.0.7",
                                              "10.0.0.4", "10.0.1.0", "10.0.1.1"};
  EXPECT_EQ(compress_in_order(addresses), "10.0.0.[5-7],10.0.0.4,10.0.1.[0-1]");
  EXPECT_EQ(expand(compress_in_order(addresses)).value(), addresses);
  EXPECT_EQ(compress_in_order({"a", "a", "n-01", "n-02"}), "a,a,n-01,n-02");
  EXPECT_EQ(compress_in_order({}), "");
}

TEST(Hostlist, ExpandsWhatItCompresses) {
  std::vector<std::string> names;
  for (int number = 1; number <= 300; ++number) {
    names.push_back(fmt::format("p5-{}", number));
  }
  EXPECT_EQ(compress(names), "p5-[1-300]");
  EXPECT_EQ(expand(compress(names)).value(), names);
}

TEST(Hostlist, ExpandsPaddingAndSuffixes) {
  EXPECT_THAT(expand("a[08-10]x,b").value(), ElementsAre("a08x", "a09x", "a10x", "b"));
  EXPECT_TRUE(expand("(null)")->empty());
  EXPECT_TRUE(expand("")->empty());
}

TEST(Hostlist, RefusesWhatIsNoHostList) {
  for (const char* text :
       {"a[1-2", "a1]", "a[[1]]", "a[2-1]", "a[x]", "a[1-2-3]", "a[]", "a[1][2]"}) {
    EXPECT_FALSE(expand(text)) << text;
  }
  EXPECT_EQ(expand("a[1-99999999]").error().kind, ErrorKind::limit);
}

}  // namespace
}  // namespace provost::slurm
