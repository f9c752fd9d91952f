// The campus file as a value: who the users are, who they belong to, and by which rules departments
// share the cluster. What is written remembers its line, so that a refusal, a plan or `provost why`
// can name it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace provost::model {

/// A person of the campus file.
struct Person {
  std::string name;  ///< POSIX user name
  std::int64_t uid = 0;
  std::string title{};              ///< full name for people; may be empty
  std::vector<std::string> keys{};  ///< public SSH keys, one line each
  std::string department{};  ///< whose account is the default; empty: the first that names them
};

/// The user that tries a campus's policy (`provost selftest`): on every node, with a home of its
/// own beside those of people, and no key but while it tries.
inline constexpr const char* kSelftestUser = "provost-selftest";
inline constexpr int kSelftestUid = 60000;  ///< of its group too
inline constexpr const char* kSelftestHome = "/var/lib/provost-selftest";

/// A number of a policy, and the line of campus.toml it stands in, or minus the id of the amendment
/// that set it (model/overlay.hpp).
struct Limit {
  std::int64_t value = 0;
  int line = 0;
};

/// Limits by their name in the file (`kLimitKinds` in model/limits.hpp). Memory is in MiB, time in
/// minutes.
using Limits = std::map<std::string, Limit>;

/// A project: a Slurm account below its department's, or below another project's.
struct Project {
  std::string name;
  std::string title{};
  std::string parent{};  ///< another project of the department; empty: the department
  std::string lead{};    ///< coordinator of the account; may be empty
  std::vector<std::string> members{};
  int share = 1;
  int priority = 0;
  Limits limits{};
  std::string until{};  ///< last day, "2027-09-30"; empty: no end
  int line = 0;         ///< as of a limit
};

/// A department: a Slurm account whose supervisors are its coordinators.
struct Department {
  std::string name;
  std::string title{};
  std::vector<std::string> supervisors{};
  std::vector<std::string> members{};
  std::vector<std::string> owns{};        ///< instance groups of its own
  std::vector<std::string> partitions{};  ///< pools it may use
  std::vector<std::string> qos{};         ///< the first is the default; empty: every one
  int share = 1;
  Limits limits{};
  std::vector<Project> projects{};
  std::string until{};  ///< last day; empty: no end
  int line = 0;
};

/// A quality of service.
struct Qos {
  std::string name;
  std::string title{};
  int priority = 0;
  Limits limits{};
  std::vector<std::string> preempted_by{};  ///< whose jobs put this one's back into the queue
  double charge = 1;                        ///< UsageFactor
  bool refuses = false;  ///< a job beyond a limit is refused, not queued (DenyOnLimit)
  int line = 0;
};

/// Rules of a partition; a name that no group gives is a partition of `groups`.
struct PartitionPolicy {
  std::string name;
  std::vector<std::string> groups{};
  std::optional<std::int64_t> max_time_minutes{};
  std::optional<std::int64_t> default_time_minutes{};
  std::vector<std::string> qos{};  ///< only these; empty: every one
  int priority = 1;                ///< PriorityJobFactor
  int tier = 1;                    ///< PriorityTier: jobs of higher ones are looked at first
  std::optional<std::int64_t> nodes_per_job{};
  bool is_default = false;
  bool administrators_only = false;
  int line = 0;
};

enum class Sharing {
  none,   ///< whole GPUs
  shard,  ///< tokens that give access to the whole device file
  mig     ///< partitions of the GPU's own, fenced from one another
};
std::string_view name(Sharing sharing);  ///< "shard"

/// How the GPUs of some instance groups are shared.
struct GpuSharing {
  std::vector<std::string> groups{};
  Sharing mode = Sharing::none;
  int per_gpu = 1;        ///< shards or MIG partitions of each GPU
  std::string profile{};  ///< of MIG: "3g.40gb"
  int line = 0;
};

/// Weights and defaults of Slurm's scheduler. Source: slurm.conf(5), "Priority*".
struct Scheduler {
  std::int64_t half_life_minutes = std::int64_t{14} * 24 * 60;
  std::int64_t max_age_minutes = std::int64_t{7} * 24 * 60;
  std::int64_t weight_age = 1000;
  std::int64_t weight_fairshare = 10000;
  std::int64_t weight_qos = 2000;
  std::int64_t weight_project = 3000;  ///< PriorityWeightAssoc
  std::int64_t weight_partition = 0;
  std::int64_t weight_size = 0;
  std::int64_t default_time_minutes = 60;
  std::int64_t max_time_minutes = std::int64_t{7} * 24 * 60;
  std::optional<std::int64_t> memory_per_cpu_mib{};  ///< absent: a node's memory by its CPUs
  int cpus_per_gpu = 0;                              ///< 0: Slurm's own, one CPU a job
};

/// Nodes kept free for somebody, or from everybody.
struct Reservation {
  std::string name;
  std::string department{};           ///< or a project; empty with `maintenance`
  std::vector<std::string> people{};  ///< besides, or instead
  std::vector<std::string> groups{};  ///< whose nodes; empty: all
  int nodes = 0;                      ///< of them; 0: all
  std::string from{};                 ///< "2027-03-03T08:00" or a date
  std::string until{};                ///< the same; of a repeating one its last day
  std::string every{};                ///< "Tue 14:00-17:00"; empty: once
  bool maintenance = false;           ///< for nobody's jobs
  int line = 0;
};

/// What happens to allocations that nobody uses.
struct IdleRule {
  std::int64_t after_minutes = 60;    ///< unused for so long
  std::int64_t warn_minutes = 15;     ///< this long before the release
  double gpu_below = 0.05;            ///< a fraction: less is unused
  double cpu_below = 0.05;            ///< of one CPU, by all processes of the job
  std::vector<std::string> exempt{};  ///< people, departments, projects or QoS
  int line = 0;
};

/// The campus file: who the users are, who they belong to, and the rules between them.
struct Campus {
  std::string name;
  std::string currency = "USD";
  std::vector<std::string> administrators{};  ///< names of people
  bool mends_drift = false;                   ///< accounts changed by hand are put right
  bool selftest_after_apply = true;           ///< the policy is tried when a change is done
  Scheduler scheduler{};
  std::vector<GpuSharing> gpus{};
  std::vector<PartitionPolicy> partitions{};
  std::vector<Qos> qos{};
  std::vector<Department> departments{};
  std::vector<Person> people{};
  std::vector<Reservation> reservations{};
  std::optional<IdleRule> idle{};
  /// Where values stand that have no line of their own, by what they are: "scheduler.weights.age",
  /// "campus.administrators/hoa", "nlp.share", "nlp.members/duc", "qos normal.priority".
  std::map<std::string, int> lines{};
  std::string time_zone{};  ///< of times in the file: "Asia/Ho_Chi_Minh"; empty: the controller's

  /// As of a limit; 0: it is not written.
  [[nodiscard]] int line_of(const std::string& what) const;
  [[nodiscard]] const Department* find_department(std::string_view department) const;
  /// The department that has this project, and the project.
  struct Found {
    const Department* department = nullptr;
    const Project* project = nullptr;  ///< nullptr: the account is the department's
  };
  /// What an account is: a department, or a project of one.
  [[nodiscard]] Found find_account(std::string_view account) const;
  [[nodiscard]] const Qos* find_qos(std::string_view qos) const;
  [[nodiscard]] const Person* find_person(std::string_view person) const;
};

}  // namespace provost::model
