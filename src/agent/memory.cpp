#include "agent/memory.hpp"

#include <boost/json.hpp>

#include "base/log.hpp"
#include "os/fault.hpp"
#include "os/files.hpp"

namespace provost::agent {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, const char* name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::int64_t number_of(const json::object& object, const char* name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

json::object to_json(const Memory::Script& script) {
  return {
      {"digest", script.digest},        {"state", static_cast<std::int64_t>(script.report.state)},
      {"status", script.report.status}, {"step", script.report.step},
      {"tail", script.report.tail},     {"seconds", script.report.seconds}};
}

Memory::Script to_script(const json::object& object) {
  Memory::Script script;
  const std::int64_t state = number_of(object, "state");
  if (state < 0 || state > static_cast<std::int64_t>(protocol::ScriptState::failed)) {
    return script;
  }
  script.digest = text_of(object, "digest");
  script.report.state = static_cast<protocol::ScriptState>(state);
  script.report.status = static_cast<int>(number_of(object, "status"));
  script.report.step = text_of(object, "step");
  script.report.tail = text_of(object, "tail");
  script.report.seconds = number_of(object, "seconds");
  return script;
}

}  // namespace

Result<std::unique_ptr<Memory>> Memory::open(const std::string& directory) {
  if (Status made = os::make_directories(directory, 0700); !made) {
    return pass(made.error());
  }
  std::unique_ptr<Memory> memory(new Memory(directory));
  memory->read();
  return memory;
}

void Memory::read() {
  const auto text = os::read_file(directory_ + "/memory.json");
  if (!text) {
    return;
  }
  boost::system::error_code error;
  const json::value value = json::parse(*text, error);
  if (error || !value.is_object()) {
    log::warning("agent", "{}/memory.json is not readable: begun anew", directory_);
    return;
  }
  const json::object& object = value.get_object();
  epoch_ = number_of(object, "epoch");
  if (const json::value* owed = object.if_contains("owed"); owed != nullptr && owed->is_array()) {
    for (const json::value& unit : owed->get_array()) {
      if (unit.is_string()) {
        owed_.insert(std::string(unit.get_string()));
      }
    }
  }
  const json::value* script = object.if_contains("script");
  if (script != nullptr && script->is_object()) {
    script_ = to_script(script->get_object());
  }
}

Status Memory::write() {
  json::array owed;
  for (const std::string& unit : owed_) {
    owed.emplace_back(unit);
  }
  const json::object object = {
      {"epoch", epoch_}, {"owed", std::move(owed)}, {"script", to_json(script_)}};
  os::fault::pass("commit.before:memory");
  Status written =
      os::write_file(directory_ + "/memory.json", json::serialize(object) + "\n", 0600);
  os::fault::pass("commit.after:memory");
  return written;
}

std::int64_t Memory::epoch() const {
  const std::scoped_lock lock(mutex_);
  return epoch_;
}

Status Memory::set_epoch(std::int64_t epoch) {
  const std::scoped_lock lock(mutex_);
  if (epoch <= epoch_) {
    return {};
  }
  epoch_ = epoch;
  return write();
}

std::set<std::string> Memory::owed() const {
  const std::scoped_lock lock(mutex_);
  return owed_;
}

Status Memory::set_owed(const std::set<std::string>& units) {
  const std::scoped_lock lock(mutex_);
  if (units == owed_) {
    return {};
  }
  owed_ = units;
  return write();
}

Memory::Script Memory::script() const {
  const std::scoped_lock lock(mutex_);
  return script_;
}

Status Memory::set_script(const Script& script) {
  const std::scoped_lock lock(mutex_);
  script_ = script;
  return write();
}

std::optional<protocol::Spec> Memory::last_spec() const {
  const auto text = os::read_file(directory_ + "/spec.json");
  if (!text) {
    return std::nullopt;
  }
  auto message = protocol::decode(*text);
  if (!message || !std::holds_alternative<protocol::Spec>(*message)) {
    return std::nullopt;
  }
  return std::get<protocol::Spec>(std::move(*message));
}

Status Memory::keep_spec(const protocol::Spec& spec) {
  protocol::Spec kept = spec;
  if (kept.script) {
    kept.script->bundle.clear();
  }
  return os::write_file_quick(directory_ + "/spec.json", protocol::encode(kept), 0600);
}

}  // namespace provost::agent
