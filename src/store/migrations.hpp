// The schema, as named steps. A step that has been released is never edited; a change is a new
// step.
#pragma once

#include <array>
#include <string_view>

namespace SQLite {
class Database;
}  // namespace SQLite

namespace provost::store {

struct Migration {
  std::string_view name;
  std::string_view sql;
};

/// All steps, oldest first.
extern const std::array<Migration, 5> kMigrations;

/// Applies the missing steps, each in a transaction of its own together with its record. The file
/// has been examined (examine.hpp): it knows no step that this program does not.
void migrate(SQLite::Database& database);

}  // namespace provost::store
