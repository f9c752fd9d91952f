#include "agent/settings.hpp"

#include <boost/json.hpp>
#include <limits>

#include "os/files.hpp"

namespace provost::agent {
namespace {

namespace json = boost::json;

// Takes members out of the file's object and remembers what was wrong first.
class Members {
 public:
  explicit Members(const json::object& object) : object_(object) {}

  void text(const char* name, std::string& out, bool required) {
    const json::value* found = object_.if_contains(name);
    if (found != nullptr && found->is_string()) {
      const json::string& value = found->get_string();
      out.assign(value.data(), value.size());
    } else if (found != nullptr) {
      complain(name, "is not a text");
    }
    if (required && out.empty()) {
      complain(name, "is missing or empty");
    }
  }
  std::int64_t number(const char* name, std::int64_t greatest) {
    const json::value* found = object_.if_contains(name);
    const std::int64_t* value = found != nullptr ? found->if_int64() : nullptr;
    if (value == nullptr || *value < 0 || *value > greatest) {
      complain(name, fmt::format("is not a number from 0 to {}", greatest));
      return 0;
    }
    return *value;
  }
  // Absent: false.
  void flag(const char* name, bool& out) {
    const json::value* found = object_.if_contains(name);
    if (found != nullptr && found->is_bool()) {
      out = found->get_bool();
    } else if (found != nullptr) {
      complain(name, "is neither true nor false");
    }
  }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

 private:
  void complain(const char* name, std::string_view what) {
    if (wrong_.empty()) {
      wrong_ = fmt::format("\"{}\" {}", name, what);
    }
  }
  const json::object& object_;
  std::string wrong_;
};

}  // namespace

Result<Settings> read_settings(const std::string& path) {
  const auto text = os::read_file(path, 1U << 20U);
  if (!text) {
    return pass(text.error());
  }
  boost::system::error_code error;
  const json::value value = json::parse(*text, error);
  if (error || !value.is_object()) {
    return fail(ErrorKind::invalid, "cannot read {}: {}", path,
                error ? error.message() : "it is no JSON object");
  }
  Settings settings;
  Members members(value.get_object());
  members.text("cluster", settings.cluster, true);
  members.text("node", settings.node, true);
  members.text("daemon_address", settings.daemon_address, true);
  members.text("server_name", settings.server_name, true);
  members.text("certificate", settings.certificate, true);
  members.text("key", settings.key, true);
  members.text("authority", settings.authority, true);
  members.text("state", settings.state, true);
  members.text("root", settings.root, false);
  members.flag("door", settings.door);
  settings.incarnation =
      static_cast<int>(members.number("incarnation", std::numeric_limits<int>::max()));
  settings.daemon_port = static_cast<std::uint16_t>(members.number("daemon_port", 65535));
  if (!members.wrong().empty()) {
    return fail(ErrorKind::invalid, "cannot use {}: {}", path, members.wrong());
  }
  return settings;
}

}  // namespace provost::agent
