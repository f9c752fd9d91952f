#include "model/overlay.hpp"

#include <fmt/format.h>

namespace provost::model {

std::string_view name(Amendment::Kind kind) {
  switch (kind) {
    case Amendment::Kind::add_member:
      return "add_member";
    case Amendment::Kind::remove_member:
      return "remove_member";
    case Amendment::Kind::add_project:
      return "add_project";
    case Amendment::Kind::limit:
      return "limit";
  }
  return "add_member";
}

std::string place_words(int line) {
  if (line == 0) {
    return "campus.toml";
  }
  return line > 0 ? fmt::format("campus.toml:{}", line) : fmt::format("overlay {}", -line);
}

}  // namespace provost::model
