#include "scheduling/configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduling/samples_for_tests.hpp"
#include "slurm/golden_for_tests.hpp"

namespace provost::scheduling {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string slurm_conf(const model::Cluster& cluster) {
  return configuration(cluster, samples::layout_of(cluster)).front().second;
}

TEST(Configuration, KeepsControllerAndLoginNodesOutOfSlurm) {
  const std::string text = slurm_conf(samples::university());
  EXPECT_THAT(text, Not(HasSubstr("NodeName=controller")));
  EXPECT_THAT(text, Not(HasSubstr("login")));
}

TEST(Configuration, MakesTheFirstNamedPartitionDefaultAndClosesDevWithACampus) {
  const auto conf = slurm_conf_of(samples::university(), samples::layout_of(samples::university()));
  ASSERT_EQ(conf.partitions.size(), 4U);
  EXPECT_EQ(conf.partitions.front().name, "nlp");
  EXPECT_TRUE(conf.partitions.front().is_default);
  EXPECT_EQ(conf.partitions.back().name, "dev");
  EXPECT_FALSE(conf.partitions.back().is_default);
  EXPECT_EQ(conf.partitions.back().allow_groups, kAdministrators);
}

TEST(Configuration, MakesDevDefaultAndOpenWithoutACampus) {
  const auto cluster = samples::without_campus();
  const auto conf = slurm_conf_of(cluster, samples::layout_of(cluster));
  EXPECT_TRUE(conf.partitions.back().is_default);
  EXPECT_EQ(conf.partitions.back().allow_groups, "");
  EXPECT_FALSE(conf.partitions.front().is_default);
}

TEST(Configuration, GivesAPartitionOverTwoGroupsTheLeastMemoryACpu) {
  const auto cluster = samples::large();
  const auto conf = slurm_conf_of(cluster, samples::layout_of(cluster));
  EXPECT_EQ(conf.partitions[1].name, "h100");
  EXPECT_EQ(conf.partitions[1].memory_per_cpu_mib, 10880);
  EXPECT_EQ(conf.partitions[2].name, "gpu");
  EXPECT_EQ(conf.partitions[2].memory_per_cpu_mib, 3840);
  EXPECT_THAT(conf.gpu_types, ElementsAre("a10g", "h100"));
}

TEST(Configuration, NeverGivesJobsMoreThanANodeHas) {
  for (const auto& cluster : {samples::university(), samples::without_campus(), samples::large()}) {
    const auto conf = slurm_conf_of(cluster, samples::layout_of(cluster));
    for (const auto& set : conf.nodes) {
      EXPECT_EQ(set.cpus % set.threads_per_core, 0) << set.comment;
      EXPECT_LE(conf.memory_per_cpu_mib * set.cpus, set.real_memory_mib) << set.comment;
    }
  }
}

TEST(Configuration, KeepsNodesApartWhoseGpuFilesDiffer) {
  const auto cluster = samples::large();
  auto layout = samples::layout_of(cluster);
  layout.nodes.back().gpu_files = {"/dev/nvidia0"};
  const auto sets = gpus_of(cluster, layout);
  ASSERT_EQ(sets.size(), 3U);
  EXPECT_THAT(sets.back().nodes, ElementsAre("g5-40"));
}

TEST(Configuration, IsTheSameEachTime) {
  EXPECT_EQ(slurm_conf(samples::large()), slurm_conf(samples::large()));
}

TEST(Configuration, IsAsKept) {
  for (const auto& cluster : {samples::university(), samples::without_campus(), samples::large()}) {
    for (const auto& [name, text] : configuration(cluster, samples::layout_of(cluster))) {
      slurm::expect_golden(TESTDATA, cluster.name + "/" + name, text);
    }
  }
  if (slurm::accepts_golden()) {
    GTEST_SKIP() << "files rewritten";
  }
}

}  // namespace
}  // namespace provost::scheduling
