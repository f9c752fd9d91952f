// One archive of texts for somebody who helps. Every text is scrubbed when it is added; what could
// not be had is named in MANIFEST.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace provost::support {

struct Entry {
  std::string path;  ///< within the archive, below its top directory
  std::size_t bytes = 0;
  std::string missing;  ///< why it could not be had; empty: it is there
};

class Bundle {
 public:
  /// `top` is the directory that everything lies in; made in a private temporary directory.
  /// Errors: denied, limit.
  static Result<Bundle> begin(const std::string& top);
  ~Bundle();
  Bundle(Bundle&& other) noexcept;
  Bundle& operator=(Bundle&&) = delete;
  Bundle(const Bundle&) = delete;
  Bundle& operator=(const Bundle&) = delete;

  /// Errors: invalid (a path that leaves the archive), limit (disk full).
  Status add(const std::string& path, std::string_view text);
  void missing(const std::string& path, const std::string& why);

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

  /// Writes MANIFEST and the archive (mode 0600), atomically: `file` is whole or as it was. `about`
  /// begins the MANIFEST. Errors: not_found (no such directory), denied, limit.
  Status write(const std::string& file, const std::string& about);

 private:
  Bundle(std::string directory, std::string top)
      : directory_(std::move(directory)), top_(std::move(top)) {}
  Status put(const std::string& path, std::string_view text) const;

  std::string directory_;  ///< empty: moved away
  std::string top_;
  std::vector<Entry> entries_;
};

}  // namespace provost::support
