// provost list, describe, nodes, events.
#include <iostream>

#include "cli/context.hpp"
#include "cli/watch.hpp"

namespace provost::cli {
namespace {

std::string memory(std::int64_t mib) {
  return mib % 1024 == 0 ? fmt::format("{} GiB", mib / 1024)
                         : fmt::format("{:.1f} GiB", static_cast<double>(mib) / 1024);
}

std::string gpus_of(const json::object& node) {
  const std::string gpus = text(node, "gpus");
  return gpus.empty() || !flag(node, "gpus_emulated") ? gpus : gpus + " (emulated)";
}

Table node_table(const json::array& nodes, bool with_cluster) {
  Table table({with_cluster ? "CLUSTER" : "", "NODE", "ROLE", "STATUS", "SLURM", "AGENT", "TYPE",
               "CPUS", "MEMORY", "GPUS", "ADDRESS", "NOTE"});
  for (const json::value& each : nodes) {
    const json::object& node = each.get_object();
    std::string note = text(node, "message");
    for (const char* other : {"step", "reason"}) {
      if (note.empty()) {
        note = text(node, other);
      }
    }
    table.add({with_cluster ? text(node, "cluster") : "", text(node, "name"), text(node, "role"),
               text(node, "status"), text(node, "slurm"), text(node, "agent"), text(node, "type"),
               std::to_string(number(node, "cpus")), memory(number(node, "memory_mib")),
               gpus_of(node), text(node, "address"), note});
  }
  return table;
}

Table group_table(const json::object& cluster) {
  Table table({"GROUP", "ROLE", "STATUS", "RUNNING", "TYPE", "GPUS PER NODE", "PARTITIONS"});
  for (const json::value& each : list(cluster, "groups")) {
    const json::object& group = each.get_object();
    table.add({text(group, "name"), text(group, "role"), text(group, "status"),
               fmt::format("{}/{}", number(group, "running"), number(group, "count")),
               text(group, "type"), text(group, "gpus"), joined(list(group, "partitions"), ",")});
  }
  return table;
}

void print_indented(const std::string& lines, const std::string& indent) {
  std::size_t begin = 0;
  while (begin < lines.size()) {
    const std::size_t end = std::min(lines.find('\n', begin), lines.size());
    std::cout << indent << lines.substr(begin, end - begin) << "\n";
    begin = end + 1;
  }
}

void print_troubles(const Context& context, const json::object& description) {
  const auto bad = [&](const std::string& words) {
    return paint(context.terminal, Paint::bad, words);
  };
  for (const json::value& each : list(description, "nodes")) {
    const json::object& node = each.get_object();
    const json::object& script = child(node, "script");
    const std::string name = text(node, "name");
    if (text(script, "state") == "failed") {
      std::cout << "\n"
                << bad(fmt::format("{}: lifecycle script {} ended with status {}", name,
                                   text(script, "step"), number(script, "status")))
                << "\n";
      print_indented(text(script, "tail"), "    ");
      std::cout << "  all of it: provost logs " << name << " --cluster " << text(node, "cluster")
                << " --unit lifecycle\n";
    }
    for (const json::value& unit : list(node, "failing_units")) {
      std::cout << "\n" << bad(name + ": " + text(unit.get_object(), "name") + " failed") << "\n";
      print_indented(text(unit.get_object(), "message"), "    ");
    }
  }
}

void print_steps(const Context& context, const json::array& steps) {
  if (steps.empty()) {
    return;
  }
  Table table({"STATE", "STEP", "SINCE", "FOUND"});
  for (const json::value& each : steps) {
    const json::object& step = each.get_object();
    std::string found = text(step, "found");
    if (found.empty() && !list(step, "waits_for").empty()) {
      found = "waits for " + joined(list(step, "waits_for"), ", ");
    }
    table.add({text(step, "state"), text(step, "line"), since(text(step, "since")), found});
  }
  std::cout << "\nBeing done\n" << table.text(context.terminal, 2);
}

void print_jobs(const json::object& description) {
  const json::object& jobs = child(description, "jobs");
  if (jobs.contains("running") && !jobs.at("running").is_null()) {
    std::cout << fmt::format("  jobs        {} running, {} waiting\n", number(jobs, "running"),
                             number(jobs, "waiting"));
  } else {
    std::cout << "  jobs        not known: Slurm does not answer\n";
  }
}

void print_sharing(const json::object& cluster) {
  for (const json::value& each : list(cluster, "groups")) {
    const std::string words = text(each.get_object(), "sharing");
    if (!words.empty()) {
      std::cout << fmt::format("  GPUs of {}: {}\n", text(each.get_object(), "name"), words);
    }
  }
}

// What somebody changed in Slurm's files.
void print_hand_edits(const Context& context, const json::object& by_hand) {
  const auto say = [&](const char* member, const std::string& heading) {
    const json::array& lines = list(by_hand, member);
    if (!lines.empty()) {
      std::cout << "\n" << heading << "\n";
    }
    for (const json::value& line : lines) {
      std::cout << "  " << std::string(line.get_string()) << "\n";
    }
  };
  say("kept", "Changed by hand in Slurm's files and kept (SlurmConfigStrategy Merge)");
  say("drift", paint(context.terminal, Paint::bad,
                     fmt::format("Changed by hand in Slurm's files{} (SlurmConfigStrategy {})",
                                 flag(by_hand, "is_read") ? "" : ", not read by slurmctld yet",
                                 text(by_hand, "strategy"))));
}

}  // namespace

int print(const json::object& object) {
  std::cout << json::serialize(object) << "\n" << std::flush;
  return std::cout.good() ? kDone : kFailed;
}

int list_clusters(const Context& context) {
  const auto answer = context.client.get("/v1/clusters");
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  Table table({"NAME", "STATUS", "NODES", "CREATED", "ID"});
  for (const json::value& each : list(*answer, "clusters")) {
    const json::object& cluster = each.get_object();
    table.add(
        {text(cluster, "name"), text(cluster, "status"),
         fmt::format("{}/{}", number(cluster, "nodes_running"), number(cluster, "node_count")),
         text(cluster, "created").substr(0, 19), text(cluster, "id")});
  }
  if (table.empty()) {
    std::cout << "no clusters; make one: provost create --cluster-config FILE\n";
  } else {
    std::cout << table.text(context.terminal);
  }
  return kDone;
}

int describe(const Context& context, const std::string& name) {
  const auto answer = context.client.get("/v1/clusters/" + os::url_encode(name));
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  const json::object& cluster = child(*answer, "cluster");
  const std::string status = text(cluster, "status");
  std::cout << paint(context.terminal, Paint::bold, text(cluster, "name")) << "  "
            << paint(context.terminal, paint_of(status), status) << "\n";
  if (!text(cluster, "failure").empty()) {
    std::cout << "  failure     " << text(cluster, "failure") << "\n";
  }
  std::cout << "  arn         " << text(cluster, "arn") << "\n  created     "
            << text(cluster, "created").substr(0, 19) << "\n";
  print_jobs(*answer);
  for (const json::value& lack : list(cluster, "lacks")) {
    std::cout << "  note        " << std::string(lack.get_string()) << "\n";
  }
  std::cout << "\n" << group_table(cluster).text(context.terminal, 2);
  print_sharing(cluster);
  std::cout << "\n" << node_table(list(*answer, "nodes"), false).text(context.terminal, 2);
  print_hand_edits(context, child(*answer, "by_hand"));
  print_steps(context, list(*answer, "steps"));
  print_troubles(context, *answer);
  std::cout << fmt::format(
      "\nNext: provost ssh login-1 | provost events {0} --follow | provost delete {0}\n", name);
  return kDone;
}

int nodes(const Context& context, const std::string& cluster) {
  const auto answer = context.client.get(
      "/v1/nodes" + (cluster.empty() ? "" : "?cluster=" + os::url_encode(cluster)));
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  const json::array& found = list(*answer, "nodes");
  if (found.empty()) {
    std::cout << "no nodes\n";
    return kDone;
  }
  std::cout << node_table(found, cluster.empty()).text(context.terminal);
  return kDone;
}

int events(const Context& context, const EventArguments& arguments) {
  std::string path = fmt::format("/v1/events?cluster={}&limit={}",
                                 os::url_encode(arguments.cluster), arguments.limit);
  const auto show = [&](const json::object& event) {
    if (context.json) {
      print(event);
    } else {
      std::cout << event_line(event, context.terminal) << std::flush;
    }
    return std::cout.good();
  };
  if (arguments.follow) {
    const auto ended = context.client.stream("GET", path + "&follow=1", {}, show);
    return ended ? kDone : report(ended.error());
  }
  const auto answer = context.client.get(path);
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  for (const json::value& event : list(*answer, "events")) {
    show(event.get_object());
  }
  return kDone;
}

}  // namespace provost::cli
