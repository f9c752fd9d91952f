#include "store/examine.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <algorithm>

#include "store/migrations.hpp"

namespace provost::store {
namespace {

constexpr const char* kRestore =
    "stop provostd, then: provost restore FILE (docs/backup.md); the damaged file is kept";

tl::unexpected<Error> damaged(std::string_view what) {
  return pass(Error{ErrorKind::invalid, fmt::format("it is damaged: {}", what), kRestore});
}

std::string first_answer(SQLite::Database& database, const char* question) {
  SQLite::Statement query(database, question);
  return query.executeStep() ? query.getColumn(0).getString() : std::string();
}

}  // namespace

Error to_error(const SQLite::Exception& problem, std::string_view attempted) {
  ErrorKind kind = ErrorKind::internal;
  std::string hint;
  switch (problem.getErrorCode()) {
    case SQLITE_FULL:
      kind = ErrorKind::limit;
      hint = "free space on the file system that holds the state directory";
      break;
    case SQLITE_CONSTRAINT:
      kind = ErrorKind::conflict;
      break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      kind = ErrorKind::denied;
      hint = "it must be a file that root can write, on a file system that is not read-only";
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      kind = ErrorKind::invalid;
      hint = kRestore;
      break;
    default:
      break;
  }
  return {kind, fmt::format("cannot {}: {}", attempted, problem.what()), hint};
}

std::vector<std::string> migrations_of(SQLite::Database& database) {
  SQLite::Statement query(database, "SELECT name FROM migrations ORDER BY name");
  std::vector<std::string> names;
  while (query.executeStep()) {
    names.push_back(query.getColumn(0).getString());
  }
  return names;
}

Status check_known(const std::vector<std::string>& migrations) {
  for (const std::string& name : migrations) {
    const bool known =
        std::any_of(kMigrations.begin(), kMigrations.end(),
                    [&](const Migration& migration) { return migration.name == name; });
    if (!known) {
      return pass(Error{
          ErrorKind::invalid,
          fmt::format("it was made by a newer Provost (migration {}); nothing was changed", name),
          "install that Provost again, or restore a backup of this one's time"});
    }
  }
  return {};
}

Status examine(SQLite::Database& database, Depth depth) {
  if (first_answer(database, "SELECT count(*) FROM sqlite_master") == "0") {
    return {};
  }
  if (!database.tableExists("migrations")) {
    return fail(ErrorKind::invalid, "it is a database, but not one of Provost");
  }
  if (Status known = check_known(migrations_of(database)); !known) {
    return known;
  }
  const std::string found = first_answer(
      database, depth == Depth::quick ? "PRAGMA quick_check(1)" : "PRAGMA integrity_check(1)");
  if (found != "ok") {
    return damaged(found.substr(found.find_first_not_of("* ")));
  }
  if (depth == Depth::whole && !first_answer(database, "PRAGMA foreign_key_check").empty()) {
    return damaged("rows refer to others that are not there");
  }
  return {};
}

}  // namespace provost::store
