// For tests only: comparing a rendered file with the one kept in testdata/. With PROVOST_ACCEPT=1
// in the environment the kept file is rewritten and the test is skipped, so that a run that accepts
// can never pass for a run that checks.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "os/files.hpp"

namespace provost::slurm {

inline bool accepts_golden() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): tests have one thread here
  return std::getenv("PROVOST_ACCEPT") !=
         nullptr;  // NOLINT(concurrency-mt-unsafe): tests only read
}

/// Expects `text` to be the file `name` below `directory`.
inline void expect_golden(const std::string& directory, const std::string& name,
                          const std::string& text) {
  const std::string path = directory + "/" + name;
  if (accepts_golden()) {
    ASSERT_TRUE(os::make_directories(path.substr(0, path.rfind('/'))));
    ASSERT_TRUE(os::write_file(path, text));
    return;
  }
  const auto kept = os::read_file(path);
  ASSERT_TRUE(kept) << kept.error().message << " (PROVOST_ACCEPT=1 writes it)";
  EXPECT_EQ(*kept, text) << path << " differs (PROVOST_ACCEPT=1 rewrites it)";
}

}  // namespace provost::slurm
