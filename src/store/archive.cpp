#include "store/archive.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/process.hpp"
#include "os/tls.hpp"
#include "store/examine.hpp"

namespace provost::store {
namespace {

constexpr std::size_t kLargestManifest = 16U << 20U;

tl::unexpected<Error> refuse(const std::string& file, std::string_view what) {
  return pass(Error{ErrorKind::invalid, fmt::format("cannot use {}: {}", file, what),
                    "nothing was changed; take another backup"});
}

Status check_compression(const std::string& file) {
  const os::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    return os::errno_error("cannot read " + file);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return refuse(file, "it is not a file");
  }
  std::array<unsigned char, 2> magic{};
  if (::read(fd.get(), magic.data(), magic.size()) != 2 || magic[0] != 0x1f || magic[1] != 0x8b) {
    return refuse(file, "it is not a backup of Provost");
  }
  const auto read = os::run({.argv = {"tar", "--list", "--gzip", "--force-local", "--file=" + file},
                             .timeout = kArchiveTime});
  if (!read) {
    return pass(read.error());
  }
  if (read->status != 0) {
    return refuse(file, "it is truncated or damaged");
  }
  if (read->out != "manifest.json\nprovost.db\n") {
    return refuse(file, "it is not a backup of Provost");
  }
  return {};
}

bool is_plain(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

Status check_store(const std::string& path, const Manifest& manifest) {
  try {
    SQLite::Database database(path, SQLite::OPEN_READONLY);
    if (Status sound = examine(database, Depth::whole); !sound) {
      return sound;
    }
    if (!database.tableExists("migrations") || migrations_of(database) != manifest.migrations) {
      return fail(ErrorKind::invalid, "its store is not the one that its manifest tells of");
    }
  } catch (const SQLite::Exception& problem) {
    return pass(to_error(problem, "read its store"));
  }
  return {};
}

}  // namespace

Result<Folder> Folder::make(const std::string& parent, const std::string& prefix) {
  std::string path = fmt::format("{}/{}XXXXXX", parent, prefix);
  if (::mkdtemp(path.data()) == nullptr) {
    return os::errno_error("cannot make a directory in " + parent);
  }
  return Folder(std::move(path));
}

Folder::~Folder() {
  if (!path_.empty()) {
    ignore(os::remove_tree(path_), "the next restore removes what is left");
  }
}

Status sync(const std::string& path) {
  const os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) {
    return os::errno_error("cannot write " + path + " to disk");
  }
  return {};
}

Result<Manifest> unpack(const std::string& file, const std::string& folder) {
  if (Status readable = check_compression(file); !readable) {
    return pass(readable.error());
  }
  const Status unpacked = os::check(
      {"tar", "--extract", "--gzip", "--force-local", "--file=" + file, "--directory=" + folder,
       "--no-same-owner", "--no-same-permissions", "manifest.json", "provost.db"},
      kArchiveTime);
  if (!unpacked) {
    return refuse(file, unpacked.error().message);
  }
  const std::string store = folder + "/provost.db";
  if (!is_plain(store) || !is_plain(folder + "/manifest.json")) {
    return refuse(file, "it is not a backup of Provost");
  }
  if (::chmod(store.c_str(), 0600) != 0) {
    return os::errno_error("cannot unpack " + file);
  }
  const auto text = os::read_file(folder + "/manifest.json", kLargestManifest);
  auto manifest = text ? read_manifest(*text) : Result<Manifest>(pass(text.error()));
  if (!manifest) {
    return refuse(file, manifest.error().message);
  }
  const auto bytes = os::read_file(store, kLargestStore);
  if (!bytes) {
    return pass(bytes.error());
  }
  if (bytes->size() != manifest->bytes || to_hex(os::sha256(*bytes)) != manifest->sha256) {
    return refuse(file, "its check sum is wrong: it was changed or damaged");
  }
  if (Status sound = check_store(store, *manifest); !sound) {
    return refuse(file, sound.error().message);
  }
  return manifest;
}

}  // namespace provost::store
