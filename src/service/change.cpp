// The verbs that change a cluster that is there: plan and apply.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/text.hpp"
#include "cluster/change.hpp"
#include "cluster/node_files.hpp"
#include "os/files.hpp"
#include "os/tls.hpp"
#include "scheduling/accounts.hpp"
#include "scheduling/configuration.hpp"
#include "service/change_lines.hpp"
#include "service/desk.hpp"
#include "service/kept_files.hpp"
#include "service/reading.hpp"
#include "service/world.hpp"

namespace provost::service {
namespace {

// Addresses of the subnet that no node has, as many as needed.
Result<std::vector<std::string>> free_addresses(const store::Cluster& row,
                                                const std::vector<store::Node>& nodes,
                                                std::size_t count) {
  const auto all = cluster::node_addresses(row.subnet, nodes.size() + count);
  if (!all) {
    return pass(all.error());
  }
  std::unordered_set<std::string_view> taken;
  taken.reserve(nodes.size());
  for (const store::Node& node : nodes) {
    taken.insert(node.address);
  }
  std::vector<std::string> free;
  for (const std::string& address : *all) {
    if (free.size() < count && !taken.contains(address)) {
      free.push_back(address);
    }
  }
  return free;
}

// The nodes that join, as rows.
Result<std::vector<store::Node>> joining_nodes(const store::Cluster& row,
                                               const std::vector<store::Node>& nodes,
                                               const cluster::Change& change) {
  std::vector<store::Node> joining;
  for (const cluster::GroupChange& each : change.groups) {
    for (const int number : each.joins) {
      joining.push_back({.cluster_id = row.id,
                         .name = model::node_name(each.group, number),
                         .group = each.group,
                         .number = number,
                         .address = {},
                         .instance_id = "i-" + to_hex(os::random_bytes(9)).substr(0, 17),
                         .incarnation = 1,
                         .status = model::NodeStatus::pending,
                         .message = {},
                         .launched = now_utc()});
    }
  }
  const auto addresses = free_addresses(row, nodes, joining.size());
  if (!addresses) {
    return pass(addresses.error());
  }
  for (std::size_t i = 0; i < joining.size(); ++i) {
    joining[i].address = (*addresses)[i];
  }
  return joining;
}

// The cluster as it is, but with as many nodes as before the change under way in all groups, or in
// one.
Result<ChangeOrder> with_counts_before(const store::Cluster& row, const model::Cluster& now,
                                       const std::string& only) {
  ChangeOrder order{.sources = sources_of(row), .counts = {}, .now = false, .rolls_back = true};
  const auto before = kept_files(row.undo);
  const auto types = catalogue_of(row);
  const auto checked = before && types ? spec::check(*before, *types) : spec::Checked{};
  std::map<std::string, int> counts;
  for (const model::InstanceGroup& group : now.groups) {
    const model::InstanceGroup* was =
        checked.cluster ? checked.cluster->find_group(group.name) : nullptr;
    if (only.empty() || only == group.name) {
      counts[group.name] = was == nullptr ? 0 : was->count;
    }
  }
  std::map<std::string, int> least = counts;
  for (auto& [group, count] : least) {
    count = std::min(count, now.find_group(group)->min_count);
  }
  spec::SourceText& config = order.sources.cluster_config;
  auto lower = spec::with_least_counts(config, least);
  if (!lower) {
    return pass(lower.error());
  }
  config.text = std::move(*lower);
  auto text = spec::with_instance_counts(config, counts);
  if (!text) {
    return pass(text.error());
  }
  config.text = std::move(*text);
  return order;
}

// What supervisors changed stays; what has no effect beside the new files is told.
void add_overlay(const store::Cluster& row, model::Cluster& cluster, Findings& findings) {
  for (const scheduling::VoidAmendment& each : apply_overlay(row, cluster)) {
    findings.push_back(
        {.severity = Severity::warning,
         .rule = "overlay.void",
         .path = fmt::format("overlay {}", each.id),
         .value = {},
         .what = fmt::format("overlay {}, a supervisor's, has no effect: {}", each.id, each.why),
         .better = fmt::format("provost overlay {} --drop {} takes it away", row.name, each.id),
         .where = {}});
  }
}

// The files before the change under way.
Result<ChangeOrder> with_files_before(const store::Cluster& row) {
  auto sources = kept_files(row.undo);
  if (!sources) {
    return pass(sources.error());
  }
  return ChangeOrder{
      .sources = std::move(*sources), .counts = {}, .now = false, .rolls_back = true};
}

}  // namespace

struct Desk::Target {
  ChangePlan plan;
  store::Cluster was;
  store::Cluster row;  ///< with the files as they would be
  cluster::Change change;
  std::vector<store::Node> nodes;    ///< as they are
  std::vector<store::Node> joining;  ///< to be added
  std::optional<std::string> edits;  ///< of Slurm's files by hand, to be kept from now on
  bool again = false;                ///< a creation that failed, from its beginning
};

Result<store::Cluster> Desk::changeable(const ChangeOrder& order, const std::string& name) {
  const spec::Sources& sources = order.sources;
  auto row = world_.store().cluster_named(name);
  if (!row) {
    return pass(Error{ErrorKind::not_found, fmt::format("there is no cluster named {}", name),
                      "make it: provost create --cluster-config " +
                          (sources.cluster_config.name.empty() ? "cluster-config.json"
                                                               : sources.cluster_config.name)});
  }
  if (row->deleting) {
    return fail(ErrorKind::conflict, "{} is being deleted", name);
  }
  if (row->phase == model::Phase::rolling_back && !order.rolls_back) {
    return pass(Error{ErrorKind::conflict,
                      fmt::format("{} is being rolled back: {}", name, row->failure),
                      "wait until that is done: provost events " + name + " --follow"});
  }
  if (!row->arrived && row->phase != model::Phase::failed) {
    return pass(Error{ErrorKind::conflict,
                      fmt::format("{} has not been in service yet: it can be changed then", name),
                      "provost wait " + name + "; or take it away: provost delete " + name});
  }
  return *row;
}

// What is not given stays as it is.
Status Desk::complete(spec::Sources& sources, const ChangeOrder& order, const store::Cluster& row) {
  const spec::Sources kept = sources_of(row);
  if (sources.cluster_config.text.empty()) {
    sources.cluster_config = kept.cluster_config;
    sources.allow_unknown = true;  // it was accepted once
  }
  if (!sources.provisioning_parameters) {
    sources.provisioning_parameters = kept.provisioning_parameters;
  }
  if (!sources.campus) {
    sources.campus = kept.campus;
  }
  sources.name = row.name;
  if (!order.counts.empty()) {
    auto scaled = spec::with_instance_counts(sources.cluster_config, order.counts);
    if (!scaled) {
      return pass(scaled.error());
    }
    sources.cluster_config.text = std::move(*scaled);
  }
  return {};
}

Result<Desk::Target> Desk::target(const std::string& name, const ChangeOrder& order) {
  auto row = changeable(order, name);
  if (!row) {
    return pass(row.error());
  }
  spec::Sources sources = order.sources;
  if (Status completed = complete(sources, order, *row); !completed) {
    return pass(completed.error());
  }
  Target target{
      .plan = {}, .was = *row, .row = *row, .change = {}, .nodes = world_.store().nodes(row->id)};
  target.row.began = now_utc();  // no node that joins is older
  spec::Checked checked = check(sources, spec::Purpose::create, target.plan.findings, &*row);
  if (checked.cluster) {
    add_overlay(*row, *checked.cluster, target.plan.findings);
  }
  const auto before = world_.model_of(*row, target.nodes);
  if (!before) {
    return pass(before.error());
  }
  if (!checked.cluster || has_errors(target.plan.findings)) {
    return target;
  }
  if (row->phase == model::Phase::failed) {
    return again(std::move(target), sources, *checked.cluster);
  }
  const auto picture = world_.collector().fresh(row->id, std::chrono::seconds(0));
  if (!picture || !picture->view.answering) {
    return pass(Error{ErrorKind::unavailable,
                      "slurmctld does not answer, and without it nobody knows which jobs a change "
                      "would disturb",
                      "provost describe " + name});
  }
  const Status inspected = world_.inspect({row->id, (*before)->layout.controller().name});
  const auto files = world_.scheduling_seen(row->id).files;
  if (!inspected || !files) {
    return pass(
        Error{ErrorKind::unavailable,
              "nobody knows whether Slurm's files were changed by hand: " +
                  (inspected ? std::string("they were not seen") : inspected.error().message),
              "provost describe " + name});
  }
  HandEditsPlanned by_hand = hand_edits(**before, *checked.cluster, *files);
  target.plan.findings.insert(target.plan.findings.end(), by_hand.refused.begin(),
                              by_hand.refused.end());
  target.plan.lines = std::move(by_hand.lines);
  target.edits = by_hand.kept;
  if (target.edits) {
    target.row.slurm_edits = *target.edits;
  }
  return compare(std::move(target), sources, checked, **before, picture->view, order.now,
                 {world_.settings(), world_.host_gpus()});
}

Result<ChangePlan> Desk::plan_of(const Standing& standing, const spec::Sources& sources,
                                 const spec::Checked& checked, const Site& site) {
  auto compared = compare({.plan = {}, .row = standing.row, .change = {}, .nodes = standing.nodes},
                          sources, checked, standing.model, standing.view, false, site);
  if (!compared) {
    return pass(compared.error());
  }
  return std::move(compared->plan);
}

Result<Desk::Target> Desk::compare(Target target, const spec::Sources& sources,
                                   const spec::Checked& checked, const ClusterModel& before,
                                   const slurm::View& view, bool now, const Site& site) {
  ChangePlan& plan = target.plan;
  target.change = cluster::change(before.cluster, *checked.cluster, uses_of(target.nodes, view));
  plan.findings.insert(plan.findings.end(), target.change.refused.begin(),
                       target.change.refused.end());
  if (has_errors(plan.findings)) {
    return target;
  }
  set_files(target.row, sources, *checked.cluster);
  auto joining = joining_nodes(target.row, target.nodes, target.change);
  if (!joining) {
    return pass(joining.error());
  }
  target.joining = std::move(*joining);
  // As it will be in the end, without the nodes that leave.
  std::vector<store::Node> nodes = target.nodes;
  nodes.insert(nodes.end(), target.joining.begin(), target.joining.end());
  std::unordered_set<std::string_view> leaving;
  for (const cluster::GroupChange& each : target.change.groups) {
    leaving.insert(each.leaves.begin(), each.leaves.end());
  }
  std::erase_if(nodes, [&](const store::Node& node) { return leaving.contains(node.name); });
  const auto after = make_model(target.row, nodes, site.settings, site.host_gpus);
  if (!after) {
    return pass(after.error());
  }
  const Comparison both{before, **after, target.change, view, now};
  add_lines(both, plan);
  if (!plan.lines.empty()) {
    plan.fingerprint = fingerprint_of(plan, sources);
  }
  return target;
}

Result<ChangePlan> Desk::plan(const std::string& name, const ChangeOrder& order) {
  auto found = target(name, order);
  if (!found) {
    return pass(found.error());
  }
  return std::move(found->plan);
}

Result<ChangePlan> Desk::apply(const Caller& caller, const std::string& name,
                               const ChangeOrder& order, const std::string& fingerprint) {
  const std::scoped_lock lock(world_.change_mutex());
  auto found = target(name, order);
  if (!found) {
    return pass(found.error());
  }
  Target& target = *found;
  if (has_errors(target.plan.findings)) {
    return std::move(target.plan);
  }
  if (!fingerprint.empty() && fingerprint != target.plan.fingerprint) {
    return pass(Error{ErrorKind::conflict,
                      fmt::format("{} is not what it was when the plan was made", name),
                      "look at the plan as it is now: provost plan"});
  }
  const bool nothing = target.plan.lines.empty();
  store::Event event;
  if (!nothing) {
    if (target.again) {
      target.row.undo.clear();
    } else if (target.row.changing.empty()) {
      target.row.undo = keep_files(target.was);
    }
    if (!target.again) {
      target.row.changing = target.plan.fingerprint;
    }
    target.row.phase = model::Phase::normal;
    target.row.failure.clear();
    event.cluster = name;
    event.actor = caller.name;
    event.what = fmt::format("{} is {}: {} change{}", name, target.again ? "Creating" : "Updating",
                             target.plan.lines.size(), target.plan.lines.size() == 1 ? "" : "s");
    event.because =
        fmt::format("{} asked for it with {}", caller.name, target.row.cluster_config.name);
  }
  const Status written = write_change(target, order.now, event);
  if (!written) {
    return pass(written.error());
  }
  return std::move(target.plan);
}

Status Desk::write_change(const Target& target, bool now, const store::Event& event) {
  Status written = world_.store().write("apply", [&](store::Writer& writer) {
    writer.set_files(target.row);
    if (target.edits) {
      writer.set_slurm_edits(target.row.id, *target.edits);
    }
    if (target.again) {
      for (const store::Node& node : target.nodes) {
        writer.delete_node(target.row.id, node.name);
      }
    }
    for (const store::Node& node : target.joining) {
      writer.put_node(node);
    }
    for (const cluster::GroupChange& each : target.change.groups) {
      for (const std::string& node : each.leaves) {
        writer.set_node_leaving(target.row.id, node,
                                now ? model::Leaving::now : model::Leaving::when_idle);
      }
      for (const std::string& node : each.returns) {
        writer.set_node_leaving(target.row.id, node, model::Leaving::no);
      }
    }
    if (!event.what.empty()) {
      writer.add_event(event);
    }
  });
  if (written) {
    ignore(world_.engine().try_again(target.row.id),
           "what had to wait is tried with the new files");
  }
  return written;
}

// All nodes anew, as at the first creation.
Result<Desk::Target> Desk::again(Target target, const spec::Sources& sources,
                                 const model::Cluster& cluster) {
  set_files(target.row, sources, cluster);
  std::size_t count = 0;
  for (const model::InstanceGroup& group : cluster.groups) {
    count += static_cast<std::size_t>(group.count);
  }
  const auto addresses = cluster::node_addresses(target.row.subnet, count);
  if (!addresses) {
    return pass(addresses.error());
  }
  int incarnation = 0;
  for (const store::Node& node : target.nodes) {
    incarnation = std::max(incarnation, node.incarnation);
  }
  target.joining = new_nodes(target.row, cluster, *addresses);
  for (store::Node& node : target.joining) {
    node.incarnation = incarnation + 1;
    target.plan.lines.push_back(
        {fmt::format("+ {}  create  {}", node.name, cluster.find_group(node.group)->type.name),
         "the creation failed: " + target.row.failure,
         {}});
  }
  target.again = true;
  target.row.changing = cluster.continuous ? kCreation : "";
  add_cost(nullptr, cluster, target.plan);
  target.plan.fingerprint = fingerprint_of(target.plan, sources);
  return target;
}

Status Desk::roll_back(const std::string& name, const std::string& group, const std::string& why) {
  const std::scoped_lock lock(world_.change_mutex());
  const auto row = world_.store().cluster_named(name);
  if (!row || row->deleting || row->changing.empty()) {
    return {};
  }
  const auto now = world_.model_of(*row, world_.store().nodes(row->id));
  if (!now) {
    return pass(now.error());
  }
  const bool is_begun = row->phase == model::Phase::rolling_back;
  const auto order =
      is_begun ? with_files_before(*row) : with_counts_before(*row, (*now)->cluster, group);
  if (!order) {
    return pass(order.error());
  }
  auto found = target(name, *order);
  if (!found) {
    return pass(found.error());
  }
  Target& target = *found;
  for (const Finding& finding : target.plan.findings) {
    if (finding.severity == Severity::error) {
      return fail(ErrorKind::conflict, "the change cannot be taken back: {}", to_text(finding));
    }
  }
  target.row.failure = why;
  target.row.phase = group.empty() ? model::Phase::rolling_back : model::Phase::normal;
  if (is_begun) {
    target.row.undo.clear();
  }
  store::Event event;
  event.cluster = name;
  event.actor = "provostd";
  event.level = store::Level::error;
  event.what = is_begun        ? fmt::format("{} has its files from before the change", name)
               : group.empty() ? fmt::format("{} is RollingBack", name)
                               : fmt::format("{}: rollback of group {} initiated", name, group);
  event.because = why;
  return write_change(target, false, event);
}

}  // namespace provost::service
