#include "support/checks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace provost::support {

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "PASS";
    case Verdict::warn:
      return "WARN";
    case Verdict::fail:
      return "FAIL";
  }
  return "";
}

std::string few(const std::vector<std::string>& all, std::size_t shown) {
  if (all.size() <= shown) {
    return join(all, ", ");
  }
  return fmt::format("{} and {} more",
                     join({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown)}, ", "),
                     all.size() - shown);
}

Verdict worst(const std::vector<Line>& lines) {
  Verdict verdict = Verdict::pass;
  for (const Line& line : lines) {
    verdict = std::max(verdict, line.verdict);
  }
  return verdict;
}

std::vector<Line> check_all(const HostFacts& facts) {
  std::vector<Line> lines = {check_kernel(facts), check_control_groups(facts), check_memory(facts)};
  for (const Disk& disk : facts.disks) {
    lines.push_back(check_disk(disk));
  }
  for (const auto& check :
       {check_packages, check_ports, check_clock, check_kernel_limits, check_image, check_store,
        check_permissions, check_certificates, check_leftovers, check_daemon}) {
    lines.push_back(check(facts));
  }
  for (const ClusterFact& cluster : facts.daemon.clusters) {
    lines.push_back(check_cluster(cluster));
  }
  if (!facts.daemon.answers) {
    for (const store::KnownCluster& cluster : facts.store.clusters) {
      lines.push_back({.check = "cluster " + cluster.name,
                       .verdict = Verdict::warn,
                       .finding = "not known: provostd does not answer; its nodes and jobs go on",
                       .mend = "start provostd (see the line \"provostd\")",
                       .by_hand = "provost describe " + cluster.name});
    }
  }
  return lines;
}

}  // namespace provost::support
