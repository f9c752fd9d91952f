#include "agent/line.hpp"

#include <algorithm>

#include "agent/inventory.hpp"
#include "agent/units.hpp"
#include "base/log.hpp"
#include "os/files.hpp"

namespace provost::agent {
namespace {

constexpr const char* kRoom = "agent";
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{5000};
constexpr std::chrono::seconds kInventory{60};
constexpr std::chrono::seconds kJobs{15};
constexpr std::size_t kUnsent = 1U << 20U;

// Nodes that lost their daemon at one moment come back spread over some time.
std::chrono::milliseconds spread(std::chrono::milliseconds pause, const std::string& node) {
  const auto part = std::hash<std::string>{}(node) % 50;
  return pause + pause * static_cast<int>(part) / 100;
}

}  // namespace

Line::Line(Settings settings, Memory& memory)
    : settings_(std::move(settings)),
      memory_(memory),
      worker_(memory, settings_.root,
              {.changed = [this] { wake(); },
               .on_log = [this](std::string_view text) { log_line(text); }}),
      runs_([this](const protocol::Message& message) { say(message); }) {
  // A node that boots while provostd is away becomes what it was.
  if (auto spec = memory_.last_spec()) {
    worker_.offer(std::move(*spec));
  }
}

void Line::wake() {
  const std::scoped_lock lock(mutex_);
  news_ = true;
  woken_.notify_all();
}

void Line::run(const std::stop_token& stop) {
  std::chrono::milliseconds pause = kFirstPause;
  std::string said;
  while (!stop.stop_requested()) {
    const auto begin = std::chrono::steady_clock::now();
    const Status ended = connect(stop);
    if (stop.stop_requested()) {
      return;
    }
    const std::string why = ended ? "" : ended.error().message;
    if (why != said) {
      log::warning(kRoom, "no line to provostd: {}", why);
      said = why;
    }
    const bool was_good = std::chrono::steady_clock::now() - begin > std::chrono::seconds(10);
    pause = was_good ? kFirstPause : std::min(pause * 2, kLongestPause);
    wait_for_stop(stop, spread(pause, settings_.node));
  }
}

Result<os::WebSocketTarget> Line::target() const {
  os::WebSocketTarget target{.address = settings_.daemon_address,
                             .port = settings_.daemon_port,
                             .server_name = settings_.server_name,
                             .path = "/v1/agent",
                             .identity = {},
                             .authority = {}};
  const auto read = [](const std::string& path, std::string& into) -> Status {
    auto text = os::read_file(path, 1U << 20U);
    if (!text) {
      return pass(text.error());
    }
    into = std::move(*text);
    return {};
  };
  for (const auto& [path, into] : {std::pair{&settings_.certificate, &target.identity.certificate},
                                   std::pair{&settings_.key, &target.identity.key},
                                   std::pair{&settings_.authority, &target.authority}}) {
    if (Status done = read(*path, *into); !done) {
      return pass(done.error());
    }
  }
  return target;
}

Status Line::connect(const std::stop_token& stop) {
  const auto where = target();
  if (!where) {
    return pass(where.error());
  }
  {
    const std::scoped_lock lock(mutex_);
    closed_.clear();
  }
  auto client = os::WebSocketClient::connect(
      *where, {.on_message = [this](const std::string& text) { hear(text); },
               .on_close =
                   [this](const std::string& why) {
                     const std::scoped_lock lock(mutex_);
                     closed_ = why.empty() ? "closed" : why;
                     woken_.notify_all();
                   }});
  if (!client) {
    return pass(client.error());
  }
  converse(**client, stop);
  {
    const std::scoped_lock lock(mutex_);
    client_ = nullptr;
  }
  runs_.cancel_all();
  const std::scoped_lock lock(mutex_);
  return fail(ErrorKind::unavailable, "{}", closed_);
}

void Line::converse(os::WebSocketClient& client, const std::stop_token& stop) {
  client.send(protocol::encode(protocol::Hello{.cluster = settings_.cluster,
                                               .node = settings_.node,
                                               .incarnation = settings_.incarnation,
                                               .boot_id = boot_id(),
                                               .epoch = memory_.epoch()}));
  std::unique_lock lock(mutex_);
  client_ = &client;
  for (const protocol::LogChunk& chunk : unsent_) {
    client.send(protocol::encode(chunk));
  }
  unsent_.clear();
  unsent_bytes_ = 0;
  bool first = true;
  while (closed_.empty() && !stop.stop_requested()) {
    news_ = false;
    lock.unlock();
    client.send(protocol::encode(next_report(first)));
    first = false;
    lock.lock();
    woken_.wait_for(lock, stop, std::chrono::seconds(protocol::kHeartbeatSeconds),
                    [this] { return news_ || !closed_.empty(); });
  }
  client_ = nullptr;
}

protocol::Report Line::next_report(bool first) {
  protocol::Report report = worker_.report();
  report.load = load_average();
  const auto now = std::chrono::steady_clock::now();
  if (first || now - inventory_sent_ > kInventory) {
    report.inventory = take_inventory();
    inventory_sent_ = now;
  }
  if (first || now - jobs_sent_ > kJobs) {
    report.jobs = jobs_.look();
    report.gpus = gpus_.look();
    jobs_sent_ = now;
  }
  return report;
}

void Line::say(const protocol::Message& message) {
  const std::scoped_lock lock(mutex_);
  if (client_ != nullptr) {
    client_->send(protocol::encode(message));
  }
}

void Line::log_line(std::string_view text) {
  protocol::LogChunk chunk{.source = "lifecycle", .text = std::string(text)};
  const std::scoped_lock lock(mutex_);
  if (client_ != nullptr) {
    client_->send(protocol::encode(chunk));
    return;
  }
  unsent_bytes_ += chunk.text.size();
  unsent_.push_back(std::move(chunk));
  while (unsent_bytes_ > kUnsent && unsent_.size() > 1) {
    unsent_bytes_ -= unsent_.front().text.size();
    unsent_.pop_front();
  }
}

void Line::hear_spec(protocol::Spec spec) {
  if (spec.epoch < memory_.epoch()) {
    log::error(kRoom, "an older provostd (epoch {}) is not obeyed", spec.epoch);
    return;
  }
  if (Status kept = memory_.set_epoch(spec.epoch); !kept) {
    log::error(kRoom, "{}", kept.error().message);
    return;
  }
  worker_.offer(std::move(spec));
}

void Line::hear(const std::string& frame) {
  auto message = protocol::decode(frame);
  if (!message) {
    log::error(kRoom, "provostd said what is not understood: {}", message.error().message);
    return;
  }
  if (auto* spec = std::get_if<protocol::Spec>(&*message)) {
    hear_spec(std::move(*spec));
  } else if (auto* order = std::get_if<protocol::RunOrder>(&*message)) {
    runs_.start(std::move(*order));
  } else if (const auto* cancel = std::get_if<protocol::RunCancel>(&*message)) {
    runs_.cancel(cancel->id);
  }
}

}  // namespace provost::agent
