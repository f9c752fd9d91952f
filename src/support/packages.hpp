// The Debian packages that a host of Provost needs, from packaging/debian-packages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace provost::support {

struct Package {
  std::string name;
  std::string kind;  ///< "image", "run" or "build"
  std::string why;
};

/// The list as it was when this program was built.
std::string_view packages_text();

/// "NAME KIND # WHY" a line. Pure.
std::vector<Package> read_packages(std::string_view text);

}  // namespace provost::support
