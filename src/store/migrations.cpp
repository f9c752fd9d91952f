#include "store/migrations.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <set>
#include <string>

#include "store/examine.hpp"

namespace provost::store {

const std::array<Migration, 5> kMigrations = {{
    {"001-first-cluster", R"sql(
CREATE TABLE settings (
  key TEXT PRIMARY KEY, value BLOB NOT NULL
) STRICT;
CREATE TABLE clusters (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  arn TEXT NOT NULL,
  created INTEGER NOT NULL,                -- milliseconds since 1970, as every time here
  config_name TEXT NOT NULL, config_text TEXT NOT NULL,
  parameters_name TEXT, parameters_text TEXT,
  campus_name TEXT, campus_text TEXT,
  network_id TEXT NOT NULL UNIQUE,
  subnet TEXT NOT NULL UNIQUE,             -- two clusters never share addresses
  arrived INTEGER NOT NULL, deleting INTEGER NOT NULL, delete_data INTEGER NOT NULL,
  munge_key BLOB NOT NULL, admin_key_public TEXT NOT NULL,
  host_key TEXT NOT NULL, host_key_public TEXT NOT NULL
) STRICT;
CREATE TABLE nodes (
  cluster_id TEXT NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  group_name TEXT NOT NULL, number INTEGER NOT NULL,
  address TEXT NOT NULL UNIQUE,            -- no address twice, whatever happens
  instance_id TEXT NOT NULL UNIQUE,
  incarnation INTEGER NOT NULL,
  status TEXT NOT NULL, message TEXT NOT NULL, launched INTEGER NOT NULL,
  PRIMARY KEY (cluster_id, name)
) STRICT;
CREATE TABLE intents (
  key TEXT PRIMARY KEY,
  cluster_id TEXT NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL, begun INTEGER NOT NULL,
  ended INTEGER,                           -- NULL: begun and perhaps half done
  outcome INTEGER NOT NULL, found TEXT NOT NULL, retry_at INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL, level INTEGER NOT NULL, resource INTEGER NOT NULL,
  cluster TEXT NOT NULL, group_name TEXT NOT NULL, node TEXT NOT NULL,
  actor TEXT NOT NULL, what TEXT NOT NULL, because TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_cluster ON events (cluster, id);
CREATE TABLE removals (
  cluster TEXT PRIMARY KEY,
  cluster_id TEXT NOT NULL, state TEXT NOT NULL,
  was TEXT NOT NULL, left_over TEXT NOT NULL, kept TEXT NOT NULL, message TEXT NOT NULL
) STRICT;
CREATE TABLE tokens (
  name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, created INTEGER NOT NULL
) STRICT;
)sql"},
    {"002-instance-types", R"sql(
ALTER TABLE clusters ADD COLUMN types TEXT NOT NULL DEFAULT '';
)sql"},
    {"003-changes", R"sql(
ALTER TABLE clusters ADD COLUMN changing TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN leaving INTEGER NOT NULL DEFAULT 0;  -- model::Leaving
)sql"},
    {"004-operations", R"sql(
ALTER TABLE clusters ADD COLUMN slurm_edits TEXT NOT NULL DEFAULT '';
ALTER TABLE clusters ADD COLUMN phase INTEGER NOT NULL DEFAULT 0;  -- model::Phase
ALTER TABLE clusters ADD COLUMN failure TEXT NOT NULL DEFAULT '';
ALTER TABLE clusters ADD COLUMN undo TEXT NOT NULL DEFAULT '';
ALTER TABLE clusters ADD COLUMN began INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clusters ADD COLUMN keep_failed INTEGER NOT NULL DEFAULT 0;
CREATE TABLE step_times (
  kind TEXT PRIMARY KEY, seconds REAL NOT NULL  -- the last ones count most
) STRICT;
)sql"},
    {"005-overlay", R"sql(
ALTER TABLE clusters ADD COLUMN overlay TEXT NOT NULL DEFAULT '';
)sql"},
}};

void migrate(SQLite::Database& database) {
  database.exec(
      "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT");
  const auto names = migrations_of(database);
  const std::set<std::string> applied(names.begin(), names.end());
  for (const Migration& migration : kMigrations) {
    const std::string name(migration.name);
    if (applied.contains(name)) {
      continue;
    }
    SQLite::Transaction transaction(database);
    database.exec(std::string(migration.sql));
    SQLite::Statement record(database, "INSERT INTO migrations VALUES (?, datetime('now'))");
    record.bind(1, name);
    record.exec();
    transaction.commit();
  }
}

}  // namespace provost::store
