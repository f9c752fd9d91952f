// provost member, project, limit, overlay, job: what supervisors do.
#include <algorithm>
#include <iostream>

#include "cli/context.hpp"

namespace provost::cli {
namespace {

int show_done(const Context& context, const Called<json::object>& answer, const char* after) {
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  const json::object& done = child(*answer, "done");
  std::cout << text(done, "words") << " (" << text(done, "because") << ")" << after << "\n";
  return kDone;
}

constexpr const char* kSoon = "; Slurm has it within seconds";

Called<std::string> path_of(const Context& context, const std::string& cluster) {
  auto name = the_cluster(context, cluster);
  return name ? Called<std::string>("/v1/clusters/" + os::url_encode(*name)) : name;
}

int send(const Context& context, const SuperviseArguments& arguments, const json::object& body) {
  const auto path = path_of(context, arguments.cluster);
  if (!path) {
    return report(path.error());
  }
  return show_done(context, context.client.post(*path + "/overlay", body), kSoon);
}

}  // namespace

int amend(const Context& context, const std::string& verb, const SuperviseArguments& arguments) {
  return send(context, arguments,
              {{"verb", verb},
               {"account", arguments.account},
               {"subject", arguments.subject},
               {"title", arguments.title},
               {"lead", arguments.lead}});
}

int limit(const Context& context, const SuperviseArguments& arguments) {
  const std::size_t equals = arguments.subject.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == arguments.subject.size()) {
    std::cerr << "provost limit: \"" << arguments.subject
              << "\" is no limit\n  try: NAME=VALUE, as in gpus_per_user=4 or wall=12h\n";
    return kUsage;
  }
  const std::string value = arguments.subject.substr(equals + 1);
  const bool none = value == "none";
  return send(context, arguments,
              {{"verb", none ? "no_limit" : "limit"},
               {"account", arguments.account},
               {"subject", arguments.subject.substr(0, equals)},
               {"value", none ? "" : value}});
}

std::string overlay_text(const Context& context, const json::array& amendments) {
  Table table({"OVERLAY", "SAYS", "BY", "ON (UTC)", "WITHOUT EFFECT BECAUSE"});
  for (const json::value& each : amendments) {
    const json::object& one = each.get_object();
    constexpr std::size_t kMinutes = 16;
    std::string at = text(one, "at").substr(0, kMinutes);
    std::replace(at.begin(), at.end(), 'T', ' ');
    table.add({std::to_string(number(one, "id")), text(one, "words"), text(one, "by"), at,
               text(one, "why_void")});
  }
  return table.empty() ? std::string() : table.text(context.terminal);
}

int overlay(const Context& context, const SuperviseArguments& arguments) {
  const auto path = path_of(context, arguments.cluster);
  if (!path) {
    return report(path.error());
  }
  if (arguments.drop > 0) {
    return show_done(
        context, context.client.remove(fmt::format("{}/overlay/{}", *path, arguments.drop)), kSoon);
  }
  const auto answer = context.client.get(*path + "/overlay");
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  const std::string table = overlay_text(context, list(child(*answer, "overlay"), "amendments"));
  std::cout << (table.empty() ? "supervisors changed nothing: campus.toml alone holds\n" : table);
  return kDone;
}

int act_on_job(const Context& context, const std::string& act,
               const SuperviseArguments& arguments) {
  const auto path = path_of(context, arguments.cluster);
  if (!path) {
    return report(path.error());
  }
  return show_done(context,
                   context.client.post(
                       fmt::format("{}/jobs/{}/{}", *path, os::url_encode(arguments.job), act), {}),
                   "");
}

}  // namespace provost::cli
