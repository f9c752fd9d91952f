#include "spec/toml_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/text.hpp"
#include "spec/toml_scan.hpp"

// toml++ 3.0 (Debian 12) asserts in its parser what a wrong file can bring about, such as a table's
// head without a name; without assertions that is undefined behaviour. Here an assertion that fails
// is an exception, in every kind of build.
namespace provost::spec {
namespace {
struct TomlAssertion {};
[[noreturn]] void fail_assertion() { throw TomlAssertion{}; }
}  // namespace
}  // namespace provost::spec
#undef NDEBUG
#define TOML_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : provost::spec::fail_assertion())
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

namespace provost::spec {
namespace {

// Where a table's head has no name: the wrong line behind that assertion.
std::size_t nameless_head(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  for (std::size_t line = 0; line < text.size(); line = text.find('\n', line) + 1) {
    const std::size_t first = text.find_first_not_of(kBlank, line);
    if (first != std::string_view::npos && text[first] == '[') {
      const std::size_t name = text.find_first_not_of(" \t[", first);
      const char found = name == std::string_view::npos ? '\n' : text[name];
      if (std::isalnum(static_cast<unsigned char>(found)) == 0 &&
          std::string_view("_-\"'").find(found) == std::string_view::npos) {
        return first;
      }
    }
    if (text.find('\n', line) == std::string_view::npos) {
      break;
    }
  }
  return 0;
}

// "2027-09-30", "2027-09-30T14:00:00"; nothing for a time without a day or with an offset from UTC.
std::string day_of(const toml::node& node) {
  const auto day = [](const toml::date& date) {
    return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
  };
  if (const auto* date = node.as_date()) {
    return day(date->get());
  }
  const auto* both = node.as_date_time();
  if (both == nullptr || both->get().offset) {
    return {};
  }
  const toml::time& time = both->get().time;
  return fmt::format("{}T{:02}:{:02}:{:02}", day(both->get().date), time.hour, time.minute,
                     time.second);
}

class Copy {
 public:
  explicit Copy(const Lines& lines) : lines_(lines) {}

  Value value(const toml::node& node) const {
    Value out;
    out.place = place(node.source());
    if (const toml::table* table = node.as_table()) {
      out.kind = Kind::object;
      fields(*table, out);
    } else if (const toml::array* list = node.as_array()) {
      out.kind = Kind::list;
      out.items.reserve(list->size());
      for (const toml::node& item : *list) {
        out.items.push_back(value(item));
      }
    } else {
      scalar(node, out);
    }
    return out;
  }

 private:
  [[nodiscard]] Place place(const toml::source_region& region) const {
    return lines_.at_character(static_cast<int>(region.begin.line),
                               static_cast<int>(region.begin.column));
  }

  void fields(const toml::table& table, Value& out) const {
    for (const auto& [key, node] : table) {
      out.fields.push_back({std::string(key.str()), place(key.source()), value(node)});
    }
    // toml++ orders by name; people read in the order of the file.
    std::stable_sort(out.fields.begin(), out.fields.end(), [](const Field& a, const Field& b) {
      return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
    });
  }

  static void scalar(const toml::node& node, Value& out) {
    if (const auto* text = node.as_string()) {
      out.kind = Kind::text;
      out.text = text->get();
    } else if (const auto* integer = node.as_integer()) {
      out.kind = Kind::integer;
      out.integer = integer->get();
      out.text = fmt::format("{}", integer->get());
    } else if (const auto* truth = node.as_boolean()) {
      out.kind = Kind::boolean;
      out.truth = truth->get();
      out.text = out.truth ? "true" : "false";
    } else if (const auto* number = node.as_floating_point()) {
      out.kind = Kind::number;
      out.text = fmt::format("{}", number->get());
    } else {
      out.kind = Kind::date;
      out.text = day_of(node);
    }
  }

  const Lines& lines_;
};

}  // namespace

Document read_toml(const SourceText& source, Report& report) {
  Document document{.file = source.name, .format = Format::toml, .sound = false, .root = {}};
  if (source.text.size() > kTomlBytes) {
    report.error(spot(document, Place{1, 1}, {}), "file.size",
                 fmt::format("the file has {} bytes", source.text.size()),
                 fmt::format("at most {} are read; is it the right file?", kTomlBytes));
    return document;
  }
  const Lines lines(source.text);
  const std::size_t bad = bad_utf8(source.text);
  if (bad != std::string_view::npos) {
    report.error(
        spot(document, lines.at(bad), {}), "file.encoding",
        fmt::format("byte 0x{:02x} is not UTF-8", static_cast<unsigned char>(source.text[bad])),
        "save the file as UTF-8");
    return document;
  }
  // TOML forbids them, and toml++ 3.0 asserts that none stands where a key begins.
  const auto control = std::find_if(source.text.begin(), source.text.end(), [](unsigned char each) {
    return (each < 0x20 && each != '\t' && each != '\n' && each != '\r') || each == 0x7f;
  });
  if (control != source.text.end()) {
    report.error(
        spot(document, lines.at(static_cast<std::size_t>(control - source.text.begin())), {}),
        "file.control-character",
        fmt::format("byte 0x{:02x} is a control character", static_cast<unsigned char>(*control)),
        "take it away; inside a text write \\u00XX");
    return document;
  }
  const std::size_t outside = non_ascii_outside_text(source.text);
  if (outside != std::string_view::npos) {
    report.error(spot(document, lines.at(outside), {}), "toml.syntax",
                 "letters beyond ASCII stand outside a text", "put them between quotes");
    return document;
  }
  try {
    document.root = Copy(lines).value(toml::parse(std::string_view(source.text)));
  } catch (const toml::parse_error& problem) {
    const toml::source_position at = problem.source().begin;
    report.error(
        spot(document, lines.at_character(static_cast<int>(at.line), static_cast<int>(at.column)),
             {}),
        "toml.syntax", shorten(problem.description(), 200), "");
    return document;
  } catch (const TomlAssertion&) {
    report.error(spot(document, lines.at(nameless_head(source.text)), {}), "toml.syntax",
                 "this is no TOML", "a table is written [name] or [[name]]");
    return document;
  }
  document.root.place = {1, 1};
  document.sound = true;
  return document;
}

}  // namespace provost::spec
