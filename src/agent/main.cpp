// provost-agent: makes its node what provostd says it should be.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <thread>

#include "agent/door.hpp"
#include "agent/line.hpp"
#include "agent/namespaces.hpp"
#include "base/log.hpp"
#include "manual/manual.hpp"

namespace {

provost::manual::Page page() {
  return {
      .name = "provost-agent",
      .section = 8,
      .summary = "makes a node of a cluster what provostd says it should be",
      .text =
          "Runs on every node, started by the node's systemd. It connects to provostd with a "
          "certificate that speaks for this node alone, and is sent files, units and the "
          "lifecycle script; it reports what runs, and runs commands that root asks for "
          "(provost-exec(1)). Without a connection it leaves the node as it is and tries again.\n\n"
          "It is not installed in nodes: the host's is mounted into each at its start, so that an "
          "upgrade of the host reaches a node when the node is started next.",
      .exits = "0\tended by SIGTERM or SIGINT\n1\tit could not start; the message says why",
      .environment = {},
      .files =
          "/etc/provost/agent/agent.json\twho it is, and where provostd is\n"
          "/opt/provost/bin/provost-agent\twhere a node has it",
      .see_also = {"provostd(8)", "provost-logs(1)"}};
}

int serve(const std::string& config) {
  auto settings = provost::agent::read_settings(config);
  if (!settings) {
    std::cerr << "provost-agent: " << settings.error().message << "\n";
    return EXIT_FAILURE;
  }
  auto memory = provost::agent::Memory::open(settings->state);
  if (!memory) {
    std::cerr << "provost-agent: " << memory.error().message << "\n";
    return EXIT_FAILURE;
  }
  if (const auto caught_up = provost::agent::catch_up_namespaces(); !caught_up) {
    provost::log::warning("agent", "jobs may fail to start here: {}", caught_up.error().message);
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  provost::agent::Door door(*settings);
  if (settings->door) {
    if (const auto opened = door.open(provost::agent::kDoorSocket); !opened) {
      provost::log::warning("agent", "nobody here can ask provostd: {}", opened.error().message);
    }
  }
  provost::agent::Line line(*settings, **memory);
  std::jthread thread([&](const std::stop_token& stop) { line.run(stop); });
  int received = 0;
  sigwait(&signals, &received);
  provost::log::info("agent", "signal {}: ending", received);
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  std::string config = "/etc/provost/agent/agent.json";
  bool manual = false;
  CLI::App app{"Makes its node what provostd says it should be.", "provost-agent"};
  app.add_option("--config", config, "Who it is, and where provostd is")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_flag("--manual", manual, "Write the manual page, in roff")->group("");
  app.set_version_flag("--version", std::string("provost-agent ") + PROVOST_VERSION);
  CLI11_PARSE(app, argc, argv);
  if (manual) {
    std::cout << provost::manual::render(app, "provost-agent", page());
    return EXIT_SUCCESS;
  }
  return serve(config);
}
