#include "spec/document.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace provost::spec {
namespace {

/// Length of the well-formed sequence at the text's begin, or 0. Source: RFC 3629, section 4.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t length = first >= 0xf0 ? 4 : (first >= 0xe0 ? 3 : 2);
  if (first < 0xc2 || first > 0xf4 || text.size() < length) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) {
      return 0;
    }
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool surrogate = first == 0xed && byte(1) > 0x9f;
  const bool beyond = first == 0xf4 && byte(1) > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}

}  // namespace

std::string_view words(Kind kind) {
  switch (kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "true or false";
    case Kind::integer:
      return "a whole number";
    case Kind::number:
      return "a number with a fraction";
    case Kind::text:
      return "a string";
    case Kind::date:
      return "a date or time";
    case Kind::list:
      return "a list";
    case Kind::object:
      return "an object";
  }
  return "a value";
}

const Value* Value::find(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &found->value;
}

const Value* find(const Value* value, std::string_view name) {
  return value == nullptr ? nullptr : value->find(name);
}

const std::string* text_of(const Value* value) {
  return value != nullptr && value->kind == Kind::text ? &value->text : nullptr;
}

std::string quoted(const Value& value) {
  if (value.kind == Kind::text) {
    return fmt::format("\"{}\"", shorten(value.text));
  }
  return shorten(value.text);
}

Lines::Lines(std::string_view text) : text_(text), begins_{0} {
  for (std::size_t i = 0; i < text.size(); ++i) {
    is_ascii_ = is_ascii_ && static_cast<unsigned char>(text[i]) < 0x80;
    if (text[i] == '\n') {
      begins_.push_back(i + 1);
    }
  }
}

Place Lines::at(std::size_t offset) const {
  const auto after = std::upper_bound(begins_.begin(), begins_.end(), offset);
  const auto line = static_cast<std::size_t>(after - begins_.begin());
  return {static_cast<int>(line), static_cast<int>(offset - begins_[line - 1]) + 1};
}

std::size_t Lines::offset(Place place) const {
  return begins_[static_cast<std::size_t>(place.line) - 1] +
         static_cast<std::size_t>(place.column) - 1;
}

Place Lines::at_character(int line, int character) const {
  if (line < 1 || static_cast<std::size_t>(line) > begins_.size()) {
    return at(text_.size());
  }
  // Nobody writes longer lines by hand, and counting through them for each value would take ages.
  constexpr int kLongLine = 4096;
  std::size_t offset = begins_[static_cast<std::size_t>(line) - 1];
  if (is_ascii_) {
    const std::size_t end = static_cast<std::size_t>(line) < begins_.size()
                                ? begins_[static_cast<std::size_t>(line)] - 1
                                : text_.size();
    const auto bytes = static_cast<std::size_t>(std::max(character, 1)) - 1;
    return {line, static_cast<int>(std::min(offset + bytes, end) - offset) + 1};
  }
  if (character > kLongLine) {
    return {line, character};
  }
  for (int i = 1; i < character && offset < text_.size() && text_[offset] != '\n'; ++i) {
    offset += std::max<std::size_t>(1, sequence_length(text_.substr(offset)));
  }
  return at(offset);
}

std::size_t bad_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t length = sequence_length(text.substr(i));
    if (length == 0) {
      return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80;
  }));
}

}  // namespace provost::spec
