// How an operation on a cluster ends: in service, or taken back with its reason; and what a cluster
// that is provisioned continuously tries again. Part of `Rounds`.
#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "service/desk.hpp"
#include "service/rounds.hpp"
#include "service/world.hpp"

namespace provost::service {
namespace {

constexpr std::string_view kRoom = "service";

bool is_running(const store::Node& node) { return node.status == model::NodeStatus::running; }

}  // namespace

// The first thing that failed for good since then.
std::string Rounds::failure_of(const Case& one, UtcTime since) const {
  for (const store::Node& node : one.rows) {
    if (node.status == model::NodeStatus::failure && node.launched >= since) {
      return fmt::format("{}: {}", node.name, node.message);
    }
  }
  for (const control::StepView& step : steps_of(one.row.id, "")) {
    if (step.state.standing == control::Standing::refused) {
      return fmt::format("{}: {}", step.state.step.line, step.state.found);
    }
  }
  return {};
}

// All nodes; or with Continuous the controller and one login node, if there are to be any, and
// users that may submit jobs.
bool Rounds::can_arrive(const Case& one) const {
  const auto picture = world_.collector().picture(one.row.id);
  if (!picture || !picture->view.answering) {
    return false;
  }
  const auto& places = one.model->layout.nodes;
  const auto ready = [&](model::Role role) {
    return std::count_if(places.begin(), places.end(), [&](const model::NodePlace& place) {
      return place.role == role && one.facts.nodes.at(place.name).ready;
    });
  };
  const auto wanted = [&](model::Role role) {
    return std::count_if(places.begin(), places.end(),
                         [&](const model::NodePlace& place) { return place.role == role; });
  };
  if (one.model->cluster.continuous) {
    const bool login = wanted(model::Role::login) == 0 || ready(model::Role::login) > 0;
    return login && ready(model::Role::controller) > 0 &&
           world_.scheduling_seen(one.row.id).accounts.has_value();
  }
  const bool all_ready = std::all_of(one.facts.nodes.begin(), one.facts.nodes.end(),
                                     [](const auto& entry) { return entry.second.ready; });
  const auto up =
      std::count_if(picture->view.nodes.begin(), picture->view.nodes.end(), slurm::is_up);
  return one.works == 0 && all_ready && up >= wanted(model::Role::compute);
}

void Rounds::record_arrival(const Case& one) {
  if (one.row.arrived || one.row.deleting || one.wanted.undoing || !can_arrive(one)) {
    return;
  }
  const auto running = std::count_if(one.rows.begin(), one.rows.end(), is_running);
  store::Event entry = about(one.row, nullptr);
  entry.what = fmt::format("{} is InService", one.row.name);
  entry.because =
      one.model->cluster.continuous
          ? fmt::format("its controller serves after {}; {} of {} nodes run, the others follow",
                        to_words(now_utc() - one.row.began), running, one.rows.size())
          : fmt::format("all {} nodes run and Slurm has its compute nodes up after {}",
                        one.rows.size(), to_words(now_utc() - one.row.began));
  const Status written = world_.store().write("arrived", [&](store::Writer& writer) {
    writer.set_arrived(one.row.id);
    writer.add_event(entry);
  });
  if (!written) {
    log::error(kRoom, "cluster={} {}", one.row.name, written.error().message);
  }
}

bool Rounds::is_whole(const Case& one) const {
  const bool all_ready = std::all_of(one.facts.nodes.begin(), one.facts.nodes.end(),
                                     [](const auto& entry) { return entry.second.ready; });
  const auto picture = world_.collector().picture(one.row.id);
  if (one.works > 0 || !all_ready || !picture || !picture->view.answering) {
    return false;
  }
  const auto nodes = picture->view.by_name();
  return std::all_of(one.model->layout.nodes.begin(), one.model->layout.nodes.end(),
                     [&](const model::NodePlace& place) {
                       const auto node = nodes.find(place.name);
                       return place.role != model::Role::compute ||
                              (node != nodes.end() && slurm::is_responding(*node->second));
                     });
}

void Rounds::finish_change(const Case& one) {
  const bool leaving = std::any_of(one.rows.begin(), one.rows.end(), [](const store::Node& node) {
    return node.leaving != model::Leaving::no;
  });
  if (one.row.changing.empty() || one.row.deleting || !one.row.arrived || leaving ||
      !is_whole(one) || world_.engine().is_busy(one.row.id)) {
    return;
  }
  store::Event entry = about(one.row, nullptr);
  entry.what = fmt::format("{} is InService", one.row.name);
  entry.because = "the change is done";
  if (one.row.phase == model::Phase::rolling_back) {
    entry.level = store::Level::warn;
    entry.because = "the change was rolled back: " + one.row.failure;
  } else if (one.model->cluster.continuous) {
    entry.what = fmt::format("{} has all its nodes", one.row.name);
    entry.because = fmt::format("{} run", one.rows.size());
  }
  const auto& campus = one.model->cluster.campus;
  const bool tries = campus && campus->selftest_after_apply;
  const Status written = world_.store().write("changed", [&](store::Writer& writer) {
    writer.end_change(one.row.id, one.row.changing);
    if (tries) {
      writer.set(selftest_due_key(one.row.id), "after a change");
    }
    writer.add_event(entry);
  });
  if (!written) {
    log::error(kRoom, "cluster={} {}", one.row.name, written.error().message);
  } else if (tries) {
    world_.selftest().wake();
  }
}

// A creation that cannot come to its end is taken back; with Continuous only the controller counts.
void Rounds::fail_creation(const Case& one) {
  if (one.row.arrived || one.row.deleting || one.row.keep_failed ||
      one.row.phase != model::Phase::normal) {
    return;
  }
  if (one.model->cluster.continuous) {
    const std::string& controller = one.model->layout.controller().name;
    const bool failed = std::any_of(one.rows.begin(), one.rows.end(), [&](const auto& node) {
      return node.name == controller && node.status == model::NodeStatus::failure;
    });
    if (!failed && failure_of(one, now_utc()).empty()) {
      return;
    }
  }
  const std::string failure = failure_of(one, UtcTime{});
  if (failure.empty()) {
    return;
  }
  store::Event entry = about(one.row, nullptr);
  entry.level = store::Level::error;
  entry.what = fmt::format("{} is RollingBack", one.row.name);
  entry.because = "its creation failed: " + failure;
  const Status written = world_.store().write("creation-failed", [&](store::Writer& writer) {
    writer.set_phase(one.row.id, model::Phase::rolling_back, failure);
    writer.add_event(entry);
  });
  if (!written) {
    log::error(kRoom, "cluster={} {}", one.row.name, written.error().message);
  }
  world_.engine().wake();
}

// The rows of its nodes stay, for what they said.
void Rounds::finish_undoing(const Case& one) {
  const bool machines_left =
      std::any_of(one.seen.nodes.begin(), one.seen.nodes.end(),
                  [](const auto& entry) { return entry.second.machine_exists; });
  if (!one.wanted.undoing || one.row.deleting || machines_left || one.seen.network_trace ||
      one.works > 0 || world_.engine().is_busy(one.row.id)) {
    return;
  }
  store::Event entry = about(one.row, nullptr);
  entry.level = store::Level::error;
  entry.what = fmt::format("{} is Failed", one.row.name);
  entry.because = "its creation was rolled back: " + one.row.failure;
  const Status written = world_.store().write("creation-undone", [&](store::Writer& writer) {
    writer.set_phase(one.row.id, model::Phase::failed, one.row.failure);
    for (const store::Node& node : one.rows) {
      writer.set_node_status(
          one.row.id, node.name, model::NodeStatus::failure,
          node.message.empty() ? "removed: the creation was rolled back" : node.message);
    }
    writer.add_event(entry);
  });
  if (!written) {
    log::error(kRoom, "cluster={} {}", one.row.name, written.error().message);
    return;
  }
  world_.agents().forget(one.row.id);
}

// `group` empty: all that the change is about.
void Rounds::add_rollback(Case& one, const std::string& group, const std::string& why,
                          control::Round& round) {
  model::Step step;
  step.key = fmt::format("{}/change/{}/{}/roll-back/{}", one.row.name, one.row.changing, group,
                         one.row.phase == model::Phase::normal ? "nodes" : "files");
  step.line = group.empty() ? "~ change  roll back" : fmt::format("~ group {}  roll back", group);
  step.because.sentence = why;
  step.needs = {one.row.name + "/slurmctld/answers"};
  step.deadline = std::chrono::seconds(30);
  ++one.works;
  round.works.push_back(
      {.step = step,
       .cluster_id = one.row.id,
       .about = about(one.row, nullptr),
       .act = [this, name = one.row.name, group, why](const control::Progress&) -> model::Outcome {
         const Status done = Desk(world_).roll_back(name, group, why);
         return done ? model::Outcome{}
                     : model::Outcome{.ended = model::Ended::retry, .found = done.error().message};
       }});
}

// A change is taken back when a node that joined with it fails: first its nodes, then its files. A
// group with Continuous is when it has not reached its least count in time.
void Rounds::add_rollback_steps(Case& one, control::Round& round) {
  if (one.row.changing.empty() || !one.row.arrived) {
    return;
  }
  if (!one.model->cluster.continuous) {
    const bool is_begun = one.row.phase == model::Phase::rolling_back;
    const std::string failure = is_begun ? one.row.failure : failure_of(one, one.row.began);
    const bool leaving = std::any_of(one.rows.begin(), one.rows.end(), [](const auto& node) {
      return node.leaving != model::Leaving::no;
    });
    if (!failure.empty() && !one.row.undo.empty() && !(is_begun && leaving)) {
      add_rollback(one, "", failure, round);
    }
    return;
  }
  const UtcTime due = one.row.began + std::chrono::seconds(world_.settings().minimum_timeout_s);
  for (const model::InstanceGroup& group : one.model->cluster.groups) {
    const auto running = std::count_if(one.rows.begin(), one.rows.end(), [&](const auto& node) {
      return node.group == group.name && is_running(node);
    });
    if (running >= group.min_count) {
      continue;
    }
    if (now_utc() < due) {
      round.look_again = std::min(round.look_again.value_or(due), due);
      continue;
    }
    add_rollback(one, group.name,
                 fmt::format("{} of at least {} nodes run after {}", running, group.min_count,
                             to_words(std::chrono::seconds(world_.settings().minimum_timeout_s))),
                 round);
  }
}

std::optional<store::Event> Rounds::minimum_reached(const Case& one, const store::Node& changed) {
  const model::InstanceGroup* group = one.model->cluster.find_group(changed.group);
  if (group == nullptr || !is_running(changed) || !one.model->cluster.continuous) {
    return std::nullopt;
  }
  const auto running = 1 + std::count_if(one.rows.begin(), one.rows.end(), [&](const auto& node) {
                         return node.group == group->name && is_running(node);
                       });
  if (group->min_count == 0 || running != group->min_count) {
    return std::nullopt;
  }
  store::Event event = about(one.row, nullptr);
  event.resource = store::Resource::group;
  event.group = group->name;
  event.what = fmt::format("group {} has reached its minimum", group->name);
  event.because = fmt::format("{} of {} nodes run", running, group->count);
  return event;
}

// With Continuous a node that failed is made anew, for ever.
void Rounds::replace_failed(const Case& one, control::Round& round) {
  for (const store::Node& node : one.rows) {
    const bool is_controller = node.name == one.model->layout.controller().name;
    if (!one.model->cluster.continuous || node.status != model::NodeStatus::failure ||
        node.leaving != model::Leaving::no || (is_controller && !one.row.arrived) ||
        is_worked_on(one.row.id, node.name)) {
      continue;
    }
    const UtcTime due = node.launched + cluster::pause_before_replacing(node.incarnation);
    if (now_utc() < due && now_utc() >= node.launched) {  // unless the clock was set back
      round.look_again = std::min(round.look_again.value_or(due), due);
      continue;
    }
    store::Event entry = about(one.row, &node);
    entry.level = store::Level::warn;
    entry.what = fmt::format("{} is made anew, for the {}. time", node.name, node.incarnation + 1);
    entry.because = node.message;
    const Status written = world_.store().write("replace", [&](store::Writer& writer) {
      writer.replace_node(one.row.id, node.name, now_utc());
      writer.add_event(entry);
    });
    if (!written) {
      log::error(kRoom, "node={} {}", node.name, written.error().message);
    }
    world_.engine().wake();
  }
}

}  // namespace provost::service
