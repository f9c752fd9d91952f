// provost backup, provost restore: the store of this host, without provostd's help.
#include <iostream>

#include "base/text.hpp"
#include "cli/context.hpp"
#include "os/files.hpp"
#include "provider/local/local_provider.hpp"
#include "store/backup.hpp"

namespace provost::cli {
namespace {

constexpr const char* kState = "/var/lib/provost";

// The provostd that answers knows best where its state is.
std::string state_of(const Context& context, const BackupArguments& arguments) {
  if (!arguments.state.empty()) {
    return arguments.state;
  }
  if (context.client.is_local() && context.client.may_be_there()) {
    if (const auto ready = context.client.get("/v1/ready")) {
      return text(*ready, "state_directory");
    }
  }
  return kState;
}

std::string default_name() {
  std::string time = to_iso(now_utc()).substr(0, 19);
  std::erase_if(time, [](char each) { return each == '-' || each == ':'; });
  return "provost-backup-" + time + "Z.tar.gz";
}

std::vector<store::HostMachine> machines_of(const std::string& state) {
  provider::local::LocalProvider host(
      {.places = {.state = state, .run = {}}, .images = {}, .image_cache = {}, .programs = {}});
  std::vector<store::HostMachine> machines;
  if (const auto seen = host.observe()) {
    for (const provider::MachineSeen& each : *seen) {
      machines.push_back({each.cluster, each.node, each.network_id, each.incarnation});
    }
  }
  return machines;
}

json::object object_of(const store::Manifest& manifest) {
  return json::parse(store::to_json(manifest)).get_object();
}

std::string words_of(const store::Manifest& manifest) {
  std::vector<std::string> clusters;
  for (const store::BackedUpCluster& each : manifest.clusters) {
    clusters.push_back(fmt::format("{} ({} nodes)", each.name, each.nodes));
  }
  return clusters.empty() ? "no clusters" : join(clusters, ", ");
}

void say(std::string_view what, const std::vector<std::string>& names, std::string_view meaning) {
  if (!names.empty()) {
    std::cout << fmt::format("  {:<11} {}: {}\n", what, join(names, ", "), meaning);
  }
}

void print_restored(const store::Restored& restored) {
  say("on the host", restored.found, "agents connect again, jobs go on");
  say("not there", restored.absent, "their nodes are made anew when provostd starts");
  say("made anew", restored.adopted, "nodes newer than the backup, which stay as they are");
  say("strays", restored.strays,
      "on this host and not in the backup: left alone; provost delete NAME --stray");
}

int print_json(const store::Restored& restored, bool done) {
  return print(
      {{"backup", object_of(restored.manifest)},
       {"restored", done},
       {"replaced_store", restored.kept.empty() ? json::value() : json::value(restored.kept)},
       {"found", json::value_from(restored.found)},
       {"absent", json::value_from(restored.absent)},
       {"adopted", json::value_from(restored.adopted)},
       {"strays", json::value_from(restored.strays)}});
}

bool is_refused(const Context& context) {
  if (!context.client.is_local()) {
    report(
        Error{ErrorKind::denied, "the store is on provostd's own machine", "do it there, as root"});
    return true;
  }
  return false;
}

}  // namespace

int backup(const Context& context, const BackupArguments& arguments) {
  if (is_refused(context)) {
    return kDenied;
  }
  const std::string file = arguments.file.empty() ? default_name() : arguments.file;
  const auto manifest = store::back_up(state_of(context, arguments), file);
  if (!manifest) {
    return report(manifest.error());
  }
  if (context.json) {
    return print({{"file", file}, {"backup", object_of(*manifest)}});
  }
  std::cout << fmt::format(
      "{}\n  holds       {}; accounts of the API; keys: keep it as you keep root's password\n"
      "  not in it   /fsx, buckets, nodes' disks, /etc/provost\n"
      "  back again  systemctl stop provostd; provost restore {}\n",
      file, words_of(*manifest), file);
  return std::cout.good() ? kDone : kFailed;
}

int restore(const Context& context, const BackupArguments& arguments) {
  if (is_refused(context)) {
    return kDenied;
  }
  const std::string state = state_of(context, arguments);
  const store::RestoreChoice choice{.machines = machines_of(state), .without = arguments.without};
  const auto restored = arguments.only_check ? store::check_backup(arguments.file, state, choice)
                                             : store::restore(arguments.file, state, choice);
  if (!restored) {
    return report(restored.error());
  }
  if (context.json) {
    return print_json(*restored, !arguments.only_check);
  }
  const store::Manifest& manifest = restored->manifest;
  std::cout << fmt::format(
      "{} is {} of {} on {}, by Provost {}\n  holds       {}\n", arguments.file,
      arguments.only_check ? "a sound backup" : "restored: the store",
      to_iso(manifest.made).substr(0, 19), manifest.host, manifest.version, words_of(manifest));
  print_restored(*restored);
  if (!arguments.only_check) {
    if (!restored->kept.empty()) {
      std::cout << "  kept        the store that was here: " << restored->kept << "\n";
    }
    std::cout << "Next: systemctl start provostd\n";
  }
  return kDone;
}

}  // namespace provost::cli
