#include "store/inspect.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "os/files.hpp"
#include "store/migrations.hpp"

namespace provost::store {
namespace {

/// "" or the first things that SQLite finds wrong.
std::string check_pages(SQLite::Database& database) {
  SQLite::Statement check(database, "PRAGMA integrity_check(3)");
  std::vector<std::string> found;
  while (check.executeStep()) {
    const std::string line = check.getColumn(0).getString();
    if (line != "ok") {
      const auto lines = split(line, '\n');
      found.push_back(lines.size() > 1 && lines[0].starts_with("***") ? lines[1] : lines[0]);
    }
  }
  return join(found, "; ");
}

void read_migrations(SQLite::Database& database, Inspected& found) {
  std::set<std::string> applied;
  SQLite::Statement query(database, "SELECT name FROM migrations ORDER BY name");
  while (query.executeStep()) {
    applied.insert(query.getColumn(0).getString());
  }
  for (const Migration& migration : kMigrations) {
    if (applied.erase(std::string(migration.name)) == 0) {
      found.missing.emplace_back(migration.name);
    }
  }
  found.unknown.assign(applied.begin(), applied.end());
}

void read_contents(SQLite::Database& database, Inspected& found) {
  SQLite::Statement last(database, "SELECT max(time) FROM events");
  if (last.executeStep() && !last.isColumnNull(0)) {
    found.last_event = from_millis(last.getColumn(0).getInt64());
  }
  SQLite::Statement authority(database,
                              "SELECT value FROM settings WHERE key = 'authority.certificate'");
  if (authority.executeStep()) {
    found.authority = authority.getColumn(0).getString();
  }
  SQLite::Statement clusters(
      database,
      "SELECT id, name, network_id, (SELECT count(*) FROM nodes WHERE cluster_id = clusters.id) "
      "FROM clusters ORDER BY name");
  while (clusters.executeStep()) {
    found.clusters.push_back({clusters.getColumn(0).getString(), clusters.getColumn(1).getString(),
                              clusters.getColumn(2).getString(), clusters.getColumn(3).getInt()});
  }
}

}  // namespace

Inspected inspect(const std::string& directory) {
  Inspected found{.file = directory + "/provost.db"};
  found.exists = os::exists(found.file);
  if (!found.exists) {
    return found;
  }
  try {
    SQLite::Database database(found.file, SQLite::OPEN_READONLY);
    database.setBusyTimeout(5000);
    found.damage = check_pages(database);
    read_migrations(database, found);
    read_contents(database, found);
  } catch (const std::exception& problem) {
    if (found.damage.empty()) {
      found.damage = problem.what();
    }
  }
  if (!found.damage.empty()) {
    found.clusters.clear();
  }
  return found;
}

}  // namespace provost::store
