// provostd: arguments, wiring, and the order of starting and stopping.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "api/endpoint.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "daemon/machines.hpp"
#include "daemon/notify.hpp"
#include "manual/manual.hpp"
#include "os/files.hpp"
#include "service/desk.hpp"
#include "service/world.hpp"
#include "support/installation.hpp"

namespace provost {
namespace {

/// Where this program is: what it is installed with lies beside it, whatever the prefix.
std::string own_directory() {
  std::error_code problem;
  return std::filesystem::read_symlink("/proc/self/exe", problem).parent_path();
}

struct Options {
  service::Settings settings;
  std::string socket;
  std::string listen = "127.0.0.1:7443";
  std::string images = own_directory() + "/images";
  std::string image_cache;
  std::string agent = own_directory() + "/provost-agent";
  std::string people;
  bool verbose = false;
  bool manual = false;
};

void declare(CLI::App& app, Options& options) {
  app.add_option("--state", options.settings.state, "Directory of everything that must last")
      ->capture_default_str();
  app.add_option("--run", options.settings.run, "Directory of what may go at a restart of the host")
      ->capture_default_str();
  app.add_option("--socket", options.socket, "Unix socket of the API (default: RUN/provostd.sock)");
  app.add_option("--listen", options.listen, "ADDRESS:PORT of the API over TLS; \"none\" for none")
      ->capture_default_str();
  app.add_option("--agent-port", options.settings.agent_port,
                 "Port for agents, on each cluster's own network")
      ->capture_default_str();
  app.add_option("--network", options.settings.network,
                 "Range of addresses for clusters; each takes a /22")
      ->capture_default_str();
  app.add_option("--buckets", options.settings.buckets,
                 "Directory of buckets (default: STATE/buckets)");
  app.add_option("--types", options.settings.types_file,
                 "CSV file with instance types and prices of your own")
      ->capture_default_str();
  app.add_option("--script-timeout", options.settings.script_timeout_s,
                 "Seconds a lifecycle script may take")
      ->capture_default_str()
      ->check(CLI::Range(1, 86'400));
  app.add_option("--minimum-timeout", options.settings.minimum_timeout_s,
                 "Seconds until a group below its MinInstanceCount is rolled back")
      ->capture_default_str();
  app.add_option("--images", options.images, "Folder that makes node images")
      ->default_str("images, beside provostd");
  app.add_option("--image-cache", options.image_cache,
                 "Directory that node images are kept in (default: STATE)");
  app.add_option("--agent", options.agent, "Program of the nodes' agent")
      ->default_str("provost-agent, beside provostd");
  app.add_option("--people", options.people, "Program that nodes have as provost, for people")
      ->default_str("provost-people, beside the agent");
  app.add_flag("--verbose", options.verbose, "Log more");
  app.add_flag("--manual", options.manual, "Write the manual page, in roff")->group("");
  app.set_version_flag("--version", std::string("provostd ") + PROVOST_VERSION);
  app.footer(
      "Examples:\n  provostd --state /srv/provost --network 10.200.0.0/16\n"
      "Runs in the foreground and logs to standard error; SIGTERM ends it, nodes and jobs go on.");
}

manual::Page page() {
  return {
      .name = "provostd",
      .section = 8,
      .summary = "the control plane of Provost",
      .text =
          "Holds what is wanted of every cluster, sees what is there, and acts until they agree. "
          "It answers provost(1) on a Unix socket, root alone, and over TLS with tokens; agents of "
          "the "
          "nodes connect to it over each cluster's own network.\n\n"
          "It runs in the foreground, logs to standard error, and tells systemd when it is ready. "
          "SIGTERM ends it. It may be killed at any instant: nodes and their jobs go on, and the "
          "next "
          "start takes them up again.\n\n"
          "It does not start over a store that is damaged, or that a newer Provost made, and "
          "changes "
          "nothing of it then; provost-restore(1) brings back a backup.\n\n"
          "Options of the service are set by a drop-in: `systemctl edit provostd`, with an empty "
          "ExecStart= "
          "and another that holds them.",
      .exits =
          "0\tended by SIGTERM or SIGINT\n1\tit could not start; the message says why\n"
          "100 and above\twrong usage",
      .environment = "NOTIFY_SOCKET\twhere systemd is told of readiness",
      .files =
          "/var/lib/provost/provost.db\tthe store, with all keys; mode 0600\n"
          "/var/lib/provost/machines\tnodes' disks, by cluster\n"
          "/var/lib/provost/data\twhat people have on /fsx, by cluster\n"
          "/var/lib/provost/buckets\tbuckets\n"
          "/var/lib/provost/images\tnode images\n"
          "/var/lib/provost/authority.pem\tcertificate of its authority, for `provost "
          "--authority`\n"
          "/run/provost/provostd.sock\tsocket of the API\n"
          "/etc/provost/instance-types.csv\tinstance types and prices of the site's own",
      .see_also = {"provost(1)", "provost-agent(8)", "provost-backup(1)", "provost-restore(1)",
                   "systemd-nspawn(1)"}};
}

int give_up(const Error& error) {
  std::cerr << "provostd: " << error.message << "\n";
  if (!error.hint.empty()) {
    std::cerr << "hint: " << error.hint << "\n";
  }
  return EXIT_FAILURE;
}

/// A number that goes up with each start: agents obey only the newest daemon.
Result<std::int64_t> next_epoch(store::Store& store) {
  const std::int64_t epoch = to_number(store.setting("epoch").value_or("0")).value_or(0) + 1;
  const Status kept = store.write(
      "epoch", [&](store::Writer& writer) { writer.set("epoch", std::to_string(epoch)); });
  if (!kept) {
    return pass(kept.error());
  }
  return epoch;
}

Result<std::unique_ptr<service::World>> make_world(const Options& options) {
  auto store = store::Store::open(options.settings.state);
  if (!store) {
    return pass(store.error());
  }
  if (Status made = os::make_directories(options.settings.run, 0755); !made) {
    return pass(made.error());
  }
  if (Status made = os::make_directories(options.settings.bucket_root(), 0755); !made) {
    return pass(made.error());
  }
  auto keys = service::load_keys(**store, options.settings);
  if (!keys) {
    return pass(keys.error());
  }
  const auto epoch = next_epoch(**store);
  if (!epoch) {
    return pass(epoch.error());
  }
  auto provider = daemon::make_provider(
      {.state = options.settings.state,
       .run = options.settings.run,
       .images = options.images,
       .image_cache = options.image_cache.empty() ? options.settings.state : options.image_cache,
       .agent = options.agent,
       .people = options.people});
  return std::make_unique<service::World>(options.settings, std::move(*store), std::move(provider),
                                          std::move(*keys), *epoch);
}

/// For `provost doctor` and `provost report`, also when this provostd does not run.
Status note_installation(const Options& options) {
  std::error_code problem;
  const auto log = std::filesystem::read_symlink("/proc/self/fd/2", problem);
  const auto absolute = [&](const std::string& path) {
    return std::filesystem::absolute(path, problem).lexically_normal().string();
  };
  return support::note(
      {.state = absolute(options.settings.state),
       .run = absolute(options.settings.run),
       .buckets = absolute(options.settings.bucket_root()),
       .images = absolute(options.images),
       .image_cache =
           absolute(options.image_cache.empty() ? options.settings.state : options.image_cache),
       .agent = absolute(options.agent),
       .listen = options.listen,
       .network = options.settings.network,
       .agent_port = options.settings.agent_port,
       .log = std::filesystem::is_regular_file(log, problem) ? log.string() : std::string()});
}

Status listen(api::Endpoint& endpoint, const Options& options) {
  if (Status listening = endpoint.listen_unix(options.socket); !listening) {
    return listening;
  }
  if (options.listen == "none") {
    return {};
  }
  const std::size_t colon = options.listen.rfind(':');
  const auto port =
      colon == std::string::npos ? std::nullopt : to_number(options.listen.substr(colon + 1));
  if (!port || *port > 65'535) {
    return fail(ErrorKind::invalid, "--listen wants ADDRESS:PORT, not \"{}\"", options.listen);
  }
  const auto listening =
      endpoint.listen_tls(options.listen.substr(0, colon), static_cast<std::uint16_t>(*port));
  return listening ? Status{} : pass(listening.error(), "cannot listen on " + options.listen);
}

/// Every agent and every request holds a file: the usual soft limit ends short of a thousand nodes.
void raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      log::warning("daemon", "no more than the usual number of files can be open");
    }
  }
}

int serve(Options options) {
  if (options.socket.empty()) {
    options.socket = options.settings.run + "/provostd.sock";
  }
  if (options.people.empty()) {
    options.people = std::filesystem::path(options.agent).parent_path() / "provost-people";
  }
  if (options.listen != "none") {
    options.settings.api_url = "https://" + options.listen;
  }
  // Threads begun later inherit the mask: signals are waited for below, by this thread alone.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  raise_open_files();

  auto world = make_world(options);
  if (!world) {
    return give_up(world.error());
  }
  if (const Status noted = note_installation(options); !noted) {
    return give_up(noted.error());
  }
  service::Desk desk(**world);
  api::Endpoint endpoint(**world, desk);
  (*world)->start([&](const std::string& address) { return endpoint.listen_for_agents(address); });
  if (const Status listening = listen(endpoint, options); !listening) {
    (*world)->stop();
    return give_up(listening.error());
  }
  endpoint.set_ready();
  daemon::notify("READY=1\nSTATUS=ready");
  log::info("daemon", "ready on {} (epoch {})", options.socket, (*world)->epoch());

  int received = 0;
  sigwait(&signals, &received);
  daemon::notify("STOPPING=1");
  log::info("daemon", "signal {}: ending; nodes and jobs go on", received);
  (*world)->stop();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace provost

int main(int argc, char** argv) {
  provost::Options options;
  CLI::App app{"The control plane of Provost.", "provostd"};
  provost::declare(app, options);
  CLI11_PARSE(app, argc, argv);
  if (options.manual) {
    std::cout << provost::manual::render(app, "provostd", provost::page());
    return EXIT_SUCCESS;
  }
  if (options.verbose) {
    provost::log::set_level(provost::log::Level::debug);
  }
  return provost::serve(options);
}
