#include "agent/files.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "os/fault.hpp"
#include "os/files.hpp"

namespace provost::agent {
namespace {

using Kind = SeenPath::Kind;

// glibc keeps the lines of its buffers here: a group with very many members needs more.
constexpr std::size_t kNameBuffer = 1U << 20U;

void look_up_user(const std::string& name, Owners& owners, std::string& buffer) {
  passwd entry{};
  passwd* found = nullptr;
  if (!owners.users.contains(name) &&
      ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr) {
    owners.users[name] = entry.pw_uid;
  }
}

void look_up_group(const std::string& name, Owners& owners, std::string& buffer) {
  group entry{};
  group* found = nullptr;
  if (!owners.groups.contains(name) &&
      ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr) {
    owners.groups[name] = entry.gr_gid;
  }
}

Owners look_up_owners(const model::NodePart& part) {
  Owners owners;
  if (part.directories.empty() && part.files.empty()) {
    return owners;
  }
  std::string buffer(kNameBuffer, '\0');
  for (const model::DirectoryPart& directory : part.directories) {
    look_up_user(directory.owner, owners, buffer);
    look_up_group(directory.group, owners, buffer);
  }
  for (const model::FilePart& file : part.files) {
    look_up_user(file.owner, owners, buffer);
    look_up_group(file.group, owners, buffer);
  }
  return owners;
}

bool is_trusted(uid_t uid) { return uid == 0 || uid == ::geteuid(); }

// We write as root below directories that belong to people (their homes): a link that one of them
// put into the way would turn our hand elsewhere.
Status check_way(const std::string& path, std::size_t begin) {
  for (std::size_t end = path.find('/', begin + 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    struct stat status {};
    if (::lstat(part.c_str(), &status) != 0) {
      return errno == ENOENT ? Status{} : os::errno_error(fmt::format("cannot look at {}", part));
    }
    if (S_ISLNK(status.st_mode) && !is_trusted(status.st_uid)) {
      return fail(ErrorKind::denied, "{} is a link that the user with id {} made: not followed",
                  part, status.st_uid);
    }
    if (end == std::string::npos) {
      return {};
    }
  }
}

Result<SeenPath> look_at(const std::string& path, bool follow) {
  struct stat status {};
  if ((follow ? ::stat(path.c_str(), &status) : ::lstat(path.c_str(), &status)) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return SeenPath{};
    }
    return os::errno_error(fmt::format("cannot look at {}", path));
  }
  SeenPath seen;
  seen.kind = Kind::other;
  seen.mode = status.st_mode & 07777U;
  seen.uid = status.st_uid;
  seen.gid = status.st_gid;
  if (S_ISDIR(status.st_mode)) {
    seen.kind = Kind::directory;
  } else if (S_ISREG(status.st_mode)) {
    auto content = os::read_file(path);
    if (!content) {
      return pass(content.error());
    }
    seen.kind = Kind::file;
    seen.content = std::move(*content);
  }
  return seen;
}

Status set_owner_and_mode(const std::string& path, unsigned mode, uid_t uid, gid_t gid) {
  const std::string attempted = fmt::format("cannot set owner and mode of {}", path);
  const os::Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    return os::errno_error(attempted);
  }
  // Owner first: a change of owner takes the set-id bits away.
  if (::fchown(fd.get(), uid, gid) != 0 || ::fchmod(fd.get(), mode) != 0) {
    return os::errno_error(attempted);
  }
  return {};
}

struct CarryOut {
  const std::string& root;

  Status operator()(const MakeDirectory& change) const {
    const std::string path = root + change.path;
    if (Status made = os::make_directories(path); !made) {
      return made;
    }
    return set_owner_and_mode(path, change.mode, change.uid, change.gid);
  }
  Status operator()(const SetOwnerAndMode& change) const {
    return set_owner_and_mode(root + change.path, change.mode, change.uid, change.gid);
  }
  Status operator()(const WriteFile& change) const {
    const std::string path = root + change.path;
    if (Status made = os::make_directories(path.substr(0, path.rfind('/'))); !made) {
      return made;
    }
    return os::write_file_quick(path, *change.content, change.mode, {change.uid, change.gid});
  }
  Status operator()(const Impossible& change) const {
    return fail(ErrorKind::conflict, "cannot make {}: {}", change.path, change.why);
  }
};

}  // namespace

Result<SeenFiles> look(const model::NodePart& part, const std::string& root) {
  SeenFiles seen;
  seen.owners = look_up_owners(part);
  const auto add = [&](const std::string& path, bool is_directory) -> Status {
    if (!path.starts_with('/') || path.find("/../") != std::string::npos) {
      return fail(ErrorKind::invalid, "\"{}\" is no absolute path", path);
    }
    const std::size_t last = is_directory ? std::string::npos : path.rfind('/');
    if (Status checked = last == 0 ? Status{} : check_way(root + path.substr(0, last), root.size());
        !checked) {
      return checked;
    }
    auto found = look_at(root + path, is_directory);
    if (!found) {
      return pass(found.error());
    }
    seen.paths[path] = std::move(*found);
    return {};
  };
  for (const model::DirectoryPart& directory : part.directories) {
    if (Status added = add(directory.path, true); !added) {
      return pass(added.error());
    }
  }
  for (const model::FilePart& file : part.files) {
    if (Status added = add(file.path, false); !added) {
      return pass(added.error());
    }
  }
  return seen;
}

Status carry_out(const FileChange& change, const std::string& root) {
  os::fault::pass("act.before:a file");
  Status done = std::visit(CarryOut{root}, change);
  os::fault::pass("act.after:a file");
  return done;
}

std::string written_by(const FileChange& change) {
  const auto* write = std::get_if<WriteFile>(&change);
  return write != nullptr ? write->path : std::string();
}

Result<std::set<std::string>> put_in_place(const model::NodePart& part, const std::string& root,
                                           const BeforeWriting& before) {
  std::set<std::string> written;
  for (const Turn turn : {Turn::people, Turn::settings, Turn::rest}) {
    const model::NodePart due = of_turn(part, turn);
    const auto seen = look(due, root);
    if (!seen) {
      return pass(seen.error());
    }
    const std::vector<FileChange> changes = plan_files(due, *seen);
    for (const FileChange& change : changes) {
      if (const std::string path = written_by(change); !path.empty()) {
        written.insert(path);
      }
    }
    if (Status ready = changes.empty() ? Status{} : before(written); !ready) {
      return pass(ready.error());
    }
    for (const FileChange& change : changes) {
      if (Status done = carry_out(change, root); !done) {
        return pass(done.error());
      }
    }
  }
  return written;
}

}  // namespace provost::agent
