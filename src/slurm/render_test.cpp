#include "slurm/render.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slurm/golden_for_tests.hpp"

namespace provost::slurm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Header kHeader = {"university", {"cluster-config.json", "campus.toml"}};

SlurmConf conf() {
  return {.header = kHeader,
          .controller = "controller-1",
          .controller_address = "10.77.4.2",
          .memory_per_cpu_mib = 1920,
          .gpu_types = {"h100"},
          .nodes = {{.comment = "group p5: 2 of ml.p5.48xlarge",
                     .nodes = {"p5-1", "p5-2"},
                     .addresses = {"10.77.4.9", "10.77.4.7"},
                     .cpus = 192,
                     .threads_per_core = 2,
                     .real_memory_mib = 2088960,
                     .gpu_type = "h100",
                     .gpus = 8}},
          .partitions = {{.name = "h100",
                          .comment = "instance group p5",
                          .nodes = {"p5-1", "p5-2"},
                          .is_default = true,
                          .memory_per_cpu_mib = 10880}}};
}

TEST(SlurmConf, CountsCoresSoThatThreadsAddUp) {
  EXPECT_THAT(slurm_conf(conf()),
              HasSubstr("NodeName=p5-[1-2] NodeAddr=10.77.4.9,10.77.4.7 CPUs=192 Boards=1 "
                        "SocketsPerBoard=1 CoresPerSocket=96 "
                        "ThreadsPerCore=2 RealMemory=2088960 Gres=gpu:h100:8 State=UNKNOWN\n"));
}

TEST(SlurmConf, GivesEveryPartitionADefaultTimeAndMemory) {
  EXPECT_THAT(slurm_conf(conf()),
              HasSubstr("PartitionName=h100 Nodes=p5-[1-2] Default=YES State=UP OverSubscribe=NO "
                        "DefaultTime=1:00:00 MaxTime=7-00:00:00 DefMemPerCPU=10880\n"));
}

TEST(SlurmConf, ClosesAPartitionByPosixGroup) {
  SlurmConf closed = conf();
  closed.partitions[0].allow_groups = "provost-admins";
  EXPECT_THAT(slurm_conf(closed), HasSubstr(" AllowGroups=provost-admins\n"));
}

TEST(GresConf, NamesDeviceFilesAsARange) {
  EXPECT_THAT(gres_conf(kHeader, {{{"p5-1", "p5-2"}, "h100", 2, {"/dev/nvidia0", "/dev/nvidia1"}}}),
              HasSubstr("NodeName=p5-[1-2] Name=gpu Type=h100 File=/dev/nvidia[0-1]\n"));
}

TEST(GresConf, CountsGpusWithoutDeviceFiles) {
  EXPECT_THAT(gres_conf(kHeader, {{{"p5-1"}, "h100", 8, {}}}),
              HasSubstr("NodeName=p5-1 Name=gpu Type=h100 Count=8\n"));
}

TEST(SlurmdbdConf, HoldsNoPassword) {
  EXPECT_THAT(slurmdbd_conf({kHeader, "controller-1"}), Not(HasSubstr("StoragePass")));
}

TEST(Files, AreAsKept) {
  expect_golden(TESTDATA, "slurm.conf", slurm_conf(conf()));
  expect_golden(TESTDATA, "cgroup.conf", cgroup_conf(kHeader));
  expect_golden(TESTDATA, "job_container.conf", job_container_conf(kHeader));
  expect_golden(TESTDATA, "slurmdbd.conf", slurmdbd_conf({kHeader, "controller-1"}));
  if (accepts_golden()) {
    GTEST_SKIP() << "files rewritten";
  }
}

}  // namespace
}  // namespace provost::slurm
