// The shapes that users' files must have, as data: `models/*.shapes.json`, compiled in. A new
// field is a line there; what a field means across fields and files is a rule.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "spec/document.hpp"
#include "spec/pattern.hpp"
#include "spec/report.hpp"
#include "spec/spec.hpp"

namespace provost::spec {

enum class Type { anything, text, integer, boolean, date, list, map, object };

/// What Provost does with a field.
enum class Effect {
  honoured,  ///< acts on it
  recorded,  ///< checks it and keeps it for clients, without effect: a note says why
  refused    ///< cannot do it: an error where it stands
};

struct Shape;

struct Member {
  std::string name;
  const Shape* shape = nullptr;
  bool required = false;
  Effect effect = Effect::recorded;
  std::string reason;   ///< why it is recorded only or refused
  std::string about;    ///< one sentence: what it is and does here
  std::string initial;  ///< what holds when it is left out; empty: nothing
  std::string example;  ///< a value, as the file would have it
};

struct Shape {
  std::string name;
  Type type = Type::anything;
  std::int64_t min = std::numeric_limits<std::int64_t>::min();  ///< of a number, characters, items
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  const Pattern* pattern = nullptr;
  std::shared_ptr<const Regex> regex;  ///< the whole text must match it; null: none
  std::string regex_words;             ///< follows "it must be"
  std::vector<std::string> choices;
  const Shape* item = nullptr;  ///< of a list or map
  bool is_union = false;        ///< exactly one member must be given
  std::vector<Member> members;

  [[nodiscard]] const Member* find(std::string_view name) const;
};

/// The shapes of one file.
class Shapes {
 public:
  /// Reads a `*.shapes.json`. Throws std::logic_error when it is wrong: it is compiled in.
  Shapes(std::string name, std::string_view json);
  [[nodiscard]] const Shape& root() const { return *root_; }

 private:
  std::map<std::string, Shape, std::less<>> shapes_;
  const Shape* root_ = nullptr;
};

const Shape& cluster_config_shape();
const Shape& provisioning_parameters_shape();
const Shape& campus_shape();

/// Paths of known fields and where their values stand.
using Positions = std::map<std::string, Position>;

struct ShapeOptions {
  Positions* positions = nullptr;                ///< filled when not null
  bool allow_unknown = false;                    ///< an unknown field is a warning
  std::vector<DefaultUsed>* defaults = nullptr;  ///< added to when not null
};

/// Holds a whole document against a shape and reports every difference; each field without effect
/// is noted once, however many groups have it.
void check_shape(const Document& document, const Shape& shape, Report& report,
                 const ShapeOptions& options);

}  // namespace provost::spec
