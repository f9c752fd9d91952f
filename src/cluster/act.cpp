#include <algorithm>

#include "base/text.hpp"
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

Status tell_slurm(Outside& outside, const NodeKey& controller, std::vector<std::string> argv) {
  const std::string program = argv.front();
  const auto ran = outside.agents.run(
      controller, {.argv = std::move(argv), .timeout = std::chrono::seconds(20)});
  if (!ran) {
    return pass(ran.error());
  }
  if (ran->status != 0) {
    return fail(ErrorKind::unavailable, "{}: {}", program, trim(ran->err));
  }
  return {};
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

model::Outcome act(const CloseNode& deed, Outside& outside, const Progress& progress) {
  progress("draining");
  const NodeKey controller{outside.cluster_id, deed.controller};
  Status closed = tell_slurm(outside, controller,
                             {"scontrol", "update", "NodeName=" + deed.node, "State=DRAIN",
                              fmt::format("Reason={}", kLeaveReason)});
  for (const std::string& job : deed.ends) {
    progress("ending job " + job);
    if (closed && !tell_slurm(outside, controller, {"scontrol", "requeue", job})) {
      closed = tell_slurm(outside, controller, {"scancel", job});
    }
  }
  return to_outcome(closed);
}

model::Outcome act(const OpenNode& deed, Outside& outside, const Progress& progress) {
  progress("resuming");
  return to_outcome(tell_slurm(outside, {outside.cluster_id, deed.controller},
                               {"scontrol", "update", "NodeName=" + deed.node, "State=RESUME"}));
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
