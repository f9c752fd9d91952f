// The keys and certificates of this provostd: its authority, what it issues to agents, the SSH key
// with which administrators enter nodes, the secrets of each cluster.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "os/tls.hpp"
#include "provider/provider.hpp"
#include "service/settings.hpp"
#include "store/store.hpp"

namespace provost::service {

/// DNS name that provostd's certificate bears and agents insist on.
inline constexpr const char* kServerName = "provostd";

struct Keys {
  os::Identity authority;
  os::Identity server;           ///< provostd's own, for agents and the TLS API
  std::string admin_key_public;  ///< one line
  std::string admin_key_file;    ///< private key on disk, root only
};

/// Reads what the store has and makes what is missing. Writes <state>/authority.pem (public) and
/// <state>/ssh/admin (private, 0600).
Result<Keys> load_keys(store::Store& store, const Settings& settings);

/// An SSH key pair made by ssh-keygen (ed25519).
struct SshPair {
  std::string private_key;
  std::string public_key;
};
Result<SshPair> make_ssh_pair(const std::string& comment, const std::string& run_directory);

/// "provost:node:<cluster id>/<node>/<incarnation>": what an agent's certificate says it is.
std::string agent_uri(const std::string& cluster_id, const std::string& node, int incarnation);
struct AgentName {
  std::string cluster_id;
  std::string node;
  int incarnation = 0;
};
Result<AgentName> read_agent_uri(const std::string& uri);

/// The files an agent begins with: certificate, key, authority, agent.json. `has_people`: its users
/// may ask provostd through it (agent/door.hpp).
Result<std::vector<provider::SeedFile>> agent_seed(const Keys& keys, const Settings& settings,
                                                   const AgentName& agent,
                                                   const std::string& cluster,
                                                   const std::string& gateway, bool has_people);

}  // namespace provost::service
