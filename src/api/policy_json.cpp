// Answers about a cluster's policy, as JSON.
#include <algorithm>
#include <array>
#include <cmath>

#include "api/json.hpp"
#include "base/text.hpp"
#include "service/policy.hpp"

namespace provost::api {
namespace json = boost::json;
namespace {

json::array texts(const std::vector<std::string>& all) {
  return json::array(all.begin(), all.end());
}

json::array limits(const std::vector<scheduling::LimitUse>& all) {
  json::array array;
  for (const scheduling::LimitUse& each : all) {
    json::object limit{{"where", each.where},
                       {"what", each.words},
                       {"limit", each.limit},
                       {"shown", each.shown},
                       {"line", each.line}};
    if (!each.for_one_job) {
      limit["used"] = each.used;
    }
    array.push_back(std::move(limit));
  }
  return array;
}

json::array jobs(const std::vector<service::JobAndWhy>& all) {
  json::array array;
  for (const service::JobAndWhy& each : all) {
    array.push_back(to_json(each));
  }
  return array;
}

json::value ratio_or_null(double ratio) { return ratio < 0 ? json::value() : json::value(ratio); }

json::object to_json(const scheduling::Usage& usage) {
  return {{"name", usage.name},
          {"title", usage.title},
          {"jobs", usage.jobs},
          {"cpu_hours", usage.cpu_hours},
          {"memory_gib_hours", usage.memory_gib_hours},
          {"gpu_hours", usage.gpu_hours},
          {"shard_hours", usage.shard_hours},
          {"mean_wait_seconds", usage.mean_wait_seconds},
          {"longest_wait_seconds", usage.longest_wait_seconds},
          {"cpu_efficiency", ratio_or_null(usage.cpu_efficiency)},
          {"memory_efficiency", ratio_or_null(usage.memory_efficiency)}};
}

json::object to_json(const service::Membership& each) {
  return {{"account", each.account},
          {"title", each.title},
          {"department", each.department},
          {"supervisors", texts(each.supervisors)},
          {"default", each.is_default},
          {"supervises", each.supervises},
          {"share", each.share},
          {"fair_share", each.fair_share},
          {"until", each.until},
          {"qos", texts(each.qos)},
          {"partitions", texts(each.partitions)},
          {"limits", limits(each.limits)}};
}

}  // namespace

json::object to_json(const service::DriftReport& drift) {
  json::array acts;
  for (const service::DriftAct& each : drift.acts) {
    acts.push_back(
        {{"time", each.time}, {"actor", each.actor}, {"action", each.action}, {"what", each.what}});
  }
  return {{"mends", drift.mends},
          {"accounts", texts(drift.accounts)},
          {"files", texts(drift.files)},
          {"acts", std::move(acts)}};
}

json::object to_json(const service::JobAndWhy& answer) {
  const scheduling::Job& job = answer.job;
  json::object amounts;
  for (const auto& [tres, amount] : job.amounts) {
    amounts[tres] = amount;
  }
  return {{"job", job.id},          {"user", job.user},
          {"account", job.account}, {"partition", job.partition},
          {"qos", job.qos},         {"state", job.state},
          {"reason", job.reason},   {"amounts", std::move(amounts)},
          {"why", answer.why},      {"unused", answer.unused}};
}

json::array announced(const std::vector<scheduling::Announced>& all) {
  json::array array;
  for (const scheduling::Announced& each : all) {
    array.push_back({{"name", each.name},
                     {"what", each.words},
                     {"begins", each.next},
                     {"ends", each.end},
                     {"maintenance", each.maintenance},
                     {"line", each.line}});
  }
  return array;
}

json::object to_json(const service::CalendarReport& report) {
  json::array by_hand;
  for (const scheduling::SlurmReservation& each : report.by_hand) {
    by_hand.push_back({{"name", each.name},
                       {"begins", each.start},
                       {"ends", each.end},
                       {"nodes", each.nodes},
                       {"maintenance", each.maintenance}});
  }
  return {{"reservations", announced(report.announced)}, {"by_hand", std::move(by_hand)}};
}

json::object to_json(const service::PersonReport& person) {
  json::array accounts;
  for (const service::Membership& each : person.accounts) {
    accounts.push_back(to_json(each));
  }
  return {{"name", person.name},
          {"title", person.title},
          {"administrator", person.administrator},
          {"accounts", std::move(accounts)},
          {"jobs", jobs(person.jobs)},
          {"jobs_left_out", person.left_out},
          {"calendar", announced(person.calendar)}};
}

json::object to_json(const service::DepartmentReport& department) {
  json::array projects;
  for (const service::DepartmentReport::Project& each : department.projects) {
    projects.push_back({{"name", each.name},
                        {"title", each.title},
                        {"lead", each.lead},
                        {"members", texts(each.members)},
                        {"share", each.share},
                        {"priority", each.priority},
                        {"until", each.until},
                        {"limits", limits(each.limits)}});
  }
  return {{"name", department.name},
          {"title", department.title},
          {"supervisors", texts(department.supervisors)},
          {"members", texts(department.members)},
          {"partitions", texts(department.partitions)},
          {"share", department.share},
          {"limits", limits(department.limits)},
          {"projects", std::move(projects)},
          {"jobs", jobs(department.jobs)},
          {"jobs_left_out", department.left_out}};
}

json::object to_json(const service::UsageReport& usage) {
  json::array rows;
  for (const scheduling::Usage& each : usage.rows) {
    rows.push_back(to_json(each));
  }
  return {{"rows", std::move(rows)}, {"total", to_json(usage.total)}};
}

json::object to_json(const service::IdleReport& report) {
  const auto time = [](UtcTime when) {
    return when == UtcTime{} ? json::value() : json::value(to_iso(when));
  };
  json::array jobs;
  for (const service::IdleJob& each : report.jobs) {
    json::object job{{"job", each.job.id},
                     {"user", each.job.user},
                     {"account", each.job.account},
                     {"qos", each.job.qos},
                     {"has", scheduling::amounts_words(each.job.amounts)},
                     {"nodes", texts(each.job.nodes)},
                     {"left_alone", each.left_alone},
                     {"unused_since", nullptr},
                     {"warned", nullptr},
                     {"release", nullptr}};
    if (each.unused) {
      job["unused_since"] = time(each.unused->since);
      job["warned"] = time(each.unused->warned);
      job["release"] = time(each.release);
    }
    jobs.push_back(std::move(job));
  }
  return {{"after_minutes", report.rule.after_minutes},
          {"warn_minutes", report.rule.warn_minutes},
          {"line", report.rule.line},
          {"jobs", std::move(jobs)}};
}

json::object to_json(const service::SelftestReport& report) {
  json::array checks;
  for (const scheduling::Check& each : report.checks) {
    checks.push_back(json::object{{"name", each.name},
                                  {"words", each.words},
                                  {"line", each.line},
                                  {"proof", scheduling::name(each.proof)},
                                  {"found", each.found}});
  }
  return {{"waiting", report.waiting},
          {"trying", report.trying},
          {"because", report.because},
          {"ended", report.ended == UtcTime{} ? json::value() : json::value(to_iso(report.ended))},
          {"checks", std::move(checks)}};
}

json::array to_json(const std::vector<os::Letter>& letters) {
  json::array all;
  for (const os::Letter& each : letters) {
    all.push_back({{"time", to_iso(each.time)},
                   {"to", each.to},
                   {"subject", each.subject},
                   {"text", each.text}});
  }
  return all;
}

json::object to_json(const service::OverlayLine& line) {
  const model::Amendment& one = line.amendment;
  return {{"id", one.id},
          {"at", to_iso(one.at)},
          {"by", one.by},
          {"kind", model::name(one.kind)},
          {"account", one.account},
          {"subject", one.subject},
          {"value", one.kind == model::Amendment::Kind::limit ? json::value(one.value) : nullptr},
          {"title", one.title},
          {"lead", one.lead},
          {"words", line.words},
          {"why_void", line.why_void.empty() ? json::value() : json::value(line.why_void)}};
}

json::object to_json(const service::OverlayReport& report) {
  json::array amendments;
  for (const service::OverlayLine& each : report.lines) {
    amendments.push_back(to_json(each));
  }
  return {{"amendments", std::move(amendments)}};
}

json::object to_json(const service::AmendedReport& report) {
  return {{"words", report.words}, {"because", report.because}};
}

Result<scheduling::Amending> read_amending(const json::object& body) {
  using Verb = scheduling::Amending::Verb;
  constexpr std::array<std::pair<std::string_view, Verb>, 6> kVerbs{
      {{"add_member", Verb::add_member},
       {"remove_member", Verb::remove_member},
       {"add_project", Verb::add_project},
       {"remove_project", Verb::remove_project},
       {"limit", Verb::limit},
       {"no_limit", Verb::no_limit}}};
  std::string wrong;
  const auto text = [&](const char* name) {
    const json::value* found = body.if_contains(name);
    if (found == nullptr || found->is_null()) {
      return std::string();
    }
    if (!found->is_string()) {
      wrong = fmt::format("{} must be a string", name);
      return std::string();
    }
    return std::string(found->get_string());
  };
  const std::string verb = text("verb");
  const auto* known = std::find_if(kVerbs.begin(), kVerbs.end(),
                                   [&](const auto& each) { return each.first == verb; });
  scheduling::Amending wanted{.account = text("account"),
                              .subject = text("subject"),
                              .value = text("value"),
                              .title = text("title"),
                              .lead = text("lead")};
  if (wrong.empty() && known == kVerbs.end()) {
    wrong = fmt::format(
        "verb is \"{}\": it must be add_member, remove_member, add_project, remove_project, limit "
        "or no_limit",
        shorten(verb));
  }
  if (!wrong.empty()) {
    return fail(ErrorKind::invalid, "{}", wrong);
  }
  wanted.verb = known->second;
  return wanted;
}

Result<service::UsageOrder> read_usage_order(const std::string& by, const std::string& from,
                                             const std::string& to) {
  service::UsageOrder order;
  if (by == "project") {
    order.by = scheduling::UsageBy::project;
  } else if (by == "supervisor") {
    order.by = scheduling::UsageBy::supervisor;
  } else if (by == "user") {
    order.by = scheduling::UsageBy::user;
  } else if (!by.empty() && by != "department") {
    return fail(ErrorKind::invalid,
                "by is \"{}\": it must be department, project, supervisor or user", by);
  }
  const auto begin = to_number(from);
  const auto end = to_number(to);
  if (!begin || !end) {
    return fail(ErrorKind::invalid, "from and to must be milliseconds since 1970");
  }
  order.period = {from_millis(*begin), from_millis(*end)};
  return order;
}

}  // namespace provost::api
