// Agents of machines that are not there: for each seed that simulated_provostd wrote it connects as
// that node's agent, with the node's own certificate over the same WebSocket client, says Hello,
// becomes whatever a specification asks (in words only), sends a report every 5 s and its inventory
// every minute, and, as the controller's agent, answers for Slurm (bench/simulated_slurm.hpp).
//
//   simulated_agents STATE [--jobs N]     STATE is simulated_provostd's; runs until SIGTERM
#include <boost/json.hpp>
#include <csignal>
#include <iostream>
#include <map>
#include <thread>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/websocket_client.hpp"
#include "protocol/messages.hpp"
#include "simulated_slurm.hpp"

namespace provost::bench {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kInventory{60};
constexpr std::chrono::milliseconds kPause{100};

struct Seed {
  os::WebSocketTarget target;
  std::string cluster;
  std::string node;
  int incarnation = 0;
  int cpus = 0;
  std::int64_t memory_mib = 0;
};

Result<Seed> read_seed(const std::string& file) {
  const auto text = os::read_file(file);
  if (!text) {
    return pass(text.error());
  }
  try {
    const json::value value = json::parse(*text);
    const json::object& files = value.at("files").as_object();
    const std::string base = "/etc/provost/agent/";
    const auto content = [&](const char* name) {
      return std::string(files.at(base + name).as_string());
    };
    const json::value agent = json::parse(content("agent.json"));
    const auto member = [&](const char* name) { return std::string(agent.at(name).as_string()); };
    return Seed{.target = {.address = member("daemon_address"),
                           .port = static_cast<std::uint16_t>(agent.at("daemon_port").as_int64()),
                           .server_name = member("server_name"),
                           .path = "/v1/agent",
                           .identity = {content("certificate.pem"), content("key.pem")},
                           .authority = content("authority.pem")},
                .cluster = member("cluster"),
                .node = member("node"),
                .incarnation = static_cast<int>(agent.at("incarnation").as_int64()),
                .cpus = static_cast<int>(value.at("cpus").as_int64()),
                .memory_mib = value.at("memory_mib").as_int64()};
  } catch (const std::exception& problem) {
    return fail(ErrorKind::invalid, "{}: {}", file, problem.what());
  }
}

/// One node's agent. Messages come on its client's thread, `tick` on the main thread.
class Agent {
 public:
  Agent(Seed seed, SimulatedSlurm& slurm) : seed_(std::move(seed)), slurm_(slurm) {}
  ~Agent() { client_.reset(); }
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// Connects when there is no connection, reports when that is due.
  void tick() {
    if (closed_) {
      client_.reset();
      if (Clock::now() >= again_) {
        connect();
      }
      return;
    }
    const std::scoped_lock lock(mutex_);
    if (Clock::now() >= due_) {
      report();
    }
  }

 private:
  void connect() {
    closed_ = false;
    auto client = os::WebSocketClient::connect(
        seed_.target, {.on_message = [this](const std::string& text) { hear(text); },
                       .on_close = [this](const std::string&) { closed_ = true; }});
    if (!client) {
      closed_ = true;
      again_ = Clock::now() + std::chrono::seconds(1);
      return;
    }
    const std::scoped_lock lock(mutex_);
    client_ = std::move(*client);
    say(protocol::Hello{.cluster = seed_.cluster,
                        .node = seed_.node,
                        .incarnation = seed_.incarnation,
                        .boot_id = "simulated",
                        .epoch = 0});
    inventoried_ = {};
    report();
    for (const protocol::Message& message : early_) {
      say(message);
    }
    early_.clear();
  }

  void say(const protocol::Message& message) {
    if (client_) {
      client_->send(protocol::encode(message));
    } else {
      early_.push_back(message);
    }
  }

  void report() {
    protocol::Report now = report_;
    now.load = 0.25;
    if (Clock::now() - inventoried_ > kInventory) {
      inventoried_ = Clock::now();
      now.inventory = protocol::Inventory{
          .cpus = seed_.cpus, .memory_mib = seed_.memory_mib, .kernel = "simulated", .gpus = {}};
    }
    due_ = Clock::now() + std::chrono::seconds(protocol::kHeartbeatSeconds);
    say(now);
  }

  void hear(const std::string& frame) {
    const auto message = protocol::decode(frame);
    if (!message) {
      std::cerr << "simulated_agents: " << message.error().message << "\n";
      return;
    }
    const std::scoped_lock lock(mutex_);
    if (const auto* spec = std::get_if<protocol::Spec>(&*message)) {
      become(*spec);
    } else if (const auto* order = std::get_if<protocol::RunOrder>(&*message)) {
      const std::string out = slurm_.answer(seed_.cluster, order->argv, order->input);
      if (!out.empty()) {
        say(protocol::RunOutput{.id = order->id, .bytes = out});
      }
      say(protocol::RunEnd{.id = order->id, .status = 0, .failure = {}});
    }
  }

  // As a real agent: says that it starts what it was asked to, then that it is up.
  void become(const protocol::Spec& spec) {
    report_.revision = spec.revision;
    report_.units.clear();
    for (const model::UnitPart& unit : spec.part.units) {
      const bool opened = unit.stage <= spec.opened;
      report_.units.push_back(
          {unit.name, opened ? protocol::UnitState::starting : protocol::UnitState::waiting, {}});
    }
    report();
    for (std::size_t i = 0; i < spec.part.units.size(); ++i) {
      if (spec.part.units[i].stage <= spec.opened) {
        report_.units[i].state = protocol::UnitState::up;
      }
    }
    if (spec.opened == model::Stage::worker) {
      slurm_.register_node(seed_.cluster, seed_.node);
    }
    slurm_.deliver(seed_.cluster, spec.part);
    report();
  }

  Seed seed_;
  SimulatedSlurm& slurm_;
  std::mutex mutex_;
  std::unique_ptr<os::WebSocketClient> client_;
  std::vector<protocol::Message> early_;  // before `connect` has returned
  protocol::Report report_;
  std::atomic<bool> closed_{true};
  Clock::time_point again_{};
  Clock::time_point due_{};
  Clock::time_point inventoried_{};
};

/// The agents of all machines, as they come and go.
class Fleet {
 public:
  Fleet(std::string root, SimulatedSlurm& slurm) : root_(std::move(root)), slurm_(slurm) {}

  void tick() {
    std::map<std::string, std::unique_ptr<Agent>> now;
    for (const std::string& cluster : os::list_directory(root_)) {
      for (const std::string& name : os::list_directory(root_ + "/" + cluster)) {
        std::string file = root_;
        file.append("/").append(cluster).append("/").append(name);
        auto known = agents_.extract(file);
        if (!known.empty()) {
          now.insert(std::move(known));
        } else if (auto seed = read_seed(file)) {
          now.emplace(file, std::make_unique<Agent>(std::move(*seed), slurm_));
        }
      }
    }
    agents_.swap(now);  // those whose machine is gone end here
    for (auto& [file, agent] : agents_) {
      agent->tick();
    }
  }

 private:
  std::string root_;
  SimulatedSlurm& slurm_;
  std::map<std::string, std::unique_ptr<Agent>> agents_;
};

int serve(const std::string& state, int jobs) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  SimulatedSlurm slurm(jobs);
  Fleet fleet(state + "/simulated", slurm);
  const timespec pause{0, std::chrono::nanoseconds(kPause).count()};
  while (sigtimedwait(&signals, nullptr, &pause) < 0) {
    fleet.tick();
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace provost::bench

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool with_jobs = arguments.size() == 3 && arguments[1] == "--jobs";
  if (arguments.size() != 1 && !with_jobs) {
    std::cerr << "usage: simulated_agents STATE [--jobs N]\n";
    return 2;
  }
  return provost::bench::serve(
      arguments[0],
      with_jobs ? static_cast<int>(provost::to_number(arguments[2]).value_or(0)) : 1000);
}
