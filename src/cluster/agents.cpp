#include "cluster/agents.hpp"

namespace provost::cluster {

/// A command under way on a node, between the thread that waits and the one that hears.
struct Agents::Run {
  std::mutex mutex;
  std::condition_variable_any ended_changed;
  bool ended = false;
  Result<os::Ran> result = os::Ran{};
  std::vector<std::pair<os::Channel, std::string>> pending;  // output not yet handed on
};

namespace {

bool same_units(const std::vector<protocol::UnitReport>& left,
                const std::vector<protocol::UnitReport>& right) {
  if (left.size() != right.size()) {
    return false;
  }
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i].name != right[i].name || left[i].state != right[i].state) {
      return false;
    }
  }
  return true;
}

bool says_the_same(const protocol::Report& left, const protocol::Report& right) {
  return left.revision == right.revision && left.failure == right.failure &&
         left.script.state == right.script.state && same_units(left.units, right.units);
}

}  // namespace

Agents::Agents(Changed changed, OnLog on_log, std::int64_t first)
    : changed_(std::move(changed)), on_log_(std::move(on_log)), next_connection_(first) {}

std::int64_t Agents::connected(const NodeKey& node, const protocol::Hello& hello, Send send) {
  std::int64_t connection = 0;
  {
    const std::scoped_lock lock(mutex_);
    connection = next_connection_++;
    Agent& agent = agents_[node];
    fail_runs(agent);
    agent.seen = {.connected = true,
                  .connection = connection,
                  .incarnation = hello.incarnation,
                  .boot_id = hello.boot_id,
                  .heard = now_utc(),
                  .report = std::nullopt,
                  .inventory = std::nullopt,
                  .jobs = std::nullopt,
                  .gpus = std::nullopt};
    agent.send = std::move(send);
  }
  changed_();
  return connection;
}

void Agents::hear_report(Agent& agent, const protocol::Report& report, bool& news) {
  news = !agent.seen.report || !says_the_same(*agent.seen.report, report);
  agent.seen.report = report;
  if (report.inventory) {
    agent.seen.inventory = report.inventory;
  }
  if (report.jobs) {
    agent.seen.jobs = report.jobs;
    agent.seen.gpus = report.gpus;
    agent.seen.jobs_heard = agent.seen.heard;
  }
}

void Agents::heard(const NodeKey& node, std::int64_t connection, const protocol::Message& message) {
  bool news = false;
  std::shared_ptr<Run> run;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = agents_.find(node);
    if (found == agents_.end() || found->second.seen.connection != connection) {
      return;  // an older connection's last words
    }
    Agent& agent = found->second;
    agent.seen.heard = now_utc();
    if (const auto* report = std::get_if<protocol::Report>(&message)) {
      hear_report(agent, *report, news);
    } else if (const auto* output = std::get_if<protocol::RunOutput>(&message)) {
      const auto entry = agent.runs.find(output->id);
      run = entry == agent.runs.end() ? nullptr : entry->second;
    } else if (const auto* end = std::get_if<protocol::RunEnd>(&message)) {
      const auto entry = agent.runs.find(end->id);
      run = entry == agent.runs.end() ? nullptr : entry->second;
      agent.runs.erase(end->id);
    }
  }
  if (run) {
    const std::scoped_lock lock(run->mutex);
    if (const auto* output = std::get_if<protocol::RunOutput>(&message)) {
      run->pending.emplace_back(output->error_channel ? os::Channel::err : os::Channel::out,
                                output->bytes);
    } else if (const auto* end = std::get_if<protocol::RunEnd>(&message)) {
      run->ended = true;
      if (end->failure.empty()) {
        run->result = os::Ran{.status = end->status};
      } else {
        run->result = fail(ErrorKind::internal, "{}", end->failure);
      }
    }
    run->ended_changed.notify_all();
  }
  if (const auto* chunk = std::get_if<protocol::LogChunk>(&message)) {
    on_log_(node, *chunk);
  }
  if (news) {
    changed_();
  }
}

void Agents::fail_runs(Agent& agent) {
  for (auto& [id, run] : agent.runs) {
    const std::scoped_lock lock(run->mutex);
    run->ended = true;
    run->result =
        fail(ErrorKind::unavailable, "the node's agent was lost before the command ended");
    run->ended_changed.notify_all();
  }
  agent.runs.clear();
}

void Agents::disconnected(const NodeKey& node, std::int64_t connection) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = agents_.find(node);
    if (found == agents_.end() || found->second.seen.connection != connection) {
      return;
    }
    found->second.seen.connected = false;
    found->second.send = {};
    fail_runs(found->second);
  }
  changed_();
}

void Agents::forget(const std::string& cluster_id) {
  const std::scoped_lock lock(mutex_);
  for (auto entry = agents_.begin(); entry != agents_.end();) {
    if (entry->first.cluster_id == cluster_id) {
      fail_runs(entry->second);
      entry = agents_.erase(entry);
    } else {
      ++entry;
    }
  }
}

void Agents::forget_all() {
  const std::scoped_lock lock(mutex_);
  for (auto& [node, agent] : agents_) {
    fail_runs(agent);
  }
  agents_.clear();
}

AgentSeen Agents::seen(const NodeKey& node) const {
  const std::scoped_lock lock(mutex_);
  const auto found = agents_.find(node);
  return found == agents_.end() ? AgentSeen{} : found->second.seen;
}

Status Agents::send(const NodeKey& node, const protocol::Message& message) {
  Send send;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = agents_.find(node);
    if (found == agents_.end() || !found->second.seen.connected) {
      return fail(ErrorKind::unavailable, "the agent of {} is not connected", node.node);
    }
    send = found->second.send;
  }
  send(protocol::encode(message));
  return {};
}

namespace {

using Pieces = std::vector<std::pair<os::Channel, std::string>>;

/// Output of a command to who reads it, else into what is collected.
void hand_on(const Pieces& pieces, const os::OnOutput& on_output, os::Ran& collected) {
  for (const auto& [channel, bytes] : pieces) {
    if (on_output) {
      on_output(channel, bytes);
    } else {
      (channel == os::Channel::out ? collected.out : collected.err) += bytes;
    }
  }
}

}  // namespace

Result<os::Ran> Agents::run(const NodeKey& node, const Order& order, const os::OnOutput& on_output,
                            const std::stop_token& stop) {
  auto run = std::make_shared<Run>();
  std::int64_t id = 0;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = agents_.find(node);
    if (found == agents_.end() || !found->second.seen.connected) {
      return fail(ErrorKind::unavailable, "the agent of {} is not connected", node.node);
    }
    id = next_run_++;
    found->second.runs.emplace(id, run);
  }
  if (Status sent =
          send(node, protocol::RunOrder{id, order.argv, order.input, order.timeout.count()});
      !sent) {
    return pass(sent.error());
  }
  const auto deadline = order.timeout.count() > 0 ? std::chrono::steady_clock::now() +
                                                        order.timeout + std::chrono::seconds(5)
                                                  : std::chrono::steady_clock::time_point::max();
  os::Ran collected;
  std::unique_lock lock(run->mutex);
  while (true) {
    const bool woken = run->ended_changed.wait_until(
        lock, stop, std::min(deadline, std::chrono::steady_clock::now() + std::chrono::hours(1)),
        [&] { return run->ended || !run->pending.empty(); });
    Pieces pieces;
    pieces.swap(run->pending);
    const bool ended = run->ended;
    lock.unlock();
    hand_on(pieces, on_output, collected);
    if (ended) {
      break;
    }
    const bool overdue = std::chrono::steady_clock::now() >= deadline;
    if (!woken && (stop.stop_requested() || overdue)) {
      ignore(send(node, protocol::RunCancel{id}), "it may have gone by itself");
      return fail(overdue ? ErrorKind::timeout : ErrorKind::unavailable, "the command on {} was {}",
                  node.node, overdue ? "not done in time" : "cancelled");
    }
    lock.lock();
  }
  if (run->result) {
    collected.status = run->result->status;
    return collected;
  }
  return pass(run->result.error());
}

}  // namespace provost::cluster
