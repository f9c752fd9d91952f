#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "spec/shape.hpp"

namespace provost::spec {
namespace {

std::string_view words(Type type) {
  switch (type) {
    case Type::anything:
      return "anything";
    case Type::text:
      return "a string";
    case Type::integer:
      return "a whole number";
    case Type::boolean:
      return "true or false";
    case Type::date:
      return "a date";
    case Type::list:
      return "a list";
    case Type::map:
    case Type::object:
      return "an object";
  }
  return "anything";
}

Kind kind_of(Type type) {
  switch (type) {
    case Type::text:
      return Kind::text;
    case Type::integer:
      return Kind::integer;
    case Type::boolean:
      return Kind::boolean;
    case Type::date:
      return Kind::date;
    case Type::list:
      return Kind::list;
    case Type::map:
    case Type::object:
    case Type::anything:
      return Kind::object;
  }
  return Kind::object;
}

bool is_bounded_below(const Shape& shape) {
  return shape.min != std::numeric_limits<std::int64_t>::min();
}
bool is_bounded_above(const Shape& shape) {
  return shape.max != std::numeric_limits<std::int64_t>::max();
}

/// "from 1 to 63", "at least 1", "at most 50".
std::string bounds(const Shape& shape) {
  if (is_bounded_below(shape) && is_bounded_above(shape)) {
    return fmt::format("from {} to {}", shape.min, shape.max);
  }
  return is_bounded_below(shape) ? fmt::format("at least {}", shape.min)
                                 : fmt::format("at most {}", shape.max);
}

/// What a value of this shape looks like: "a whole number from 0 to 6758".
std::string description(const Shape& shape) {
  if (!shape.choices.empty()) {
    return fmt::format("\"{}\"", join(shape.choices, "\" or \""));
  }
  if (shape.type == Type::integer && (is_bounded_below(shape) || is_bounded_above(shape))) {
    return fmt::format("{} {}", words(shape.type), bounds(shape));
  }
  return std::string(words(shape.type));
}

/// How to mend a value of the wrong type.
std::string mended(const Shape& shape, const Value& value, Format format) {
  if (value.kind == Kind::text && shape.type == Type::integer && to_number(trim(value.text))) {
    return fmt::format("write {} without quotes", trim(value.text));
  }
  if (value.kind == Kind::text && shape.type == Type::boolean &&
      (value.text == "true" || value.text == "false")) {
    return fmt::format("write {} without quotes", value.text);
  }
  if (shape.type == Type::date) {
    return "write it without quotes, as in 2027-09-30 or 2027-09-30T14:00:00";
  }
  if (shape.type == Type::text && (value.kind == Kind::integer || value.kind == Kind::number)) {
    return fmt::format("write \"{}\" with quotes", quoted(value));
  }
  if (shape.type == Type::list && format == Format::toml && value.kind == Kind::object) {
    return "its header takes two brackets: [[...]]";
  }
  if (shape.type == Type::list && value.kind != Kind::null) {
    return "put it into [ ]";
  }
  if (value.kind == Kind::null) {
    return "give a value, or leave the field out";
  }
  return fmt::format("write {}", description(shape));
}

class Checker {
 public:
  Checker(const Document& document, Report& report, const ShapeOptions& options)
      : document_(document), report_(report), options_(options) {}

  /// `has_effect`: not part of a field that is noted to have none.
  void check(const Value& value, const Shape& shape, const std::string& path, bool has_effect) {
    if (options_.positions != nullptr) {
      (*options_.positions)[path] = {document_.file, value.place.line, value.place.column};
    }
    if (shape.type == Type::anything) {
      return;
    }
    if (value.kind != kind_of(shape.type)) {
      wrong_type(value, shape, path);
      return;
    }
    switch (shape.type) {
      case Type::text:
        text(value, shape, path);
        break;
      case Type::integer:
        if (value.integer < shape.min || value.integer > shape.max) {
          report_.error(spot(document_, value, path), "field.range",
                        fmt::format("{} is {}", path, value.integer),
                        fmt::format("it must be {}", bounds(shape)));
        }
        break;
      case Type::list:
        list(value, shape, path, has_effect);
        break;
      case Type::map:
        for (const Field& field : value.fields) {
          check(field.value, *shape.item, path + "." + shorten(field.name), has_effect);
        }
        break;
      case Type::object:
        object(value, shape, path, has_effect);
        break;
      case Type::date:
        date(value, path);
        break;
      case Type::boolean:
      case Type::anything:
        break;
    }
  }

  /// Says once what has no effect.
  void tell_idle() {
    for (auto& [member, idle] : idle_) {
      const std::string others = idle.times > 1 ? fmt::format(" ({} places)", idle.times) : "";
      report_.note(std::move(idle.first), "field.no-effect",
                   fmt::format("{} has no effect here{}", member->name, others), member->reason);
    }
  }

  [[nodiscard]] const std::map<const Member*, DefaultUsed>& defaults() const { return defaults_; }

 private:
  void wrong_type(const Value& value, const Shape& shape, const std::string& path) {
    const std::string shown = quoted(value);
    const std::string what =
        fmt::format("{} must be {}, not {}{}", label(path), words(shape.type), words_of(value),
                    shown.empty() || value.kind == Kind::null ? "" : " (" + shown + ")");
    report_.error(spot(document_, value, path), "field.type", what,
                  mended(shape, value, document_.format));
  }

  [[nodiscard]] std::string_view words_of(const Value& value) const {
    return value.kind == Kind::object && document_.format == Format::toml ? "a table"
                                                                          : spec::words(value.kind);
  }

  static std::string label(const std::string& path) { return path.empty() ? "the file" : path; }

  void text(const Value& value, const Shape& shape, const std::string& path) {
    if (!shape.choices.empty()) {
      choice(value, shape, path);
      return;
    }
    const auto is_control = [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
    };
    if (std::any_of(value.text.begin(), value.text.end(), is_control)) {
      report_.error(spot(document_, value, path), "field.characters",
                    fmt::format("{} {} holds a control character", path, quoted(value)),
                    "take it away");
      return;
    }
    const auto length = static_cast<std::int64_t>(characters(value.text));
    if (length < shape.min || length > shape.max) {
      report_.error(spot(document_, value, path), "field.length",
                    length == 0 ? fmt::format("{} is empty", path)
                                : fmt::format("{} has {} characters", path, length),
                    fmt::format("it must have {}", bounds(shape)));
    } else if (shape.pattern != nullptr && !shape.pattern->matches(value.text)) {
      report_.error(spot(document_, value, path), "field.pattern",
                    fmt::format("{} is {}", path, quoted(value)),
                    fmt::format("it must be {}", shape.pattern->words));
    } else if (shape.regex != nullptr && !shape.regex->matches(value.text)) {
      report_.error(spot(document_, value, path), "field.pattern",
                    fmt::format("{} is {}", path, quoted(value)),
                    fmt::format("it must be {}", shape.regex_words));
    }
  }

  void date(const Value& value, const std::string& path) {
    if (value.text.empty()) {
      report_.error(spot(document_, value, path), "field.date",
                    fmt::format("{} is no day, or has an offset from UTC", path),
                    "write it as in 2027-09-30 or 2027-09-30T14:00:00, in the campus's own time");
    }
  }

  void choice(const Value& value, const Shape& shape, const std::string& path) {
    const auto& choices = shape.choices;
    if (std::find(choices.begin(), choices.end(), value.text) == choices.end()) {
      report_.error(spot(document_, value, path), "field.choice",
                    fmt::format("{} is {}", path, quoted(value)),
                    fmt::format("it must be {}", description(shape)));
    }
  }

  void list(const Value& value, const Shape& shape, const std::string& path, bool has_effect) {
    const auto count = static_cast<std::int64_t>(value.items.size());
    if (count < shape.min || count > shape.max) {
      report_.error(spot(document_, value, path), "field.items",
                    count == 0 ? fmt::format("{} is empty", path)
                               : fmt::format("{} has {} items", path, count),
                    fmt::format("it must have {}", bounds(shape)));
    }
    for (std::size_t i = 0; i < value.items.size() && static_cast<std::int64_t>(i) < shape.max;
         ++i) {
      check(value.items[i], *shape.item, fmt::format("{}[{}]", path, i), has_effect);
    }
  }

  void object(const Value& value, const Shape& shape, const std::string& path, bool has_effect) {
    const std::string prefix = path.empty() ? "" : path + ".";
    for (const Field& field : value.fields) {
      const Member* member = shape.find(field.name);
      if (member == nullptr) {
        unknown(field, shape, path);
      } else if (member->effect == Effect::refused) {
        report_.error(spot(document_, field.place, prefix + field.name), "field.unsupported",
                      fmt::format("{}{} is not supported", prefix, field.name), member->reason);
      } else {
        if (has_effect && member->effect == Effect::recorded) {
          note_idle(field, *member, prefix + field.name);
        }
        check(field.value, *member->shape, prefix + field.name,
              has_effect && member->effect == Effect::honoured);
      }
    }
    missing(value, shape, path);
    if (has_effect) {
      use_defaults(value, shape, prefix);
    }
  }

  void use_defaults(const Value& value, const Shape& shape, const std::string& prefix) {
    for (const Member& member : shape.members) {
      if (!member.initial.empty() && value.find(member.name) == nullptr) {
        DefaultUsed& used = defaults_[&member];
        if (used.times++ == 0) {
          used.path = prefix + member.name;
          used.value = member.initial;
          used.rule = member.about;
        }
      }
    }
  }

  void unknown(const Field& field, const Shape& shape, const std::string& path) {
    std::vector<std::string> names;
    for (const Member& member : shape.members) {
      const bool is_given = std::any_of(names.begin(), names.end(),
                                        [&](const auto& name) { return name == member.name; });
      if (!is_given && member.effect != Effect::refused) {
        names.push_back(member.name);
      }
    }
    const std::string name = shorten(field.name);
    const Spot where = spot(document_, field.place, path.empty() ? name : path + "." + name);
    const std::string what = fmt::format("{} has no field \"{}\"", label(path), name);
    if (options_.allow_unknown) {
      report_.warning(where, "field.unknown", what, "it has no effect");
    } else {
      report_.error(where, "field.unknown", what, did_you_mean(field.name, names));
    }
  }

  void note_idle(const Field& field, const Member& member, const std::string& path) {
    Idle& idle = idle_[&member];
    if (idle.times++ == 0) {
      idle.first = spot(document_, field.place, path);
    }
  }

  void missing(const Value& value, const Shape& shape, const std::string& path) {
    std::size_t given = 0;
    for (const Member& member : shape.members) {
      const bool is_given = value.find(member.name) != nullptr;
      given += is_given ? 1 : 0;
      if (member.required && !is_given) {
        const char* form = document_.format == Format::json ? "add \"{}\": {}" : "add {} = {}";
        report_.error(
            spot(document_, value.place, path.empty() ? member.name : path + "." + member.name),
            "field.missing", fmt::format("{} has no {}", label(path), member.name),
            fmt::format(fmt::runtime(form), member.name, "<" + description(*member.shape) + ">"));
      }
    }
    if (shape.is_union && given != 1) {
      std::vector<std::string> names;
      for (const Member& member : shape.members) {
        names.push_back(member.name);
      }
      report_.error(spot(document_, value.place, path), "field.union",
                    fmt::format("{} has {} of {}", label(path), given, join(names, ", ")),
                    "give exactly one of them");
    }
  }

  /// A field without effect.
  struct Idle {
    Spot first;
    int times = 0;
  };

  const Document& document_;
  Report& report_;
  ShapeOptions options_;
  std::map<const Member*, Idle> idle_;
  std::map<const Member*, DefaultUsed> defaults_;
};

}  // namespace

void check_shape(const Document& document, const Shape& shape, Report& report,
                 const ShapeOptions& options) {
  Checker checker(document, report, options);
  checker.check(document.root, shape, {}, true);
  checker.tell_idle();
  if (options.defaults != nullptr) {
    for (const auto& [member, used] : checker.defaults()) {
      options.defaults->push_back(used);
    }
  }
  if (options.positions != nullptr) {
    options.positions->erase("");
  }
}

}  // namespace provost::spec
