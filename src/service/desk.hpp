// The one desk behind every face of provostd: each verb and query with its caller: authorise,
// check, store what is wanted, wake the engine. Answers are values; faces turn them into their wire
// forms. Thread-safe; queries may block for a moment, verbs for a few seconds: never on a server's
// thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/finding.hpp"
#include "base/result.hpp"
#include "control/engine.hpp"
#include "model/cluster_state.hpp"
#include "os/maildir.hpp"
#include "os/process.hpp"
#include "provider/provider.hpp"
#include "service/cluster_model.hpp"
#include "service/keys.hpp"
#include "service/policy.hpp"
#include "slurm/client.hpp"
#include "spec/explain.hpp"
#include "spec/spec.hpp"
#include "store/rows.hpp"

namespace provost::service {

class World;

/// Who asks.
struct Caller {
  std::string name;    ///< "root", or a token's name
  bool local = false;  ///< over the Unix socket, as root
  /// A cluster whose POSIX user `name` this is, asking from a login node; empty: an administrator.
  std::string from_cluster{};
};

struct GroupReport {
  std::string name;
  model::Role role = model::Role::compute;
  std::string type;
  int count = 0;
  int running = 0;
  model::GroupStatus status = model::GroupStatus::creating;
  std::vector<std::string> partitions;
  std::string gpus;     ///< "1 x a10g (emulated)"; empty: none
  std::string sharing;  ///< what the way its GPUs are shared fences and what not; empty: no GPUs
};

struct ClusterReport {
  std::string name;
  std::string id;
  std::string arn;
  model::ClusterStatus status = model::ClusterStatus::creating;
  std::string failure;
  bool changing = false;  ///< something that was asked for is not done yet
  UtcTime began{};        ///< when what was asked for last was
  UtcTime created{};
  std::vector<GroupReport> groups;
  std::vector<std::string> lacks;
};

struct NodeReport {
  store::Node row;
  std::string cluster;
  model::Role role = model::Role::compute;
  model::InstanceType type;
  bool gpus_emulated = false;
  std::string step;  ///< what is being done to it now
  std::string slurm_state;
  std::string slurm_reason;
  bool agent_connected = false;
  std::optional<std::int64_t> seconds_since_heard;
  protocol::ScriptReport script;
  std::vector<protocol::UnitReport> failing_units;
};

struct PartitionReport {
  std::string name;
  std::vector<std::string> groups;
};

/// What somebody changed by hand in Slurm's files.
struct HandEdits {
  model::SlurmConfigStrategy strategy = model::SlurmConfigStrategy::merge;
  std::vector<std::string> kept;   ///< lines for people: part of every configuration from then on
  std::vector<std::string> drift;  ///< not kept, not undone (yet)
  bool is_read = true;             ///< slurmctld has read the drift
};

struct Description {
  ClusterReport cluster;
  std::vector<NodeReport> nodes;
  std::vector<PartitionReport> partitions;
  std::optional<int> jobs_running;  ///< absent: Slurm does not answer
  std::optional<int> jobs_waiting;
  std::vector<control::StepView> steps;
  std::map<std::string, double> step_times;  ///< seconds such a step took before, by its kind; of
                                             ///< "node ROLE" from nothing until it runs
  HandEdits by_hand;
};

struct Created {
  std::optional<ClusterReport> cluster;  ///< absent: a finding is an error, nothing was made
  Findings findings;
};

/// One thing that a change would do.
struct PlannedLine {
  std::string line;     ///< "+ cpu-4  create  ml.c5.xlarge"
  std::string because;  ///< sentence fragment
  model::Disturbance disturbs;
};

/// How a cluster shall be.
struct ChangeOrder {
  spec::Sources sources;              ///< a file that is not given stays as it is
  std::map<std::string, int> counts;  ///< InstanceCount by group, in place of the file's
  bool now = false;                   ///< nodes that leave do not wait for their jobs
  bool rolls_back = false;            ///< provostd's own, of a change that failed
};

/// What other files would change about a cluster, and what that would disturb.
struct ChangePlan {
  Findings findings;               ///< with an error among them nothing is planned
  std::vector<PlannedLine> lines;  ///< empty: nothing changes
  std::string fingerprint;         ///< of files and lines: `apply` does this plan or none
  int jobs_running = 0;            ///< in the whole cluster
  int jobs_waiting = 0;
  double per_hour_before = 0;
  double per_hour_after = 0;
  double per_month_before = 0;
  double per_month_after = 0;
};

struct Validated {
  Findings findings;
  std::vector<OverlayLine> overlay;  ///< what supervisors changed in the cluster of that name
  std::optional<spec::Explanation> explanation;  ///< absent: a file is not sound
};

/// A cluster that is on the host and that the store does not know, as after a restore of a backup
/// that is older than it. Nothing is done to it unless it is asked for.
struct Stray {
  std::string cluster;
  std::vector<std::string> nodes;
};

struct HostReport {
  provider::Capacity capacity;
  std::vector<std::string> raised_limits;  ///< "kernel.keys.maxkeys 200 -> 20000"
  std::string network;
  std::string api_url;
  std::string bucket_root;
  std::vector<Stray> strays;
};

/// A node as `provost doctor` looks at it.
struct NodeHealth {
  NodeReport node;
  std::vector<protocol::UnitReport> units;  ///< empty: its agent has not reported
};

struct ClusterHealth {
  std::string name;
  std::string status;   ///< HyperPod's; empty: not known
  std::string problem;  ///< why there is no more to say
  bool slurm_answers = false;
  std::vector<NodeHealth> nodes;
};

/// What only provostd knows of how it and its clusters are.
struct HealthReport {
  UtcTime certificate_ends{};  ///< provostd's own
  std::vector<ClusterHealth> clusters;
};

/// One text of a support report, secrets removed.
struct ReportPart {
  std::string path;  ///< "nodes/cpu-1/slurmd.log"
  std::string text;
  std::string missing;  ///< why it could not be had; empty: it is there
};

struct SshReport {
  std::string address;
  std::string key_file;
  std::string known_hosts_file;
};

class Desk {
 public:
  explicit Desk(World& world) : world_(world) {}

  Validated validate(const spec::Sources& sources);
  /// HyperPod's instance types and the site's. Errors: invalid (the site's file).
  Result<spec::Catalogue> catalogue();
  /// `keep_failed`: when it does not come up its nodes stay, to be looked at.
  Result<Created> create(const Caller& caller, const spec::Sources& sources, bool keep_failed);
  /// What the order would change. Errors: not_found, conflict (it is being made or removed),
  /// unavailable (Slurm does not tell which jobs there are).
  Result<ChangePlan> plan(const std::string& name, const ChangeOrder& order);
  /// Makes it so; with a fingerprint only if that is still the plan (conflict otherwise).
  Result<ChangePlan> apply(const Caller& caller, const std::string& name, const ChangeOrder& order,
                           const std::string& fingerprint);
  /// A cluster as it stands, read.
  struct Standing {
    const store::Cluster& row;
    const std::vector<store::Node>& nodes;
    const ClusterModel& model;
    const slurm::View& view;
  };
  /// What the site has, for a cluster's model.
  struct Site {
    const Settings& settings;
    const std::vector<std::string>& host_gpus;
  };
  /// The part of `plan` that asks nobody: pure.
  static Result<ChangePlan> plan_of(const Standing& standing, const spec::Sources& sources,
                                    const spec::Checked& checked, const Site& site);
  Result<ClusterReport> remove(const Caller& caller, const std::string& name, bool with_data);

  Result<std::vector<Stray>> strays();
  /// Takes a stray away, its /fsx excepted; returns when it is gone. Errors: not_found, conflict
  /// (the store knows that cluster).
  Result<Stray> remove_stray(const Caller& caller, const std::string& name);

  /// All clusters; to a person the one they ask from.
  std::vector<ClusterReport> list(const Caller& caller);
  Result<Description> describe(const std::string& name);
  Result<std::vector<NodeReport>> nodes(const std::string& cluster);  ///< empty: all clusters
  /// NODE by name or instance id. Errors: not_found, conflict (two clusters have such a node).
  Result<NodeReport> node(const std::string& cluster, const std::string& node);
  Result<store::Removal> removal(const std::string& cluster);

  std::vector<store::Event> events(const store::EventFilter& filter);
  void wait_for_event(std::int64_t after, std::chrono::milliseconds limit);

  /// Runs a command as root on a node; output goes to `on_output`. Errors as cluster::Agents::run.
  struct Command {
    std::vector<std::string> argv;
    std::string input;
    std::chrono::seconds timeout{0};
  };
  Result<int> exec(const Caller& caller, const NodeReport& node, const Command& command,
                   const os::OnOutput& on_output, const std::stop_token& stop);

  struct LogQuery {
    std::string unit;  ///< "lifecycle", "console", a systemd unit; empty: the whole journal
    int lines = 100;
    bool follow = false;
  };
  Status logs(const NodeReport& node, const LogQuery& query,
              const std::function<void(std::string_view)>& on_text, const std::stop_token& stop);

  /// The files of a cluster as they are stored. Errors: not_found.
  Result<spec::Sources> files(const std::string& name);

  /// What somebody changed by hand, in slurmdbd and in Slurm's files, looked at now. Errors:
  /// not_found, denied (a person asks), unavailable.
  Result<DriftReport> drift(const Caller& caller, const std::string& name);
  /// Puts the accounts right, whatever the campus says about drift.
  Status mend_drift(const Caller& caller, const std::string& name);

  /// Why a job waits. A person may ask about their own jobs, a supervisor about their
  /// department's. Errors: not_found, denied, unavailable.
  Result<JobAndWhy> why(const Caller& caller, const std::string& name, const std::string& job);
  /// What a person has and may have; an administrator asks `as` anybody. Errors: not_found (no such
  /// person), conflict (no campus), denied, unavailable.
  Result<PersonReport> my(const Caller& caller, const std::string& name, const std::string& as);
  /// A department as its supervisor sees it. Errors: as `my`.
  Result<DepartmentReport> department(const Caller& caller, const std::string& name,
                                      const std::string& department);
  /// Accounting over a period; a person has their own, a supervisor their department's. Errors:
  /// invalid (the period), not_found, unavailable.
  Result<UsageReport> usage(const Caller& caller, const std::string& name, const UsageOrder& order);
  /// What the rule about unused allocations sees of the jobs that run. Errors: conflict (there is
  /// no such rule).
  Result<IdleReport> idle(const Caller& caller, const std::string& name);
  /// Reservations and when each comes next. A person sees their own, and maintenance. Errors:
  /// unavailable (slurmctld has not been asked yet).
  Result<CalendarReport> calendar(const Caller& caller, const std::string& name);
  /// Makes a run of the policy's tries due. Errors: conflict (no campus, or not in service yet),
  /// denied (a person asks).
  Result<SelftestReport> try_policy(const Caller& caller, const std::string& name);
  /// Of the run under way and the last one. Errors: the same.
  Result<SelftestReport> selftest(const Caller& caller, const std::string& name);
  /// What supervisors changed; a person sees what is about accounts that they supervise or lead.
  /// Errors: conflict (no campus), denied (they do neither).
  Result<OverlayReport> overlay(const Caller& caller, const std::string& name);
  /// Changes it; in force within seconds. Errors: as scheduling::amend, conflict.
  Result<AmendedReport> amend(const Caller& caller, const std::string& name,
                              const scheduling::Amending& wanted);
  /// Takes an amendment back. Errors: as scheduling::take_back.
  Result<AmendedReport> take_back(const Caller& caller, const std::string& name, int id);
  /// Holds, releases or cancels a job of an account that the caller supervises. Errors: not_found,
  /// denied, conflict (it runs, or is not held), unavailable.
  Result<AmendedReport> act_on_job(const Caller& caller, const std::string& name,
                                   const std::string& job, JobAct act);
  /// The newest letters of the outbox; administrators only.
  Result<std::vector<os::Letter>> mail(const Caller& caller, int most);

  HealthReport health();

  /// Logs, Slurm's configuration and pictures, versions of every node of a cluster: each part as it
  /// is had, those that cannot be had with the reason. `on_part` is called by one thread at a time.
  /// Errors: not_found.
  Status report(const Caller& caller, const std::string& name,
                const std::function<void(const ReportPart&)>& on_part, const std::stop_token& stop);

  Result<SshReport> ssh(const Caller& caller, const NodeReport& node);

  Result<std::string> make_token(const Caller& caller, const std::string& name);
  Result<std::vector<store::Token>> tokens(const Caller& caller);
  Status delete_token(const Caller& caller, const std::string& name);
  /// Whose token this is. Errors: denied.
  Result<Caller> caller_of(const std::string& token);
  /// The person with this number who asks through the agent of a node. Errors: denied (the node is
  /// none, or not one for people; no person of the campus has the number).
  Result<Caller> person_at(const AgentName& agent, std::int64_t uid);

  Result<HostReport> host();

  /// Takes the change under way back, because of `why`: first its nodes, and when those have left,
  /// by a second call, its files. With a `group` only that group's nodes. Errors: as plan.
  Status roll_back(const std::string& name, const std::string& group, const std::string& why);

 private:
  struct Asking;  // about a cluster's policy
  Result<Asking> ask(const Caller& caller, const std::string& name);
  static std::vector<DriftAct> acts_since(UtcTime since, const slurm::Run& run);
  static std::map<std::string, std::string> shares_of(const std::string& person,
                                                      const slurm::Run& run);
  static Membership membership(const Asking& asking, const std::string& person,
                               const std::string& account,
                               const std::vector<scheduling::Job>& jobs);
  using Amend = std::function<Result<scheduling::Amended>(const model::Campus& file,
                                                          const model::Overlay& overlay,
                                                          const scheduling::Amender& amender)>;
  Result<AmendedReport> change_overlay(const Caller& caller, const std::string& name,
                                       const Amend& amend);
  std::map<std::string, std::string> unused_words(const std::string& cluster_id);
  std::vector<JobAndWhy> with_reasons(const Asking& asking, const scheduling::JobList& list,
                                      const std::function<bool(const scheduling::Job&)>& concerns);
  Result<store::Cluster> row_named(const std::string& name);
  struct Reading;  // one cluster, read once for a report
  Result<Reading> read(const store::Cluster& row);
  ClusterReport report(const Reading& reading);
  std::vector<NodeReport> node_reports(const Reading& reading);
  HandEdits by_hand(const Reading& reading);
  /// `own`: the cluster that the files are to change.
  spec::Checked check(const spec::Sources& sources, spec::Purpose purpose, Findings& findings,
                      const store::Cluster* own = nullptr);
  struct Target;  // of a change
  Result<store::Cluster> changeable(const ChangeOrder& order, const std::string& name);
  static Status complete(spec::Sources& sources, const ChangeOrder& order,
                         const store::Cluster& row);
  Result<Target> target(const std::string& name, const ChangeOrder& order);
  static Result<Target> compare(Target target, const spec::Sources& sources,
                                const spec::Checked& checked, const ClusterModel& before,
                                const slurm::View& view, bool now, const Site& site);
  Result<store::Cluster> store_new(const Caller& caller, const spec::Sources& sources,
                                   const model::Cluster& cluster, bool keep_failed);
  Status refuse_name_of_stray(const std::string& name);
  Result<store::Cluster> new_row(const spec::Sources& sources, const model::Cluster& cluster);

  Result<Target> again(Target target, const spec::Sources& sources, const model::Cluster& cluster);
  Status write_change(const Target& target, bool now, const store::Event& event);

  World& world_;
};

/// The change under way while a cluster that is provisioned continuously gets its first nodes.
inline constexpr const char* kCreation = "creation";

/// The nodes of a cluster as it is made, in the order of its groups, at these addresses.
std::vector<store::Node> new_nodes(const store::Cluster& row, const model::Cluster& cluster,
                                   const std::vector<std::string>& addresses);

/// The files and types of a row.
void set_files(store::Cluster& row, const spec::Sources& sources, const model::Cluster& cluster);

/// The inventory at the end of a deletion: what is left of what was, and what was kept on purpose.
store::Removal removal_done(World& world, const store::Cluster& row, const ClusterModel& model);

}  // namespace provost::service
