// What `provost doctor` asks provostd.
#include "os/tls.hpp"
#include "service/desk.hpp"
#include "service/reading.hpp"
#include "service/world.hpp"

namespace provost::service {

HealthReport Desk::health() {
  HealthReport health;
  if (const auto ends = os::end_of(world_.keys().server.certificate)) {
    health.certificate_ends = *ends;
  }
  for (const store::Cluster& row : world_.store().clusters()) {
    ClusterHealth one{.name = row.name};
    const auto reading = read(row);
    if (!reading) {
      one.problem = reading.error().message;
      health.clusters.push_back(std::move(one));
      continue;
    }
    one.status = model::name(report(*reading).status);
    // What was seen a while ago may not be so any more.
    const auto fresh = world_.collector().fresh(row.id, std::chrono::seconds(5));
    one.slurm_answers = fresh && fresh->view.answering;
    for (NodeReport& node : node_reports(*reading)) {
      const auto seen = world_.agents().seen({row.id, node.row.name});
      one.nodes.push_back({std::move(node),
                           seen.report ? seen.report->units : std::vector<protocol::UnitReport>()});
    }
    health.clusters.push_back(std::move(one));
  }
  return health;
}

Result<spec::Sources> Desk::files(const std::string& name) {
  const auto row = row_named(name);
  return row ? Result<spec::Sources>(sources_of(*row)) : pass(row.error());
}

}  // namespace provost::service
