// What the agent is told by its file agent.json: who it is and where its daemon is.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace provost::agent {

struct Settings {
  std::string cluster;
  std::string node;
  int incarnation = 0;
  std::string daemon_address;  ///< IP address
  std::uint16_t daemon_port = 0;
  std::string server_name;  ///< DNS name in the daemon's certificate
  std::string certificate;  ///< PEM file: ours
  std::string key;          ///< PEM file
  std::string authority;    ///< PEM file that the daemon's certificate must verify against
  std::string state = "/var/lib/provost-agent";  ///< directory of the agent's own state
  bool door = false;                             ///< users of the node may ask provostd through it
  std::string root;  ///< put before every path it writes, but for `state`; for tests
};

/// Errors: not_found, denied, invalid (the message names the file and the member).
Result<Settings> read_settings(const std::string& path);

}  // namespace provost::agent
