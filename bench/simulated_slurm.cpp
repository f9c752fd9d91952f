#include "simulated_slurm.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "os/tls.hpp"

namespace provost::bench {
namespace {

constexpr const char* kFiles = "/etc/provost/slurm/";

// The words "name=a,b" and so on of a line of sacctmgr.
std::map<std::string, std::string> members(const std::string& line) {
  std::map<std::string, std::string> found;
  for (const std::string& word : split(line, ' ')) {
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos) {
      found[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  return found;
}

std::set<std::string> host_names(const std::string& hosts) {
  std::set<std::string> names;
  for (const std::string& line : split(hosts, '\n')) {
    for (const std::string& word : split(line, ' ')) {
      names.insert(word);
    }
  }
  return names;
}

}  // namespace

void SimulatedSlurm::register_node(const std::string& cluster, const std::string& node) {
  const std::scoped_lock lock(mutex_);
  clusters_[cluster].nodes.emplace(node, false);
}

void SimulatedSlurm::deliver(const std::string& cluster, const model::NodePart& part) {
  std::string all;
  std::set<std::string> names;
  for (const model::FilePart& file : part.files) {
    if (file.path == "/etc/hosts") {
      names = host_names(file.content);
    }
  }
  for (const char* name : {"slurm.conf", "gres.conf", "cgroup.conf", "job_container.conf"}) {
    for (const model::FilePart& file : part.files) {
      if (file.path == std::string(kFiles) + name) {
        all += file.content;
      }
    }
  }
  if (all.empty()) {
    return;  // no controller
  }
  const std::scoped_lock lock(mutex_);
  Cluster& one = clusters_[cluster];
  one.delivered = to_hex(os::sha256(all));
  std::erase_if(one.nodes, [&](const auto& node) { return !names.contains(node.first); });
  if (one.in_force.empty()) {
    one.in_force = one.delivered;
  }
}

std::string SimulatedSlurm::show_nodes(const Cluster& cluster) const {
  std::string text;
  int number = 0;
  for (const auto& [name, drained] : cluster.nodes) {
    const bool busy = !cluster.cancelled && number++ < jobs_ / 5;
    const std::string state = std::string(busy ? "MIXED" : "IDLE") + (drained ? "+DRAIN" : "");
    text += fmt::format(
        "NodeName={0} Arch=x86_64 CoresPerSocket=4  CPUAlloc={2} CPUEfctv=4 CPUTot=4 CPULoad=0.21 "
        "AvailableFeatures=(null) ActiveFeatures=(null) Gres=(null) NodeAddr={0} NodeHostName={0} "
        "Version=22.05.8 OS=Linux 6.1.0-25-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.106-3  "
        "RealMemory=7680 AllocMem={3} FreeMem=6912 Sockets=1 Boards=1 State={1} ThreadsPerCore=1 "
        "TmpDisk=0 Weight=1 Owner=N/A MCS_label=N/A Partitions=main,dev  "
        "BootTime=2026-11-24T02:38:20 SlurmdStartTime=2026-11-24T02:38:21 "
        "LastBusyTime=2026-11-24T02:38:20 ResumeAfterTime=None "
        "CfgTRES=cpu=4,mem=7680M,billing=4 AllocTRES= CapWatts=n/a CurrentWatts=0 AveWatts=0 "
        "ExtSensorsJoules=n/s ExtSensorsWatts=0 ExtSensorsTemp=n/s{4}\n",
        name, state, busy ? 1 : 0, busy ? 512 : 0,
        drained ? " Reason=Provost: leaves the cluster [root@2026-11-24T02:38:20]" : "");
  }
  return text;
}

std::string SimulatedSlurm::show_jobs(const Cluster& cluster, const std::string& format) const {
  if (cluster.cancelled || cluster.nodes.empty()) {
    return {};
  }
  const std::string mark = format.substr(0, format.find('\x1f'));
  std::string text;
  auto node = cluster.nodes.begin();
  for (int i = 0; i < jobs_; ++i) {
    const bool runs = i < jobs_ / 5 && node != cluster.nodes.end();
    text +=
        join({mark, std::to_string(i + 1), "ubuntu", "default", "main", "normal",
              runs ? "RUNNING" : "PENDING", runs ? "None" : "Priority", runs ? node->first : "",
              "1", "N/A", runs ? "1:02:03" : "0:00", "1-00:00:00", "2026-11-24T02:38:20", "train"},
             "\x1f") +
        "\n";
    if (runs) {
      ++node;
    }
  }
  return text;
}

std::string SimulatedSlurm::show_accounts(const std::string& name, const Cluster& cluster) {
  std::string text = fmt::format("root|root||{}\n", name);
  for (const auto& [account, details] : cluster.accounts) {
    text += fmt::format("{}|{}||{}\n", account, details.organization, name);
  }
  return text;
}

std::string SimulatedSlurm::show_users(const Cluster& cluster) {
  std::string text;
  for (const auto& [account, details] : cluster.accounts) {
    for (const std::string& name : details.users) {
      const User& user = cluster.users.at(name);
      text += fmt::format("{}|{}|{}|{}\n", name, user.level, user.default_account, account);
    }
  }
  return text;
}

void SimulatedSlurm::change_accounts(Cluster& cluster, const std::string& lines) {
  for (const std::string& line : split(lines, '\n')) {
    const auto words = members(line);
    const auto word = [&](const char* name) {
      const auto found = words.find(name);
      return found == words.end() ? std::string() : found->second;
    };
    if (line.starts_with("add account ")) {
      cluster.accounts[word("name")].organization = word("organization");
    } else if (line.starts_with("add user ")) {
      for (const std::string& name : split(word("name"), ',')) {
        cluster.accounts[word("account")].users.insert(name);
        cluster.users.try_emplace(name, User{word("account")});
      }
    } else if (line.starts_with("modify user ")) {
      for (const std::string& name : split(word("name"), ',')) {
        User& user = cluster.users[name];
        if (words.contains("defaultaccount")) {
          user.default_account = word("defaultaccount");
        } else {
          user.level = word("adminlevel");
        }
      }
    }
  }
}

void SimulatedSlurm::update_node(Cluster& cluster, const std::vector<std::string>& argv) {
  std::string name;
  bool drained = false;
  for (const std::string& word : argv) {
    if (word.starts_with("NodeName=")) {
      name = word.substr(9);
    }
    drained = drained || word == "State=DRAIN";
  }
  const auto found = cluster.nodes.find(name);
  if (found != cluster.nodes.end()) {
    found->second = drained;
  }
}

std::string SimulatedSlurm::answer(const std::string& cluster, const std::vector<std::string>& argv,
                                   const std::string& input) {
  const std::scoped_lock lock(mutex_);
  Cluster& one = clusters_[cluster];
  const std::string what = join(argv, " ");
  if (what == "scontrol -o show nodes") {
    return show_nodes(one);
  }
  if (argv.front() == "squeue") {
    return show_jobs(one, argv.back());
  }
  if (what.starts_with("sacctmgr -nP show account")) {
    return show_accounts(cluster, one);
  }
  if (what.starts_with("sacctmgr -nP show user")) {
    return show_users(one);
  }
  if (what == "sacctmgr -i") {
    change_accounts(one, input);
  } else if (what.starts_with("scontrol update ")) {
    update_node(one, argv);
  } else if (argv.front() == "scancel") {
    one.cancelled = true;
  } else if (what.ends_with("slurm-config seen")) {
    return fmt::format("live {0}\nagreed {0}\n", one.in_force);
  } else if (what.find("slurm-config try ") != std::string::npos) {
    one.in_force = one.delivered;
  }
  return {};
}

}  // namespace provost::bench
