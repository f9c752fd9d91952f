#include "protocol/messages.hpp"

#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <concepts>
#include <limits>
#include <utility>

#include "base/text.hpp"

// Each message is described once, by a `describe` that both the Writer and the Reader walk: what is
// written is what is read.

namespace provost::protocol {
namespace {

namespace json = boost::json;

template <class Value, class Type>
concept Is = std::same_as<std::remove_const_t<Value>, Type>;

template <class Type>
struct Names;
template <>
struct Names<model::Stage> {
  static constexpr std::array kAll{"base", "service", "worker"};
};
template <>
struct Names<ScriptState> {
  static constexpr std::array kAll{"none", "running", "succeeded", "failed"};
};
template <>
struct Names<UnitState> {
  static constexpr std::array kAll{"waiting", "starting", "up", "failed"};
};

// ---- What the messages consist of

template <class Archive>
void describe(Archive& archive, Is<model::DirectoryPart> auto& directory) {
  archive("path", directory.path);
  archive("mode", directory.mode);
  archive("owner", directory.owner);
  archive("group", directory.group);
}

template <class Archive>
void describe(Archive& archive, Is<model::FilePart> auto& file) {
  archive("path", file.path);
  archive.content(file.content);
  archive("mode", file.mode);
  archive("owner", file.owner);
  archive("group", file.group);
}

template <class Archive>
void describe(Archive& archive, Is<model::UnitPart> auto& unit) {
  archive("name", unit.name);
  archive("stage", unit.stage);
  archive("ready", unit.ready);
  archive("then", unit.then);
  archive("restart_on", unit.restart_on);
}

template <class Archive>
void describe(Archive& archive, Is<model::NodePart> auto& part) {
  archive("room", part.room);
  archive("directories", part.directories);
  archive("files", part.files);
  archive("units", part.units);
}

template <class Archive>
void describe(Archive& archive, Is<ScriptOrder> auto& order) {
  archive("bucket", order.bucket);
  archive("prefix", order.prefix);
  archive("script", order.script);
  archive.bytes("bundle", order.bundle);
  archive("timeout_s", order.timeout_s);
  archive("environment", order.environment);
  archive("late", order.late);
}

template <class Archive>
void describe(Archive& archive, Is<ScriptReport> auto& script) {
  archive("state", script.state);
  archive("status", script.status);
  archive("step", script.step);
  archive("tail", script.tail);
  archive("seconds", script.seconds);
}

template <class Archive>
void describe(Archive& archive, Is<UnitReport> auto& unit) {
  archive("name", unit.name);
  archive("state", unit.state);
  archive("message", unit.message);
}

template <class Archive>
void describe(Archive& archive, Is<Inventory> auto& inventory) {
  archive("cpus", inventory.cpus);
  archive("memory_mib", inventory.memory_mib);
  archive("kernel", inventory.kernel);
  archive("gpus", inventory.gpus);
}

template <class Archive>
void describe(Archive& archive, Is<JobUse> auto& use) {
  archive("job", use.job);
  archive("cpu_millis", use.cpu_millis);
  archive("batch", use.batch);
}

template <class Archive>
void describe(Archive& archive, Is<GpuUse> auto& use) {
  archive("file", use.file);
  archive("busy_millis", use.busy_millis);
}

// ---- The messages

template <class Archive>
void describe(Archive& archive, Is<Hello> auto& hello) {
  archive("version", hello.version);
  archive("cluster", hello.cluster);
  archive("node", hello.node);
  archive("incarnation", hello.incarnation);
  archive("boot_id", hello.boot_id);
  archive("epoch", hello.epoch);
}

template <class Archive>
void describe(Archive& archive, Is<Spec> auto& spec) {
  archive("epoch", spec.epoch);
  archive("revision", spec.revision);
  archive("part", spec.part);
  archive("script", spec.script);
  archive("opened", spec.opened);
}

template <class Archive>
void describe(Archive& archive, Is<Report> auto& report) {
  archive("revision", report.revision);
  archive("failure", report.failure);
  archive("script", report.script);
  archive("units", report.units);
  archive("inventory", report.inventory);
  archive("load", report.load);
  archive("jobs", report.jobs);
  archive("gpus", report.gpus);
}

template <class Archive>
void describe(Archive& archive, Is<LogChunk> auto& chunk) {
  archive("source", chunk.source);
  archive("text", chunk.text);
}

template <class Archive>
void describe(Archive& archive, Is<RunOrder> auto& order) {
  archive("id", order.id);
  archive("argv", order.argv);
  archive.bytes("input", order.input);
  archive("timeout_s", order.timeout_s);
}

template <class Archive>
void describe(Archive& archive, Is<RunCancel> auto& cancel) {
  archive("id", cancel.id);
}

template <class Archive>
void describe(Archive& archive, Is<RunOutput> auto& output) {
  archive("id", output.id);
  archive("error_channel", output.error_channel);
  archive.bytes("bytes", output.bytes);
}

template <class Archive>
void describe(Archive& archive, Is<RunEnd> auto& end) {
  archive("id", end.id);
  archive("status", end.status);
  archive("failure", end.failure);
}

// In the order of the variant `Message`.
constexpr std::array kKinds{"hello",     "spec",       "report",     "log",
                            "run_order", "run_cancel", "run_output", "run_end"};
static_assert(kKinds.size() == std::variant_size_v<Message>);

// ---- UTF-8: JSON has no other text, and output of programs is anything

// Length of the well-formed sequence at the beginning of `text`; 0 when there is none.
// NOLINTNEXTLINE(readability-function-cognitive-complexity): the table of RFC 3629, row by row.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i, unsigned low = 0x80U, unsigned high = 0xBFU) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80U) {
    return 1;
  }
  if (first >= 0xC2U && first <= 0xDFU) {
    return follows(1) ? 2 : 0;
  }
  if (first >= 0xE0U && first <= 0xEFU) {
    // Neither overlong nor a surrogate.
    const bool second = follows(1, first == 0xE0U ? 0xA0U : 0x80U, first == 0xEDU ? 0x9FU : 0xBFU);
    return second && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0U && first <= 0xF4U) {
    const bool second = follows(1, first == 0xF0U ? 0x90U : 0x80U, first == 0xF4U ? 0x8FU : 0xBFU);
    return second && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

std::size_t first_invalid(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = sequence_length(text.substr(at));
    if (length == 0) {
      return at;
    }
    at += length;
  }
  return text.size();
}

json::string to_json_text(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  json::string out;
  while (true) {
    const std::size_t valid = first_invalid(text);
    out.append(text.substr(0, valid));
    if (valid == text.size()) {
      return out;
    }
    out.append(kReplacement);
    text.remove_prefix(valid + 1);
  }
}

// ---- Writing

class Writer {
 public:
  template <class Value>
  void operator()(const char* name, const Value& value) {
    object_.emplace(name, to_json(value));
  }
  template <class Value>
  void operator()(const char* name, const std::optional<Value>& value) {
    if (value) {
      object_.emplace(name, to_json(*value));
    }
  }
  void bytes(const char* name, const std::string& value) {
    object_.emplace(name, to_base64(value));
  }
  void content(const std::string& value) {
    if (first_invalid(value) == value.size()) {
      object_.emplace("content", value);
    } else {
      bytes("content_base64", value);
    }
  }
  json::object take() { return std::move(object_); }

 private:
  static json::value to_json(std::string_view text) { return to_json_text(text); }
  static json::value to_json(const std::string& text) { return to_json_text(text); }
  static json::value to_json(bool value) { return value; }
  static json::value to_json(double value) { return std::isfinite(value) ? value : 0.0; }
  template <std::integral Number>
  static json::value to_json(Number value) {
    return static_cast<std::int64_t>(value);
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  static json::value to_json(Enum value) {
    return Names<Enum>::kAll.at(static_cast<std::size_t>(value));
  }
  template <class Value>
  static json::value to_json(const std::vector<Value>& values) {
    json::array array;
    array.reserve(values.size());
    for (const Value& value : values) {
      array.push_back(to_json(value));
    }
    return array;
  }
  static json::value to_json(const std::map<std::string, std::string>& values) {
    json::object object;
    for (const auto& [name, value] : values) {
      object.emplace(to_json_text(name), to_json_text(value));
    }
    return object;
  }
  template <class Value>
  requires std::is_class_v<Value>
  static json::value to_json(const Value& value) {
    Writer writer;
    describe(writer, value);
    return writer.take();
  }

  json::object object_;
};

// ---- Reading

class Reader {
 public:
  Reader(const json::object& object, std::string where)
      : object_(object), where_(std::move(where)) {}

  // What was wrong first; empty: nothing.
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

  template <class Value>
  void operator()(const char* name, Value& value) {
    if (const json::value* found = member(name)) {
      read(*found, value, where_ + "." + name);
    }
  }
  template <class Value>
  void operator()(const char* name, std::optional<Value>& value) {
    value.reset();
    if (const json::value* found = object_.if_contains(name)) {
      read(*found, value.emplace(), where_ + "." + name);
    }
  }
  void bytes(const char* name, std::string& value) {
    if (const json::value* found = member(name)) {
      read_base64(*found, value, where_ + "." + name);
    }
  }
  void content(std::string& value) {
    if (const json::value* found = object_.if_contains("content_base64")) {
      read_base64(*found, value, where_ + ".content_base64");
    } else {
      (*this)("content", value);
    }
  }

 private:
  const json::value* member(const char* name) {
    const json::value* found = object_.if_contains(name);
    if (found == nullptr) {
      complain(where_ + "." + name, "is missing");
    }
    return found;
  }
  void complain(const std::string& where, std::string_view what) {
    if (wrong_.empty()) {
      wrong_ = fmt::format("{} {}", where, what);
    }
  }

  void read(const json::value& value, std::string& out, const std::string& where) {
    if (const json::string* text = value.if_string()) {
      out.assign(text->data(), text->size());
    } else {
      complain(where, "is not a text");
    }
  }
  void read_base64(const json::value& value, std::string& out, const std::string& where) {
    const json::string* text = value.if_string();
    auto bytes = text != nullptr ? from_base64(*text) : std::nullopt;
    if (bytes) {
      out = std::move(*bytes);
    } else {
      complain(where, "is not base64");
    }
  }
  void read(const json::value& value, bool& out, const std::string& where) {
    if (const bool* truth = value.if_bool()) {
      out = *truth;
    } else {
      complain(where, "is not true or false");
    }
  }
  void read(const json::value& value, double& out, const std::string& where) {
    if (value.is_number()) {
      out = value.to_number<double>();
    } else {
      complain(where, "is not a number");
    }
  }
  template <std::integral Number>
  void read(const json::value& value, Number& out, const std::string& where) {
    const std::int64_t* number = value.if_int64();
    if (number != nullptr && std::in_range<Number>(*number)) {
      out = static_cast<Number>(*number);
    } else {
      complain(where, "is not a whole number of its range");
    }
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void read(const json::value& value, Enum& out, const std::string& where) {
    const auto& names = Names<Enum>::kAll;
    const json::string* text = value.if_string();
    for (std::size_t i = 0; text != nullptr && i < names.size(); ++i) {
      if (*text == names[i]) {
        out = static_cast<Enum>(i);
        return;
      }
    }
    complain(where, "is not one of the known words");
  }
  // NOLINTNEXTLINE(misc-no-recursion): as deep as the type
  template <class Value>
  void read(const json::value& value, std::vector<Value>& out, const std::string& where) {
    const json::array* array = value.if_array();
    if (array == nullptr) {
      complain(where, "is not a list");
      return;
    }
    out.clear();
    out.reserve(array->size());
    for (std::size_t i = 0; i < array->size() && wrong_.empty(); ++i) {
      read((*array)[i], out.emplace_back(), fmt::format("{}[{}]", where, i));
    }
  }
  void read(const json::value& value, std::map<std::string, std::string>& out,
            const std::string& where) {
    const json::object* object = value.if_object();
    if (object == nullptr) {
      complain(where, "is not an object");
      return;
    }
    out.clear();
    for (const auto& [name, text] : *object) {
      read(text, out[std::string(name)], fmt::format("{}.{}", where, shorten(name)));
    }
  }
  template <class Value>
  requires std::is_class_v<Value>
  void read(const json::value& value, Value& out, const std::string& where) {
    const json::object* object = value.if_object();
    if (object == nullptr) {
      complain(where, "is not an object");
      return;
    }
    Reader reader(*object, where);
    describe(reader, out);
    if (wrong_.empty()) {
      wrong_ = reader.wrong();
    }
  }

  const json::object& object_;
  std::string where_;
  std::string wrong_;
};

template <std::size_t kIndex = 0>
Result<Message> read_kind(const json::object& object, std::string_view kind) {
  if constexpr (kIndex == kKinds.size()) {
    return fail(ErrorKind::invalid, "cannot read a message: unknown kind \"{}\"", shorten(kind));
  } else {
    if (kind != kKinds[kIndex]) {
      return read_kind<kIndex + 1>(object, kind);
    }
    std::variant_alternative_t<kIndex, Message> message;
    Reader reader(object, std::string(kind));
    describe(reader, message);
    if (!reader.wrong().empty()) {
      return fail(ErrorKind::invalid, "cannot read a message: {}", reader.wrong());
    }
    return Message(std::move(message));
  }
}

Result<Message> decode_value(std::string_view frame) {
  boost::system::error_code error;
  const json::value value = json::parse(frame, error);
  if (error) {
    return fail(ErrorKind::invalid, "cannot read a message: {}", error.message());
  }
  const json::object* object = value.if_object();
  const json::value* kind = object != nullptr ? object->if_contains("kind") : nullptr;
  if (kind == nullptr || !kind->is_string()) {
    return fail(ErrorKind::invalid, "cannot read a message: it is no object with a kind");
  }
  return read_kind(*object, kind->get_string());
}

}  // namespace

std::string encode(const Message& message) {
  json::object object = std::visit(
      [](const auto& each) {
        Writer writer;
        describe(writer, each);
        return writer.take();
      },
      message);
  object.emplace("kind", kKinds.at(message.index()));
  return json::serialize(object);
}

Result<Message> decode(std::string_view frame) {
  if (frame.size() > kMessageLimit) {
    return fail(ErrorKind::invalid, "cannot read a message: it has {} bytes, over the limit of {}",
                frame.size(), kMessageLimit);
  }
  try {
    return decode_value(frame);
  } catch (const std::exception& problem) {
    return fail(ErrorKind::invalid, "cannot read a message: {}", problem.what());
  }
}

}  // namespace provost::protocol
