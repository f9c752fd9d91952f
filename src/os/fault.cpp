#include "os/fault.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <map>
#include <string>

#include "base/guarded.hpp"
#include "base/text.hpp"
#include "os/files.hpp"

namespace provost::os::fault {
namespace {

// What the environment asks for.
struct Asked {
  std::string name;
  std::int64_t passage = 1;
  std::string log_file;
  std::string list_file;
};

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return value == nullptr ? std::string{} : std::string{value};
}

Asked read_environment() {
  Asked asked{from_environment("PROVOST_FAULT"), 1, from_environment("PROVOST_FAULT_LOG"),
              from_environment("PROVOST_FAULT_LIST")};
  // A name may hold colons itself: only digits after the last one are a count.
  const std::size_t colon = asked.name.rfind(':');
  if (colon != std::string::npos) {
    if (const auto count = to_number(std::string_view(asked.name).substr(colon + 1))) {
      asked.passage = *count;
      asked.name.resize(colon);
    }
  }
  return asked;
}

void append_line(const std::string& file, const std::string& line) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (fd) {
    [[maybe_unused]] const auto written = ::write(fd.get(), line.data(), line.size());
  }
}

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  while (true) {
    ::pause();  // the signal may be taken by another thread first
  }
}

bool matches(const std::string& pattern, std::string_view name) {
  return !pattern.empty() && ::fnmatch(pattern.c_str(), std::string(name).c_str(), 0) == 0;
}

bool is_listed(const std::string& file, std::string_view name) {
  const auto text = read_file(file, 1U << 20U);
  const auto lines = split(text.value_or(""), '\n');
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return matches(line, name); });
}

}  // namespace

void pass(std::string_view name) {
  const Asked asked = read_environment();
  if (asked.name.empty() && asked.log_file.empty() && asked.list_file.empty()) {
    return;
  }
  static Guarded<std::map<std::string, std::int64_t, std::less<>>> passed;
  const std::int64_t passage =
      passed.with([&](auto& counts) { return ++counts[std::string(name)]; });
  if (!asked.log_file.empty()) {
    append_line(asked.log_file, fmt::format("{}:{}\n", name, passage));
  }
  if (!asked.list_file.empty() && is_listed(asked.list_file, name)) {
    die();
  }
  static Guarded<std::int64_t> matched{0};
  if (matches(asked.name, name) &&
      matched.with([](auto& count) { return ++count; }) == asked.passage) {
    die();
  }
}

}  // namespace provost::os::fault
