// The check of large files by itself, without a program's start; bench/validate makes the files and
// names their folder in PROVOST_BENCH_FILES.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "spec/spec.hpp"

namespace {

using provost::spec::SourceText;

SourceText source(const std::string& name) {
  const char* folder = std::getenv("PROVOST_BENCH_FILES");
  std::ifstream file(std::string(folder == nullptr ? "." : folder) + "/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return {name, text.str()};
}

void check(benchmark::State& state, bool with_campus) {
  provost::spec::Sources sources{.cluster_config = source("cluster-config.json"),
                                 .provisioning_parameters = source("provisioning-parameters.json"),
                                 .campus = std::nullopt,
                                 .name = {}};
  if (with_campus) {
    sources.campus = source("campus.toml");
  }
  for (auto _ : state) {
    const auto checked = provost::spec::check(sources, provost::spec::builtin_catalogue());
    if (!checked.cluster) {
      state.SkipWithError("the files are not sound");
      return;
    }
  }
}

BENCHMARK_CAPTURE(check, cluster, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(check, campus, true)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
