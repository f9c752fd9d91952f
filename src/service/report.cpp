// What a support report holds of a cluster's nodes.
#include <algorithm>
#include <atomic>
#include <thread>

#include "base/text.hpp"
#include "os/files.hpp"
#include "service/desk.hpp"
#include "service/reading.hpp"
#include "service/world.hpp"
#include "support/scrub.hpp"

namespace provost::service {
namespace {

constexpr std::size_t kLargestPart = 1U << 20U;  // bytes; of a log the end is kept
constexpr int kLines = 20'000;

/// A command on a node whose output is one part.
struct Question {
  std::string path;
  std::string node;
  std::vector<std::string> argv;
};

std::vector<std::string> units_of(model::Role role) {
  std::vector<std::string> units = {"munge", "ssh", "provost-agent"};
  if (role == model::Role::controller) {
    units.insert(units.end(), {"slurmctld", "slurmdbd", "mariadb"});
  } else {
    units.emplace_back(role == model::Role::compute ? "slurmd" : "sackd");
  }
  return units;
}

std::vector<Question> questions_of(const NodeReport& node) {
  const std::string folder = "nodes/" + node.row.name + "/";
  std::vector<Question> asked;
  for (const std::string& unit : units_of(node.role)) {
    auto argv = journal_of(unit, kLines);
    argv.insert(argv.begin() + 1, "--since=-24h");
    asked.push_back({folder + (unit == "ssh" ? "sshd" : unit) + ".log", node.row.name, argv});
  }
  asked.push_back({folder + "versions.txt",
                   node.row.name,
                   {"dpkg-query", "-W", "base-files", "systemd", "libc6", "slurm*", "munge*",
                    "openssh-server", "mariadb-server"}});
  asked.push_back({folder + "kernel.txt", node.row.name, {"uname", "-a"}});
  asked.push_back({folder + "os-release.txt", node.row.name, {"cat", "/etc/os-release"}});
  asked.push_back(
      {folder + "failed-units.txt", node.row.name, {"systemctl", "--no-pager", "--failed"}});
  return asked;
}

std::vector<Question> questions_of_slurm(const std::string& controller) {
  std::vector<Question> asked;
  for (const char* file :
       {"slurm.conf", "gres.conf", "cgroup.conf", "job_container.conf", "slurmdbd.conf"}) {
    asked.push_back(
        {fmt::format("slurm/{}", file), controller, {"cat", fmt::format("/etc/slurm/{}", file)}});
  }
  const auto ask = [&](const char* path, std::vector<std::string> argv) {
    asked.push_back({fmt::format("slurm/{}", path), controller, std::move(argv)});
  };
  ask("version.txt", {"slurmctld", "-V"});
  ask("config-in-force.txt", {"scontrol", "show", "config"});
  ask("nodes.txt", {"scontrol", "show", "nodes"});
  ask("partitions.txt", {"scontrol", "show", "partitions"});
  ask("sinfo.txt", {"sinfo", "-a", "-N", "-l"});
  ask("sinfo-reasons.txt", {"sinfo", "-a", "-R", "-l"});
  ask("squeue.txt", {"squeue", "-a", "-l"});
  ask("sdiag.txt", {"sdiag"});
  ask("sacctmgr-clusters.txt", {"sacctmgr", "-nP", "show", "cluster"});
  ask("sacctmgr-qos.txt", {"sacctmgr", "-P", "show", "qos"});
  ask("sacctmgr-associations.txt", {"sacctmgr", "-P", "show", "associations"});
  return asked;
}

/// The end of a text, from the beginning of a line.
std::string end_of(const std::string& text) {
  if (text.size() <= kLargestPart) {
    return text;
  }
  const std::size_t begin = text.find('\n', text.size() - kLargestPart);
  return "[the beginning is left out]\n" + text.substr(begin == std::string::npos ? 0 : begin + 1);
}

/// Everything secret that the store knows of a cluster, line by line where it is a text.
std::vector<std::string> secrets_of(store::Store& store, const store::Cluster& row) {
  std::vector<std::string> secrets = {row.munge_key};
  for (const std::string& text : {row.host_key, store.setting("authority.key").value_or(""),
                                  store.setting("admin-key.private").value_or("")}) {
    for (const std::string& line : split(text, '\n')) {
      if (line.size() > 12 && !line.starts_with("-----")) {
        secrets.push_back(line);
      }
    }
  }
  return secrets;
}

ReportPart answer(cluster::Agents& agents, const std::string& cluster_id, const Question& asked,
                  const std::stop_token& stop) {
  ReportPart part{.path = asked.path, .text = {}, .missing = {}};
  const auto collect = [&](os::Channel, std::string_view bytes) {
    part.text += bytes;
    if (part.text.size() > 4 * kLargestPart) {
      part.text.erase(0, part.text.size() - 2 * kLargestPart);
    }
  };
  const auto ran = agents.run(
      {cluster_id, asked.node},
      {.argv = asked.argv, .input = {}, .timeout = std::chrono::seconds(20)}, collect, stop);
  if (!ran) {
    part.missing = ran.error().message;
  } else if (ran->status != 0 && part.text.empty()) {
    part.missing = fmt::format("{} ended with status {}", asked.argv.front(), ran->status);
  }
  return part;
}

}  // namespace

Status Desk::report(const Caller& caller, const std::string& name,
                    const std::function<void(const ReportPart&)>& on_part,
                    const std::stop_token& stop) {
  const auto row = row_named(name);
  if (!row) {
    return pass(row.error());
  }
  const auto all = nodes(name);
  if (!all) {
    return pass(all.error());
  }
  ignore(world_.store().write("report",
                              [&](store::Writer& writer) {
                                store::Event event;
                                event.cluster = name;
                                event.actor = caller.name;
                                event.what = "a support report is made";
                                event.because = caller.name + " asked for it";
                                writer.add_event(event);
                              }),
         "a report of a host whose disk is full is wanted all the more");
  const std::vector<std::string> secrets = secrets_of(world_.store(), *row);
  std::mutex mutex;
  const auto hand_on = [&](ReportPart part) {
    part.text = support::scrub(end_of(part.text), secrets);
    part.missing = support::scrub(part.missing, secrets);
    const std::scoped_lock lock(mutex);
    on_part(part);
  };
  std::vector<Question> questions;
  for (const NodeReport& node : *all) {
    if (node.role == model::Role::controller) {
      questions = questions_of_slurm(node.row.name);
    }
  }
  for (const NodeReport& node : *all) {
    const std::string folder = "nodes/" + node.row.name + "/";
    const auto script = os::read_file(world_.script_log_file(row->id, node.row.name));
    hand_on({folder + "lifecycle.log", script.value_or(""), script ? "" : "no script has run"});
    const auto console = world_.provider().console_tail(name, node.row.name);
    hand_on({folder + "console.log", console.value_or(""), console ? "" : console.error().message});
    const auto more = questions_of(node);
    questions.insert(questions.end(), more.begin(), more.end());
  }
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < questions.size() && !stop.stop_requested(); i = next++) {
      hand_on(answer(world_.agents(), row->id, questions[i], stop));
    }
  };
  constexpr std::size_t kThreads = 8;
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < std::min(kThreads, questions.size()); ++i) {
    threads.emplace_back(work);
  }
  work();
  threads.clear();
  return {};
}

}  // namespace provost::service
