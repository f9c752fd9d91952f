// provost create, provost wait.
#include <iostream>

#include "base/time.hpp"
#include "cli/context.hpp"
#include "cli/watch.hpp"

namespace provost::cli {
namespace {

constexpr std::chrono::milliseconds kLook{150};

std::string name_of(const json::object& node) { return text(node, "name"); }

// Why a cluster failed, with the last lines that its nodes left.
void explain_failure(const json::object& description) {
  const json::object& cluster = child(description, "cluster");
  const std::string name = text(cluster, "name");
  std::cerr << "provost: " << name << " did not come up";
  if (!text(cluster, "failure").empty()) {
    std::cerr << ": " << text(cluster, "failure");
  }
  std::cerr << "\n";
  for (const json::value& each : list(description, "nodes")) {
    const json::object& node = each.get_object();
    const std::string message = text(node, "message");
    if (text(node, "status") != "Failure" || message.starts_with("removed: ")) {
      continue;
    }
    std::cerr << "  " << name_of(node) << ": " << message << "\n";
    if (message.starts_with("lifecycle script ")) {
      std::cerr << "    all of it: provost logs " << name_of(node) << " --cluster " << name
                << " --unit lifecycle\n";
    }
  }
  for (const json::value& each : list(description, "steps")) {
    const json::object& step = each.get_object();
    if (text(step, "state") == "refused") {
      std::cerr << "  " << text(step, "line") << ": " << text(step, "found") << "\n";
    }
  }
  std::cerr << "  more:           provost describe " << name << "\n"
            << "  mend and retry: provost apply " << name << "\n"
            << "  take it away:   provost delete " << name << "\n";
}

// Nothing more will happen by itself.
bool is_hopeless(const json::object& description) {
  return text(child(description, "cluster"), "status") == "Failed";
}

int say_arrived(const Context& context, const json::object& description) {
  if (context.json) {
    return print(description);
  }
  const json::object& cluster = child(description, "cluster");
  std::cout << fmt::format("{} is {}: {} nodes\n", text(cluster, "name"),
                           paint(context.terminal, Paint::good, text(cluster, "status")),
                           number(cluster, "node_count"));
  if (const auto left = number(cluster, "node_count") - number(cluster, "nodes_running");
      left > 0) {
    std::cout << fmt::format("  {} of them follow: provost nodes {}\n", left,
                             text(cluster, "name"));
  }
  for (const json::value& lack : list(cluster, "lacks")) {
    std::cout << "  note: " << std::string(lack.get_string()) << "\n";
  }
  return kDone;
}

int say_interrupted(const std::string& name) {
  std::cerr << fmt::format(
      "\nprovost: not waiting any more; the work on {0} goes on\n"
      "  watch:        provost describe {0}; provost events {0} --follow\n"
      "  wait again:   provost wait {0}\n"
      "  take it away: provost delete {0}\n",
      name);
  return kInterrupted;
}

int await_deleted(const Context& context, const WaitArguments& arguments,
                  std::chrono::steady_clock::time_point deadline) {
  catch_interrupt();
  while (true) {
    const auto found = context.client.get("/v1/clusters/" + os::url_encode(arguments.cluster));
    if (!found) {
      return found.error().error.kind == ErrorKind::not_found ? kDone : report(found.error());
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return report(Error{ErrorKind::timeout, arguments.cluster + " is still there",
                          "provost describe " + arguments.cluster});
    }
    pause_for(kLook);
    if (interrupted()) {
      return kInterrupted;
    }
  }
}

}  // namespace

void show_findings(const Context& context, const json::array& findings, const Texts& texts) {
  if (context.json) {
    return;
  }
  json::array serious;
  for (const json::value& each : findings) {
    if (!each.is_object() || text(each.get_object(), "severity") != "note") {
      serious.push_back(each);
    }
  }
  std::cerr << findings_text(serious, texts, context.terminal);
}

int await_service(const Context& context, const Await& await) {
  const std::string& name = await.cluster;
  catch_interrupt();
  Watch watch(context, name, await.after);
  while (true) {
    const auto description = context.client.get("/v1/clusters/" + os::url_encode(name));
    if (!description) {
      return report(description.error());
    }
    watch.show(*description);
    const std::string status = text(child(*description, "cluster"), "status");
    const json::object& cluster = child(*description, "cluster");
    if (status == "InService" && !(await.whole && flag(cluster, "changing"))) {
      watch.clear();
      if (await.whole && !text(cluster, "failure").empty()) {
        return report(Error{ErrorKind::conflict,
                            "the change was rolled back: " + text(cluster, "failure"),
                            "provost events " + name});
      }
      return say_arrived(context, *description);
    }
    if (is_hopeless(*description)) {
      watch.clear();
      if (context.json) {
        print(*description);
      } else {
        explain_failure(*description);
      }
      return kFailed;
    }
    if (status == "Deleting") {
      return report(Error{ErrorKind::conflict, name + " is being deleted", ""});
    }
    if (std::chrono::steady_clock::now() > await.deadline) {
      return report(Error{ErrorKind::timeout, name + " is not in service in that time",
                          "provost describe " + name});
    }
    pause_for(kLook);
    if (interrupted()) {
      return say_interrupted(name);
    }
  }
}

int create(const Context& context, const CreateArguments& arguments) {
  auto request = read_files(arguments.files);
  if (!request) {
    return report(request.error());
  }
  request->body["keep_failed"] = !arguments.roll_back;
  const std::int64_t after = newest_event(context.client);
  const auto created = context.client.post("/v1/clusters", request->body);
  if (!created) {
    if (context.json && !created.error().findings.empty()) {
      print({{"findings", created.error().findings}});
    }
    show_findings(context, created.error().findings, request->texts);
    return report(created.error());
  }
  show_findings(context, list(*created, "findings"), request->texts);
  const std::string name = text(child(*created, "cluster"), "name");
  if (!arguments.wait) {
    if (context.json) {
      return print(*created);
    }
    std::cout << name << " is being made; provost wait " << name << "\n";
    return kDone;
  }
  return await_service(context, {.cluster = name, .after = after});
}

int wait(const Context& context, const WaitArguments& arguments) {
  const auto deadline = arguments.timeout > 0 ? std::chrono::steady_clock::now() +
                                                    std::chrono::seconds(arguments.timeout)
                                              : std::chrono::steady_clock::time_point::max();
  if (arguments.state == "deleted") {
    return await_deleted(context, arguments, deadline);
  }
  return await_service(
      context,
      {.cluster = arguments.cluster, .after = newest_event(context.client), .deadline = deadline});
}

}  // namespace provost::cli
