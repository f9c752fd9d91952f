// What supervisors changed: kept beside campus.toml and laid over it, so that the file stays the
// administrator's and no change of it loses what they did.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace provost::model {

/// One act that stands.
struct Amendment {
  enum class Kind {
    add_member,     ///< `subject` is a person
    remove_member,  ///< the same, whom the file has as a member
    add_project,    ///< `subject` is its name, `account` what it stands below
    limit           ///< `subject` is one of `kLimitKinds`
  };
  int id = 0;  ///< from 1, never given twice in a cluster
  UtcTime at{};
  std::string by;  ///< who did it
  Kind kind = Kind::add_member;
  std::string account;  ///< a department or project
  std::string subject;
  std::int64_t value = 0;  ///< of a limit, as in `Limits`
  std::string title{};     ///< of a project; may be empty
  std::string lead{};      ///< of a project; may be empty

  friend bool operator==(const Amendment&, const Amendment&) = default;
};

/// "add_member"
std::string_view name(Amendment::Kind kind);

struct Overlay {
  int next = 1;                       ///< id of the next one
  std::vector<Amendment> amendments;  ///< in the order in which they were made

  friend bool operator==(const Overlay&, const Overlay&) = default;
};

/// Where a value stands: "campus.toml:13" of a line, "overlay 4" of -4, the id of an amendment,
/// "campus.toml" of 0.
std::string place_words(int line);

}  // namespace provost::model
