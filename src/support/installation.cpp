#include "support/installation.hpp"

#include <array>
#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "os/files.hpp"

namespace provost::support {
namespace {

namespace json = boost::json;

using Member = std::pair<const char*, std::string Installation::*>;
constexpr std::array<Member, 9> kTexts = {{{"state", &Installation::state},
                                           {"run", &Installation::run},
                                           {"buckets", &Installation::buckets},
                                           {"images", &Installation::images},
                                           {"image_cache", &Installation::image_cache},
                                           {"agent", &Installation::agent},
                                           {"listen", &Installation::listen},
                                           {"network", &Installation::network},
                                           {"log", &Installation::log}}};

std::string note_in(const std::string& directory) { return directory + "/provostd.json"; }

std::optional<Installation> read(const std::string& directory) {
  const auto text = os::read_file(note_in(directory), 1U << 20U);
  boost::system::error_code problem;
  const json::value value = text ? json::parse(*text, problem) : json::value();
  if (problem || !value.is_object()) {
    return std::nullopt;
  }
  Installation found;
  for (const auto& [name, member] : kTexts) {
    const json::value* given = value.get_object().if_contains(name);
    if (given != nullptr && given->is_string()) {
      found.*member = std::string(given->get_string());
    }
  }
  const json::value* port = value.get_object().if_contains("agent_port");
  if (port != nullptr && port->is_int64()) {
    found.agent_port = port->get_int64();
  }
  found.is_noted = true;
  return found;
}

}  // namespace

Status note(const Installation& installation) {
  json::object object;
  for (const auto& [name, member] : kTexts) {
    object[name] = installation.*member;
  }
  object["agent_port"] = installation.agent_port;
  const std::string text = json::serialize(object) + "\n";
  for (const std::string& directory : {installation.state, installation.run}) {
    if (Status written = os::write_file(note_in(directory), text, 0644); !written) {
      return written;
    }
  }
  return {};
}

Installation find_installation(const std::string& state, const std::string& run) {
  for (const std::string& directory : {run, state}) {
    if (const auto found = directory.empty() ? std::nullopt : read(directory)) {
      if (state.empty() || found->state == state) {
        return *found;
      }
    }
  }
  Installation made;
  if (!state.empty()) {
    made.state = state;
    made.buckets = state + "/buckets";
    made.image_cache = state;
  }
  if (!run.empty()) {
    made.run = run;
  }
  return made;
}

}  // namespace provost::support
