// A user's file as a tree in which every name and value knows its place. JSON and TOML both become
// this, so that one checker and one set of rules read both. Values only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/finding.hpp"

namespace provost::spec {

/// Line and column from 1; columns count bytes.
struct Place {
  int line = 0;
  int column = 0;
};

enum class Kind { null, boolean, integer, number, text, date, list, object };
std::string_view words(Kind kind);  ///< "a whole number"

struct Field;

struct Value {
  Kind kind = Kind::null;
  Place place;
  bool truth = false;
  std::int64_t integer = 0;
  std::string text;           ///< of a text what it says, of other scalars how they were written
  std::vector<Value> items;   ///< of a list
  std::vector<Field> fields;  ///< of an object, in the order of the file

  /// The field's value, or nullptr (also where this is no object).
  [[nodiscard]] const Value* find(std::string_view name) const;
};

struct Field {
  std::string name;
  Place place;
  Value value;
};

enum class Format { json, toml };

struct Document {
  std::string file;
  Format format = Format::json;
  bool sound = false;  ///< the syntax was right: `root` is the whole file
  Value root;
};

/// `value->find(name)` that lets nullptr through.
const Value* find(const Value* value, std::string_view name);
/// What a text says; nullptr where `value` is none.
const std::string* text_of(const Value* value);

/// The value as a message quotes it: `"ml.c5"`, `17`, or nothing for lists and objects.
std::string quoted(const Value& value);

/// Turns offsets of a text into places.
class Lines {
 public:
  explicit Lines(std::string_view text);
  [[nodiscard]] Place at(std::size_t offset) const;
  [[nodiscard]] std::size_t offset(Place place) const;  ///< of a place that `at` gave
  /// The place of the `character`th character (not byte; from 1) of a line.
  [[nodiscard]] Place at_character(int line, int character) const;

 private:
  std::string_view text_;
  bool is_ascii_ = true;  ///< characters are bytes
  std::vector<std::size_t> begins_;
};

/// Offset of the first byte that is not well-formed UTF-8, or npos.
std::size_t bad_utf8(std::string_view text);
/// Number of characters (code points) of well-formed UTF-8.
std::size_t characters(std::string_view text);

}  // namespace provost::spec
