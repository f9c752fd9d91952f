// Directories to work in, and reading a backup's archive. For this room alone.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "store/backup.hpp"

namespace provost::store {

inline constexpr std::size_t kLargestStore = 4ULL << 30U;
inline constexpr std::chrono::minutes kArchiveTime{30};

/// A directory of root alone that is removed with all that is in it at the end of its scope.
class Folder {
 public:
  static Result<Folder> make(const std::string& parent, const std::string& prefix);
  Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Folder& operator=(Folder&&) = delete;
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();

  [[nodiscard]] const std::string& path() const { return path_; }
  /// It is not removed.
  std::string release() { return std::exchange(path_, {}); }

 private:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// Waits until a file's or directory's content is on disk.
Status sync(const std::string& path);

/// Unpacks the backup `file` into `folder` (provost.db) and checks all there is to check.
Result<Manifest> unpack(const std::string& file, const std::string& folder);

}  // namespace provost::store
