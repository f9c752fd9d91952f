// provost delete: asks, waits, and ends with an inventory.
#include <unistd.h>

#include <iostream>
#include <map>

#include "base/time.hpp"
#include "cli/context.hpp"
#include "cli/watch.hpp"

namespace provost::cli {
namespace {

constexpr std::chrono::milliseconds kLook{150};

// What would be lost, in words.
std::string losses(const json::object& description, const DeleteArguments& arguments) {
  const json::object& cluster = child(description, "cluster");
  const json::object& jobs = child(description, "jobs");
  std::string said =
      fmt::format("{} has {} nodes", text(cluster, "name"), number(cluster, "node_count"));
  if (jobs.contains("running") && !jobs.at("running").is_null()) {
    said += fmt::format(", {} running and {} waiting jobs, which end", number(jobs, "running"),
                        number(jobs, "waiting"));
  }
  said += arguments.with_data ? "; ALL DATA on its /fsx are removed too"
                              : "; its /fsx and buckets are kept";
  return said;
}

bool confirmed(const std::string& name) {
  std::cerr << "Type its name to take it away: " << std::flush;
  std::string typed;
  std::getline(std::cin, typed);
  return typed == name;
}

// Kinds in the order of the inventory, with how many there are of each.
std::string counted(const json::array& belongings) {
  std::map<std::string, std::size_t> kinds;
  for (const json::value& each : belongings) {
    ++kinds[text(each.get_object(), "kind")];
  }
  std::string all;
  for (const auto& [kind, count] : kinds) {
    all += fmt::format("{}{} x {}", all.empty() ? "" : ", ", count, kind);
  }
  return all.empty() ? "nothing" : all;
}

int say_inventory(const Context& context, const std::string& name, const json::object& removal) {
  if (context.json) {
    print({{"removal", removal}});
    return list(removal, "left").empty() ? kDone : kFailed;
  }
  std::cout << fmt::format("{} is deleted\n  was there   {}\n  gone        {}\n", name,
                           counted(list(removal, "was")), counted(list(removal, "gone")));
  for (const json::value& each : list(removal, "kept")) {
    const json::object& kept = each.get_object();
    std::cout << fmt::format("  kept        {}: {} ({})\n", text(kept, "kind"), text(kept, "name"),
                             text(kept, "why"));
  }
  for (const json::value& each : list(removal, "left")) {
    const json::object& left = each.get_object();
    std::cout << paint(context.terminal, Paint::bad,
                       fmt::format("  LEFT OVER   {}: {}", text(left, "kind"), text(left, "name")))
              << "\n";
  }
  return list(removal, "left").empty() ? kDone : kFailed;
}

int say_interrupted(const std::string& name) {
  std::cerr << fmt::format(
      "\nprovost: not waiting any more; {0} goes on being removed\n"
      "  watch: provost describe {0}; provost wait {0} --for deleted\n",
      name);
  return kInterrupted;
}

int await_removal(const Context& context, const std::string& name, std::int64_t after) {
  catch_interrupt();
  Watch watch(context, name, after);
  const std::string path = "/v1/clusters/" + os::url_encode(name);
  while (true) {
    const auto answer = context.client.get(path + "/removal");
    if (!answer) {
      return report(answer.error());
    }
    const json::object& removal = child(*answer, "removal");
    const std::string state = text(removal, "state");
    if (const auto description = context.client.get(path); description && state == "running") {
      watch.show(*description);
    } else if (state != "running") {
      watch.clear();
      if (state == "failed") {
        return report(
            Error{ErrorKind::internal, text(removal, "message"), "provost delete " + name});
      }
      return say_inventory(context, name, removal);
    }
    pause_for(kLook);
    if (interrupted()) {
      return say_interrupted(name);
    }
  }
}

int remove_stray(const Context& context, const DeleteArguments& arguments) {
  if (!arguments.yes) {
    if (::isatty(STDIN_FILENO) == 0) {
      std::cerr << "provost: nobody can be asked here\n  try: provost delete " << arguments.cluster
                << " --stray --yes\n";
      return kUsage;
    }
    std::cerr << "the machines of " << arguments.cluster
              << " that provostd does not know are removed with their disks and jobs\n";
    if (!confirmed(arguments.cluster)) {
      std::cerr << "nothing was done\n";
      return kFailed;
    }
  }
  const auto gone =
      context.client.remove("/v1/clusters/" + os::url_encode(arguments.cluster) + "?stray=1");
  if (!gone) {
    return report(gone.error());
  }
  if (context.json) {
    return print(*gone);
  }
  std::cout << arguments.cluster
            << " is gone: " << joined(list(child(*gone, "stray"), "nodes"), ", ") << "\n";
  return kDone;
}

}  // namespace

int remove(const Context& context, const DeleteArguments& arguments) {
  if (arguments.stray) {
    return remove_stray(context, arguments);
  }
  const std::string path = "/v1/clusters/" + os::url_encode(arguments.cluster);
  const auto description = context.client.get(path);
  if (!description) {
    return report(description.error());
  }
  if (!arguments.yes) {
    std::cerr << losses(*description, arguments) << "\n";
    if (::isatty(STDIN_FILENO) == 0) {
      std::cerr << "provost: nobody can be asked here\n  try: provost delete " << arguments.cluster
                << " --yes\n";
      return kUsage;
    }
    if (!confirmed(arguments.cluster)) {
      std::cerr << "nothing was done\n";
      return kFailed;
    }
  }
  const std::int64_t after = newest_event(context.client);
  const auto begun = context.client.remove(path + (arguments.with_data ? "?with_data=1" : ""));
  if (!begun) {
    return report(begun.error());
  }
  if (!arguments.wait) {
    if (context.json) {
      return print(*begun);
    }
    std::cout << arguments.cluster << " is being removed; provost wait " << arguments.cluster
              << " --for deleted\n";
    return kDone;
  }
  return await_removal(context, arguments.cluster, after);
}

}  // namespace provost::cli
