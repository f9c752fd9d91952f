// Made-up hosts, and what is thought of them.
#include "support/checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/files.hpp"

namespace provost::support {
namespace {

using testing::HasSubstr;

constexpr auto kPass = Verdict::pass;
constexpr auto kWarn = Verdict::warn;
constexpr auto kFail = Verdict::fail;

const UtcTime kNow = from_millis(1'800'000'000'000);

NodeFact node(const std::string& name, const std::string& role) {
  return {.name = name,
          .role = role,
          .status = "Running",
          .connected = true,
          .seconds_since_heard = 1,
          .slurm = role == "compute" ? "idle" : "",
          .reason = {},
          .units = {{"munge.service", "up", ""}}};
}

ClusterFact tiny() {
  return {.name = "tiny",
          .status = "InService",
          .problem = {},
          .slurm_answers = true,
          .nodes = {node("controller-1", "controller"), node("cpu-1", "compute")}};
}

/// A host on which all is well.
HostFacts sound() {
  HostFacts facts;
  facts.version = "0.1.0";
  facts.kernel = "6.1.0";
  facts.trials = {{"overlay mounts", "", "grep overlay /proc/filesystems"}};
  facts.groups = {.unified = true,
                  .systemd = true,
                  .controllers = {"cpu", "cpuset", "memory", "pids", "io"},
                  .writable = true};
  facts.memory_mib = 16'000;
  facts.memory_available_mib = 12'000;
  facts.disks = {{.use = "state directory",
                  .path = "/var/lib/provost",
                  .exists = true,
                  .read_only = false,
                  .free_mib = 100'000,
                  .free_inodes = 1'000'000}};
  facts.packages = {{{"jq", "run", ""}, true}};
  facts.clock = {.now = kNow, .synchronised = true};
  facts.image = {.path = "/images/1/rootfs", .there = true, .problem = {}};
  facts.store = {.file = "/var/lib/provost/provost.db",
                 .exists = true,
                 .damage = {},
                 .missing = {},
                 .unknown = {},
                 .last_event = kNow - std::chrono::hours(1),
                 .clusters = {{"1", "tiny", "k3x9q2", 2}},
                 .authority = {}};
  facts.certificates = {{"the authority", kNow + std::chrono::hours(24 * 3000)}};
  facts.secrets = {{"/var/lib/provost", 0700, 0700, true}};
  facts.limits = {{"fs.inotify.max_user_instances", 8192, 8192, true}};
  facts.daemon = {.answers = true,
                  .problem = {},
                  .version = "0.1.0",
                  .pid = 7,
                  .state = {},
                  .certificate_ends = kNow + std::chrono::hours(24 * 800),
                  .clusters = {tiny()}};
  return facts;
}

TEST(Checks, ASoundHostPassesThemAll) {
  for (const Line& line : check_all(sound())) {
    EXPECT_EQ(line.verdict, kPass) << line.check << ": " << line.finding;
    EXPECT_NE(line.finding, "") << line.check;
    EXPECT_NE(line.by_hand, "") << line.check;
    EXPECT_EQ(line.mend, "") << line.check;
  }
  EXPECT_EQ(worst(check_all(sound())), kPass);
}

/// One change of a sound host, and the line that tells of it.
struct Case {
  const char* what;
  void (*change)(HostFacts&);
  const char* check;
  Verdict verdict;
  const char* finding;
};

const std::vector<Case> kCases = {
    {"no overlay", [](HostFacts& f) { f.trials[0].problem = "unknown file system"; }, "kernel",
     kFail, "overlay mounts: unknown file system"},
    {"v2 without memory", [](HostFacts& f) { f.groups.controllers.erase("memory"); },
     "control groups", kFail, "v2, without memory"},
    {"v1 without devices",
     [](HostFacts& f) {
       f.groups.unified = false;
       f.groups.controllers.insert("freezer");
     },
     "control groups", kFail, "v1, without devices"},
    {"read-only groups", [](HostFacts& f) { f.groups.writable = false; }, "control groups", kFail,
     "read-only"},
    {"little memory", [](HostFacts& f) { f.memory_available_mib = 700; }, "memory", kWarn, "700"},
    {"no memory", [](HostFacts& f) { f.memory_available_mib = 100; }, "memory", kFail, "100"},
    {"little space", [](HostFacts& f) { f.disks[0].free_mib = 3000; }, "disk: state directory",
     kWarn, "3000 MiB"},
    {"no space", [](HostFacts& f) { f.disks[0].free_mib = 10; }, "disk: state directory", kFail,
     "10 MiB"},
    {"no inodes", [](HostFacts& f) { f.disks[0].free_inodes = 12; }, "disk: state directory", kFail,
     "12 inodes"},
    {"read-only disk", [](HostFacts& f) { f.disks[0].read_only = true; }, "disk: state directory",
     kFail, "read-only"},
    {"no directory", [](HostFacts& f) { f.disks[0].exists = false; }, "disk: state directory",
     kWarn, "is not there"},
    {"no package", [](HostFacts& f) { f.packages[0].installed = false; }, "packages", kFail, "jq"},
    {"no dpkg", [](HostFacts& f) { f.has_dpkg = false; }, "packages", kWarn, "no dpkg"},
    {"API port taken",
     [](HostFacts& f) {
       f.listeners = {{"0.0.0.0", 7443, 99, "nginx"}};
     },
     "ports", kFail, "7443 (the API) is held by nginx (process 99)"},
    {"agents' port taken",
     [](HostFacts& f) {
       f.listeners = {{"10.77.4.1", 7444, 99, "provostd"}};
     },
     "ports", kFail, "7444 (agents) is held by provostd (process 99)"},
    {"clock not synchronised", [](HostFacts& f) { f.clock.synchronised = false; }, "clock", kWarn,
     "not synchronised"},
    {"clock went back", [](HostFacts& f) { f.store.last_event = kNow + std::chrono::hours(1); },
     "clock", kFail, "before the store's last event"},
    {"clock never set", [](HostFacts& f) { f.clock.now = from_millis(5000); }, "clock", kFail,
     "1970"},
    {"no image yet", [](HostFacts& f) { f.image.there = false; }, "node image", kWarn,
     "not made yet"},
    {"no recipe", [](HostFacts& f) { f.image.problem = "no recipe in /x"; }, "node image", kFail,
     "no recipe"},
    {"torn store", [](HostFacts& f) { f.store.damage = "Page 30: free space corruption"; }, "store",
     kFail, "provost.db is damaged: Page 30"},
    {"newer store", [](HostFacts& f) { f.store.unknown = {"999-tomorrow"}; }, "store", kFail,
     "newer Provost"},
    {"older store", [](HostFacts& f) { f.store.missing = {"003-changes"}; }, "store", kWarn,
     "older Provost"},
    {"open directory", [](HostFacts& f) { f.secrets[0].mode = 0755; }, "permissions", kFail,
     "/var/lib/provost (0755; at most 0700)"},
    {"somebody's directory", [](HostFacts& f) { f.secrets[0].root_owned = false; }, "permissions",
     kFail, "not root's"},
    {"certificate ends soon",
     [](HostFacts& f) { f.daemon.certificate_ends = kNow + std::chrono::hours(48); },
     "certificates", kWarn, "that of provostd ends on"},
    {"certificate ended",
     [](HostFacts& f) { f.certificates[0].ends = kNow - std::chrono::hours(48); }, "certificates",
     kFail, "that of the authority ended on"},
    {"limits lowered", [](HostFacts& f) { f.limits[0].now = 128; }, "kernel limits", kWarn,
     "fs.inotify.max_user_instances is 128"},
    {"limits too low for its nodes",
     [](HostFacts& f) {
       f.limits[0].now = 128;
       f.store.clusters[0].nodes = 13;
     },
     "kernel limits", kFail, "is 128"},
    {"limits that stay low",
     [](HostFacts& f) {
       f.limits[0].now = 128;
       f.limits[0].writable = false;
     },
     "kernel limits", kFail, "read-only"},
    {"leftover",
     [](HostFacts& f) {
       f.leftovers = {{.kind = provider::local::TraceKind::bridge, .name = "pv-lost"}};
     },
     "leftovers", kWarn, "bridge pv-lost (names no owner)"},
    {"nobody knows", [](HostFacts& f) { f.leftovers_known = false; }, "leftovers", kWarn,
     "cannot be told"},
    {"provostd down", [](HostFacts& f) { f.daemon = {}; }, "provostd", kFail, "does not answer"},
    {"provostd down, nothing lost",
     [](HostFacts& f) {
       f.daemon = {};
       f.store.clusters.clear();
     },
     "provostd", kWarn, "does not answer"},
    {"its clusters then", [](HostFacts& f) { f.daemon = {}; }, "cluster tiny", kWarn, "not known"},
    {"another version", [](HostFacts& f) { f.daemon.version = "0.0.9"; }, "provostd", kWarn,
     "0.0.9"},
    {"daemon failed", [](HostFacts& f) { f.daemon.clusters[0].nodes[0].units[0].state = "failed"; },
     "cluster tiny", kFail, "controller-1: munge.service is failed"},
    {"agent silent", [](HostFacts& f) { f.daemon.clusters[0].nodes[1].connected = false; },
     "cluster tiny", kFail, "cpu-1: its agent is silent"},
    {"Slurm silent", [](HostFacts& f) { f.daemon.clusters[0].slurm_answers = false; },
     "cluster tiny", kFail, "Slurm's controller does not answer"},
    {"node drained",
     [](HostFacts& f) {
       f.daemon.clusters[0].nodes[1].slurm = "idle+drain";
       f.daemon.clusters[0].nodes[1].reason = "a fan";
     },
     "cluster tiny", kWarn, "Slurm has cpu-1 idle+drain (a fan)"},
    {"cluster being made",
     [](HostFacts& f) {
       f.daemon.clusters[0].status = "Creating";
       f.daemon.clusters[0].nodes[1].connected = false;
     },
     "cluster tiny", kWarn, "Creating: cpu-1"},
    {"cluster failed", [](HostFacts& f) { f.daemon.clusters[0].status = "Failed"; }, "cluster tiny",
     kFail, "Failed"},
    {"files not sound", [](HostFacts& f) { f.daemon.clusters[0].problem = "its files..."; },
     "cluster tiny", kFail, "its files"},
};

TEST(Checks, EachFaultIsToldInItsLineWithWhatToDo) {
  for (const Case& one : kCases) {
    HostFacts facts = sound();
    one.change(facts);
    bool found = false;
    for (const Line& line : check_all(facts)) {
      if (line.check == one.check) {
        found = true;
        EXPECT_EQ(line.verdict, one.verdict) << one.what;
        EXPECT_THAT(line.finding, HasSubstr(one.finding)) << one.what;
        EXPECT_NE(line.mend, "") << one.what;
        EXPECT_NE(line.by_hand, "") << one.what;
      }
    }
    EXPECT_TRUE(found) << one.what;
  }
}

TEST(Checks, ProvostdsOwnPortsAreItsOwn) {
  HostFacts facts = sound();
  facts.listeners = {{"127.0.0.1", 7443, 7, "provostd"}, {"10.77.0.1", 7444, 7, "provostd"}};
  EXPECT_EQ(check_ports(facts).finding,
            "7443 (the API) is provostd's, 7444 (agents) is provostd's");
}

TEST(Checks, TheSamePortElsewhereIsInNobodysWay) {
  HostFacts facts = sound();
  facts.listeners = {{"10.213.0.1", 7444, 99, "provostd"}, {"192.0.2.1", 7443, 9, "nginx"}};
  EXPECT_EQ(check_ports(facts).verdict, kPass);
}

TEST(Checks, LowLimitsAreInNobodysWayBeforeTheFirstCluster) {
  HostFacts facts = sound();
  facts.limits[0].now = 128;
  facts.store.clusters.clear();
  EXPECT_EQ(check_kernel_limits(facts).verdict, kPass);
}

TEST(Checks, AHostBeforeItsFirstProvostdOnlyWarns) {
  HostFacts facts = sound();
  facts.store = {.file = "/var/lib/provost/provost.db"};
  facts.daemon = {};
  facts.certificates.clear();
  facts.disks[0].exists = false;
  EXPECT_EQ(worst(check_all(facts)), kWarn);
}

TEST(Few, NamesTheFirst) {
  EXPECT_EQ(few({"a", "b"}), "a, b");
  EXPECT_EQ(few({"a", "b", "c", "d", "e"}), "a, b, c and 2 more");
}

TEST(Packages, AreThoseOfTheListThatProvostUpReads) {
  const auto all = read_packages(packages_text());
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const Package& each) {
    return each.name == "nftables" && each.kind == "run" && !each.why.empty();
  }));
  EXPECT_TRUE(read_packages("# x\n\nname\n").empty()) << "a line without a kind is none";
}

TEST(Installation, IsFoundByItsNotes) {
  const std::string directory = testing::TempDir() + "/installation";
  ASSERT_TRUE(os::make_directories(directory + "/state"));
  ASSERT_TRUE(os::make_directories(directory + "/run"));
  Installation made;
  made.state = directory + "/state";
  made.run = directory + "/run";
  made.agent_port = 17444;
  ASSERT_TRUE(note(made));
  EXPECT_EQ(find_installation("", made.run).state, made.state);
  EXPECT_EQ(find_installation(made.state, "").agent_port, 17444);
  EXPECT_EQ(find_installation("/elsewhere", made.run).state, "/elsewhere") << "what was asked for";
  EXPECT_FALSE(find_installation("", "/nonexistent").is_noted);
  ASSERT_TRUE(os::write_file(made.run + "/provostd.json", "torn"));
  EXPECT_FALSE(find_installation("", made.run).is_noted);
}

}  // namespace
}  // namespace provost::support
