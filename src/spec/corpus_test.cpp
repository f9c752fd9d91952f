// The broken files of tests/files: every fault at its place, nothing else, and each message says
// what would be right. The sound ones: nothing at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/text.hpp"
#include "spec/checks_for_tests.hpp"

namespace provost::spec {
namespace {

namespace fs = std::filesystem;
using namespace tests;

const fs::path kFiles = fs::path(PROVOST_SOURCE_DIR) / "tests" / "files";

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<SourceText> source(const fs::path& folder, const std::string& name) {
  return name.empty() || !fs::exists(folder / name)
             ? std::nullopt
             : std::optional(SourceText{name, slurp(folder / name)});
}

Sources cluster_in(const fs::path& folder) {
  return {.cluster_config = *source(folder, "cluster-config.json"),
          .provisioning_parameters = source(folder, "provisioning-parameters.json"),
          .campus = source(folder, "campus.toml"),
          .name = {}};
}

std::string places(const Findings& findings) {
  std::vector<std::string> found;
  for (const Finding& each : findings) {
    if (each.severity != Severity::note) {
      found.push_back(fmt::format("{}:{}:{} {} {}", each.where.file, each.where.line,
                                  each.where.column, name(each.severity), each.rule));
    }
  }
  std::sort(found.begin(), found.end());
  return join(found, "\n") + "\n";
}

TEST(Corpus, EveryFaultIsFoundAtItsPlaceAndNothingElse) {
  int clusters = 0;
  for (const auto& folder : fs::directory_iterator(kFiles / "broken")) {
    const Checked checked = check_all(cluster_in(folder));
    EXPECT_EQ(places(checked.findings), slurp(folder.path() / "expected"))
        << folder.path().filename() << ":\n"
        << lines(checked);
    for (const Finding& each : checked.findings) {
      const bool is_syntax = each.rule == "json.syntax" || each.rule == "toml.syntax";
      EXPECT_TRUE(is_syntax || !each.better.empty())
          << folder.path().filename() << ": " << to_text(each);
    }
    ++clusters;
  }
  EXPECT_GE(clusters, 100);
}

TEST(Corpus, SoundFilesGiveNothing) {
  for (const char* each : {"sound-classic", "sound-api-driven"}) {
    const Checked checked = check_all(cluster_in(kFiles / each));
    EXPECT_TRUE(checked.cluster);
    EXPECT_EQ(lines(checked), "") << each;
  }
}

// samples.expected: a line "== CONFIG [PARAMETERS]", then all that is found, as validate prints it.
TEST(Samples, OfHyperPodAreFoundToBeWhatTheyAre) {
  const fs::path folder = kFiles / "samples";
  std::string told;
  std::string wanted = slurp(folder / "samples.expected");
  for (const std::string& line : split(wanted, '\n')) {
    if (!line.starts_with("== ")) {
      continue;
    }
    auto words = split(line.substr(3), ' ');
    words.resize(2);
    const Checked checked = check_all({.cluster_config = *source(folder, words[0]),
                                       .provisioning_parameters = source(folder, words[1]),
                                       .campus = std::nullopt,
                                       .name = {}});
    told += line + "\n";
    for (const Finding& each : checked.findings) {
      told += to_text(each) + "\n";
    }
  }
  EXPECT_EQ(told, wanted);
}

}  // namespace
}  // namespace provost::spec
