// provost-agent: makes its node what provostd says it should be.
#include <csignal>
#include <iostream>
#include <string_view>
#include <thread>

#include "agent/line.hpp"
#include "agent/namespaces.hpp"
#include "base/log.hpp"

namespace {

constexpr const char* kUsage =
    "usage: provost-agent [--config /etc/provost/agent/agent.json]\n"
    "Runs on a node of a cluster; provostd tells it what the node should be.\n";

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
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--version") {
      std::cout << "provost-agent " << PROVOST_VERSION << "\n";
      return EXIT_SUCCESS;
    }
    if (argument == "--help") {
      std::cout << kUsage;
      return EXIT_SUCCESS;
    }
    if (argument != "--config" || i + 1 == argc) {
      std::cerr << kUsage;
      return 2;
    }
    config = argv[++i];
  }
  return serve(config);
}
