#include "support/bundle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/process.hpp"

namespace provost::support {
namespace {

using testing::HasSubstr;

class BundleTest : public testing::Test {
 protected:
  BundleTest()
      : directory_(std::filesystem::temp_directory_path() /
                   ("bundle-" + to_hex(os::random_bytes(6)))) {
    std::filesystem::create_directories(directory_);
  }
  ~BundleTest() override { std::filesystem::remove_all(directory_); }
  [[nodiscard]] std::string file() const { return directory_ / "x.tar.gz"; }
  [[nodiscard]] std::string content(const std::string& path) const {
    return os::output_of({.argv = {"tar", "-xzOf", file(), path}}).value_or("");
  }
  std::filesystem::path directory_;
};

TEST_F(BundleTest, HoldsScrubbedTextsAndAManifestOfWhatIsMissing) {
  auto bundle = Bundle::begin("report-tiny");
  ASSERT_TRUE(bundle);
  ASSERT_TRUE(bundle->add("nodes/cpu-1/slurmd.log", "fine\npassword=hunter2\n"));
  bundle->missing("nodes/cpu-2/slurmd.log", "its agent is not connected");
  ASSERT_TRUE(bundle->write(file(), "Report of tiny"));
  struct stat status {};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(content("report-tiny/nodes/cpu-1/slurmd.log"), "fine\npassword=[removed]\n");
  const std::string manifest = content("report-tiny/MANIFEST");
  EXPECT_THAT(manifest, HasSubstr("Report of tiny"));
  EXPECT_THAT(manifest, HasSubstr("nodes/cpu-1/slurmd.log"));
  EXPECT_THAT(manifest, HasSubstr("nodes/cpu-2/slurmd.log: its agent is not connected"));
}

TEST_F(BundleTest, TakesNoPathThatLeavesIt) {
  EXPECT_FALSE(Bundle::begin("../x"));
  auto bundle = Bundle::begin("report-tiny");
  for (const char* path : {"../x", "/etc/x", "a//b", "a/../../b", ""}) {
    EXPECT_FALSE(bundle->add(path, "x")) << path;
  }
}

TEST_F(BundleTest, LeavesNothingBehindWhereItCannotWrite) {
  auto bundle = Bundle::begin("report-tiny");
  EXPECT_FALSE(bundle->write((directory_ / "none" / "x.tar.gz").string(), ""));
  ASSERT_TRUE(bundle->write(file(), ""));
  EXPECT_EQ(os::list_directory(directory_), std::vector<std::string>{"x.tar.gz"});
}

}  // namespace
}  // namespace provost::support
