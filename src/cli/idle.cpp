// provost idle, mail.
#include <iostream>

#include "base/text.hpp"
#include "cli/context.hpp"
#include "model/limits.hpp"

namespace provost::cli {
namespace {

/// "12:34:56" of "2027-03-01T12:34:56.789Z"; empty for none.
std::string clock_of(const json::object& job, const char* name) {
  constexpr std::size_t kTime = 11;
  constexpr std::size_t kLength = 8;
  const std::string time = text(job, name);
  return time.size() < kTime + kLength ? std::string() : time.substr(kTime, kLength);
}

}  // namespace

int idle(const Context& context, const PolicyArguments& arguments) {
  const auto name = the_cluster(context, arguments.cluster);
  if (!name) {
    return report(name.error());
  }
  const auto answer = context.client.get("/v1/clusters/" + os::url_encode(*name) + "/idle");
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  const json::object& found = child(*answer, "idle");
  std::cout << fmt::format(
      "An interactive allocation unused for {} is released, its owner warned {} before "
      "(campus.toml:{}).\n",
      model::duration_words(number(found, "after_minutes")),
      model::duration_words(number(found, "warn_minutes")), number(found, "line"));
  Table table({"JOB", "USER", "ACCOUNT", "HAS", "UNUSED SINCE", "WARNED", "RELEASED", ""});
  for (const json::value& each : list(found, "jobs")) {
    const json::object& job = each.get_object();
    table.add({text(job, "job"), text(job, "user"), text(job, "account"), text(job, "has"),
               clock_of(job, "unused_since"), clock_of(job, "warned"), clock_of(job, "release"),
               text(job, "left_alone").empty() ? "" : "left alone: " + text(job, "left_alone")});
  }
  std::cout << (table.empty() ? "no jobs run\n" : table.text(context.terminal) + "Times in UTC.\n");
  return kDone;
}

int mail(const Context& context, const MailArguments& arguments) {
  const auto answer = context.client.get(fmt::format("/v1/mail?limit={}", arguments.limit));
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  Table table({"TIME (UTC)", "TO", "SUBJECT"});
  for (const json::value& each : list(*answer, "mail")) {
    const json::object& letter = each.get_object();
    if (!arguments.full) {
      table.add({text(letter, "time"), text(letter, "to"), text(letter, "subject")});
      continue;
    }
    std::cout << fmt::format("{}  to {}\n{}\n\n{}\n", text(letter, "time"), text(letter, "to"),
                             paint(context.terminal, Paint::bold, text(letter, "subject")),
                             text(letter, "text"));
  }
  if (list(*answer, "mail").empty()) {
    std::cout << "no letters\n";
  }
  if (!table.empty()) {
    std::cout << table.text(context.terminal);
  }
  return kDone;
}

}  // namespace provost::cli
