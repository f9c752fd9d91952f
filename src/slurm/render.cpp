#include "slurm/render.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "slurm/hostlist.hpp"

namespace provost::slurm {
namespace {

std::string made_by(const Header& header) {
  return fmt::format("# Made by Provost for cluster {} from {}.\n", header.cluster,
                     join(header.sources, ", "));
}

std::string text_of(const Header& header) {
  return made_by(header) +
         "# Changes made here are kept, undone or refused, as SlurmConfigStrategy says (see "
         "`provost "
         "plan`).\n";
}

// Settings that do not differ between clusters, each group with its reason.
constexpr std::string_view kSettings = R"(
# Nodes fetch this file from the controller (configless); the configured size of a node counts, not
# what slurmd finds, so that a small host can stand in for a large one.
SlurmctldParameters=enable_configless
SlurmdParameters=config_overrides
SlurmUser=slurm
AuthType=auth/munge
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
MailProg=/bin/true

# Processes of a job are held in a control group; an extern step (Contain) is what pam_slurm_adopt
# puts SSH sessions into. Each job has a /tmp of its own.
ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup
PrologFlags=Contain
JobContainerType=job_container/tmpfs
LaunchParameters=ulimit_pam_adopt

# Jobs share nodes: CPUs, memory and GPUs are handed out one by one. Locked memory stays as slurmd
# has it (unlimited), for MPI.
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes={}
PropagateResourceLimitsExcept=MEMLOCK

# What fails while a job starts is said by its slurmstepd, which has no other way to say it.
SlurmdSyslogDebug=error
)";

constexpr std::string_view kPolicy = R"(
# A job beyond its partition's limits is refused at once; a batch job whose node is lost is queued
# again; a node that comes back is used again, whatever it was down for.
EnforcePartLimits=ALL
JobRequeue=1
ReturnToService=2
SlurmdTimeout=120
BatchStartTimeout=60
MaxJobCount=50000
MessageTimeout=30
UnkillableStepTimeout=180
GroupUpdateTime=60
)";

std::string days_of(std::int64_t minutes) {
  constexpr std::int64_t kHour = 60;
  constexpr std::int64_t kDay = 24 * kHour;
  const std::int64_t rest = minutes % kDay;
  return rest % kHour == 0
             ? fmt::format("{}-{}", minutes / kDay, rest / kHour)
             : fmt::format("{}-{:02}:{:02}:00", minutes / kDay, rest / kHour, rest % kHour);
}

std::string order_of_jobs(const SlurmConf& conf) {
  const Priority& priority = conf.priority;
  std::string text = "\n# Order of waiting jobs.\n";
  if (!priority.origins.empty()) {
    text += fmt::format("# As the file says: {}.\n", join(priority.origins, ", "));
  }
  text += fmt::format(
      "SchedulerType=sched/backfill\n"
      "PriorityType=priority/multifactor\n"
      "PriorityCalcPeriod=1\n"
      "PriorityDecayHalfLife={}\n"
      "PriorityMaxAge={}\n"
      "PriorityWeightAge={}\n"
      "PriorityWeightFairshare={}\n"
      "PriorityWeightQOS={}\n"
      "PriorityWeightAssoc={}\n"
      "PriorityWeightPartition={}\n"
      "PriorityWeightJobSize={}\n",
      days_of(priority.half_life_minutes), days_of(priority.max_age_minutes), priority.age,
      priority.fairshare, priority.qos, priority.association, priority.partition,
      priority.job_size);
  if (conf.largest_counts) {
    text +=
        "# A job costs what its largest part costs of a node: CPUs, memory or GPUs.\n"
        "PriorityFlags=MAX_TRES\n";
  }
  if (conf.preempts) {
    text +=
        "\n# Jobs of a QoS that may be preempted are queued again when its owners come.\n"
        "PreemptType=preempt/qos\n"
        "PreemptMode=REQUEUE\n";
  }
  if (conf.job_submit_lua) {
    text +=
        "\n# What is refused is refused at submission, in words: job_submit.lua.\n"
        "JobSubmitPlugins=lua\n";
  }
  return text;
}

std::string accounting(const SlurmConf& conf) {
  std::string counted = conf.shards ? "gres/gpu,gres/shard" : "gres/gpu";
  for (const std::string& type : conf.gpu_types) {
    counted += ",gres/gpu:" + type;
  }
  return fmt::format(
      "\n# Accounting: who has no association may not submit; a job that could pass a limit is "
      "not\n"
      "# started.\n"
      "AccountingStorageType=accounting_storage/slurmdbd\n"
      "AccountingStorageHost={}\n"
      "AccountingStorageEnforce=associations,limits,qos,safe\n"
      "AccountingStorageTRES={}\n"
      "JobAcctGatherType=jobacct_gather/cgroup\n"
      "JobAcctGatherFrequency=30\n",
      conf.controller, counted);
}

std::string node_line(const NodeSet& set) {
  std::string line = fmt::format(
      "NodeName={}{} CPUs={} Boards=1 SocketsPerBoard=1 CoresPerSocket={} ThreadsPerCore={} "
      "RealMemory={}",
      compress_in_order(set.nodes),
      set.addresses.empty() ? "" : " NodeAddr=" + compress_in_order(set.addresses), set.cpus,
      set.cpus / set.threads_per_core, set.threads_per_core, set.real_memory_mib);
  if (set.gpus > 0) {
    line += fmt::format(" Gres=gpu:{}:{}", set.gpu_type, set.gpus);
    line += set.shards > 0 ? fmt::format(",shard:{}", set.shards) : "";
  }
  return line + " State=UNKNOWN\n";
}

std::string partition_line(const Partition& partition) {
  std::string line = fmt::format(
      "PartitionName={} Nodes={} Default={} State=UP OverSubscribe=NO DefaultTime={} MaxTime={} "
      "DefMemPerCPU={}",
      partition.name,
      partition.every_node      ? "ALL"
      : partition.nodes.empty() ? "\"\""
                                : compress(partition.nodes),
      partition.is_default ? "YES" : "NO", partition.default_time, partition.max_time,
      partition.memory_per_cpu_mib);
  if (!partition.allow_groups.empty()) {
    line += " AllowGroups=" + partition.allow_groups;
  }
  if (!partition.allow_accounts.empty()) {
    line += " AllowAccounts=" + join(partition.allow_accounts, ",");
  }
  if (!partition.allow_qos.empty()) {
    line += " AllowQos=" + join(partition.allow_qos, ",");
  }
  if (partition.cpus_per_gpu > 0) {
    line += fmt::format(" DefCpuPerGPU={}", partition.cpus_per_gpu);
  }
  if (partition.priority != 1) {
    line += fmt::format(" PriorityJobFactor={}", partition.priority);
  }
  if (partition.tier != 1) {
    line += fmt::format(" PriorityTier={}", partition.tier);
  }
  if (partition.nodes_per_job > 0) {
    line += fmt::format(" MaxNodes={}", partition.nodes_per_job);
  }
  if (!partition.billing.empty()) {
    line += fmt::format(" TRESBillingWeights=\"{}\"", partition.billing);
  }
  return line + "\n";
}

// "/dev/nvidia0", "/dev/nvidia1" -> "/dev/nvidia[0-1]", which gres.conf(5) takes for File.
std::string files_of(const GpuSet& set) {
  return set.files.empty() ? "" : " File=" + compress(set.files);
}

}  // namespace

std::string slurm_conf(const SlurmConf& conf) {
  std::string text = text_of(conf.header);
  text += fmt::format("\nClusterName={}\nSlurmctldHost={}({})\n", conf.header.cluster,
                      conf.controller, conf.controller_address);
  text += fmt::format(fmt::runtime(kSettings), conf.shards ? "gpu,shard" : "gpu");
  text += fmt::format(
      "# Who does not ask for memory gets this much a CPU, never a whole "
      "node's.\nDefMemPerCPU={}\n",
      conf.memory_per_cpu_mib);
  if (conf.shards) {
    text +=
        "# Nodes with shards leave only when slurmctld has forgotten their ended jobs.\n"
        "MinJobAge=30\n";
  }
  text += accounting(conf);
  text += kPolicy;
  text += order_of_jobs(conf);
  text += "\n# Nodes, in the order of their addresses: no name is looked up.\n";
  for (const NodeSet& set : conf.nodes) {
    text += "# " + set.comment + "\n" + node_line(set);
  }
  text += "\n# Partitions.\n";
  for (const Partition& partition : conf.partitions) {
    text += "# " + partition.comment + "\n" + partition_line(partition);
  }
  return text;
}

std::string gres_conf(const Header& header, const std::vector<GpuSet>& gpus) {
  std::string text = text_of(header) + "\nAutoDetect=off\n";
  for (const GpuSet& set : gpus) {
    const std::string files = files_of(set);
    text += fmt::format("NodeName={} Name=gpu Type={}{}{}\n", compress(set.nodes), set.type,
                        files.empty() ? fmt::format(" Count={}", set.count) : "", files);
    if (set.shards > 0) {
      text += fmt::format("NodeName={} Name=shard Count={}\n", compress(set.nodes), set.shards);
    }
  }
  return text;
}

std::string cgroup_conf(const Header& header) {
  return text_of(header) + R"(
# A job sees the GPUs it was given and no others, and is ended when it passes its memory. Cores are
# counted, not pinned: a node may be configured with more of them than its host has.
CgroupPlugin=autodetect
ConstrainCores=no
ConstrainDevices=yes
ConstrainRAMSpace=yes
ConstrainSwapSpace=yes
AllowedSwapSpace=0
)";
}

std::string job_container_conf(const Header& header) {
  return text_of(header) + R"(
AutoBasePath=true
BasePath=/var/lib/slurm/job-tmp
# All of a step stands in the namespace: PMIx and the ranks meet in files below /tmp.
EntireStepInNS=true
Dirs=/tmp,/dev/shm
)";
}

std::string slurmdbd_conf(const SlurmdbdConf& conf) {
  return made_by(conf.header) + fmt::format(R"(# Changes made here are overwritten.

AuthType=auth/munge
SlurmUser=slurm
DbdHost={}
PidFile=/run/slurmdbd/slurmdbd.pid

# MariaDB on this machine, over its socket; it knows slurmdbd by its user, there is no password.
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StorageLoc=slurm_acct_db

# User names as POSIX has them; supervisors act through Provost, not by sacctmgr.
Parameters=PreserveCaseUser
DisableCoordDBD=yes
)",
                                            conf.host);
}

}  // namespace provost::slurm
