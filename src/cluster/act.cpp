#include <algorithm>

#include "cluster/cluster.hpp"
#include "os/files.hpp"

namespace provost::cluster {
namespace {

model::Outcome to_outcome(const Status& status) {
  if (status) {
    return {};
  }
  const Error& error = status.error();
  const bool hopeless = error.kind == ErrorKind::invalid || error.kind == ErrorKind::conflict;
  std::string found = error.message;
  if (!error.hint.empty()) {
    found += "; " + error.hint;
  }
  return {.ended = hopeless ? model::Ended::refused : model::Ended::retry,
          .found = std::move(found)};
}

}  // namespace

model::Outcome act(const CreateNetwork& deed, Outside& outside, const Progress& progress) {
  return to_outcome(outside.provider.create_network(deed.spec, progress));
}

model::Outcome act(const CreateNode& deed, Outside& outside, const Progress& progress) {
  provider::MachineSpec machine = deed.machine;
  progress("issuing its certificate");
  auto seed = outside.seed_of(machine);
  if (!seed) {
    return to_outcome(tl::unexpected<Error>(seed.error()));
  }
  machine.seed = std::move(*seed);
  model::Outcome outcome = to_outcome(outside.provider.ensure_running(machine, progress));
  progress("booting");
  return outcome;
}

model::Outcome act(const ConfigureNode& deed, Outside& outside, const Progress& progress) {
  progress("sending its specification");
  const auto spec = outside.spec_of(deed.node, deed.opened);
  if (!spec) {
    return to_outcome(tl::unexpected<Error>(spec.error()));
  }
  return to_outcome(outside.agents.send({outside.cluster_id, deed.node}, *spec));
}

model::Outcome act(const StopJobs& deed, Outside& outside, const Progress& progress) {
  progress("cancelling jobs");
  const NodeKey controller{outside.cluster_id, deed.controller};
  // scancel wants some filter to mean "all": every state that is not an end.
  const auto cancelled = outside.agents.run(
      controller, {.argv = {"scancel", "--state=RUNNING"}, .timeout = std::chrono::seconds(20)});
  if (!cancelled) {
    // Its jobs end with the nodes: a deletion does not wait for a controller that is gone.
    return {.ended = model::Ended::asked, .found = cancelled.error().message};
  }
  return {};
}

model::Outcome act(const RemoveNode& deed, Outside& outside, const Progress& progress) {
  return to_outcome(outside.provider.remove(outside.cluster, deed.node, progress));
}

model::Outcome act(const RemoveNetwork& /*deed*/, Outside& outside, const Progress& progress) {
  return to_outcome(outside.provider.remove_network(outside.cluster, progress));
}

model::Outcome act(const RemoveData& deed, Outside& /*outside*/, const Progress& progress) {
  progress("removing /fsx");
  return to_outcome(os::remove_tree(deed.directory));
}

}  // namespace provost::cluster
