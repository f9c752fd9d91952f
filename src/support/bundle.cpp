#include "support/bundle.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/process.hpp"
#include "support/scrub.hpp"

namespace provost::support {
namespace {

namespace fs = std::filesystem;

bool stays_inside(const std::string& path) {
  const auto parts = split(path, '/');
  return !path.empty() && std::none_of(parts.begin(), parts.end(), [](const std::string& part) {
    return part.empty() || part == "." || part == "..";
  });
}

}  // namespace

Result<Bundle> Bundle::begin(const std::string& top) {
  if (!stays_inside(top) || top.find('/') != std::string::npos) {
    return fail(ErrorKind::invalid, "\"{}\" cannot be the name of a report", shorten(top));
  }
  std::string directory = fs::temp_directory_path() / "provost-report-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) {  // mode 0700
    return os::errno_error("make " + directory);
  }
  return Bundle(directory, top);
}

Bundle::Bundle(Bundle&& other) noexcept
    : directory_(std::exchange(other.directory_, {})),
      top_(std::move(other.top_)),
      entries_(std::move(other.entries_)) {}

Bundle::~Bundle() {
  if (!directory_.empty()) {
    ignore(os::remove_tree(directory_), "it is in a temporary directory");
  }
}

Status Bundle::put(const std::string& path, std::string_view text) const {
  const fs::path file = fs::path(directory_) / top_ / path;
  if (Status made = os::make_directories(file.parent_path(), 0700); !made) {
    return made;
  }
  return os::write_file_quick(file, text, 0600);
}

Status Bundle::add(const std::string& path, std::string_view text) {
  if (!stays_inside(path)) {
    return fail(ErrorKind::invalid, "\"{}\" leaves the report", shorten(path));
  }
  const std::string kept = scrub(text);
  if (Status written = put(path, kept); !written) {
    return written;
  }
  entries_.push_back({path, kept.size(), {}});
  return {};
}

void Bundle::missing(const std::string& path, const std::string& why) {
  entries_.push_back({path, 0, scrub(why)});
}

Status Bundle::write(const std::string& file, const std::string& about) {
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& left, const Entry& right) { return left.path < right.path; });
  std::string manifest = about + "\nHere (bytes, path):\n";
  std::string absent;
  for (const Entry& entry : entries_) {
    if (entry.missing.empty()) {
      manifest += fmt::format("{:>10}  {}\n", entry.bytes, entry.path);
    } else {
      absent += fmt::format("  {}: {}\n", entry.path, entry.missing);
    }
  }
  manifest += absent.empty() ? "\nNothing is missing.\n" : "\nCould not be had:\n" + absent;
  if (Status written = put("MANIFEST", manifest); !written) {
    return written;
  }
  const std::string partial = fmt::format("{}.{}.partial", file, ::getpid());
  {
    const os::Fd made(::open(partial.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
    if (!made) {
      return os::errno_error("make " + partial);
    }
  }
  // tar writes into the file that is there: its mode stays.
  Status packed = os::check({"tar", "--create", "--gzip", "--file", partial, "--sort=name",
                             "--owner=0", "--group=0", "--directory", directory_, top_},
                            std::chrono::minutes(10));
  if (packed && ::rename(partial.c_str(), file.c_str()) != 0) {
    packed = os::errno_error("make " + file);
  }
  if (!packed) {
    ::unlink(partial.c_str());
  }
  return packed;
}

}  // namespace provost::support
