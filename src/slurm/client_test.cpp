#include "slurm/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "os/files.hpp"

namespace provost::slurm {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string captured(const std::string& name) {
  return os::read_file(std::string(TESTDATA) + "/" + name).value();
}

NodeSeen node(const std::string& state) {
  return parse_nodes("NodeName=n-1 State=" + state + " CPUTot=4\n").at(0);
}

TEST(Nodes, AreReadFromWhatSlurmctldPrinted) {
  const auto nodes = parse_nodes(captured("show-nodes.txt"));
  ASSERT_EQ(nodes.size(), 3U);
  EXPECT_EQ(nodes[0].name, "cpu-1");
  EXPECT_EQ(nodes[0].cpus, 4);
  EXPECT_EQ(nodes[0].memory_mib, 7680);
  EXPECT_THAT(nodes[0].partitions, ElementsAre("cpu", "dev"));
  EXPECT_EQ(nodes[2].gres, "gpu:a10g:1");
}

TEST(Nodes, TakeNothingFromFreeTextAtTheEndOfTheLine) {
  const auto nodes = parse_nodes(captured("show-nodes.txt"));
  EXPECT_EQ(nodes[0].state, "UNKNOWN");
  EXPECT_THAT(nodes[0].flags, ElementsAre("DRAIN", "NOT_RESPONDING"));
  EXPECT_EQ(nodes[0].reason, "bad disk State=IDLE x=y | \"quoted\" [root@x]");
  EXPECT_EQ(nodes[0].reason_by, "root@2026-11-24T02:38:20");
}

TEST(Nodes, SurviveAnyText) {
  for (const char* text :
       {"", "\n\n", "NodeName=", "NodeName=a State=", "State=IDLE", "NodeName=a State=*",
        "NodeName=a State=+ Reason= [", "NodeName=a CPUTot=99999999999999999999"}) {
    (void)parse_nodes(text);
  }
  EXPECT_EQ(node("*").state, "UNKNOWN");
}

TEST(NodeState, IdleIsUpAndFree) {
  EXPECT_TRUE(is_up(node("IDLE")));
  EXPECT_TRUE(is_idle(node("IDLE")));
  EXPECT_FALSE(is_busy(node("IDLE")));
}

TEST(NodeState, MixedAndCompletingAreBusy) {
  EXPECT_TRUE(is_busy(node("MIXED")));
  EXPECT_TRUE(is_busy(node("IDLE+COMPLETING")));
  EXPECT_FALSE(is_idle(node("IDLE+COMPLETING")));
}

TEST(NodeState, DrainingEndsAsDrained) {
  EXPECT_TRUE(is_draining(node("MIXED+DRAIN")));
  EXPECT_FALSE(is_drained(node("MIXED+DRAIN")));
  EXPECT_TRUE(is_drained(node("IDLE+DRAIN")));
  EXPECT_FALSE(is_up(node("IDLE+DRAIN")));
}

TEST(NodeState, SilentNodesAreNotUp) {
  EXPECT_FALSE(is_up(node("IDLE+NOT_RESPONDING")));
  EXPECT_FALSE(is_up(node("IDLE*")));
  EXPECT_TRUE(is_down(node("DOWN+NOT_RESPONDING")));
  EXPECT_TRUE(is_down(node("IDLE+FAIL")));
}

TEST(NodeState, UnknownAfterAReconfigureIsNeitherUpNorDown) {
  EXPECT_FALSE(is_up(node("UNKNOWN")));
  EXPECT_FALSE(is_down(node("UNKNOWN")));
  EXPECT_TRUE(is_unknown(node("UNKNOWN")));
}

TEST(Jobs, AreReadFromWhatSlurmctldPrinted) {
  const auto jobs = parse_jobs(captured("squeue.txt"), "MARK");
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].id, "2_[1-10%2]");
  EXPECT_EQ(jobs[0].account, "vision");
  EXPECT_TRUE(is_waiting(jobs[0]));
  EXPECT_EQ(jobs[0].reason, "ReqNodeNotAvail, UnavailableNodes:cpu-[1-2]");
  EXPECT_EQ(jobs[0].time_limit, "1:00:00");
  EXPECT_THAT(jobs[0].nodes, IsEmpty());
}

TEST(Jobs, MayHaveNamesWithLineEndsAndSeparators) {
  EXPECT_EQ(parse_jobs(captured("squeue.txt"), "MARK")[1].name, "evil\nname|x");
  const std::string record =
      "M\x1f"
      "1\x1fu\x1f"
      "a\x1fp\x1fq\x1fRUNNING\x1fNone\x1f"
      "cpu-[1-2]\x1f"
      "8\x1fN/A\x1f"
      "1:00\x1f"
      "1:00:00\x1f"
      "t\x1fx\x1f"
      "9\nX\x1f"
      "2\x1froot\n";
  const auto jobs = parse_jobs(record, "M");
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs[0].name,
            "x\x1f"
            "9\nX\x1f"
            "2\x1froot");
  EXPECT_THAT(jobs[0].nodes, ElementsAre("cpu-1", "cpu-2"));
}

TEST(Jobs, SurviveAnyText) {
  for (const char* text : {"", "M", "M\x1f", "M\x1f\x1f\x1f", "\n\nM\x1f 1", "slurm error"}) {
    EXPECT_THAT(parse_jobs(text, "M"), IsEmpty()) << text;
  }
}

TEST(Observe, AsksTwiceAndKnowsWhoRunsWhere) {
  std::vector<std::string> asked;
  const auto view = observe([&](const std::vector<std::string>& argv, const std::string&) {
    asked.push_back(argv.front());
    os::Ran ran;
    if (argv.front() == "scontrol") {
      ran.out = "NodeName=cpu-1 State=MIXED\n";
    } else {
      const std::string mark = argv.back().substr(0, argv.back().find('\x1f'));
      ran.out = mark +
                "\x1f"
                "7\x1fminh\x1fnlp\x1f"
                "cpu\x1fnormal\x1fRUNNING\x1fNone\x1f"
                "cpu-1"
                "\x1f"
                "1\x1fN/A\x1f"
                "0:01\x1f"
                "1:00\x1ft\x1fname\n";
    }
    return Result<os::Ran>(ran);
  });
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->answering);
  EXPECT_THAT(asked, ElementsAre("scontrol", "squeue"));
  ASSERT_EQ(view->jobs_on("cpu-1").size(), 1U);
  EXPECT_EQ(view->jobs_on("cpu-1")[0]->user, "minh");
  EXPECT_THAT(view->jobs_on("cpu-2"), IsEmpty());
}

Run answering(const os::Ran& ran) {
  return
      [ran](const std::vector<std::string>&, const std::string&) { return Result<os::Ran>(ran); };
}

TEST(Observe, ASilentControllerIsAView) {
  const auto view = observe(answering(
      {.status = 1,
       .err = "slurm_load_node error: Unable to contact slurm controller (connect failure)\n"}));
  ASSERT_TRUE(view);
  EXPECT_FALSE(view->answering);
  EXPECT_EQ(view->silence,
            "slurm_load_node error: Unable to contact slurm controller (connect failure)");
}

TEST(Reconfigure, TellsRefusalFromSilence) {
  EXPECT_TRUE(reconfigure(answering({})));
  EXPECT_EQ(reconfigure(answering({.status = 1,
                                   .err = "slurm_reconfigure error: Unable to contact slurm "
                                          "controller (connect failure)\n"}))
                .error()
                .kind,
            ErrorKind::unavailable);
  const Error refused =
      reconfigure(answering({.status = 1,
                             .err = "scontrol: error: x\nscontrol: fatal: Unable to process "
                                    "configuration file\n"}))
          .error();
  EXPECT_EQ(refused.kind, ErrorKind::conflict);
  EXPECT_EQ(refused.message,
            "slurmctld refuses its configuration: fatal: Unable to process configuration file");
}

}  // namespace
}  // namespace provost::slurm
