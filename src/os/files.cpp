#include "os/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/text.hpp"

namespace provost::os {
namespace {

ErrorKind kind_of(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return ErrorKind::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::denied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorKind::limit;
    default:
      return ErrorKind::internal;
  }
}

struct SplitPath {
  std::string directory;
  std::string name;
};

// "a/b/" and "a/b" alike are "b" in "a".
SplitPath split_path(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) {
    path.remove_suffix(1);
  }
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) {
    return {".", std::string(path)};
  }
  return {std::string(path.substr(0, std::max<std::size_t>(slash, 1))),
          std::string(path.substr(slash + 1))};
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    content.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
  }
  return true;
}

// Gives an empty file its owner and mode, then its content.
bool fill(int fd, std::string_view content, mode_t mode, const Ownership& owner, bool synced) {
  const bool owned = owner.uid != static_cast<uid_t>(-1) || owner.gid != static_cast<gid_t>(-1);
  if (owned && ::fchown(fd, owner.uid, owner.gid) != 0) {
    return false;
  }
  return ::fchmod(fd, mode) == 0 && write_all(fd, content) && (!synced || ::fsync(fd) == 0);
}

Status replace_file(const std::string& path, std::string_view content, mode_t mode,
                    const Ownership& owner, bool synced) {
  const std::string attempted = fmt::format("cannot write {}", path);
  const SplitPath place = split_path(path);
  const Fd directory(::open(place.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) {
    return errno_error(attempted);
  }
  const std::string temporary = fmt::format(".provost-{}.tmp", to_hex(random_bytes(8)));
  const Fd file(::openat(directory.get(), temporary.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) {
    return errno_error(attempted);
  }
  if (!fill(file.get(), content, mode, owner, synced) ||
      ::renameat(directory.get(), temporary.c_str(), directory.get(), place.name.c_str()) != 0) {
    auto error = errno_error(attempted);
    ::unlinkat(directory.get(), temporary.c_str(), 0);
    return error;
  }
  if (synced && ::fsync(directory.get()) != 0) {
    return errno_error(attempted);
  }
  return {};
}

using Directory = std::unique_ptr<DIR, decltype([](DIR* directory) { ::closedir(directory); })>;

// Opens a directory in `parent` unless a link or a mount stands there (errno EXDEV, also for a bind
// mount of the same device).
Fd open_below(int parent, const std::string& name) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
  const long opened = ::syscall(SYS_openat2, parent, name.c_str(), &how, sizeof(how));
  if (opened >= 0 || errno != ENOSYS) {
    return Fd(static_cast<int>(opened));
  }
  // Before Linux 5.6: the device number tells of a mount, except of a bind mount.
  Fd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat above {};
  struct stat here {};
  if (fd && (::fstat(parent, &above) != 0 || ::fstat(fd.get(), &here) != 0)) {
    return {};
  }
  if (fd && above.st_dev != here.st_dev) {
    errno = EXDEV;
    return {};
  }
  return fd;
}

// Removes one tree. A chain of directories deeper than kDepth is cut and hung up at the top, so
// that neither descriptors nor the stack run out on a tree that somebody made to hurt.
class TreeRemover {
 public:
  explicit TreeRemover(std::string path) : path_(std::move(path)) {}

  Status remove() {
    const SplitPath place = split_path(path_);
    if (place.name.empty() || place.name == "." || place.name == "..") {
      return fail(ErrorKind::invalid, "cannot remove \"{}\": it has no name of its own", path_);
    }
    const Fd parent(::open(place.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent) {
      return errno == ENOENT || errno == ENOTDIR ? Status{} : failure(path_);
    }
    return remove_entry(parent.get(), place.name, path_, 0);
  }

 private:
  static constexpr int kDepth = 100;

  static Status failure(const std::string& shown) {
    if (errno == EXDEV || errno == EBUSY) {
      return fail(ErrorKind::conflict, "cannot remove {}: something is mounted there", shown);
    }
    return errno_error(fmt::format("cannot remove {}", shown));
  }

  static Result<std::vector<std::string>> names_in(int fd, const std::string& shown) {
    Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    const Directory directory(copy ? ::fdopendir(copy.get()) : nullptr);
    if (!directory) {
      return errno_error(fmt::format("cannot list {}", shown));
    }
    copy.release();
    ::rewinddir(directory.get());
    std::vector<std::string> names;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (const dirent* entry = ::readdir(directory.get())) {
      const std::string_view name = static_cast<const char*>(entry->d_name);
      if (name != "." && name != "..") {
        names.emplace_back(name);
      }
    }
    return names;
  }

  // NOLINTNEXTLINE(misc-no-recursion): at most kDepth deep
  Status remove_entry(int parent, const std::string& name, const std::string& shown, int depth) {
    if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) {
      return {};
    }
    if (errno != EISDIR && errno != EPERM) {
      return failure(shown);
    }
    // EPERM is what some file systems say of directories; if it is none, opening tells.
    const int unlink_error = errno;
    const Fd directory = open_below(parent, name);
    if (!directory) {
      errno = errno == ENOTDIR || errno == ELOOP ? unlink_error : errno;
      return failure(shown);
    }
    if (depth == 0) {
      top_ = directory.get();
    }
    if (Status emptied = remove_children(directory.get(), shown, depth); !emptied) {
      return emptied;
    }
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
      return failure(shown);
    }
    return {};
  }

  // NOLINTNEXTLINE(misc-no-recursion): at most kDepth deep
  Status remove_children(int directory, const std::string& shown, int depth) {
    const std::uint64_t moved_before = moved_;
    auto names = names_in(directory, shown);
    if (!names) {
      return pass(names.error());
    }
    for (const std::string& name : *names) {
      const std::string child = fmt::format("{}/{}", shown, name);
      Status removed = depth < kDepth ? remove_entry(directory, name, child, depth + 1)
                                      : move_to_top(directory, name, child);
      if (!removed) {
        return removed;
      }
    }
    // Cut pieces hang here now: go round once more.
    return depth == 0 && moved_ != moved_before ? remove_children(directory, shown, 0) : Status{};
  }

  Status move_to_top(int directory, const std::string& name, const std::string& shown) {
    const std::string new_name = fmt::format(".provost-removed-{}", to_hex(random_bytes(8)));
    ++moved_;
    if (::renameat(directory, name.c_str(), top_, new_name.c_str()) != 0 && errno != ENOENT) {
      return failure(shown);
    }
    return {};
  }

  std::string path_;
  int top_ = -1;
  std::uint64_t moved_ = 0;
};

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() { return std::exchange(fd_, -1); }

void Fd::reset() {
  const int fd = release();
  if (fd >= 0) {
    const int kept = errno;
    ::close(fd);
    errno = kept;
  }
}

tl::unexpected<Error> errno_error(std::string_view attempted) {
  const int number = errno;
  return fail(kind_of(number), "{}: {}", attempted, std::generic_category().message(number));
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const std::string attempted = fmt::format("cannot read {}", path);
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return errno_error(attempted);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) {
    return errno_error(attempted);
  }
  if (S_ISDIR(status.st_mode)) {
    return fail(ErrorKind::invalid, "{}: it is a directory", attempted);
  }
  // Files of /proc and /sys say 0 or a page: the size is only a first guess.
  std::string content;
  std::size_t length = 0;
  std::size_t room = std::min(static_cast<std::size_t>(std::max<off_t>(status.st_size, 0)), limit);
  while (true) {
    content.resize(std::max(content.size(), length + std::max<std::size_t>(room + 1, 4096)));
    const ssize_t got = ::read(fd.get(), content.data() + length, content.size() - length);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return errno_error(attempted);
    }
    if (got == 0) {
      content.resize(length);
      return content;
    }
    length += static_cast<std::size_t>(got);
    if (length > limit) {
      return fail(ErrorKind::invalid, "{}: it has more than {} bytes", attempted, limit);
    }
    room = length == content.size() ? length : 0;
  }
}

Status write_file(const std::string& path, std::string_view content, mode_t mode, Ownership owner) {
  return replace_file(path, content, mode, owner, true);
}

Status write_file_quick(const std::string& path, std::string_view content, mode_t mode,
                        Ownership owner) {
  return replace_file(path, content, mode, owner, false);
}

Status make_directories(const std::string& path, mode_t mode) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    // Looked for first: on a read-only parent mkdir says EROFS also of what is there.
    if (is_directory(part)) {
      continue;
    }
    if (::mkdir(part.c_str(), mode) == 0) {
      if (::chmod(part.c_str(), mode) != 0) {  // whatever our umask is
        return errno_error(fmt::format("cannot make directory {}", part));
      }
    } else if (errno == EEXIST && !is_directory(part)) {
      return fail(ErrorKind::conflict, "cannot make directory {}: a file is there", part);
    } else if (errno != EEXIST) {
      return errno_error(fmt::format("cannot make directory {}", part));
    }
  }
  return {};
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::vector<std::string> list_directory(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(path, error);
  while (!error && entry != std::filesystem::directory_iterator{}) {
    names.push_back(entry->path().filename().string());
    entry.increment(error);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status remove_tree(const std::string& path) { return TreeRemover(path).remove(); }

Result<FileLock> FileLock::take(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) {
    const bool read_only = errno == EROFS;
    Error problem = errno_error(fmt::format("cannot lock {}", path)).value();
    problem.hint =
        read_only ? "the file system is read-only: see why (dmesg), then mount it writable" : "";
    return pass(std::move(problem));
  }
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return fail(ErrorKind::conflict, "cannot lock {}: another process holds it", path);
    }
    if (errno != EINTR) {
      return errno_error(fmt::format("cannot lock {}", path));
    }
  }
  return FileLock(std::move(fd));
}

std::string random_bytes(std::size_t bytes) {
  std::string random(bytes, '\0');
  for (std::size_t filled = 0; filled < bytes;) {
    const ssize_t got = ::getrandom(random.data() + filled, bytes - filled, 0);
    filled += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  return random;
}

}  // namespace provost::os
