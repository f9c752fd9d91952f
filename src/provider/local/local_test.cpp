#include <gtest/gtest.h>
#include <unistd.h>

#include "os/process.hpp"
#include "provider/local/cgroups.hpp"
#include "provider/local/names.hpp"
#include "provider/local/network.hpp"

namespace provost::provider::local {
namespace {

TEST(Names, FitWhereTheyAreUsedAndDifferPerAddress) {
  const std::string veth = veth_name("k3x9q2ab", "10.77.255.254");
  EXPECT_EQ(veth, "pk3x9q2ab-fffe");
  EXPECT_LE(veth.size(), 15U) << "IFNAMSIZ";
  EXPECT_LE(bridge_name("k3x9q2ab").size(), 15U);
  EXPECT_NE(veth_name("k3x9q2", "10.77.4.1"), veth_name("k3x9q2", "10.77.5.1"));
}

TEST(Cgroups, DirectoriesLieUnderProvostInEveryHierarchy) {
  const CgroupHost host{.unified = false, .systemd = false, .hierarchies = {"/c/memory", "/c/cpu"}};
  const Cgroups cgroups(host, "abc", "pv-abc-0402");
  EXPECT_EQ(cgroups.directories(), (std::vector<std::string>{"/c/memory/provost/abc/pv-abc-0402",
                                                             "/c/cpu/provost/abc/pv-abc-0402"}));
}

TEST(Cgroups, UnderSystemdAMachineIsAUnitOfItsClustersSlice) {
  const CgroupHost host{.unified = true, .systemd = true, .hierarchies = {"/c"}};
  EXPECT_EQ(Cgroups(host, "abc", "pv-abc-0402").directories(),
            (std::vector<std::string>{"/c/provost_abc.slice/pv-abc-0402.service"}));
  const auto properties = Cgroups::unit_properties({.memory_mib = 4096, .cpus = 2});
  EXPECT_NE(std::find(properties.begin(), properties.end(), "MemoryMax=4096M"), properties.end());
  EXPECT_NE(std::find(properties.begin(), properties.end(), "CPUQuota=200%"), properties.end());
}

TEST(Network, ARangeOfThisHostIsFoundToBeTaken) {
  const Status taken = subnet_is_free("127.0.0.0/22", "");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().kind, ErrorKind::conflict);
  EXPECT_NE(taken.error().message.find("interface lo"), std::string::npos);
  EXPECT_NE(taken.error().hint.find("--network"), std::string::npos);
}

}  // namespace
}  // namespace provost::provider::local
