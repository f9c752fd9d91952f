// Slurm's files as text, for Slurm 24.11. Pure and deterministic: equal values give equal bytes.
// Who decides what stands in them is `scheduling/`; here is only how Slurm wants it written, and
// the settings that every cluster has.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace provost::slurm {

/// The first lines of each file: what made it, of what, and that changes do not last.
struct Header {
  std::string cluster;
  std::vector<std::string> sources;  ///< files it was made from: {"cluster-config.json", ...}
};

/// Equal nodes of one instance group.
struct NodeSet {
  std::string comment;             ///< "group cpu: 2 of ml.c5.xlarge"
  std::vector<std::string> nodes;  ///< never empty
  /// One a node, in their order. Without them slurmctld asks for every name when it reads its
  /// files, and waits 10 s for each that /etc/hosts has no more.
  std::vector<std::string> addresses;
  int cpus = 1;
  int threads_per_core = 1;  ///< must divide `cpus`
  std::int64_t real_memory_mib = 0;
  std::string gpu_type;  ///< "a10g"; empty: no GPUs
  int gpus = 0;
  int shards = 0;  ///< tokens of all GPUs of a node
};

struct Partition {
  std::string name;
  std::string comment;
  std::vector<std::string> nodes;  ///< may be none: jobs wait until it has some
  bool every_node = false;         ///< in place of `nodes`
  bool is_default = false;
  std::string allow_groups{};                 ///< POSIX groups; empty: everybody
  std::vector<std::string> allow_accounts{};  ///< with those below them; empty: everybody
  std::vector<std::string> allow_qos{};       ///< empty: every one
  std::string default_time = "1:00:00";
  std::string max_time = "7-00:00:00";
  std::int64_t memory_per_cpu_mib = 0;  ///< given to jobs that do not ask
  int cpus_per_gpu = 0;                 ///< the same; 0: not said
  int priority = 1;                     ///< PriorityJobFactor
  int tier = 1;                         ///< PriorityTier
  std::int64_t nodes_per_job = 0;       ///< MaxNodes; 0: all
  std::string billing{};                ///< TRESBillingWeights; empty: Slurm's
};

/// What orders waiting jobs. Source: slurm.conf(5), "Priority*".
struct Priority {
  std::int64_t half_life_minutes = std::int64_t{14} * 24 * 60;
  std::int64_t max_age_minutes = std::int64_t{7} * 24 * 60;
  std::int64_t age = 1000;
  std::int64_t fairshare = 10000;
  std::int64_t qos = 2000;
  std::int64_t association = 3000;
  std::int64_t partition = 0;
  std::int64_t job_size = 0;
  std::vector<std::string> origins{};  ///< for people: "age campus.toml:15"
};

struct SlurmConf {
  Header header;
  std::string controller;               ///< host name of the one controller
  std::string controller_address;       ///< "10.77.4.10"
  std::int64_t memory_per_cpu_mib = 0;  ///< for partitions that have no value of their own
  std::vector<std::string> gpu_types;   ///< counted each by itself in accounting
  std::vector<NodeSet> nodes;
  std::vector<Partition> partitions;
  Priority priority{};
  bool largest_counts = false;  ///< a job is billed by its largest part, not by the sum
  bool job_submit_lua = false;  ///< job_submit.lua stands beside slurm.conf
  bool shards = false;          ///< some nodes have shards, now or when they have nodes again
  bool preempts = false;        ///< a QoS may put another's jobs back into the queue
};

/// slurm.conf. Source: slurm.conf(5).
std::string slurm_conf(const SlurmConf& conf);

/// GPUs of nodes that have the same device files.
struct GpuSet {
  std::vector<std::string> nodes;
  std::string type;
  int count = 0;
  std::vector<std::string> files;  ///< one a GPU; empty: counted, but not fenced off
  int shards = 0;                  ///< tokens spread over all of them
};

/// gres.conf for the whole cluster, as a configless controller hands it out. Source: gres.conf(5).
std::string gres_conf(const Header& header, const std::vector<GpuSet>& gpus);

/// cgroup.conf. Source: cgroup.conf(5).
std::string cgroup_conf(const Header& header);

/// job_container.conf: /tmp and /dev/shm of each job's own. Source: job_container.conf(5).
std::string job_container_conf(const Header& header);

struct SlurmdbdConf {
  Header header;
  std::string host;  ///< where slurmdbd runs: the controller
};

/// slurmdbd.conf with MariaDB over its Unix socket: no password is written anywhere, the database
/// knows slurmdbd by its user. Source: slurmdbd.conf(5).
std::string slurmdbd_conf(const SlurmdbdConf& conf);

}  // namespace provost::slurm
