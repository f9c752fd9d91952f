#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "cluster/cluster.hpp"
#include "cluster/node_files.hpp"

namespace provost::cluster {
namespace {

WantedNode wanted_node(const std::string& name, model::Role role) {
  WantedNode node;
  node.place.name = name;
  node.place.group = name.substr(0, name.find('-'));
  node.place.role = role;
  node.place.incarnation = 1;
  node.machine.node = name;
  node.revision = "0123456789abcdef";
  node.type = "ml.c5.xlarge";
  return node;
}

Wanted tiny() {
  Wanted wanted;
  wanted.name = "tiny";
  wanted.network.subnet = "10.77.0.0/22";
  wanted.nodes = {wanted_node("controller-1", model::Role::controller),
                  wanted_node("cpu-1", model::Role::compute)};
  return wanted;
}

NodeSeen running_node(bool worker_up) {
  NodeSeen seen;
  seen.machine_exists = seen.machine_running = true;
  seen.machine_incarnation = 1;
  seen.agent.connected = true;
  seen.agent.incarnation = 1;
  protocol::Report report;
  report.revision = "0123456789abcdef";
  report.units = {
      {"munge.service", protocol::UnitState::up, ""},
      {"slurmd.service", worker_up ? protocol::UnitState::up : protocol::UnitState::waiting, ""}};
  seen.agent.report = report;
  return seen;
}

Seen nothing_there(const Wanted& wanted) {
  Seen seen;
  for (const WantedNode& node : wanted.nodes) {
    seen.nodes[node.place.name] = {};
  }
  return seen;
}

std::vector<std::string> lines(const model::Plan<Deed>& plan) {
  std::vector<std::string> lines;
  for (const auto& action : plan.actions) {
    lines.push_back(action.step.line);
  }
  return lines;
}

TEST(ClusterPlan, FromNothingMakesNetworkAndNodesWhichNeedTheNetwork) {
  const Wanted wanted = tiny();
  const Seen seen = nothing_there(wanted);
  const auto made = plan(wanted, facts(wanted, seen), seen);
  EXPECT_EQ(lines(made), (std::vector<std::string>{"+ network  create  10.77.0.0/22",
                                                   "+ controller-1  create  ml.c5.xlarge",
                                                   "+ cpu-1  create  ml.c5.xlarge"}));
  EXPECT_EQ(made.actions[1].step.needs, (std::vector<std::string>{"tiny/network"}));
  for (const auto& action : made.actions) {
    EXPECT_FALSE(action.step.because.sentence.empty());
  }
}

TEST(ClusterPlan, SlurmdIsStartedOnlyOnceSlurmctldAnswers) {
  const Wanted wanted = tiny();
  Seen seen = nothing_there(wanted);
  seen.network = true;
  seen.nodes["controller-1"] = running_node(true);
  seen.nodes["cpu-1"] = running_node(false);
  EXPECT_TRUE(plan(wanted, facts(wanted, seen), seen).actions.empty());
  seen.nodes["controller-1"].agent.report->units.push_back(
      {"slurmctld.service", protocol::UnitState::up, ""});
  EXPECT_EQ(lines(plan(wanted, facts(wanted, seen), seen)),
            (std::vector<std::string>{"~ cpu-1  start slurmd"}));
}

TEST(ClusterPlan, ANodeThatDiedIsStartedAgainAsTheSameIncarnation) {
  const Wanted wanted = tiny();
  Seen seen = nothing_there(wanted);
  seen.network = true;
  seen.nodes["controller-1"] = running_node(true);
  seen.nodes["cpu-1"] = running_node(true);
  seen.nodes["cpu-1"].machine_running = false;
  const auto made = plan(wanted, facts(wanted, seen), seen);
  ASSERT_EQ(made.actions.size(), 1U);
  EXPECT_EQ(made.actions[0].step.key, "tiny/cpu-1/1/create");
  EXPECT_EQ(made.actions[0].step.because.sentence, "its machine does not run");
}

TEST(ClusterPlan, AnAgentThatIsSilentHoldsBackNothingElse) {
  const Wanted wanted = tiny();
  Seen seen = nothing_there(wanted);
  seen.network = true;
  seen.nodes["controller-1"] = running_node(true);
  seen.nodes["controller-1"].agent.connected = false;
  seen.nodes["cpu-1"].machine_exists = false;
  EXPECT_EQ(lines(plan(wanted, facts(wanted, seen), seen)),
            (std::vector<std::string>{"+ cpu-1  create  ml.c5.xlarge"}));
}

// A cluster in service whose cpu-1 is to leave while job 17 runs there.
class ANodeThatLeaves : public testing::Test {
 protected:
  ANodeThatLeaves() {
    wanted_.arrived = true;
    wanted_.nodes[1].leaving = model::Leaving::when_idle;
    seen_ = nothing_there(wanted_);
    seen_.network = seen_.slurm_known = true;
    seen_.nodes["controller-1"] = running_node(true);
    seen_.nodes["controller-1"].agent.report->units.push_back(
        {"slurmctld.service", protocol::UnitState::up, ""});
    node() = running_node(true);
    node().in_slurm = node().busy = true;
    node().jobs = {"17"};
  }
  NodeSeen& node() { return seen_.nodes["cpu-1"]; }
  model::Plan<Deed> planned() { return plan(wanted_, facts(wanted_, seen_), seen_); }
  bool is_free() { return facts(wanted_, seen_).seen.contains("tiny/cpu-1/free"); }
  Wanted wanted_ = tiny();
  Seen seen_;
};

TEST_F(ANodeThatLeaves, IsClosedToJobsFirstAndGoesWhenTheLastHasEnded) {
  auto made = planned();
  EXPECT_EQ(lines(made), (std::vector<std::string>{"~ cpu-1  drain", "- cpu-1  remove"}));
  EXPECT_TRUE(made.actions[0].step.disturbs.ends.empty());
  EXPECT_EQ(made.actions[1].step.disturbs.awaits, std::vector<std::string>{"17"});
  EXPECT_EQ(made.actions[1].step.needs, std::vector<std::string>{"tiny/cpu-1/free"});
  EXPECT_FALSE(facts(wanted_, seen_).nodes.at("cpu-1").going);

  node().closed = node().closed_by_us = true;
  EXPECT_EQ(lines(planned()), (std::vector<std::string>{"- cpu-1  remove"}));
  EXPECT_FALSE(is_free());
  node().jobs.clear();
  EXPECT_FALSE(is_free());  // Slurm is still ending it
  node().busy = false;
  EXPECT_TRUE(is_free());
  EXPECT_TRUE(facts(wanted_, seen_).nodes.at("cpu-1").going);

  node() = {};
  EXPECT_TRUE(planned().actions.empty());
}

TEST_F(ANodeThatLeaves, StaysWhileNobodyKnowsWhatRunsOnIt) {
  seen_.slurm_known = false;
  EXPECT_TRUE(planned().actions.empty());
}

TEST_F(ANodeThatLeaves, NowEndsItsJobs) {
  wanted_.nodes[1].leaving = model::Leaving::now;
  node().closed = true;
  auto made = planned();
  ASSERT_EQ(lines(made), (std::vector<std::string>{"~ cpu-1  drain", "- cpu-1  remove"}));
  EXPECT_EQ(std::get<CloseNode>(made.actions[0].deed).ends, std::vector<std::string>{"17"});
  EXPECT_EQ(made.actions[0].step.disturbs.ends, std::vector<std::string>{"17"});
}

TEST_F(ANodeThatLeaves, IsOpenedAgainWhenItStaysAfterAll) {
  wanted_.nodes[1].leaving = model::Leaving::no;
  node().closed = true;  // by somebody else: not ours to open
  EXPECT_TRUE(planned().actions.empty());
  node().closed_by_us = true;
  EXPECT_EQ(lines(planned()), (std::vector<std::string>{"~ cpu-1  resume"}));
}

TEST(ClusterPlan, ANodeThatJoinsWaitsUntilSlurmKnowsIt) {
  Wanted wanted = tiny();
  wanted.arrived = true;
  Seen seen = nothing_there(wanted);
  seen.network = true;
  seen.nodes["controller-1"] = running_node(true);
  seen.nodes["controller-1"].agent.report->units.push_back(
      {"slurmctld.service", protocol::UnitState::up, ""});
  seen.nodes["cpu-1"] = running_node(false);
  const auto made = plan(wanted, facts(wanted, seen), seen);
  ASSERT_EQ(lines(made), (std::vector<std::string>{"~ cpu-1  start slurmd"}));
  EXPECT_EQ(made.actions[0].step.needs, std::vector<std::string>{"tiny/slurm-config/in-force"});
}

TEST(ClusterPlan, DeletionStopsJobsThenNodesThenNetworkAndKeepsData) {
  Wanted wanted = tiny();
  wanted.deleting = true;
  Seen seen = nothing_there(wanted);
  seen.network = seen.data = true;
  seen.running_jobs = 2;
  seen.nodes["controller-1"] = running_node(true);
  seen.nodes["cpu-1"] = running_node(true);
  seen.nodes["stray-9"].machine_exists = true;  // of an earlier, interrupted change
  const auto made = plan(wanted, facts(wanted, seen), seen);
  EXPECT_EQ(lines(made), (std::vector<std::string>{"- 2 running jobs  stop",
                                                   "- controller-1  remove", "- cpu-1  remove",
                                                   "- stray-9  remove", "- network  remove"}));
  EXPECT_EQ(made.actions[1].step.needs, (std::vector<std::string>{"tiny/jobs-stopped"}));
  EXPECT_EQ(made.actions[4].step.needs.size(), 3U);
}

TEST(ClusterPlan, DataGoOnlyWhenAskedFor) {
  Wanted wanted = tiny();
  wanted.deleting = wanted.delete_data = true;
  wanted.data_directory = "/data/tiny";
  Seen seen = nothing_there(wanted);
  seen.data = true;
  EXPECT_EQ(lines(plan(wanted, facts(wanted, seen), seen)),
            (std::vector<std::string>{"- /fsx  remove with all its data"}));
}

/// Whatever is seen: keys are unique, needs have no cycle, and a plan whose steps are carried out
/// leaves nothing of them to plan.
RC_GTEST_PROP(ClusterPlanProperty, KeysAreUniqueAndAnArrivedClusterNeedsNothing, ()) {
  Wanted wanted = tiny();
  const auto count = *rc::gen::inRange(0, 12);
  for (int i = 2; i < count; ++i) {
    wanted.nodes.push_back(wanted_node(model::node_name("cpu", i), model::Role::compute));
  }
  Seen seen = nothing_there(wanted);
  seen.network = *rc::gen::arbitrary<bool>();
  wanted.deleting = *rc::gen::arbitrary<bool>();
  for (auto& [name, node] : seen.nodes) {
    node = running_node(*rc::gen::arbitrary<bool>());
    node.machine_exists = *rc::gen::arbitrary<bool>();
    node.machine_running = node.machine_exists && *rc::gen::arbitrary<bool>();
    node.agent.connected = *rc::gen::arbitrary<bool>();
  }
  const auto made = plan(wanted, facts(wanted, seen), seen);
  std::set<std::string> keys;
  for (const auto& action : made.actions) {
    RC_ASSERT(keys.insert(action.step.key).second);
    for (const auto& needed : action.step.needs) {
      const auto& gives = action.step.gives;
      RC_ASSERT(std::find(gives.begin(), gives.end(), needed) == gives.end());
    }
  }
  Seen arrived = seen;
  arrived.network = !wanted.deleting;
  for (auto& [name, node] : arrived.nodes) {
    node = wanted.deleting ? NodeSeen{} : running_node(true);
  }
  RC_ASSERT(plan(wanted, facts(wanted, arrived), arrived).actions.empty());
}

TEST(NodeEvent, AFailedScriptFailsTheNodeAndReadinessMendsIt) {
  NodeFacts facts;
  facts.running = facts.registered = facts.script_failed = true;
  EXPECT_EQ(node_event(model::NodeStatus::pending, facts, false, false),
            model::NodeEvent::script_failed);
  EXPECT_EQ(node_event(model::NodeStatus::failure, facts, false, false), std::nullopt);
  facts.script_failed = false;
  facts.ready = true;
  EXPECT_EQ(node_event(model::NodeStatus::failure, facts, false, false), model::NodeEvent::ready);
}

TEST(NodeEvent, ADaemonThatWasRestartedDoesNotCallARunningNodeLost) {
  NodeFacts facts;
  facts.running = true;  // its agent has not come back yet
  EXPECT_EQ(node_event(model::NodeStatus::running, facts, false, false), std::nullopt);
}

TEST(Status, IsDerivedFromNodesAndWhatIsUnderWay) {
  using model::NodeStatus;
  const Operation creating;
  const Operation serving{.arrived = true};
  EXPECT_EQ(status_of(creating, {NodeStatus::running, NodeStatus::pending}),
            model::ClusterStatus::creating);
  EXPECT_EQ(status_of(creating, {NodeStatus::failure, NodeStatus::pending}),
            model::ClusterStatus::creating);  // about to be rolled back
  EXPECT_EQ(status_of({.keep_failed = true}, {NodeStatus::failure, NodeStatus::pending}),
            model::ClusterStatus::failed);
  EXPECT_EQ(status_of(serving, {NodeStatus::failure}), model::ClusterStatus::in_service);
  EXPECT_EQ(status_of({.deleting = true, .arrived = true}, {}), model::ClusterStatus::deleting);
  EXPECT_EQ(status_of({.arrived = true, .changing = true}, {}), model::ClusterStatus::updating);
  EXPECT_EQ(status_of({.phase = model::Phase::rolling_back}, {}),
            model::ClusterStatus::rolling_back);
  EXPECT_EQ(status_of({.phase = model::Phase::failed}, {}), model::ClusterStatus::failed);
  EXPECT_EQ(group_status_of(serving, 0, {NodeStatus::running, NodeStatus::pending}),
            model::GroupStatus::degraded);
}

TEST(Status, OfAClusterProvisionedContinuouslyDoesNotWaitForItsLastNodes) {
  using model::NodeStatus;
  const Operation creating{.changing = true, .continuous = true};
  const Operation serving{.arrived = true, .changing = true, .continuous = true};
  EXPECT_EQ(status_of(creating, {NodeStatus::running, NodeStatus::failure}),
            model::ClusterStatus::creating);
  EXPECT_EQ(status_of(serving, {NodeStatus::running, NodeStatus::failure}),
            model::ClusterStatus::in_service);
  const std::vector<NodeStatus> one_of_three = {NodeStatus::running, NodeStatus::pending,
                                                NodeStatus::failure};
  EXPECT_EQ(group_status_of(serving, 0, one_of_three), model::GroupStatus::in_service);
  EXPECT_EQ(group_status_of(serving, 2, one_of_three), model::GroupStatus::updating);
  EXPECT_EQ(group_status_of(creating, 0, one_of_three), model::GroupStatus::creating);
}

TEST(Replacing, WaitsLongerAfterEachTry) {
  EXPECT_EQ(pause_before_replacing(1), std::chrono::seconds(30));
  EXPECT_EQ(pause_before_replacing(2), std::chrono::seconds(60));
  EXPECT_EQ(pause_before_replacing(1000), std::chrono::seconds(600));
}

TEST(ClusterPlan, OfAContinuousClusterMakesItsControllerFirst) {
  Wanted wanted = tiny();
  wanted.continuous = true;
  Seen seen = nothing_there(wanted);
  seen.network = true;
  for (const auto& action : plan(wanted, facts(wanted, seen), seen).actions) {
    const bool is_controller = action.step.key.starts_with("tiny/controller-1/");
    const auto& needs = action.step.needs;
    EXPECT_EQ(std::count(needs.begin(), needs.end(), "tiny/controller-1/ready"),
              is_controller ? 0 : 1)
        << action.step.key;
  }
}

TEST(ClusterPlan, OfACreationThatIsTakenBackRemovesEverything) {
  Wanted wanted = tiny();
  wanted.undoing = true;
  Seen seen = nothing_there(wanted);
  seen.network = true;
  seen.nodes.begin()->second.machine_exists = true;
  const auto made = plan(wanted, facts(wanted, seen), seen);
  ASSERT_EQ(made.actions.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<RemoveNode>(made.actions[0].deed));
  EXPECT_EQ(made.actions[0].step.because.sentence, "the creation of the cluster is rolled back");
  EXPECT_TRUE(std::holds_alternative<RemoveNetwork>(made.actions[1].deed));
}

TEST(Addresses, SubnetsFollowOneAnotherAndEnd) {
  EXPECT_EQ(*subnet_of("10.77.0.0/16", 0), "10.77.0.0/22");
  EXPECT_EQ(*subnet_of("10.77.0.0/16", 1), "10.77.4.0/22");
  EXPECT_EQ(subnet_of("10.77.0.0/16", 64).error().kind, ErrorKind::limit);
  EXPECT_EQ(*gateway_of("10.77.4.0/22"), "10.77.4.1");
  EXPECT_EQ(*node_addresses("10.77.4.0/22", 2),
            (std::vector<std::string>{"10.77.4.2", "10.77.4.3"}));
  EXPECT_EQ(node_addresses("10.77.4.0/22", 1022).error().kind, ErrorKind::limit);
  for (const char* bad : {"", "10.77.0.0", "10.77.0.0/33", "10.77.0/16", "x/16", "10.77.0.0/-1"}) {
    EXPECT_FALSE(subnet_of(bad, 0)) << bad;
  }
}

TEST(NodeFiles, GiveScriptsWhatHyperPodGivesThem) {
  model::Cluster cluster;
  cluster.name = "tiny";
  cluster.provisioning_parameters = "{}";
  cluster.groups = {{.name = "controller", .role = model::Role::controller, .count = 1},
                    {.name = "cpu", .role = model::Role::compute, .count = 1}};
  cluster.groups[1].type.name = "ml.c5.xlarge";
  model::Layout layout{.cluster = "tiny", .arn = "arn:x", .gateway = "10.77.0.1"};
  layout.nodes = {{.name = "controller-1",
                   .group = "controller",
                   .role = model::Role::controller,
                   .address = "10.77.0.2",
                   .instance_id = "i-1"},
                  {.name = "cpu-1", .group = "cpu", .address = "10.77.0.3", .instance_id = "i-2"}};
  const auto part = cluster::part(cluster, layout);
  ASSERT_EQ(part.files.size(), 3U);
  EXPECT_NE(part.files[0].content.find("10.77.0.3 cpu-1 ip-10-77-0-3\n"), std::string::npos);
  EXPECT_EQ(part.files[1].path, "/opt/ml/config/resource_config.json");
  EXPECT_EQ(part.files[1].mode, 0600U);
  EXPECT_NE(part.files[1].content.find(R"("InstanceName":"cpu-1")"), std::string::npos);
  EXPECT_NE(part.files[1].content.find(R"("PrimaryControllerIp":"10.77.0.2")"), std::string::npos);
}

}  // namespace
}  // namespace provost::cluster
