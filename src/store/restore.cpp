#include <SQLiteCpp/SQLiteCpp.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>

#include "base/text.hpp"
#include "os/fault.hpp"
#include "os/files.hpp"
#include "store/archive.hpp"
#include "store/backup.hpp"
#include "store/examine.hpp"
#include "store/migrations.hpp"
#include "store/store.hpp"

namespace provost::store {
namespace {

constexpr const char* kWork = ".restore-";
/// In the order in which they leave: the store last, though any order would do.
constexpr std::array<const char*, 3> kStoreFiles = {"provost.db-wal", "provost.db-shm",
                                                    "provost.db"};

Status move(const std::string& from, const std::string& to) {
  return std::rename(from.c_str(), to.c_str()) == 0
             ? Status{}
             : Status(os::errno_error(fmt::format("cannot move {} to {}", from, to)));
}

// "replaced-20261124T140233Z", with a number where that is taken.
std::string name_to_keep(const std::string& state) {
  std::string time = to_iso(now_utc()).substr(0, 19);
  std::erase_if(time, [](char each) { return each == '-' || each == ':'; });
  std::string name = "replaced-" + time + "Z";
  for (int number = 2; os::exists(fmt::format("{}/{}", state, name)); ++number) {
    name = fmt::format("replaced-{}Z-{}", time, number);
  }
  return name;
}

Status check_choice(const Manifest& manifest, const RestoreChoice& choice) {
  std::vector<std::string> names;
  for (const BackedUpCluster& each : manifest.clusters) {
    names.push_back(each.name);
  }
  for (const std::string& name : choice.without) {
    if (!has(names, name)) {
      return fail(ErrorKind::invalid, "the backup has no cluster \"{}\"{}", name,
                  did_you_mean(name, names));
    }
  }
  return {};
}

// Where backup and host agree and where they do not. The store is changed to what shall be used.
class Reconciliation {
 public:
  Reconciliation(SQLite::Database& database, const RestoreChoice& choice, Restored& restored)
      : database_(database), choice_(choice), restored_(restored) {
    for (const HostMachine& machine : choice.machines) {
      on_host_[machine.cluster].push_back(&machine);
    }
  }

  Status run() {
    for (const BackedUpCluster& cluster : restored_.manifest.clusters) {
      if (has(choice_.without, cluster.name)) {
        SQLite::Statement leave_out(database_, "DELETE FROM clusters WHERE id = ?");
        leave_out.bind(1, cluster.id);
        leave_out.exec();
      } else if (Status compared = compare(cluster); !compared) {
        return compared;
      }
    }
    for (const auto& [name, machines] : on_host_) {
      restored_.strays.push_back(name);
    }
    return {};
  }

 private:
  Status compare(const BackedUpCluster& cluster) {
    const auto found = on_host_.find(cluster.name);
    if (found == on_host_.end()) {
      restored_.absent.push_back(cluster.name);
      return {};
    }
    SQLite::Statement network(database_, "SELECT network_id FROM clusters WHERE id = ?");
    network.bind(1, cluster.id);
    network.executeStep();
    for (const HostMachine* machine : found->second) {
      if (!machine->network_id.empty() && machine->network_id != network.getColumn(0).getString()) {
        return pass(Error{
            ErrorKind::conflict,
            fmt::format("the cluster {0} on this host is not the {0} of the backup: it was made "
                        "since, under the same name",
                        cluster.name),
            fmt::format("provost restore FILE --without {0} leaves the old one out; nothing was "
                        "changed",
                        cluster.name)});
      }
      adopt(cluster, *machine);
    }
    restored_.found.push_back(cluster.name);
    on_host_.erase(found);
    return {};
  }

  // A node that was made anew since the backup is the node: removing it would end its jobs.
  void adopt(const BackedUpCluster& cluster, const HostMachine& machine) {
    SQLite::Statement newer(database_,
                            "UPDATE nodes SET incarnation = ?1 WHERE cluster_id = ?2 AND name = ?3 "
                            "AND incarnation < ?1");
    newer.bind(1, machine.incarnation);
    newer.bind(2, cluster.id);
    newer.bind(3, machine.node);
    if (newer.exec() > 0) {
      restored_.adopted.push_back(cluster.name + "/" + machine.node);
    }
  }

  SQLite::Database& database_;
  const RestoreChoice& choice_;
  Restored& restored_;
  std::map<std::string, std::vector<const HostMachine*>> on_host_;
};

// Agents obey only the highest epoch they have seen, and a backup's is an old one. Epochs count
// starts of provostd: seconds since 1970 are beyond any, and beyond those of an earlier restore.
void raise_epoch(SQLite::Database& database) {
  SQLite::Statement query(database, "SELECT CAST(value AS TEXT) FROM settings WHERE key = 'epoch'");
  const std::string known = query.executeStep() ? query.getColumn(0).getString() : std::string();
  const std::int64_t now = to_millis(now_utc()) / 1000;
  Writer(database).set("epoch", std::to_string(std::max(to_number(known).value_or(0), now)));
}

Status prepare(const std::string& path, const RestoreChoice& choice, Restored& restored) {
  try {
    SQLite::Database database(path, SQLite::OPEN_READWRITE);
    database.exec("PRAGMA journal_mode = DELETE");  // one file, whole by itself
    database.exec("PRAGMA foreign_keys = ON");
    migrate(database);
    SQLite::Transaction transaction(database);
    if (Status reconciled = Reconciliation(database, choice, restored).run(); !reconciled) {
      return reconciled;
    }
    raise_epoch(database);
    Writer(database).add_event(
        {.level = Level::warn,
         .actor = "root",
         .what = "the store was restored",
         .because = fmt::format("of a backup of {} on {}", to_iso(restored.manifest.made),
                                restored.manifest.host)});
    transaction.commit();
  } catch (const SQLite::Exception& problem) {
    return pass(to_error(problem, "prepare the restored store"));
  }
  return sync(path);
}

void remove_leftovers(const std::string& state) {
  for (const std::string& name : os::list_directory(state)) {
    if (name.starts_with(kWork)) {
      ignore(os::remove_tree(fmt::format("{}/{}", state, name)),
             "of a restore that was killed; in nobody's way");
    }
  }
}

struct Prepared {
  Folder folder;
  Restored restored;
};

Result<Prepared> unpack_and_prepare(const std::string& file, const std::string& state,
                                    const RestoreChoice& choice) {
  auto folder = Folder::make(state, kWork);
  if (!folder) {
    return pass(folder.error());
  }
  auto manifest = unpack(file, folder->path());
  if (!manifest) {
    return pass(manifest.error());
  }
  if (Status chosen = check_choice(*manifest, choice); !chosen) {
    return pass(chosen.error());
  }
  os::fault::pass("restore.unpacked");
  Prepared prepared{std::move(*folder), {}};
  prepared.restored.manifest = std::move(*manifest);
  const std::string store = prepared.folder.path() + "/provost.db";
  if (Status ready = prepare(store, choice, prepared.restored); !ready) {
    return pass(ready.error());
  }
  return prepared;
}

Result<os::FileLock> lock(const std::string& state) {
  if (Status made = os::make_directories(state, 0700); !made) {
    return pass(made.error());
  }
  auto held = os::FileLock::take(state + "/lock");
  if (!held && held.error().kind == ErrorKind::conflict) {
    return pass(Error{ErrorKind::conflict, "a provostd works on " + state,
                      "systemctl stop provostd (nodes and their jobs go on), then again"});
  }
  return held;
}

}  // namespace

std::string pending_restore(const std::string& state) { return state + "/restore-pending"; }

Result<Restored> check_backup(const std::string& file, const std::string& state,
                              const RestoreChoice& choice) {
  if (Status made = os::make_directories(state, 0700); !made) {
    return pass(made.error());
  }
  auto prepared = unpack_and_prepare(file, state, choice);
  if (!prepared) {
    return pass(prepared.error());
  }
  return std::move(prepared->restored);
}

Result<Restored> restore(const std::string& file, const std::string& state,
                         const RestoreChoice& choice) {
  const auto held = lock(state);
  if (!held) {
    return pass(held.error());
  }
  if (Status finished = finish_restore(state); !finished) {
    return pass(finished.error());
  }
  remove_leftovers(state);
  auto prepared = unpack_and_prepare(file, state, choice);
  if (!prepared) {
    return pass(prepared.error());
  }
  Restored restored = std::move(prepared->restored);
  const std::string keep = name_to_keep(state);
  const std::string& folder = prepared->folder.path();
  if (os::exists(state + "/provost.db")) {
    restored.kept = state + "/" + keep;
  }
  Status done = os::write_file(folder + "/keep", keep, 0600);
  os::fault::pass("restore.prepared");
  if (done) {
    done = move(folder, pending_restore(state));  // the decision
  }
  if (!done) {
    return pass(done.error());
  }
  prepared->folder.release();
  done = sync(state);
  os::fault::pass("restore.decided");
  if (done) {
    done = finish_restore(state);
  }
  if (!done) {
    return pass(done.error());
  }
  return restored;
}

Status finish_restore(const std::string& state) {
  const std::string pending = pending_restore(state);
  if (!os::is_directory(pending)) {
    return {};
  }
  if (os::exists(pending + "/provost.db")) {
    const auto name = os::read_file(pending + "/keep", 4096);
    if (!name) {
      return pass(name.error());
    }
    const std::string keep = state + "/" + *name;
    for (const char* file : kStoreFiles) {
      const std::string old = fmt::format("{}/{}", state, file);
      if (!os::exists(old)) {
        continue;
      }
      if (Status made = os::make_directories(keep, 0700); !made) {
        return made;
      }
      if (Status moved = move(old, fmt::format("{}/{}", keep, file)); !moved) {
        return moved;
      }
      os::fault::pass("restore.kept");
    }
    if (Status moved = move(pending + "/provost.db", state + "/provost.db"); !moved) {
      return moved;
    }
    if (Status synced = sync(state); !synced) {
      return synced;
    }
    os::fault::pass("restore.replaced");
  }
  return os::remove_tree(pending);
}

}  // namespace provost::store
