# Everything linked comes from Debian 12 by name; ARCHITECTURE.md gives the reason for each.
find_package(OpenSSL 3 REQUIRED)
find_package(Threads REQUIRED)
find_path(PROVOST_FMT_INCLUDE fmt/format.h REQUIRED)
find_package(Boost 1.81 REQUIRED)

# Static where there is a choice: the agent runs on another Debian release than it was built on.
find_library(PROVOST_BOOST_JSON_STATIC NAMES libboost_json.a REQUIRED)
find_library(PROVOST_SIMDJSON NAMES simdjson REQUIRED)
find_library(PROVOST_SQLITECPP NAMES libSQLiteCpp.a SQLiteCpp REQUIRED)

add_library(provost_boost_json INTERFACE)
target_link_libraries(provost_boost_json INTERFACE "${PROVOST_BOOST_JSON_STATIC}")
add_library(provost_simdjson INTERFACE)
target_link_libraries(provost_simdjson INTERFACE "${PROVOST_SIMDJSON}")
# Within the program: it starts a quarter sooner than with one more shared library to bind; SQLite
# below for the same reason, since the command line makes backups itself.
find_library(PROVOST_RE2 NAMES libre2.a re2 REQUIRED)
add_library(provost_re2 INTERFACE)
target_link_libraries(provost_re2 INTERFACE "${PROVOST_RE2}")
find_library(PROVOST_SQLITE NAMES libsqlite3.a sqlite3 REQUIRED)
add_library(provost_sqlite INTERFACE)
target_link_libraries(provost_sqlite INTERFACE "${PROVOST_SQLITECPP}" "${PROVOST_SQLITE}" m)

if(PROVOST_TESTS)
  find_package(GTest REQUIRED)
endif()
