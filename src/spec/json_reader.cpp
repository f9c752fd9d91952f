#include "spec/json_reader.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <unordered_map>
#include <utility>

#include "base/text.hpp"
#include "spec/json_syntax.hpp"

namespace provost::spec {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// Walks every value of one text. simdjson says where tokens stand and whether they are right;
/// `before_` and `next_` follow the walk so that `json_syntax` can say what belongs where it stops.
class Walk {
 public:
  Walk(std::string_view text, const Lines& lines, Document& document, Report& report)
      : text_(text), padded_(text), lines_(lines), document_(document), report_(report) {}

  /// False when the syntax is wrong, which has then been reported.
  bool whole() {
    simdjson::error_code error = parser_.iterate(padded_).get(json_);
    if (error != simdjson::SUCCESS) {
      return refuse();
    }
    ondemand::value root;
    if (json_.get_value().get(root) != simdjson::SUCCESS || !value(root, document_.root, 1)) {
      return refuse();
    }
    const char* rest = nullptr;
    if (json_.current_location().get(rest) == simdjson::SUCCESS) {
      before_ = Before::nothing;
      return refuse();
    }
    return true;
  }

 private:
  [[nodiscard]] std::size_t offset_of(const char* place) const {
    return static_cast<std::size_t>(place - padded_.data());
  }

  /// After a value: the walk goes on at the next token. A number is not passed by looking at it,
  /// so a scalar's end is found by its own length.
  void passed(const Value& value, Before before) {
    const char* place = nullptr;
    before_ = before;
    next_ = text_.size();
    if (value.kind != Kind::object && value.kind != Kind::list) {
      next_ = after_scalar(text_, lines_.offset(value.place));
    } else if (json_.current_location().get(place) == simdjson::SUCCESS) {
      next_ = offset_of(place);
    }
  }

  bool refuse() {
    if (refused_) {
      return false;
    }
    refused_ = true;
    std::optional<SyntaxError> error = explain_strings(text_);
    if (!error && before_ != Before::nothing) {
      error = explain_token(text_, next_, before_);
    }
    if (!error) {
      error = explain_brackets(text_);
    }
    if (!error) {
      error =
          SyntaxError{next_, "this is no JSON from here on", "compare it with a file that works"};
    }
    report_.error(spot(document_, lines_.at(error->offset), {}), "json.syntax", error->what,
                  error->better);
    return false;
  }

  bool too_deep(const Value& value) {
    refused_ = true;
    report_.error(spot(document_, value, {}), "json.depth",
                  fmt::format("values are nested more than {} deep", kJsonDepth),
                  "no field of these files needs that");
    return false;
  }

  bool value(ondemand::value& json, Value& out, int depth) {
    const std::string_view token = json.raw_json_token();
    out.place = lines_.at(offset_of(token.data()));
    if (depth > kJsonDepth) {
      return too_deep(out);
    }
    ondemand::json_type type{};
    if (json.type().get(type) != simdjson::SUCCESS) {
      return refuse();
    }
    switch (type) {
      case ondemand::json_type::object:
        return object(json, out, depth);
      case ondemand::json_type::array:
        return list(json, out, depth);
      case ondemand::json_type::string:
      case ondemand::json_type::number:
      case ondemand::json_type::boolean:
      case ondemand::json_type::null:
        return scalar(json, type, out) || refuse();
    }
    return refuse();
  }

  bool scalar(ondemand::value& json, ondemand::json_type type, Value& out) {
    if (type == ondemand::json_type::string) {
      std::string_view text;
      out.kind = Kind::text;
      const bool fine = json.get_string().get(text) == simdjson::SUCCESS;
      out.text = text;
      return fine;
    }
    const std::string_view token = json.raw_json_token();
    out.text = token.substr(0, token.find_first_of(" \t\r\n,]}"));
    if (type == ondemand::json_type::boolean) {
      out.kind = Kind::boolean;
      return json.get_bool().get(out.truth) == simdjson::SUCCESS;
    }
    if (type == ondemand::json_type::null) {
      bool null = false;
      out.kind = Kind::null;
      return json.is_null().get(null) == simdjson::SUCCESS && null;
    }
    return number(json, out);
  }

  static bool number(ondemand::value& json, Value& out) {
    ondemand::number number;
    if (json.get_number().get(number) != simdjson::SUCCESS) {
      return false;
    }
    out.kind = number.is_int64() ? Kind::integer : Kind::number;
    out.integer = number.is_int64() ? number.get_int64() : 0;
    return true;
  }

  bool list(ondemand::value& json, Value& out, int depth) {
    out.kind = Kind::list;
    ondemand::array array;
    if (json.get_array().get(array) != simdjson::SUCCESS) {
      return refuse();
    }
    before_ = Before::open_list;
    next_ = opened(out);
    for (auto item : array) {
      ondemand::value json_item;
      if (item.get(json_item) != simdjson::SUCCESS ||
          !value(json_item, out.items.emplace_back(), depth + 1)) {
        return refuse();
      }
      passed(out.items.back(), Before::value_in_list);
    }
    return true;
  }

  bool object(ondemand::value& json, Value& out, int depth) {
    out.kind = Kind::object;
    ondemand::object object;
    if (json.get_object().get(object) != simdjson::SUCCESS) {
      return refuse();
    }
    before_ = Before::open_object;
    next_ = opened(out);
    std::unordered_map<std::string, Place> seen;
    for (auto member : object) {
      ondemand::field json_field;
      if (std::move(member).get(json_field) != simdjson::SUCCESS) {
        return refuse();
      }
      Field field;
      if (!name(json_field, field) || !value(json_field.value(), field.value, depth + 1)) {
        return refuse();
      }
      passed(field.value, Before::value_in_object);
      const auto [first, is_new] = seen.emplace(field.name, field.place);
      if (is_new) {
        out.fields.push_back(std::move(field));
      } else {
        twice(field, first->second);
      }
    }
    return true;
  }

  bool name(ondemand::field& json, Field& field) {
    const char* quoted_text = json.key().raw();
    const std::size_t quote = offset_of(quoted_text) - 1;
    field.place = lines_.at(quote);
    std::string_view text;
    if (json.unescaped_key().get(text) != simdjson::SUCCESS) {
      return false;
    }
    field.name = text;
    return true;
  }

  void twice(const Field& field, Place first) {
    report_.error(spot(document_, field.place, field.name), "json.duplicate",
                  fmt::format("\"{}\" is given twice in one object", shorten(field.name)),
                  fmt::format("the first is at line {}; keep one", first.line));
  }

  [[nodiscard]] std::size_t opened(const Value& value) const {
    return lines_.offset(value.place) + 1;
  }

  std::string_view text_;
  simdjson::padded_string padded_;
  const Lines& lines_;
  Document& document_;
  Report& report_;
  ondemand::parser parser_;
  ondemand::document json_;
  Before before_ = Before::nothing;
  std::size_t next_ = 0;
  bool refused_ = false;
};

/// What is wrong with the bytes, before any syntax; true when nothing is.
bool check_bytes(std::string_view text, const Lines& lines, const Document& document,
                 Report& report) {
  const std::string_view begin = text.substr(0, 2);
  const std::size_t bad = bad_utf8(text);
  if (begin == "\xff\xfe" || begin == "\xfe\xff") {
    report.error(spot(document, Place{1, 1}, {}), "file.encoding", "the file is UTF-16",
                 "save it as UTF-8");
    return false;
  }
  if (bad != std::string_view::npos) {
    report.error(spot(document, lines.at(bad), {}), "file.encoding",
                 fmt::format("byte 0x{:02x} is not UTF-8", static_cast<unsigned char>(text[bad])),
                 "save the file as UTF-8");
    return false;
  }
  return true;
}

}  // namespace

Document read_json(const SourceText& source, Report& report) {
  Document document{.file = source.name, .format = Format::json, .sound = false, .root = {}};
  const Place begin{1, 1};
  if (source.text.size() > kJsonBytes) {
    report.error(spot(document, begin, {}), "file.size",
                 fmt::format("the file has {} bytes", source.text.size()),
                 fmt::format("at most {} are read; is it the right file?", kJsonBytes));
    return document;
  }
  const Lines lines(source.text);
  if (!check_bytes(source.text, lines, document, report)) {
    return document;
  }
  std::string text = source.text;
  if (text.compare(0, kByteOrderMark.size(), kByteOrderMark) == 0) {
    text.replace(0, kByteOrderMark.size(), "   ");  // keeps every offset
    report.warning(spot(document, begin, {}), "file.encoding",
                   "the file begins with a byte order mark", "save it as UTF-8 without one");
  }
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) {
    report.error(spot(document, begin, {}), "json.syntax", "the file is empty",
                 "it holds one object: { ... }");
    return document;
  }
  if (text[first] != '{' && text[first] != '[') {
    const std::string hint = foreign_hint(text, first);
    report.error(spot(document, lines.at(first), {}), "json.syntax",
                 "the file does not begin with {",
                 hint.empty() ? "it holds one object: { ... }" : hint);
    return document;
  }
  document.sound = Walk(text, lines, document, report).whole();
  return document;
}

}  // namespace provost::spec
