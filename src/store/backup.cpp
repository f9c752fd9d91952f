#include "store/backup.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <climits>
#include <filesystem>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/process.hpp"
#include "os/tls.hpp"
#include "store/archive.hpp"
#include "store/examine.hpp"

namespace provost::store {
namespace {

namespace json = boost::json;

constexpr int kFormat = 1;

std::vector<BackedUpCluster> clusters_of(SQLite::Database& database) {
  std::vector<BackedUpCluster> clusters;
  SQLite::Statement query(database,
                          "SELECT name, id, (SELECT count(*) FROM nodes WHERE cluster_id = id) "
                          "FROM clusters ORDER BY name");
  while (query.executeStep()) {
    clusters.push_back({query.getColumn(0).getString(), query.getColumn(1).getString(),
                        query.getColumn(2).getInt()});
  }
  return clusters;
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data())
                                                          : std::string();
}

// A copy as of one instant, whole and read through.
Status copy_store(const std::string& from, const std::string& to) {
  try {
    SQLite::Database database(from, SQLite::OPEN_READWRITE);
    database.setBusyTimeout(10'000);
    if (Status sound = examine(database, Depth::whole); !sound) {
      return pass(sound.error(), "cannot back up " + from);
    }
    SQLite::Statement copy(database, "VACUUM INTO ?");
    copy.bind(1, to);
    copy.exec();
  } catch (const SQLite::Exception& problem) {
    return pass(to_error(problem, "back up " + from));
  }
  return {};
}

Result<Manifest> describe(const std::string& copy) {
  Manifest manifest{
      .version = PROVOST_VERSION, .host = host_name(), .made = now_utc(), .migrations = {}};
  try {
    SQLite::Database database(copy, SQLite::OPEN_READONLY);
    manifest.migrations = migrations_of(database);
    manifest.clusters = clusters_of(database);
  } catch (const SQLite::Exception& problem) {
    return pass(to_error(problem, "read " + copy));
  }
  const auto bytes = os::read_file(copy, kLargestStore);
  if (!bytes) {
    return pass(bytes.error());
  }
  manifest.bytes = bytes->size();
  manifest.sha256 = to_hex(os::sha256(*bytes));
  return manifest;
}

std::string folder_of(const std::string& file) {
  const auto parent = std::filesystem::path(file).parent_path();
  return parent.empty() ? "." : parent.string();
}

tl::unexpected<Error> is_there(const std::string& file) {
  return pass(Error{ErrorKind::conflict, file + " is there already and stays as it is",
                    "provost backup OTHER-FILE"});
}

// The archive appears under its name when all of it is on disk, and never in place of another.
Status publish(const std::string& archive, const std::string& file) {
  if (Status synced = sync(archive); !synced) {
    return synced;
  }
  if (::link(archive.c_str(), file.c_str()) != 0) {
    if (errno == EEXIST) {
      return is_there(file);
    }
    return os::errno_error("cannot write " + file);
  }
  return sync(folder_of(file));
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  json::array clusters;
  for (const BackedUpCluster& each : manifest.clusters) {
    clusters.push_back(json::object{{"name", each.name}, {"id", each.id}, {"nodes", each.nodes}});
  }
  return json::serialize(json::object{{"what", "backup of Provost"},
                                      {"format", kFormat},
                                      {"version", manifest.version},
                                      {"host", manifest.host},
                                      {"made", to_iso(manifest.made)},
                                      {"made_millis", to_millis(manifest.made)},
                                      {"schema", json::value_from(manifest.migrations)},
                                      {"clusters", std::move(clusters)},
                                      {"bytes", manifest.bytes},
                                      {"sha256", manifest.sha256}}) +
         "\n";
}

Result<Manifest> read_manifest(const std::string& text) {
  try {
    const json::value value = json::parse(text);
    if (value.at("what").as_string() != "backup of Provost") {
      return fail(ErrorKind::invalid, "it is not a backup of Provost");
    }
    Manifest manifest;
    manifest.version = value.at("version").as_string();
    if (value.at("format").to_number<int>() > kFormat) {
      return fail(ErrorKind::invalid, "it was made by a newer Provost ({}), in another format",
                  manifest.version);
    }
    manifest.migrations = json::value_to<std::vector<std::string>>(value.at("schema"));
    if (Status known = check_known(manifest.migrations); !known) {
      return pass(known.error());
    }
    manifest.host = value.at("host").as_string();
    manifest.made = from_millis(value.at("made_millis").to_number<std::int64_t>());
    for (const json::value& each : value.at("clusters").as_array()) {
      manifest.clusters.push_back({std::string(each.at("name").as_string()),
                                   std::string(each.at("id").as_string()),
                                   each.at("nodes").to_number<int>()});
    }
    manifest.bytes = value.at("bytes").to_number<std::uint64_t>();
    manifest.sha256 = value.at("sha256").as_string();
    return manifest;
  } catch (const std::exception&) {
    return fail(ErrorKind::invalid, "its manifest is not one of Provost");
  }
}

Result<Manifest> back_up(const std::string& state, const std::string& file) {
  const std::string store = state + "/provost.db";
  if (!os::exists(store)) {
    return pass(Error{ErrorKind::not_found, "there is no store in " + state,
                      "provost backup --state DIRECTORY"});
  }
  if (os::exists(file)) {
    return is_there(file);
  }
  if (os::is_directory(pending_restore(state))) {
    return pass(Error{ErrorKind::conflict, "a restore of " + state + " was interrupted",
                      "start provostd, which finishes it, and try again"});
  }
  auto folder = Folder::make(folder_of(file), ".provost-backup-");
  if (!folder) {
    return pass(folder.error());
  }
  const std::string copy = folder->path() + "/provost.db";
  if (Status copied = copy_store(store, copy); !copied) {
    return pass(copied.error());
  }
  auto manifest = describe(copy);
  if (!manifest) {
    return manifest;
  }
  Status done = os::write_file(folder->path() + "/manifest.json", to_json(*manifest), 0600);
  const std::string archive = folder->path() + "/archive";
  if (done) {
    done = os::write_file_quick(archive, "", 0600);  // tar keeps the mode of a file that is there
  }
  if (done) {
    done = os::check({"tar", "--create", "--gzip", "--force-local", "--file=" + archive,
                      "--directory=" + folder->path(), "--owner=root:0", "--group=root:0",
                      "manifest.json", "provost.db"},
                     kArchiveTime);
  }
  if (done) {
    done = publish(archive, file);
  }
  if (!done) {
    return pass(done.error(), "cannot make a backup");
  }
  return manifest;
}

}  // namespace provost::store
