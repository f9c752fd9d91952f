#include "support/packages.hpp"

#include <sstream>

#include "base/text.hpp"

namespace provost::support {

std::vector<Package> read_packages(std::string_view text) {
  std::vector<Package> found;
  for (const std::string& line : split(text, '\n')) {
    if (line.empty() || line.front() == '#') {
      continue;
    }
    Package package;
    std::istringstream(line) >> package.name >> package.kind;
    const std::size_t mark = line.find('#');
    package.why = mark == std::string::npos ? "" : trim(std::string_view(line).substr(mark + 1));
    if (!package.kind.empty()) {
      found.push_back(std::move(package));
    }
  }
  return found;
}

}  // namespace provost::support
