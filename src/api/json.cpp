#include "api/json.hpp"

#include "base/text.hpp"

namespace provost::api {
namespace {

namespace json = boost::json;

json::value or_null(const std::string& text) {
  return text.empty() ? json::value() : json::value(text);
}

json::array to_array(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) {
    array.push_back(json::value(text));
  }
  return array;
}

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value();
}

/// SQLite holds these as JSON that `service/` wrote.
json::value stored(const std::string& text) {
  boost::system::error_code problem;
  json::value value = json::parse(text, problem);
  return problem ? json::value(json::array{}) : value;
}

std::string_view name(protocol::UnitState state) {
  switch (state) {
    case protocol::UnitState::waiting:
      return "waiting";
    case protocol::UnitState::starting:
      return "starting";
    case protocol::UnitState::up:
      return "up";
    case protocol::UnitState::failed:
      return "failed";
  }
  return "";
}

std::string_view name(protocol::ScriptState state) {
  switch (state) {
    case protocol::ScriptState::none:
      return "none";
    case protocol::ScriptState::running:
      return "running";
    case protocol::ScriptState::succeeded:
      return "succeeded";
    case protocol::ScriptState::failed:
      return "failed";
  }
  return "none";
}

std::string_view name(store::Level level) {
  switch (level) {
    case store::Level::info:
      return "Info";
    case store::Level::warn:
      return "Warn";
    case store::Level::error:
      return "Error";
  }
  return "Info";
}

std::string_view name(store::Resource resource) {
  switch (resource) {
    case store::Resource::cluster:
      return "Cluster";
    case store::Resource::group:
      return "InstanceGroup";
    case store::Resource::node:
      return "Instance";
  }
  return "Cluster";
}

std::string_view words(control::Standing standing) {
  switch (standing) {
    case control::Standing::ready:
    case control::Standing::running:
      return "running";
    case control::Standing::waiting:
    case control::Standing::asked:
      return "waiting";
    case control::Standing::retrying:
      return "retrying";
    case control::Standing::refused:
      return "refused";
  }
  return "waiting";
}

Result<spec::SourceText> read_source(const json::value& value, const std::string& member) {
  const auto* object = value.if_object();
  const auto* name = object == nullptr ? nullptr : object->if_contains("name");
  const auto* text = object == nullptr ? nullptr : object->if_contains("text");
  if (name == nullptr || text == nullptr || !name->is_string() || !text->is_string()) {
    return fail(ErrorKind::invalid, "\"{}\" must be an object with the texts \"name\" and \"text\"",
                member);
  }
  return spec::SourceText{std::string(name->as_string()), std::string(text->as_string())};
}

}  // namespace

int http_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
      return 400;
    case ErrorKind::denied:
      return 403;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::conflict:
      return 409;
    case ErrorKind::limit:
      return 429;
    case ErrorKind::unavailable:
      return 503;
    case ErrorKind::timeout:
      return 504;
    case ErrorKind::internal:
      return 500;
  }
  return 500;
}

json::object to_json(const service::HealthReport& health) {
  json::array clusters;
  for (const service::ClusterHealth& cluster : health.clusters) {
    json::array nodes;
    for (const service::NodeHealth& each : cluster.nodes) {
      json::object node = to_json(each.node);
      json::array units;
      for (const protocol::UnitReport& unit : each.units) {
        units.push_back(json::object{
            {"name", unit.name}, {"state", name(unit.state)}, {"message", or_null(unit.message)}});
      }
      node["units"] = std::move(units);
      nodes.push_back(std::move(node));
    }
    clusters.push_back(json::object{{"name", cluster.name},
                                    {"status", or_null(cluster.status)},
                                    {"problem", or_null(cluster.problem)},
                                    {"slurm_answers", cluster.slurm_answers},
                                    {"nodes", std::move(nodes)}});
  }
  return {{"certificate_ends", to_iso(health.certificate_ends)},
          {"certificate_ends_ms", to_millis(health.certificate_ends)},
          {"clusters", std::move(clusters)}};
}

json::object to_json(const service::ReportPart& part) {
  return {{"path", part.path}, {"bytes", to_base64(part.text)}, {"missing", or_null(part.missing)}};
}

json::object to_json(const spec::Sources& files) {
  const auto one = [](const std::optional<spec::SourceText>& file) {
    return file ? json::value(json::object{{"name", file->name}, {"text", file->text}})
                : json::value();
  };
  return {{"cluster_config", one(files.cluster_config)},
          {"provisioning_parameters", one(files.provisioning_parameters)},
          {"campus", one(files.campus)}};
}

json::object to_json(const Error& error) {
  return {{"kind", provost::name(error.kind)},
          {"message", error.message},
          {"hint", or_null(error.hint)},
          {"findings", json::array{}}};
}

json::object to_json(const service::ClusterReport& cluster) {
  json::array groups;
  int count = 0;
  int running = 0;
  for (const service::GroupReport& group : cluster.groups) {
    count += group.count;
    running += group.running;
    groups.push_back(json::object{{"name", group.name},
                                  {"role", model::name(group.role)},
                                  {"type", group.type},
                                  {"count", group.count},
                                  {"running", group.running},
                                  {"status", model::name(group.status)},
                                  {"partitions", to_array(group.partitions)},
                                  {"gpus", or_null(group.gpus)},
                                  {"sharing", or_null(group.sharing)}});
  }
  return {{"name", cluster.name},
          {"id", cluster.id},
          {"arn", cluster.arn},
          {"status", model::name(cluster.status)},
          {"changing", cluster.changing},
          {"began", to_iso(cluster.began)},
          {"failure", or_null(cluster.failure)},
          {"created", to_iso(cluster.created)},
          {"node_count", count},
          {"nodes_running", running},
          {"groups", std::move(groups)},
          {"lacks", to_array(cluster.lacks)}};
}

json::object to_json(const service::NodeReport& node) {
  json::array failing;
  for (const protocol::UnitReport& unit : node.failing_units) {
    failing.push_back(json::object{{"name", unit.name}, {"message", unit.message}});
  }
  const json::value gpus =
      node.type.accelerators == 0
          ? json::value()
          : json::value(fmt::format("{} x {}", node.type.accelerators, node.type.accelerator));
  return {{"name", node.row.name},
          {"cluster", node.cluster},
          {"group", node.row.group},
          {"role", model::name(node.role)},
          {"type", node.type.name},
          {"instance_id", node.row.instance_id},
          {"address", node.row.address},
          {"status", model::name(node.row.status)},
          {"message", or_null(node.row.message)},
          {"step", or_null(node.step)},
          {"slurm", or_null(node.slurm_state)},
          {"reason", or_null(node.slurm_reason)},
          {"cpus", node.type.vcpus},
          {"memory_mib", node.type.memory_mib},
          {"gpus", gpus},
          {"gpus_emulated", node.type.accelerators > 0 && node.gpus_emulated},
          {"agent", node.agent_connected ? "connected" : "silent"},
          {"seconds_since_heard", or_null(node.seconds_since_heard)},
          {"launched", to_iso(node.row.launched)},
          {"script", json::object{{"state", name(node.script.state)},
                                  {"status", node.script.status},
                                  {"step", or_null(node.script.step)},
                                  {"tail", or_null(node.script.tail)}}},
          {"failing_units", std::move(failing)}};
}

json::value usual(const std::map<std::string, double>& times, const std::string& kind) {
  const auto found = times.find(kind);
  return found == times.end() ? json::value() : json::value(found->second);
}

json::object to_json(const control::StepView& step, const std::map<std::string, double>& times) {
  return {{"key", step.state.step.key},
          {"line", step.state.step.line},
          {"node", or_null(step.node)},
          {"because", step.state.step.because.sentence},
          {"state", words(step.state.standing)},
          {"progress", or_null(step.progress)},
          {"since",
           step.state.since == UtcTime{} ? json::value() : json::value(to_iso(step.state.since))},
          {"usually_s", usual(times, step.state.step.kind)},
          {"attempt", step.state.attempt},
          {"found", or_null(step.state.found)},
          {"waits_for", to_array(step.state.waits_for)}};
}

json::object to_json(const service::Description& description) {
  json::array nodes;
  for (const service::NodeReport& node : description.nodes) {
    nodes.push_back(to_json(node));
    nodes.back().get_object()["usually_s"] =
        usual(description.step_times, fmt::format("node {}", name(node.role)));
  }
  json::array partitions;
  for (const service::PartitionReport& partition : description.partitions) {
    partitions.push_back(
        json::object{{"name", partition.name}, {"groups", to_array(partition.groups)}});
  }
  json::array steps;
  for (const control::StepView& step : description.steps) {
    steps.push_back(to_json(step, description.step_times));
  }
  return {{"cluster", to_json(description.cluster)},
          {"nodes", std::move(nodes)},
          {"partitions", std::move(partitions)},
          {"jobs", json::object{{"running", or_null(description.jobs_running)},
                                {"waiting", or_null(description.jobs_waiting)}}},
          {"by_hand", json::object{{"strategy", name(description.by_hand.strategy)},
                                   {"kept", to_array(description.by_hand.kept)},
                                   {"drift", to_array(description.by_hand.drift)},
                                   {"is_read", description.by_hand.is_read}}},
          {"steps", std::move(steps)}};
}

json::object to_json(const store::Event& event) {
  return {{"id", event.id},
          {"time", to_iso(event.time)},
          {"level", name(event.level)},
          {"resource", name(event.resource)},
          {"cluster", or_null(event.cluster)},
          {"group", or_null(event.group)},
          {"node", or_null(event.node)},
          {"actor", event.actor},
          {"what", event.what},
          {"because", event.because}};
}

json::object to_json(const store::Removal& removal) {
  const json::value was = stored(removal.was);
  const json::value left = stored(removal.left);
  json::array gone;
  if (removal.state == "done" && was.is_array() && left.is_array()) {
    const json::value kept = stored(removal.kept);
    for (const json::value& each : was.as_array()) {
      const auto same = [&](const json::value& other) {
        return other.at("kind") == each.at("kind") && other.at("name") == each.at("name");
      };
      const auto& remaining = left.as_array();
      const auto& stays = kept.as_array();
      if (std::none_of(remaining.begin(), remaining.end(), same) &&
          std::none_of(stays.begin(), stays.end(), same)) {
        gone.push_back(each);
      }
    }
  }
  return {{"state", removal.state},       {"was", was},
          {"gone", std::move(gone)},      {"left", left},
          {"kept", stored(removal.kept)}, {"message", or_null(removal.message)}};
}

json::object to_json(const service::Stray& stray) {
  return {{"name", stray.cluster}, {"nodes", to_array(stray.nodes)}};
}

json::object to_json(const os::NvidiaGpu& gpu) {
  const std::string mig = gpu.mig == os::Mig::on    ? "on"
                          : gpu.mig == os::Mig::off ? "off"
                                                    : "impossible";
  json::array profiles;
  for (const os::MigProfile& each : gpu.profiles) {
    profiles.push_back(json::object{{"name", each.name}, {"most", each.most}});
  }
  return {{"file", gpu.file},
          {"name", gpu.name},
          {"uuid", gpu.uuid},
          {"memory_mib", gpu.memory_mib},
          {"mig", mig},
          {"profiles", std::move(profiles)},
          {"partitions", to_array(gpu.partitions)}};
}

json::object to_json(const service::HostReport& host) {
  json::array strays;
  for (const service::Stray& each : host.strays) {
    strays.push_back(to_json(each));
  }
  json::array gpus;
  for (const os::NvidiaGpu& each : host.capacity.gpu_details) {
    gpus.push_back(to_json(each));
  }
  return {{"cpus", host.capacity.cpus},
          {"memory_mib", host.capacity.memory_total_mib},
          {"memory_available_mib", host.capacity.memory_available_mib},
          {"gpus", to_array(host.capacity.gpus)},
          {"gpu_driver", or_null(host.capacity.gpu_driver)},
          {"gpu_details", std::move(gpus)},
          {"raised_limits", to_array(host.raised_limits)},
          {"network", host.network},
          {"api", or_null(host.api_url)},
          {"bucket_root", host.bucket_root},
          {"strays", std::move(strays)}};
}

Result<json::object> read_body(const std::string& body) {
  boost::system::error_code problem;
  json::value value = json::parse(body, problem);
  if (problem || !value.is_object()) {
    return fail(ErrorKind::invalid, "the request's body is not a JSON object");
  }
  return value.as_object();
}

json::object to_json(const service::ChangePlan& plan) {
  const auto strings = [](const std::vector<std::string>& all) {
    return json::array(all.begin(), all.end());
  };
  json::array lines;
  for (const service::PlannedLine& each : plan.lines) {
    lines.push_back(json::object{{"line", each.line},
                                 {"because", each.because},
                                 {"ends_jobs", strings(each.disturbs.ends)},
                                 {"awaits_jobs", strings(each.disturbs.awaits)},
                                 {"waiting_jobs", strings(each.disturbs.waiting)},
                                 {"drains", strings(each.disturbs.drains)},
                                 {"restarts", strings(each.disturbs.restarts)}});
  }
  return {{"changes", std::move(lines)},
          {"fingerprint", plan.fingerprint},
          {"findings", spec::to_json(plan.findings)},
          {"jobs", {{"running", plan.jobs_running}, {"waiting", plan.jobs_waiting}}},
          {"cost",
           {{"per_hour_before", plan.per_hour_before},
            {"per_hour_after", plan.per_hour_after},
            {"per_month_before", plan.per_month_before},
            {"per_month_after", plan.per_month_after}}}};
}

Result<spec::Sources> read_sources(const json::object& body, Given given) {
  spec::Sources sources;
  const auto* config = body.if_contains("cluster_config");
  const bool is_given = config != nullptr && !config->is_null();
  if (!is_given && given == Given::configuration) {
    return fail(ErrorKind::invalid, "\"cluster_config\" is missing");
  }
  if (is_given) {
    auto main = read_source(*config, "cluster_config");
    if (!main) {
      return pass(main.error());
    }
    sources.cluster_config = std::move(*main);
  }
  const auto optional_source = [&](const char* member,
                                   std::optional<spec::SourceText>& into) -> Status {
    const auto* value = body.if_contains(member);
    if (value == nullptr || value->is_null()) {
      return {};
    }
    auto source = read_source(*value, member);
    if (!source) {
      return pass(source.error());
    }
    into = std::move(*source);
    return {};
  };
  if (Status read = optional_source("provisioning_parameters", sources.provisioning_parameters);
      !read) {
    return pass(read.error());
  }
  if (Status read = optional_source("campus", sources.campus); !read) {
    return pass(read.error());
  }
  const auto* name = body.if_contains("name");
  if (name != nullptr && !name->is_null()) {
    if (!name->is_string()) {
      return fail(ErrorKind::invalid, "\"name\" must be a text");
    }
    sources.name = name->as_string();
  }
  const auto* unknown = body.if_contains("allow_unknown");
  sources.allow_unknown = unknown != nullptr && unknown->is_bool() && unknown->as_bool();
  return sources;
}

Result<service::Desk::Command> read_command(const json::object& body) {
  service::Desk::Command command;
  const auto* argv = body.if_contains("argv");
  if (argv == nullptr || !argv->is_array() || argv->as_array().empty()) {
    return fail(ErrorKind::invalid,
                "\"argv\" must be a list of texts: the command and its arguments");
  }
  for (const json::value& each : argv->as_array()) {
    if (!each.is_string()) {
      return fail(ErrorKind::invalid, "\"argv\" must hold texts only");
    }
    command.argv.emplace_back(each.as_string());
  }
  const auto* input = body.if_contains("input");
  if (input != nullptr && !input->is_null()) {
    const auto bytes =
        input->is_string() ? from_base64(std::string(input->as_string())) : std::nullopt;
    if (!bytes) {
      return fail(ErrorKind::invalid, "\"input\" must be base64");
    }
    command.input = *bytes;
  }
  const auto* timeout = body.if_contains("timeout");
  if (timeout != nullptr && !timeout->is_null()) {
    if (!timeout->is_int64() || timeout->as_int64() < 0) {
      return fail(ErrorKind::invalid, "\"timeout\" must be a whole number of seconds");
    }
    command.timeout = std::chrono::seconds(timeout->as_int64());
  }
  return command;
}

Result<service::ChangeOrder> read_order(const json::object& body) {
  auto sources = read_sources(body, Given::any);
  if (!sources) {
    return pass(sources.error());
  }
  service::ChangeOrder order{.sources = std::move(*sources), .counts = {}, .now = false};
  const json::value* now = body.if_contains("now");
  order.now = now != nullptr && now->is_bool() && now->get_bool();
  const json::value* counts = body.if_contains("counts");
  if (counts == nullptr || counts->is_null()) {
    return order;
  }
  if (!counts->is_object()) {
    return fail(ErrorKind::invalid, "\"counts\" must be an object: group to number");
  }
  for (const auto& [group, count] : counts->get_object()) {
    if (!count.is_int64() || count.get_int64() < 0 || count.get_int64() > 1'000'000) {
      return fail(ErrorKind::invalid, "the count of {} must be a whole number from 0",
                  std::string_view(group));
    }
    order.counts[std::string(group)] = static_cast<int>(count.get_int64());
  }
  return order;
}

}  // namespace provost::api
