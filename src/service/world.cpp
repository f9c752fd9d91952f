#include "service/world.hpp"

#include <algorithm>
#include <fstream>

#include "base/log.hpp"
#include "base/text.hpp"
#include "os/files.hpp"
#include "os/tls.hpp"
#include "service/rounds.hpp"

namespace provost::service {
namespace {

constexpr int kConnectionBits = 24;  // connections of one start

/// Changes when anything does that a model is made of.
std::string fingerprint(const store::Cluster& row, const std::vector<store::Node>& nodes) {
  std::string all = row.id + row.cluster_config.text + row.admin_key_public + row.types +
                    row.slurm_edits + "|" + row.overlay;
  all += row.provisioning_parameters ? row.provisioning_parameters->text : "-";
  all += row.campus ? row.campus->text : "-";
  for (const store::Node& node : nodes) {
    all += fmt::format("|{}|{}|{}|{}", node.name, node.address, node.incarnation, node.instance_id);
  }
  return os::sha256(all);
}

/// Digest of the accounts that were put in force last, and when.
std::string agreed_key(const std::string& cluster_id) { return cluster_id + "/accounts-agreed"; }

}  // namespace

World::World(Settings settings, std::unique_ptr<store::Store> store,
             std::unique_ptr<provider::Provider> provider, Keys keys, std::int64_t epoch)
    : settings_(std::move(settings)),
      store_(std::move(store)),
      provider_(std::move(provider)),
      keys_(std::move(keys)),
      epoch_(epoch),
      agents_(
          [this] {
            if (engine_) {
              engine_->wake();
            }
          },
          [this](const cluster::NodeKey& node, const protocol::LogChunk& chunk) {
            add_script_log(node, chunk.text);
          },
          epoch << kConnectionBits) {
  if (const auto capacity = provider_->capacity()) {
    host_gpus_ = capacity->gpus;
  }
}

World::~World() {
  stop();
  selftest_.reset();
  idle_watch_.reset();
  collector_.reset();
}

void World::stop() {
  if (selftest_) {
    selftest_->stop();  // before its commands end: that is no finding
  }
  agents_.forget_all();
  if (engine_) {
    engine_->stop();
  }
  if (idle_watch_) {
    idle_watch_->stop();
  }
}

void World::start(ListenForAgents listen_for_agents) {
  listen_for_agents_ = std::move(listen_for_agents);
  auto rounds = std::make_shared<Rounds>(*this);
  engine_ = std::make_unique<control::Engine>(*store_, control::Engine::Options{},
                                              [rounds] { return rounds->look(); });
  collector_ = std::make_unique<Collector>(
      agents_, [this] { engine_->wake(); },
      [this](const cluster::NodeKey& controller) {
        ignore(inspect(controller), "it is asked again");
        ignore(inspect_accounts(controller, false), "it is asked again");
      });
  engine_->start();
  idle_watch_ = std::make_unique<IdleWatch>(*this);
  selftest_ = std::make_unique<Selftest>(*this);
}

Result<std::shared_ptr<const ClusterModel>> World::model_of(const store::Cluster& row,
                                                            const std::vector<store::Node>& nodes) {
  if (nodes.empty()) {  // deleted between two looks into the store: a cluster has a controller
    return fail(ErrorKind::not_found, "{} is gone", row.name);
  }
  const std::string mark = fingerprint(row, nodes);
  {
    const std::scoped_lock lock(models_mutex_);
    const auto known = models_.find(row.id);
    if (known != models_.end() && known->second.first == mark) {
      return known->second.second;
    }
  }
  auto made = make_model(row, nodes, settings_, host_gpus_);
  if (made) {
    const std::scoped_lock lock(models_mutex_);
    models_[row.id] = {mark, *made};
  }
  return made;
}

std::shared_ptr<std::mutex> World::slurm_mutex_of(const std::string& cluster_id) {
  const std::scoped_lock lock(slurm_mutexes_mutex_);
  std::shared_ptr<std::mutex>& known = slurm_mutexes_[cluster_id];
  if (!known) {
    known = std::make_shared<std::mutex>();
  }
  return known;
}

scheduling::Seen World::scheduling_seen(const std::string& cluster_id) {
  const std::string agreed = store_->setting(agreed_key(cluster_id)).value_or("");
  const std::scoped_lock lock(models_mutex_);
  scheduling::Seen seen = scheduling_[cluster_id];
  seen.agreed_accounts = agreed.substr(0, agreed.find('|'));
  return seen;
}

Status World::note_accounts(const std::string& cluster_id, const scheduling::Accounts& accounts) {
  {
    const std::scoped_lock lock(models_mutex_);
    scheduling_[cluster_id].accounts = accounts;
  }
  return store_->write("accounts", [&](store::Writer& writer) {
    writer.set(agreed_key(cluster_id),
               fmt::format("{}|{}", scheduling::digest(accounts), to_millis(now_utc())));
  });
}

Status World::forget_agreed_accounts(const std::string& cluster_id) {
  Status written = store_->write(
      "accounts", [&](store::Writer& writer) { writer.set(agreed_key(cluster_id), ""); });
  if (written) {
    engine_->wake();
  }
  return written;
}

std::optional<UtcTime> World::accounts_agreed_at(const std::string& cluster_id) {
  const std::string agreed = store_->setting(agreed_key(cluster_id)).value_or("");
  const std::size_t bar = agreed.find('|');
  const auto millis = bar == std::string::npos ? std::nullopt : to_number(agreed.substr(bar + 1));
  return millis ? std::optional(from_millis(*millis)) : std::nullopt;
}

Status World::inspect_accounts(const cluster::NodeKey& controller, bool now) {
  constexpr std::size_t kMany = 2000;
  constexpr std::chrono::minutes kSeldom{10};
  {
    const std::scoped_lock lock(models_mutex_);
    const auto& known = scheduling_[controller.cluster_id].accounts;
    auto& read = accounts_read_[controller.cluster_id];
    const auto time = std::chrono::steady_clock::now();
    if (!now && known && known->users.size() > kMany && time - read < kSeldom) {
      return {};
    }
    read = time;
  }
  const auto rows = store_->clusters();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const store::Cluster& each) {
    return each.id == controller.cluster_id;
  });
  if (row == rows.end()) {
    return {};
  }
  auto accounts = scheduling::accounts_seen(run_on(agents_, controller), row->name);
  if (!accounts) {
    return pass(accounts.error());
  }
  const std::scoped_lock lock(models_mutex_);
  scheduling_[controller.cluster_id].accounts = std::move(*accounts);
  return {};
}

Status World::inspect(const cluster::NodeKey& controller) {
  auto files = scheduling::files_seen(run_on(agents_, controller));
  auto calendar = scheduling::calendar_seen(run_on(agents_, controller));
  const std::scoped_lock lock(models_mutex_);
  auto& seen = scheduling_[controller.cluster_id];
  seen.calendar = calendar ? std::optional(std::move(*calendar)) : std::nullopt;
  if (!files) {
    seen.files.reset();
    return pass(files.error());
  }
  seen.files = std::move(*files);
  return {};
}

void World::wait_for_event(std::int64_t after, std::chrono::milliseconds limit) {
  store_->wait_for_event(after, limit);
}

std::string World::script_log_file(const std::string& cluster_id, const std::string& node) const {
  return fmt::format("{}/logs/{}/{}.lifecycle.log", settings_.state, cluster_id, node);
}

void World::add_script_log(const cluster::NodeKey& node, const std::string& text) {
  const std::scoped_lock lock(log_mutex_);
  const std::string file = script_log_file(node.cluster_id, node.node);
  ignore(os::make_directories(file.substr(0, file.find_last_of('/')), 0700), "writing tells");
  std::ofstream stream(file, std::ios::app);
  stream << text;
  if (!stream) {
    log::warning("service", "cannot keep the script log of {} in {}", node.node, file);
  }
}

}  // namespace provost::service
