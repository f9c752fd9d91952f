#include "service/keys.hpp"

#include <boost/json.hpp>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/process.hpp"

namespace provost::service {
namespace {

constexpr std::string_view kUriStart = "provost:node:";

Result<os::Identity> stored_identity(store::Store& store, const std::string& key) {
  const auto certificate = store.setting(key + ".certificate");
  const auto private_key = store.setting(key + ".key");
  if (certificate && private_key) {
    return os::Identity{*certificate, *private_key};
  }
  return fail(ErrorKind::not_found, "no {} yet", key);
}

Status keep_identity(store::Store& store, const std::string& key, const os::Identity& identity) {
  return store.write("keep-" + key, [&](store::Writer& writer) {
    writer.set(key + ".certificate", identity.certificate);
    writer.set(key + ".key", identity.key);
  });
}

Result<os::Identity> authority(store::Store& store) {
  if (auto known = stored_identity(store, "authority")) {
    return known;
  }
  auto made = os::make_authority("Provost authority");
  if (!made) {
    return made;
  }
  if (Status kept = keep_identity(store, "authority", *made); !kept) {
    return pass(kept.error());
  }
  return made;
}

}  // namespace

Result<SshPair> make_ssh_pair(const std::string& comment, const std::string& run_directory) {
  if (Status made = os::make_directories(run_directory, 0700); !made) {
    return pass(made.error());
  }
  const std::string path = fmt::format("{}/key-{}", run_directory, to_hex(os::random_bytes(8)));
  const Status generated =
      os::check({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path});
  const auto private_key = os::read_file(path);
  const auto public_key = os::read_file(path + ".pub");
  ignore(os::remove_tree(path), "it may not have been made");
  ignore(os::remove_tree(path + ".pub"), "it may not have been made");
  if (!generated) {
    return pass(generated.error(), "cannot make an SSH key");
  }
  if (!private_key || !public_key) {
    return fail(ErrorKind::internal, "ssh-keygen left no key in {}", run_directory);
  }
  return SshPair{*private_key, std::string(trim(*public_key))};
}

Result<Keys> load_keys(store::Store& store, const Settings& settings) {
  Keys keys;
  auto signer = authority(store);
  if (!signer) {
    return pass(signer.error(), "cannot make the certificate authority");
  }
  keys.authority = *signer;
  // Its own certificate is made at every start: it never grows old.
  auto server = os::issue(keys.authority, {.common_name = kServerName,
                                           .names = {kServerName, "localhost"},
                                           .addresses = {"127.0.0.1"},
                                           .uris = {},
                                           .server = true});
  if (!server) {
    return pass(server.error());
  }
  keys.server = *server;
  if (!store.setting("admin-key.private")) {
    const auto pair = make_ssh_pair("provost administrator", settings.run + "/keys");
    if (!pair) {
      return pass(pair.error());
    }
    const Status kept = store.write("keep-admin-key", [&](store::Writer& writer) {
      writer.set("admin-key.private", pair->private_key);
      writer.set("admin-key.public", pair->public_key);
    });
    if (!kept) {
      return pass(kept.error());
    }
  }
  keys.admin_key_public = store.setting("admin-key.public").value_or("");
  keys.admin_key_file = settings.state + "/ssh/admin";
  if (Status made = os::make_directories(settings.state + "/ssh", 0700); !made) {
    return pass(made.error());
  }
  Status written = os::write_file(keys.admin_key_file, *store.setting("admin-key.private"), 0600);
  if (written) {
    written = os::write_file(settings.state + "/authority.pem", keys.authority.certificate, 0644);
  }
  if (!written) {
    return pass(written.error());
  }
  return keys;
}

std::string agent_uri(const std::string& cluster_id, const std::string& node, int incarnation) {
  return fmt::format("{}{}/{}/{}", kUriStart, cluster_id, node, incarnation);
}

Result<AgentName> read_agent_uri(const std::string& uri) {
  const auto refuse = [&] {
    return fail(ErrorKind::denied, "the certificate does not name a node of a cluster");
  };
  if (uri.rfind(kUriStart, 0) != 0) {
    return refuse();
  }
  const auto parts = split(std::string_view(uri).substr(kUriStart.size()), '/');
  const auto incarnation = parts.size() == 3 ? to_number(parts[2]) : std::nullopt;
  if (!incarnation) {
    return refuse();
  }
  return AgentName{parts[0], parts[1], static_cast<int>(*incarnation)};
}

Result<std::vector<provider::SeedFile>> agent_seed(const Keys& keys, const Settings& settings,
                                                   const AgentName& agent,
                                                   const std::string& cluster,
                                                   const std::string& gateway, bool has_people) {
  const auto identity = os::issue(
      keys.authority, {.common_name = "provost-agent",
                       .names = {},
                       .addresses = {},
                       .uris = {agent_uri(agent.cluster_id, agent.node, agent.incarnation)},
                       .client = true});
  if (!identity) {
    return pass(identity.error(), "cannot issue the certificate of " + agent.node);
  }
  const std::string base = "/etc/provost/agent/";
  const boost::json::object config = {{"cluster", cluster},
                                      {"node", agent.node},
                                      {"incarnation", agent.incarnation},
                                      {"daemon_address", gateway},
                                      {"daemon_port", settings.agent_port},
                                      {"server_name", kServerName},
                                      {"certificate", base + "certificate.pem"},
                                      {"key", base + "key.pem"},
                                      {"authority", base + "authority.pem"},
                                      {"door", has_people}};
  return std::vector<provider::SeedFile>{
      {base + "certificate.pem", identity->certificate, 0644},
      {base + "key.pem", identity->key, 0600},
      {base + "authority.pem", keys.authority.certificate, 0644},
      {base + "agent.json", boost::json::serialize(config) + "\n", 0644}};
}

}  // namespace provost::service
