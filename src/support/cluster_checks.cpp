// The checks of what runs on the host: provostd and the clusters.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "support/checks.hpp"

namespace provost::support {
namespace {

struct Trouble {
  std::string words;
  std::string by_hand;
};

/// In a cluster that is being made or changed these are on their way.
bool is_busy(const ClusterFact& cluster) {
  return cluster.status != "InService" && cluster.status != "Failed" &&
         cluster.status != "Degraded";
}

void look_at_agent(const ClusterFact& cluster, const NodeFact& node, std::vector<Trouble>& found) {
  if (node.status == "Failure") {
    found.push_back({node.name + " failed", "provost describe " + cluster.name});
  } else if (!node.connected) {
    const std::string since =
        node.seconds_since_heard
            ? fmt::format(" for {}", to_words(std::chrono::seconds(*node.seconds_since_heard)))
            : "";
    found.push_back(
        {fmt::format("{}: its agent is silent{}", node.name, since),
         fmt::format("provost logs {} --cluster {} --unit console", node.name, cluster.name)});
  } else if (node.units.empty()) {
    found.push_back(
        {node.name + ": its agent has not reported yet", "provost nodes " + cluster.name});
  }
}

void look_at_node(const ClusterFact& cluster, const NodeFact& node, std::vector<Trouble>& found) {
  look_at_agent(cluster, node, found);
  for (const UnitFact& unit : node.units) {
    if (unit.state != "up") {
      const std::string log =
          fmt::format("provost logs {} --cluster {} --unit {}", node.name, cluster.name, unit.name);
      found.push_back({fmt::format("{}: {} is {}", node.name, unit.name, unit.state), log});
    }
  }
  if (node.slurm.starts_with("down") || node.slurm.find("drain") != std::string::npos) {
    found.push_back({fmt::format("Slurm has {} {}{}", node.name, node.slurm,
                                 node.reason.empty() ? "" : " (" + node.reason + ")"),
                     "provost exec CONTROLLER -- sinfo -R"});
  }
}

std::string controller_of(const ClusterFact& cluster) {
  for (const NodeFact& node : cluster.nodes) {
    if (node.role == "controller") {
      return node.name;
    }
  }
  return "controller-1";
}

}  // namespace

Line check_daemon(const HostFacts& facts) {
  const Daemon& daemon = facts.daemon;
  Line line{.check = "provostd", .by_hand = "provost status"};
  if (!daemon.answers) {
    line.verdict = facts.store.clusters.empty() ? Verdict::warn : Verdict::fail;
    line.finding =
        daemon.problem.empty() ? "does not answer" : "does not answer: " + daemon.problem;
    line.mend = "systemctl start provostd, or ./provost-up";
  } else if (daemon.version != facts.version) {
    line.verdict = Verdict::warn;
    line.finding =
        fmt::format("answers, of version {}; this program is of {}", daemon.version, facts.version);
    line.mend = "systemctl restart provostd (nodes and jobs go on)";
  } else {
    line.finding = fmt::format("{} answers (process {})", daemon.version, daemon.pid);
  }
  return line;
}

Line check_cluster(const ClusterFact& cluster) {
  Line line{.check = "cluster " + cluster.name, .by_hand = "provost describe " + cluster.name};
  if (!cluster.problem.empty()) {
    line.verdict = Verdict::fail;
    line.finding = cluster.problem;
    line.mend = "provost describe " + cluster.name;
    return line;
  }
  std::vector<Trouble> troubles;
  for (const NodeFact& node : cluster.nodes) {
    look_at_node(cluster, node, troubles);
  }
  if (!cluster.slurm_answers) {
    troubles.push_back({"Slurm's controller does not answer",
                        fmt::format("provost logs {} --cluster {} --unit slurmctld",
                                    controller_of(cluster), cluster.name)});
  }
  for (const Trouble& trouble : troubles) {
    line.details.push_back(trouble.words);
  }
  if (troubles.empty() && cluster.status == "InService") {
    line.finding =
        fmt::format("InService; {} agents connected, every daemon is up", cluster.nodes.size());
    return line;
  }
  const bool minor = std::all_of(troubles.begin(), troubles.end(), [](const Trouble& trouble) {
    return trouble.words.starts_with("Slurm has ");
  });
  line.verdict =
      is_busy(cluster) || (minor && cluster.status == "InService") ? Verdict::warn : Verdict::fail;
  line.finding = cluster.status + (troubles.empty() ? "" : ": " + few(line.details));
  line.mend = is_busy(cluster)   ? "wait: provost wait " + cluster.name
              : troubles.empty() ? "provost describe " + cluster.name
                                 : troubles.front().by_hand;
  const std::size_t place = line.mend.find("CONTROLLER");
  if (place != std::string::npos) {
    line.mend.replace(place, std::string_view("CONTROLLER").size(), controller_of(cluster));
  }
  return line;
}

}  // namespace provost::support
