#include "store/store.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <condition_variable>
#include <mutex>

#include "os/fault.hpp"
#include "os/files.hpp"
#include "store/backup.hpp"
#include "store/examine.hpp"
#include "store/migrations.hpp"

namespace provost::store {
namespace {

/// Files made meanwhile are root's alone: secrets are inside.
template <class Made, class... Args>
std::unique_ptr<Made> make_private(Args&&... args) {
  struct Mask {
    mode_t before = ::umask(0077);
    ~Mask() { ::umask(before); }
  } const mask;
  return std::make_unique<Made>(std::forward<Args>(args)...);
}

void set_checkpoint_at_close(SQLite::Database& database, bool wanted) {
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, wanted ? 0 : 1,
                    nullptr);
}

std::int64_t number(SQLite::Statement& row, int column) { return row.getColumn(column).getInt64(); }
UtcTime time(SQLite::Statement& row, int column) { return from_millis(number(row, column)); }

std::string text(SQLite::Statement& row, int column) {
  const SQLite::Column value = row.getColumn(column);
  return {static_cast<const char*>(value.getBlob()), static_cast<std::size_t>(value.getBytes())};
}

std::optional<GivenFile> file(SQLite::Statement& row, int column) {
  if (row.isColumnNull(column)) {
    return std::nullopt;
  }
  return GivenFile{text(row, column), text(row, column + 1)};
}

Cluster read_cluster(SQLite::Statement& row) {
  return {.id = text(row, 0),
          .name = text(row, 1),
          .arn = text(row, 2),
          .created = time(row, 3),
          .cluster_config = {text(row, 4), text(row, 5)},
          .provisioning_parameters = file(row, 6),
          .campus = file(row, 8),
          .types = text(row, 19),
          .network_id = text(row, 10),
          .subnet = text(row, 11),
          .arrived = number(row, 12) != 0,
          .changing = text(row, 20),
          .slurm_edits = text(row, 21),
          .phase = static_cast<model::Phase>(number(row, 22)),
          .failure = text(row, 23),
          .undo = text(row, 24),
          .began = time(row, 25),
          .keep_failed = number(row, 26) != 0,
          .deleting = number(row, 13) != 0,
          .delete_data = number(row, 14) != 0,
          .overlay = text(row, 27),
          .munge_key = text(row, 15),
          .admin_key_public = text(row, 16),
          .host_key = text(row, 17),
          .host_key_public = text(row, 18)};
}

Node read_node(SQLite::Statement& row) {
  return {.cluster_id = text(row, 0),
          .name = text(row, 1),
          .group = text(row, 2),
          .number = static_cast<int>(number(row, 3)),
          .address = text(row, 4),
          .instance_id = text(row, 5),
          .incarnation = static_cast<int>(number(row, 6)),
          .status = model::node_status_named(text(row, 7)).value_or(model::NodeStatus::pending),
          .message = text(row, 8),
          .launched = time(row, 9),
          .leaving = static_cast<model::Leaving>(number(row, 10))};
}

Intent read_intent(SQLite::Statement& row) {
  Intent intent{.key = text(row, 0),
                .cluster_id = text(row, 1),
                .attempt = static_cast<int>(number(row, 2)),
                .begun = time(row, 3),
                .ended = std::nullopt,
                .outcome = static_cast<model::Ended>(number(row, 5)),
                .found = text(row, 6),
                .retry_at = time(row, 7)};
  if (!row.isColumnNull(4)) {
    intent.ended = time(row, 4);
  }
  return intent;
}

Event read_event(SQLite::Statement& row) {
  return {.id = number(row, 0),
          .time = time(row, 1),
          .level = static_cast<Level>(number(row, 2)),
          .resource = static_cast<Resource>(number(row, 3)),
          .cluster = text(row, 4),
          .group = text(row, 5),
          .node = text(row, 6),
          .actor = text(row, 7),
          .what = text(row, 8),
          .because = text(row, 9)};
}

}  // namespace

struct Store::Implementation {
  os::FileLock lock;
  SQLite::Database database;
  std::mutex mutex;
  std::mutex events_mutex;
  std::condition_variable events_added;
  std::int64_t last_event = 0;

  Implementation(os::FileLock held, const std::string& path)
      : lock(std::move(held)),
        database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_FULLMUTEX) {}

  /// Under `mutex`: wakes those who wait for events when there are new ones.
  void announce_events() {
    SQLite::Statement query(database, "SELECT coalesce(max(id), 0) FROM events");
    query.executeStep();
    const std::int64_t last = query.getColumn(0).getInt64();
    const std::scoped_lock events_lock(events_mutex);
    if (last != last_event) {
      last_event = last;
      events_added.notify_all();
    }
  }

  template <class Row>
  std::vector<Row> rows(SQLite::Statement& query, Row (*read)(SQLite::Statement&)) {
    std::vector<Row> found;
    while (query.executeStep()) {
      found.push_back(read(query));
    }
    return found;
  }
};

Store::Store(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& directory) {
  if (Status made = os::make_directories(directory, 0700); !made) {
    return pass(made.error());
  }
  auto held = os::FileLock::take(directory + "/lock");
  if (!held) {
    Error error = held.error();
    if (error.kind == ErrorKind::conflict) {
      error.message = fmt::format("another provostd works on {}", directory);
      error.hint = "stop it, or give this one another --state directory";
    }
    return pass(error);
  }
  if (Status finished = finish_restore(directory); !finished) {
    return pass(finished.error(), "a restore was interrupted and cannot be finished");
  }
  const std::string path = directory + "/provost.db";
  try {
    auto implementation = make_private<Implementation>(std::move(*held), path);
    SQLite::Database& database = implementation->database;
    database.setBusyTimeout(5000);
    // Until it is known what the file is, not even its log is worked into it.
    set_checkpoint_at_close(database, false);
    if (Status sound = examine(database, Depth::quick); !sound) {
      return pass(sound.error(), "cannot use " + path);
    }
    set_checkpoint_at_close(database, true);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    database.exec("PRAGMA foreign_keys = ON");
    migrate(database);
    implementation->announce_events();
    return std::unique_ptr<Store>(
        new Store(std::move(implementation)));  // NOLINT: private constructor
  } catch (const SQLite::Exception& problem) {
    return pass(to_error(problem, "open " + path));
  } catch (const std::exception& problem) {
    return fail(ErrorKind::invalid, "cannot use {}: {}", path, problem.what());
  }
}

Status Store::write(std::string_view name, const std::function<void(Writer&)>& changes) {
  const std::scoped_lock lock(implementation_->mutex);
  os::fault::pass(fmt::format("commit.before:{}", name));
  try {
    SQLite::Transaction transaction(implementation_->database,
                                    SQLite::TransactionBehavior::IMMEDIATE);
    Writer writer(implementation_->database);
    changes(writer);
    transaction.commit();
    implementation_->announce_events();
  } catch (const SQLite::Exception& problem) {
    return pass(to_error(problem, fmt::format("record \"{}\"", name)));
  } catch (const std::exception& problem) {
    return fail(ErrorKind::internal, "cannot record \"{}\": {}", name, problem.what());
  }
  os::fault::pass(fmt::format("commit.after:{}", name));
  return {};
}

std::optional<std::string> Store::setting(const std::string& key) {
  const std::scoped_lock lock(implementation_->mutex);
  SQLite::Statement query(implementation_->database, "SELECT value FROM settings WHERE key = ?");
  query.bind(1, key);
  if (!query.executeStep()) {
    return std::nullopt;
  }
  return text(query, 0);
}

std::vector<Cluster> Store::clusters() {
  const std::scoped_lock lock(implementation_->mutex);
  SQLite::Statement query(implementation_->database,
                          "SELECT * FROM clusters ORDER BY created, name");
  return implementation_->rows(query, read_cluster);
}

std::optional<Cluster> Store::cluster_named(const std::string& name) {
  const std::scoped_lock lock(implementation_->mutex);
  SQLite::Statement query(implementation_->database, "SELECT * FROM clusters WHERE name = ?");
  query.bind(1, name);
  if (!query.executeStep()) {
    return std::nullopt;
  }
  return read_cluster(query);
}

std::vector<Node> Store::nodes(const std::string& cluster_id) {
  const std::scoped_lock lock(implementation_->mutex);
  SQLite::Statement query(implementation_->database,
                          "SELECT * FROM nodes WHERE cluster_id = ? ORDER BY group_name, number");
  query.bind(1, cluster_id);
  return implementation_->rows(query, read_node);
}

std::map<std::string, double> Store::step_times() {
  const std::scoped_lock lock(implementation_->mutex);
  SQLite::Statement query(implementation_->database, "SELECT kind, seconds FROM step_times");
  std::map<std::string, double> times;
  while (query.executeStep()) {
    times.emplace(text(query, 0), query.getColumn(1).getDouble());
  }
  return times;
}

std::optional<Node> Store::node(const std::string& cluster_id, const std::string& name) {
  const std::scoped_lock lock(implementation_->mutex);
  SQLite::Statement query(implementation_->database,
                          "SELECT * FROM nodes WHERE cluster_id = ? AND name = ?");
  query.bind(1, cluster_id);
  query.bind(2, name);
  if (!query.executeStep()) {
    return std::nullopt;
  }
  return read_node(query);
}

std::vector<Intent> Store::intents() {
  const std::scoped_lock lock(implementation_->mutex);
  SQLite::Statement query(implementation_->database, "SELECT * FROM intents ORDER BY key");
  return implementation_->rows(query, read_intent);
}

std::vector<Event> Store::events(const EventFilter& filter) {
  const std::scoped_lock lock(implementation_->mutex);
  SQLite::Statement query(implementation_->database,
                          "SELECT * FROM (SELECT * FROM events WHERE id > ?1 AND (?2 = '' OR "
                          "cluster = ?2) ORDER BY id DESC LIMIT ?3) ORDER BY id");
  query.bind(1, filter.after);
  query.bind(2, filter.cluster);
  query.bind(3, filter.limit);
  return implementation_->rows(query, read_event);
}

void Store::wait_for_event(std::int64_t after, std::chrono::milliseconds limit) {
  std::unique_lock lock(implementation_->events_mutex);
  implementation_->events_added.wait_for(lock, limit,
                                         [&] { return implementation_->last_event > after; });
}

std::optional<Removal> Store::removal(const std::string& cluster_name) {
  const std::scoped_lock lock(implementation_->mutex);
  SQLite::Statement query(implementation_->database, "SELECT * FROM removals WHERE cluster = ?");
  query.bind(1, cluster_name);
  if (!query.executeStep()) {
    return std::nullopt;
  }
  return Removal{text(query, 0), text(query, 1), text(query, 2), text(query, 3),
                 text(query, 4), text(query, 5), text(query, 6)};
}

std::vector<Token> Store::tokens() {
  const std::scoped_lock lock(implementation_->mutex);
  SQLite::Statement query(implementation_->database, "SELECT * FROM tokens ORDER BY name");
  std::vector<Token> found;
  while (query.executeStep()) {
    found.push_back({text(query, 0), text(query, 1), time(query, 2)});
  }
  return found;
}

std::vector<std::string> Store::migrations() {
  const std::scoped_lock lock(implementation_->mutex);
  SQLite::Statement query(implementation_->database, "SELECT name FROM migrations ORDER BY name");
  std::vector<std::string> found;
  while (query.executeStep()) {
    found.push_back(text(query, 0));
  }
  return found;
}

}  // namespace provost::store
