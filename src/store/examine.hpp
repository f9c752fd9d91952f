// What a file is before anything of it is used or changed: a whole store of this or an older
// Provost, or something else.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace SQLite {
class Database;
class Exception;
}  // namespace SQLite

namespace provost::store {

/// How thoroughly a store is read.
enum class Depth {
  quick,  ///< every page: torn and overwritten ones are found
  whole   ///< also indexes against tables, and references between rows
};

/// Reads only. A database without any table is a new store and sound. Errors: invalid (damaged;
/// made by a newer Provost; a database of something else). May throw SQLite::Exception.
Status examine(SQLite::Database& database, Depth depth);

/// The migrations that a store has had, oldest first. May throw SQLite::Exception.
std::vector<std::string> migrations_of(SQLite::Database& database);

/// Errors: invalid when one of them is unknown here: made by a newer Provost.
Status check_known(const std::vector<std::string>& migrations);

/// A failure of SQLite as an error of the program, with what an administrator can do.
Error to_error(const SQLite::Exception& problem, std::string_view attempted);

}  // namespace provost::store
