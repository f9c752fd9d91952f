// provost selftest.
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>

#include "base/text.hpp"
#include "cli/context.hpp"
#include "model/overlay.hpp"

namespace provost::cli {
namespace {

// Asks until the run has ended.
Called<json::object> follow(const Context& context, const std::string& path) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  Working working;
  while (true) {
    auto answer = context.client.get(path);
    if (!answer) {
      return answer;
    }
    const json::object& found = child(*answer, "selftest");
    if (!flag(found, "waiting")) {
      return answer;
    }
    const std::string trying = text(found, "trying");
    working.say(trying.empty() ? "waiting for its turn" : trying);
    constexpr std::chrono::milliseconds kAsks{300};
    never.wait_for(lock, kAsks);
  }
}

int show(const Context& context, const std::string& cluster, const json::object& found) {
  if (text(found, "ended").empty()) {
    std::cout << fmt::format("the policy of {0} has not been tried yet: provost selftest {0}\n",
                             cluster);
    return kDone;
  }
  std::size_t failed = 0;
  std::size_t tried = 0;
  Table table({"PROOF", "WHAT", "LINE", "SEEN"});
  for (const json::value& each : list(found, "checks")) {
    const json::object& check = each.get_object();
    const std::string proof = text(check, "proof");
    failed += proof == "failed" ? 1 : 0;
    tried += proof == "not tried" ? 0 : 1;
    const auto line = number(check, "line");
    const Paint colour = proof == "held"     ? Paint::good
                         : proof == "failed" ? Paint::bad
                                             : Paint::dim;
    table.add({paint(context.terminal, colour, proof), text(check, "words"),
               line == 0 ? "always" : model::place_words(static_cast<int>(line)),
               text(check, "found")});
  }
  std::cout << table.text(context.terminal);
  std::cout << fmt::format("Tried on {} UTC because {}: {} of {} tried, {} failed.\n",
                           text(found, "ended").substr(0, 19), text(found, "because"), tried,
                           list(found, "checks").size(), failed);
  return failed > 0 ? kFailed : kDone;
}

}  // namespace

int selftest(const Context& context, const SelftestArguments& arguments) {
  const auto name = the_cluster(context, arguments.cluster);
  if (!name) {
    return report(name.error());
  }
  const std::string path = "/v1/clusters/" + os::url_encode(*name) + "/selftest";
  if (!arguments.last) {
    const auto asked = context.client.post(path, {});
    if (!asked) {
      return report(asked.error());
    }
  }
  const auto answer = arguments.last ? context.client.get(path) : follow(context, path);
  if (!answer) {
    return report(answer.error());
  }
  const json::object& found = child(*answer, "selftest");
  if (!context.json) {
    return show(context, *name, found);
  }
  const json::array& checks = list(found, "checks");
  const bool failed = std::any_of(checks.begin(), checks.end(), [](const json::value& each) {
    return text(each.get_object(), "proof") == "failed";
  });
  print(*answer);
  return failed ? kFailed : kDone;
}

}  // namespace provost::cli
