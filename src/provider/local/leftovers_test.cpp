#include "provider/local/leftovers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "provider/local/owners.hpp"

namespace provost::provider::local {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Trace bridge(const std::string& id) {
  return {.kind = TraceKind::bridge, .name = "pv-" + id, .network_id = id};
}

Trace machine(const std::string& id, const std::string& state, bool running) {
  return {.kind = TraceKind::machine,
          .name = state + "/machines/tiny/cpu-1",
          .network_id = id,
          .machine = "pv-" + id + "-0402",
          .state = state,
          .cluster = "tiny",
          .node = "cpu-1",
          .running = running};
}

const Owners kOwners{.state = "/state",
                     .run = "/run/ours",
                     .store_is_known = true,
                     .networks = {"known1"},
                     .clusters = {"known"},
                     .elsewhere = {"other1"}};

TEST(ReadName, UndoesTheNamesThatAreGiven) {
  EXPECT_EQ(read_name(bridge_name("k3x9q2"))->network_id, "k3x9q2");
  EXPECT_EQ(read_name(bridge_name("k3x9q2"))->machine, "");
  EXPECT_EQ(read_name(table_name("k3x9q2"))->network_id, "k3x9q2");
  for (const std::string& name :
       {veth_name("k3x9q2", "10.77.4.12"), machine_name("k3x9q2", "10.77.4.12")}) {
    EXPECT_EQ(read_name(name)->network_id, "k3x9q2") << name;
    EXPECT_EQ(read_name(name)->machine, "pv-k3x9q2-040c") << name;
  }
}

TEST(ReadName, LeavesOtherNamesAlone) {
  for (const char* name :
       {"", "eth0", "enp4s0", "pv-", "pv-tooLong", "pv-morethan8", "p-040c", "docker0", "provost",
        "provost_", "provost_A", "pk3x9q2-04", "br-040c", "veth-040c", "pk3x9q2-zzzz"}) {
    EXPECT_FALSE(read_name(name)) << name;
  }
}

TEST(Leftovers, AreWhatNoClusterAndNoOtherProvostdOwns) {
  EXPECT_THAT(leftovers({bridge("known1"), bridge("other1"), bridge("lost1")}, kOwners),
              ElementsAre(bridge("lost1")));
}

TEST(Leftovers, AreNoneWhileTheStoreCannotBeRead) {
  Owners blind = kOwners;
  blind.store_is_known = false;
  EXPECT_THAT(leftovers({bridge("lost1"), machine("lost1", "/state", false)}, blind), IsEmpty());
}

TEST(Leftovers, NeverLieInAnotherStateDirectory) {
  EXPECT_THAT(leftovers({machine("lost1", "/elsewhere", false)}, kOwners), IsEmpty());
}

TEST(Leftovers, RunTogether) {
  const auto found =
      leftovers({machine("lost1", "/state", true), bridge("lost1"), bridge("lost2")}, kOwners);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_TRUE(found[0].running);
  EXPECT_TRUE(found[1].running) << "the bridge of a machine that runs";
  EXPECT_FALSE(found[2].running);
}

TEST(Leftovers, WhatLiesInAnothersRunDirectoryIsToldAndNotTouched) {
  const Trace theirs{.kind = TraceKind::network_namespace,
                     .name = "/run/theirs/netns/pv-lost1-0402",
                     .network_id = "lost1",
                     .machine = "pv-lost1-0402"};
  Trace own = theirs;
  own.name = "/run/ours/netns/pv-lost2-0402";
  own.network_id = "lost2";
  const auto found = leftovers({theirs, bridge("lost1"), own}, kOwners);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[1].other_run, "/run/theirs") << "its bridge hangs together with it";
  EXPECT_FALSE(remove_leftover(found[1], {}, {.running = true, .unclaimed = true}));
  EXPECT_EQ(found[2].other_run, "");
}

TEST(Leftovers, OnlyWhatIsProvedToBeOursIsClaimed) {
  const Trace table{
      .kind = TraceKind::packet_rules, .name = "provost_stray1", .network_id = "stray1"};
  Trace marked = bridge("lost1");
  marked.state = "/state";
  const auto found =
      leftovers({machine("lost2", "/state", false), bridge("lost2"), marked, table}, kOwners);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_TRUE(found[1].claimed) << "a record in the state directory names its network";
  EXPECT_TRUE(found[2].claimed) << "its alias names the state directory";
  EXPECT_FALSE(found[3].claimed) << "a name alone proves nothing";
  const auto kept = remove_leftover(found[3], {}, {.running = true});
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().kind, ErrorKind::conflict);
}

TEST(Leftovers, ABridgeThatNamesAnotherProvostdKeepsAllOfItsNetwork) {
  Trace theirs = bridge("theirs");
  theirs.state = "/elsewhere";
  const Trace table{
      .kind = TraceKind::packet_rules, .name = "provost_theirs", .network_id = "theirs"};
  EXPECT_THAT(leftovers({theirs, table}, kOwners), IsEmpty());
}

TEST(Leftovers, ADirectoryThatWasCutOffEarlyGoesByItsCluster) {
  Trace early = machine("", "/state", false);
  EXPECT_EQ(leftovers({early}, kOwners).size(), 1U);
  early.cluster = "known";
  EXPECT_THAT(leftovers({early}, kOwners), IsEmpty());
}

TEST(RemoveLeftover, EndsNothingThatRunsUnlessToldTo) {
  const auto refused = remove_leftover(machine("lost1", "/nonexistent", true), {}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  Trace running = bridge("lost1");
  running.running = true;
  EXPECT_FALSE(remove_leftover(running, {}, {.running = true, .unclaimed = true}))
      << "only records in the state directory say so";
}

TEST(Owners, AProvostdIsKnownByItsCommandLine) {
  EXPECT_EQ(state_of_command({"/usr/lib/provostd", "--state", "/srv/p", ""}), "/srv/p");
  EXPECT_EQ(state_of_command({"provostd", "--verbose", "--state=/srv/p"}), "/srv/p");
  EXPECT_EQ(state_of_command({"provostd"}), "/var/lib/provost");
  EXPECT_EQ(
      state_of_command({"systemd-nspawn", "--quiet", "--boot",
                        "--directory=/srv/p/machines/tiny/cpu-1/root", "--machine=pv-a-0402"}),
      "/srv/p")
      << "a node says where it lies, also when its provostd does not run";
  EXPECT_EQ(state_of_command({"systemd-nspawn", "--directory=/srv/other"}), "");
  EXPECT_EQ(state_of_command({"vi", "--state", "/srv/p"}), "");
  EXPECT_EQ(state_of_command({}), "");
}

TEST(Owners, AMountNamesItsStateDirectory) {
  EXPECT_EQ(state_of_mount("/srv/p/machines/tiny/cpu-1/root"), "/srv/p");
  EXPECT_EQ(state_of_mount("/srv/p/machines/tiny/cpu-1"), "");
  EXPECT_EQ(state_of_mount("/root"), "");
}

}  // namespace
}  // namespace provost::provider::local
