// Files and directories: whole files read, atomic writes, trees removed without leaving the file
// system they began on.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace provost::os {

/// An open file descriptor, closed at the end of its scope.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

/// "cannot read /etc/x: Permission denied" for errno as it is now (kind by errno: not_found,
/// denied, limit for a full disk, internal).
tl::unexpected<Error> errno_error(std::string_view attempted);

/// The whole file. Errors: not_found, denied, invalid (a directory, or over `limit` bytes).
Result<std::string> read_file(const std::string& path, std::size_t limit = 256U << 20U);

struct Ownership {
  uid_t uid = static_cast<uid_t>(-1);  ///< -1: ours
  gid_t gid = static_cast<gid_t>(-1);
};

/// Replaces `path` atomically: written beside it with `mode` from the first byte, synced, renamed,
/// directory synced. On failure the old file is as it was. Parent directories are not made.
Status write_file(const std::string& path, std::string_view content, mode_t mode = 0644,
                  Ownership owner = {});

/// As `write_file` without the syncs: for what can be made again (files of a node being made).
Status write_file_quick(const std::string& path, std::string_view content, mode_t mode = 0644,
                        Ownership owner = {});

/// Makes `path` and its parents; those that exist are left as they are.
Status make_directories(const std::string& path, mode_t mode = 0755);

bool exists(const std::string& path);
bool is_directory(const std::string& path);

/// Names in a directory, sorted, without "." and ".."; empty when it does not exist.
std::vector<std::string> list_directory(const std::string& path);

/// Removes `path` and all below it. Never follows links, never crosses into another file system
/// (a mount below is an error: conflict). A path that is not there is success.
Status remove_tree(const std::string& path);

/// An exclusive lock on a file, held until destroyed. Errors: conflict when another process has it.
class FileLock {
 public:
  static Result<FileLock> take(const std::string& path);

 private:
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

/// `bytes` from the kernel's random source.
std::string random_bytes(std::size_t bytes);

}  // namespace provost::os
