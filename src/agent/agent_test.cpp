#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "agent/changes.hpp"
#include "agent/job_use.hpp"
#include "agent/memory.hpp"
#include "agent/namespaces.hpp"
#include "agent/script.hpp"
#include "os/files.hpp"

namespace provost::agent {
namespace {

using protocol::ScriptState;
using ::testing::ElementsAre;

class Folder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/provost-agent-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  void TearDown() override { (void)os::remove_tree(path_); }
  std::string path_;
};

using MemoryTest = Folder;

TEST_F(MemoryTest, KeepsAllItWasToldOverARestart) {
  {
    auto memory = Memory::open(path_);
    ASSERT_TRUE(memory);
    ASSERT_TRUE((*memory)->set_epoch(7));
    ASSERT_TRUE((*memory)->set_epoch(5));
    ASSERT_TRUE((*memory)->set_owed({"ssh.service"}));
    Memory::Script script{.digest = "abc", .report = {}};
    script.report.state = ScriptState::failed;
    script.report.status = 3;
    script.report.tail = "no such disk\n";
    ASSERT_TRUE((*memory)->set_script(script));
  }
  auto again = Memory::open(path_);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->epoch(), 7);
  EXPECT_THAT((*again)->owed(), ElementsAre("ssh.service"));
  EXPECT_EQ((*again)->script().report.state, ScriptState::failed);
  EXPECT_EQ((*again)->script().report.tail, "no such disk\n");
}

TEST_F(MemoryTest, BeginsAnewOverAFileThatIsTorn) {
  ASSERT_TRUE(os::write_file_quick(path_ + "/memory.json", "{\"epoch\": 7, \"ow"));
  auto memory = Memory::open(path_);
  ASSERT_TRUE(memory);
  EXPECT_EQ((*memory)->epoch(), 0);
}

TEST_F(MemoryTest, KeepsASpecificationWithoutTheScriptsContent) {
  auto memory = Memory::open(path_);
  ASSERT_TRUE(memory);
  protocol::Spec spec;
  spec.revision = "r1";
  spec.script = protocol::ScriptOrder{.bucket = "b", .prefix = "", .script = "s", .bundle = "tar"};
  ASSERT_TRUE((*memory)->keep_spec(spec));
  const auto kept = (*memory)->last_spec();
  ASSERT_TRUE(kept && kept->script);
  EXPECT_EQ(kept->revision, "r1");
  EXPECT_EQ(kept->script->bundle, "");
}

TEST(Script, IsRunOnceUnlessItFailedAndWasChanged) {
  const protocol::ScriptOrder order{.bucket = "b", .prefix = "", .script = "s", .bundle = "one"};
  protocol::ScriptOrder mended = order;
  mended.bundle = "two";
  const std::string digest = digest_of(order);
  EXPECT_TRUE(is_due(order, "", ScriptState::none));
  EXPECT_TRUE(is_due(order, digest, ScriptState::running)) << "interrupted";
  EXPECT_FALSE(is_due(order, digest, ScriptState::succeeded));
  EXPECT_FALSE(is_due(mended, digest, ScriptState::succeeded));
  EXPECT_FALSE(is_due(order, digest, ScriptState::failed));
  EXPECT_TRUE(is_due(mended, digest, ScriptState::failed));
}

TEST(Script, TailBeginsWithAWholeLine) {
  EXPECT_EQ(tail_of("one\ntwo\nthree\n", 100), "one\ntwo\nthree\n");
  EXPECT_EQ(tail_of("one\ntwo\nthree\n", 8), "three\n");
  EXPECT_EQ(tail_of("a line that is too long", 4), "long");
}

model::NodePart part_with(const std::string& content) {
  model::NodePart part;
  part.directories = {{"/etc/b/c", 0755}, {"/etc/b", 0700}};
  part.files = {{"/etc/b/file", content, 0640}};
  return part;
}

SeenFiles nothing_there() {
  SeenFiles seen;
  seen.owners.users["root"] = 0;
  seen.owners.groups["root"] = 0;
  return seen;
}

TEST(Files, AreMadeParentsFirst) {
  const auto part = part_with("text");
  const auto changes = plan_files(part, nothing_there());
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(std::get<MakeDirectory>(changes[0]).path, "/etc/b");
  EXPECT_EQ(std::get<MakeDirectory>(changes[1]).path, "/etc/b/c");
  EXPECT_EQ(*std::get<WriteFile>(changes[2]).content, "text");
}

TEST(Files, ThatAreRightAreLeftAlone) {
  const auto part = part_with("text");
  SeenFiles seen = nothing_there();
  seen.paths["/etc/b"] = {SeenPath::Kind::directory, "", 0700, 0, 0};
  seen.paths["/etc/b/c"] = {SeenPath::Kind::directory, "", 0755, 0, 0};
  seen.paths["/etc/b/file"] = {SeenPath::Kind::file, "text", 0600, 0, 0};
  const auto changes = plan_files(part, seen);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(std::get<SetOwnerAndMode>(changes[0]).mode, 0640U);
}

TEST(Files, OfUnknownOwnersAreImpossible) {
  model::NodePart part;
  part.files = {{"/etc/x", "", 0644, "nobody-knows", "root"}};
  const auto changes = plan_files(part, nothing_there());
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<Impossible>(changes[0]));
}

TEST(Units, AreRestartedForTheirFilesAndStartedWhenDown) {
  const std::vector<model::UnitPart> units = {
      {"a.service", model::Stage::base, {}, {}, {"/etc/a"}},
      {"b.service", model::Stage::base, {}, {}, {"/etc/b"}},
      {"c.service", model::Stage::base, {}, {}, {"/etc/a"}}};
  EXPECT_THAT(plan_units(units, {"/etc/a"}, {"a.service", "b.service"}, {"b.service"}),
              ElementsAre(UnitChange::restart, UnitChange::restart, UnitChange::start));
  EXPECT_THAT(plan_units(units, {}, {"a.service", "b.service", "c.service"}, {}),
              ElementsAre(UnitChange::keep, UnitChange::keep, UnitChange::keep));
}

// In a mount namespace made on each processor in turn, any other processor's must come out newer.
class JobUse : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(os::make_directories(proc_)); }
  void TearDown() override { ignore(os::remove_tree(proc_), "a test's files"); }
  // A process with these times, in hundredths of a second as the kernel counts.
  void process(int pid, const std::string& group, int own, int children,
               const std::string& name = "python", int start = 500) {
    const std::string folder = proc_ + "/" + std::to_string(pid);
    ASSERT_TRUE(os::make_directories(folder));
    ASSERT_TRUE(os::write_file(folder + "/cgroup", "9:freezer:" + group + "\n0::/init.scope\n"));
    ASSERT_TRUE(os::write_file(
        folder + "/stat", fmt::format("{} ({}) S 1 1 1 0 -1 0 0 0 0 0 {} 0 {} 0 20 0 1 0 {} 0 0\n",
                                      pid, name, own, children, start)));
  }
  static constexpr const char* kJob = "/slurm/uid_2001/job_17/step_0/task_0";
  std::string proc_ = testing::TempDir() + "job_use." + std::to_string(::getpid());
  JobWatch watch_{proc_};
};

TEST_F(JobUse, IsTheTimeOfItsProcessesAndTheirEndedChildren) {
  process(10, kJob, 100, 0);
  process(11, kJob, 50, 20, "a) name (");
  process(12, "/system.slice/cron.service", 900, 0);
  process(13, kJob, 800, 0, "slurmstepd");
  const auto first = watch_.look();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].job, 17);
  EXPECT_EQ(first[0].cpu_millis, 1700);
  EXPECT_FALSE(first[0].batch);
  // One process ends: what it used stays counted. Its number comes again for another.
  process(11, kJob, 7, 0, "bash", 900);
  EXPECT_EQ(watch_.look().at(0).cpu_millis, 1770);
}

TEST_F(JobUse, ABatchScriptIsKnownByItsStep) {
  process(10, "/system.slice/slurmstepd.scope/job_18/step_batch/user/task_0", 1, 0);
  process(11, "/system.slice/slurmstepd.scope/job_18/step_0/user/task_0", 1, 0);
  const auto uses = watch_.look();
  ASSERT_EQ(uses.size(), 1U);
  EXPECT_TRUE(uses[0].batch);
}

TEST_F(JobUse, AJobWithoutProcessesIsForgotten) {
  process(10, kJob, 100, 0);
  watch_.look();
  ASSERT_TRUE(os::remove_tree(proc_ + "/10"));
  EXPECT_TRUE(watch_.look().empty());
}

TEST_F(JobUse, OfThisMachineCanBeReadWhateverRuns) { EXPECT_NO_THROW(JobWatch("/proc").look()); }

TEST(Namespaces, OfEveryProcessorAreNewerOnceCaughtUp) {
  if (::geteuid() != 0 || mount_namespace_number() == 0) {
    GTEST_SKIP() << "needs root, and a kernel that tells namespaces' numbers (6.18)";
  }
  const auto number_made_on = [](int processor) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    if (sched_setaffinity(0, sizeof(one), &one) != 0 || ::unshare(CLONE_NEWNS) != 0) {
      return std::uint64_t{0};
    }
    return mount_namespace_number();
  };
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  for (int home = 0; home < processors; ++home) {
    std::jthread([&] {
      const auto own = number_made_on(home);
      ASSERT_NE(own, 0U);
      cpu_set_t all;
      CPU_ZERO(&all);
      for (int each = 0; each < processors; ++each) {
        CPU_SET(each, &all);
      }
      ASSERT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
      ASSERT_TRUE(catch_up_namespaces());
      for (int other = 0; other < processors; ++other) {
        EXPECT_GT(number_made_on(other), own) << other << " seen from " << home;
      }
    }).join();
  }
}

}  // namespace
}  // namespace provost::agent
