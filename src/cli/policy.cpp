// provost drift, why, my, department.
#include <iostream>

#include "base/text.hpp"
#include "base/time.hpp"
#include "cli/context.hpp"
#include "cli/watch.hpp"
#include "model/overlay.hpp"

namespace provost::cli {
namespace {

void print_list(const char* heading, const json::array& lines) {
  if (!lines.empty()) {
    std::cout << heading << "\n";
    for (const json::value& each : lines) {
      std::cout << "  " << std::string_view(each.get_string()) << "\n";
    }
  }
}

std::string line_words(const json::object& limit) {
  const std::int64_t line = number(limit, "line");
  return line == 0 ? std::string() : model::place_words(static_cast<int>(line));
}

void print_limits(const Context& context, const json::array& limits, std::size_t indent) {
  Table table({"LIMIT", "USED", "OF", "WRITTEN IN"});
  for (const json::value& each : limits) {
    const json::object& limit = each.get_object();
    table.add({text(limit, "what"), text(limit, "shown"), text(limit, "where"), line_words(limit)});
  }
  if (!table.empty()) {
    std::cout << table.text(context.terminal, indent);
  }
}

void print_jobs(const Context& context, const json::object& owner, bool with_user) {
  const json::array& jobs = list(owner, "jobs");
  if (jobs.empty()) {
    std::cout << "\nno jobs\n";
    return;
  }
  Table table({"JOB", with_user ? "USER" : "", "ACCOUNT", "PARTITION", "QOS", "STATE"});
  std::cout << "\n";
  for (const json::value& each : jobs) {
    const json::object& job = each.get_object();
    table.add({text(job, "job"), with_user ? text(job, "user") : "", text(job, "account"),
               text(job, "partition"), text(job, "qos"), text(job, "state")});
  }
  std::cout << table.text(context.terminal) << "\n";
  for (const json::value& each : jobs) {
    const json::object& job = each.get_object();
    if (text(job, "state") == "PENDING") {
      std::cout << text(job, "why") << "\n";
    } else if (!text(job, "unused").empty()) {
      std::cout << "job " << text(job, "job") << " is " << text(job, "unused") << "\n";
    }
  }
  if (number(owner, "jobs_left_out") > 0) {
    std::cout << fmt::format("and {} more that wait: squeue\n", number(owner, "jobs_left_out"));
  }
}

std::string titled(const json::object& named, const char* name = "name") {
  const std::string title = text(named, "title");
  return title.empty() ? text(named, name) : fmt::format("{} ({})", text(named, name), title);
}

// "2027-09-30, in 9 days": announced two weeks ahead.
std::string until_words(const std::string& day) {
  int year = 0;
  unsigned month = 0;
  unsigned number = 0;
  if (std::sscanf(day.c_str(), "%4d-%2u-%2u", &year, &month, &number) != 3) {
    return day;
  }
  const std::chrono::sys_days last{std::chrono::year(year) / static_cast<int>(month) /
                                   static_cast<int>(number)};
  const auto left = (last - std::chrono::floor<std::chrono::days>(now_utc())).count();
  constexpr int kAnnounced = 14;
  if (left < 0) {
    return day + ", it has ended: no new jobs";
  }
  return left > kAnnounced ? day
                           : fmt::format("{}, in {} day{}: no new jobs after it", day, left,
                                         left == 1 ? "" : "s");
}

void print_account(const Context& context, const json::object& account) {
  std::string words = titled(account, "account");
  if (text(account, "department") != text(account, "account")) {
    words += ", a project of " + text(account, "department");
  }
  words += flag(account, "default") ? ", your default" : "";
  words += flag(account, "supervises") ? ", which you supervise" : "";
  std::cout << "\n" << paint(context.terminal, Paint::bold, words) << "\n";
  const auto row = [&](const char* name, const std::string& value) {
    if (!value.empty()) {
      std::cout << fmt::format("  {:<12}{}\n", name, value);
    }
  };
  row("supervisors", joined(list(account, "supervisors"), ", "));
  row("partitions", joined(list(account, "partitions"), ", "));
  row("QoS", joined(list(account, "qos"), ", "));
  const std::string fair = text(account, "fair_share");
  row("share",
      fmt::format(
          "{}{}", number(account, "share"),
          fair.empty() ? "" : fmt::format("; fair-share {} (1: had nothing lately)", fair)));
  row("until", until_words(text(account, "until")));
  print_limits(context, list(account, "limits"), 2);
}

// "2027-03-03 14:00" of "2027-03-03T14:00:00".
std::string minute_of(const json::object& reservation, const char* name) {
  constexpr std::size_t kDate = 10;
  constexpr std::size_t kMinutes = 16;
  std::string time = text(reservation, name).substr(0, kMinutes);
  if (time.size() > kDate) {
    time[kDate] = ' ';
  }
  return time;
}

void print_calendar(const Context& context, const json::array& reservations, const char* heading) {
  Table table({"BEGINS", "ENDS", "RESERVATION", "WHAT", "WRITTEN IN"});
  for (const json::value& each : reservations) {
    const json::object& one = each.get_object();
    table.add({minute_of(one, "begins"), minute_of(one, "ends"), text(one, "name"),
               text(one, "what"), line_words(one)});
  }
  if (!table.empty()) {
    std::cout << heading << "\n" << table.text(context.terminal);
  }
}

}  // namespace

int calendar(const Context& context, const PolicyArguments& arguments) {
  const auto name = the_cluster(context, arguments.cluster);
  if (!name) {
    return report(name.error());
  }
  const auto answer = context.client.get("/v1/clusters/" + os::url_encode(*name) + "/calendar");
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  const json::object& found = child(*answer, "calendar");
  print_calendar(context, list(found, "reservations"),
                 "Reservations, in the cluster's time (UTC):");
  Table table({"BEGINS", "ENDS", "RESERVATION", "NODES"});
  for (const json::value& each : list(found, "by_hand")) {
    const json::object& one = each.get_object();
    table.add(
        {minute_of(one, "begins"), minute_of(one, "ends"), text(one, "name"), text(one, "nodes")});
  }
  if (!table.empty()) {
    std::cout << "\nMade by hand, left alone:\n" << table.text(context.terminal);
  }
  if (list(found, "reservations").empty() && table.empty()) {
    std::cout << "no reservations to come\n";
  }
  return kDone;
}

Called<std::string> the_cluster(const Context& context, const std::string& given) {
  if (!given.empty()) {
    return given;
  }
  const auto answer = context.client.get("/v1/clusters");
  if (!answer) {
    return tl::make_unexpected(answer.error());
  }
  std::vector<std::string> names;
  for (const json::value& each : list(*answer, "clusters")) {
    names.push_back(text(each.get_object(), "name"));
  }
  if (names.size() == 1) {
    return names.front();
  }
  return tl::make_unexpected(
      names.empty()
          ? CallError{.error = {ErrorKind::not_found, "there is no cluster", "provost create"}}
          : CallError{.error = {ErrorKind::invalid, "which cluster? there are " + join(names, ", "),
                                "add --cluster " + names.front()}});
}

int drift(const Context& context, const PolicyArguments& arguments) {
  const auto name = the_cluster(context, arguments.cluster);
  if (!name) {
    return report(name.error());
  }
  const std::string path = "/v1/clusters/" + os::url_encode(*name) + "/drift";
  if (arguments.mend) {
    const auto answer = context.client.post(path + "/mend", {});
    if (!answer) {
      return report(answer.error());
    }
    std::cout << "the accounts of " << *name << " are put right: provost drift " << *name << "\n";
    return kDone;
  }
  const auto answer = context.client.get(path);
  if (!answer) {
    return report(answer.error());
  }
  const json::object& found = child(*answer, "drift");
  const bool none = list(found, "accounts").empty() && list(found, "files").empty();
  if (context.json) {
    print(*answer);
    return none ? kDone : kToDo;
  }
  if (none) {
    std::cout << *name << " is as its files want it\n";
    return kDone;
  }
  print_list("Accounts and QoS:", list(found, "accounts"));
  print_list("Slurm's files:", list(found, "files"));
  Table table({"TIME (UTC)", "BY", "DID", "TO WHAT"});
  for (const json::value& each : list(found, "acts")) {
    const json::object& act = each.get_object();
    table.add({text(act, "time"), text(act, "actor"), text(act, "action"), text(act, "what")});
  }
  if (!table.empty()) {
    std::cout << "\n" << table.text(context.terminal);
  }
  if (!list(found, "accounts").empty()) {
    std::cout << (flag(found, "mends")
                      ? "\naccounts are put right by themselves (drift = \"mend\")\n"
                      : fmt::format("\nto put the accounts right: provost drift {} --mend\n",
                                    *name));
  }
  return kToDo;
}

int why(const Context& context, const PolicyArguments& arguments) {
  const auto name = the_cluster(context, arguments.cluster);
  if (!name) {
    return report(name.error());
  }
  const auto answer = context.client.get(
      fmt::format("/v1/clusters/{}/why/{}", os::url_encode(*name), os::url_encode(arguments.job)));
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  const json::object& job = child(*answer, "job");
  std::cout << text(job, "why") << "\n";
  if (!text(job, "unused").empty()) {
    std::cout << "It is " << text(job, "unused") << ".\n";
  }
  return kDone;
}

int my(const Context& context, const PolicyArguments& arguments) {
  const auto name = the_cluster(context, arguments.cluster);
  if (!name) {
    return report(name.error());
  }
  const std::string as = arguments.person.empty() ? "" : "?as=" + os::url_encode(arguments.person);
  const auto answer = context.client.get("/v1/clusters/" + os::url_encode(*name) + "/my" + as);
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  const json::object& person = child(*answer, "my");
  std::cout << titled(person) << " on " << *name
            << (flag(person, "administrator") ? ", an administrator" : "") << "\n";
  for (const json::value& each : list(person, "accounts")) {
    print_account(context, each.get_object());
  }
  if (list(person, "accounts").empty()) {
    std::cout << "\nin no department: no jobs can be submitted\n";
  }
  print_jobs(context, person, false);
  print_calendar(context, list(person, "calendar"), "\nIn the next two weeks:");
  return kDone;
}

int department(const Context& context, const PolicyArguments& arguments) {
  const auto name = the_cluster(context, arguments.cluster);
  if (!name) {
    return report(name.error());
  }
  const auto answer =
      context.client.get(fmt::format("/v1/clusters/{}/department/{}", os::url_encode(*name),
                                     os::url_encode(arguments.department)));
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  const json::object& found = child(*answer, "department");
  std::cout << titled(found) << " on " << *name << "\n"
            << "  supervisors " << joined(list(found, "supervisors"), ", ") << "\n"
            << "  members     " << joined(list(found, "members"), ", ") << "\n"
            << "  partitions  " << joined(list(found, "partitions"), ", ") << "\n"
            << "  share       " << number(found, "share") << "\n";
  print_limits(context, list(found, "limits"), 2);
  for (const json::value& each : list(found, "projects")) {
    const json::object& project = each.get_object();
    std::cout << "\n"
              << paint(context.terminal, Paint::bold, "project " + titled(project)) << "\n"
              << "  lead        " << text(project, "lead") << "\n"
              << "  members     " << joined(list(project, "members"), ", ") << "\n"
              << "  share       " << number(project, "share") << "\n";
    if (!text(project, "until").empty()) {
      std::cout << "  until       " << text(project, "until") << "\n";
    }
    print_limits(context, list(project, "limits"), 2);
  }
  print_jobs(context, found, true);
  return kDone;
}

}  // namespace provost::cli
