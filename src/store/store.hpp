// What must never be lost: one SQLite file (WAL, synchronous=FULL) with named migrations. One
// process holds it (a lock beside it), one connection, one writer at a time. No decisions here.
//
// A change is a transaction of `write`: all of it is on disk when `write` returns, or none of it.
// Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "store/rows.hpp"

namespace SQLite {
class Database;
}  // namespace SQLite

namespace provost::store {

/// The changes that can be made inside a transaction. Throws on failure; `Store::write` turns that
/// into a Result and rolls back.
class Writer {
 public:
  explicit Writer(SQLite::Database& database) : database_(database) {}

  /// Keys that begin with a cluster's id and a slash go with the cluster.
  void set(const std::string& key, const std::string& value);

  void insert_cluster(const Cluster& cluster);
  /// Each changes what it names and nothing else: whoever read the row earlier overwrites nobody.
  void set_slurm_edits(const std::string& id, const std::string& edits);
  void set_overlay(const std::string& id, const std::string& overlay);
  void set_arrived(const std::string& id);
  void set_deleting(const std::string& id, bool with_data);
  /// The files, the types and what is under way: `changing`, `phase`, `failure`, `undo`, `began`.
  void set_files(const Cluster& cluster);
  void set_phase(const std::string& id, model::Phase phase, const std::string& failure);
  /// The change of that fingerprint is done; another one goes on.
  void end_change(const std::string& id, const std::string& fingerprint);
  void delete_cluster(const std::string& id);  ///< with its nodes and intents

  void put_node(const Node& node);
  void set_node_status(const std::string& cluster_id, const std::string& name,
                       model::NodeStatus status, const std::string& message);
  void set_node_leaving(const std::string& cluster_id, const std::string& name,
                        model::Leaving leaving);
  /// The node is made anew: its next incarnation is pending. The message of its failure stays.
  void replace_node(const std::string& cluster_id, const std::string& name, UtcTime now);
  void delete_node(const std::string& cluster_id, const std::string& name);

  void put_intent(const Intent& intent);
  void delete_intent(const std::string& key);
  /// A step of that kind took so long, from its beginning until what it gives was seen.
  void add_step_time(const std::string& kind, double seconds);

  /// Appends; the id and, when zero, the time are given by the store.
  void add_event(const Event& event);

  void put_removal(const Removal& removal);

  void insert_token(const Token& token);
  void delete_token(const std::string& name);

 private:
  SQLite::Database& database_;
};

struct EventFilter {
  std::string cluster;     ///< empty: all
  std::int64_t after = 0;  ///< ids above this one
  int limit = 1000;        ///< the newest that many, in rising order
};

class Store {
 public:
  /// Opens (or makes) `directory`/provost.db and brings it to this program's schema. Errors:
  /// conflict (another provostd holds it), invalid (made by a newer Provost, or damaged: the
  /// message says which), limit (disk full), denied.
  static Result<std::unique_ptr<Store>> open(const std::string& directory);
  ~Store();

  /// One transaction. Passes the fault points "commit.before:NAME" and "commit.after:NAME".
  /// `changes` must not ask this store: it is locked.
  /// Errors: limit (disk full: nothing was changed), conflict (a row that must be unique),
  /// internal.
  Status write(std::string_view name, const std::function<void(Writer&)>& changes);

  std::optional<std::string> setting(const std::string& key);
  std::vector<Cluster> clusters();
  std::optional<Cluster> cluster_named(const std::string& name);
  std::vector<Node> nodes(const std::string& cluster_id);
  std::optional<Node> node(const std::string& cluster_id, const std::string& name);
  std::vector<Intent> intents();
  /// How long steps take, by kind, in seconds.
  std::map<std::string, double> step_times();
  std::vector<Event> events(const EventFilter& filter);
  /// Returns when an event with an id above `after` may be there, or after `limit`.
  void wait_for_event(std::int64_t after, std::chrono::milliseconds limit);
  std::optional<Removal> removal(const std::string& cluster_name);
  std::vector<Token> tokens();

  /// The migrations that have been applied, oldest first.
  std::vector<std::string> migrations();

 private:
  struct Implementation;
  explicit Store(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace provost::store
