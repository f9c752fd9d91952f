#include "provider/local/network.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <sstream>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/process.hpp"
#include "provider/local/names.hpp"

namespace provost::provider::local {
namespace {

constexpr std::string_view kOwnerMark = "provost:";

struct Range {
  std::uint32_t first = 0;
  std::uint32_t mask = 0;
};

Range to_range(const std::string& subnet) {
  const auto parts = split(subnet, '/');
  in_addr address{};
  ::inet_pton(AF_INET, parts[0].c_str(), &address);
  const auto prefix = parts.size() == 2 ? to_number(parts[1]).value_or(32) : 32;
  const std::uint32_t mask = prefix == 0 ? 0 : ~0U << static_cast<unsigned>(32 - prefix);
  return {ntohl(address.s_addr) & mask, mask};
}

bool overlap(const Range& left, const Range& right) {
  const std::uint32_t mask = left.mask & right.mask;
  return (left.first & mask) == (right.first & mask);
}

std::string gateway(const std::string& subnet) {
  in_addr address{};
  address.s_addr = htonl(to_range(subnet).first + 1);
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address, text.data(), text.size());
  return text.data();
}

Status taken(const std::string& subnet, const std::string& by) {
  Error error{ErrorKind::conflict,
              fmt::format("the address range {} is in use on this host by {}", subnet, by),
              "start provostd with --network RANGE, a /16 that nobody uses"};
  return tl::unexpected<Error>(std::move(error));
}

Status routes_are_free(const std::string& subnet, const std::string& own_bridge) {
  std::ifstream routes("/proc/net/route");
  std::string line;
  std::getline(routes, line);  // names of columns
  while (std::getline(routes, line)) {
    std::istringstream fields(line);
    std::string device;
    std::uint32_t destination = 0;
    std::string skipped;
    std::uint32_t mask = 0;
    fields >> device >> std::hex >> destination;
    for (int i = 0; i < 5; ++i) {
      fields >> skipped;
    }
    fields >> std::hex >> mask;
    const Range route{ntohl(destination), ntohl(mask)};
    if (mask != 0 && device != own_bridge && overlap(to_range(subnet), route)) {
      return taken(subnet, "a route through " + device);
    }
  }
  return {};
}

std::string rules(const NetworkSpec& spec) {
  const std::string bridge = bridge_name(spec.id);
  // Nodes talk to one another over the bridge (not seen here) and to one port of the host; the host
  // may open connections to nodes; nothing is forwarded in or out.
  return fmt::format(
      "table inet {table} {{\n"
      "  chain input {{\n"
      "    type filter hook input priority 0; policy accept;\n"
      "    iifname \"{bridge}\" ct state established,related accept\n"
      "    iifname \"{bridge}\" tcp dport {port} accept\n"
      "    iifname \"{bridge}\" icmp type echo-request accept\n"
      "    iifname \"{bridge}\" drop\n"
      "  }}\n"
      "  chain forward {{\n"
      "    type filter hook forward priority 0; policy accept;\n"
      "    iifname \"{bridge}\" oifname != \"{bridge}\" drop\n"
      "    oifname \"{bridge}\" iifname != \"{bridge}\" drop\n"
      "  }}\n"
      "}}\n",
      fmt::arg("table", table_name(spec.id)), fmt::arg("bridge", bridge),
      fmt::arg("port", spec.agent_port));
}

bool link_exists(const std::string& name) { return ::if_nametoindex(name.c_str()) != 0; }

Status batch(const std::vector<std::string>& prefix, const std::string& lines) {
  os::Command command;
  command.argv = prefix;
  command.argv.insert(command.argv.end(), {"ip", "-batch", "-"});
  command.input = lines;
  const auto ran = os::output_of(command);
  return ran ? Status{} : pass(ran.error());
}

}  // namespace

std::string address_tag(const std::string& address) {
  in_addr parsed{};
  ::inet_pton(AF_INET, address.c_str(), &parsed);
  return fmt::format("{:04x}", ntohl(parsed.s_addr) & 0xffffU);
}

std::string owner_of_bridge(const std::string& bridge) {
  const auto alias = os::read_file("/sys/class/net/" + bridge + "/ifalias");
  const std::string_view text = alias ? trim(*alias) : std::string_view();
  return std::string(text.starts_with(kOwnerMark) ? text.substr(kOwnerMark.size())
                                                  : std::string_view());
}

Status make_network(const NetworkSpec& spec, const std::string& state) {
  const std::string bridge = bridge_name(spec.id);
  if (!link_exists(bridge)) {
    if (Status made = os::check({"ip", "link", "add", bridge, "type", "bridge"}); !made) {
      return made;
    }
  }
  constexpr std::size_t kLongestAlias = 255;  // IFALIASZ; without one it is told, never removed
  if (const std::string mark = std::string(kOwnerMark) + state; mark.size() <= kLongestAlias) {
    if (Status marked = os::check({"ip", "link", "set", "dev", bridge, "alias", mark}); !marked) {
      return marked;
    }
  }
  const std::string prefix = split(spec.subnet, '/').at(1);
  Status set = batch({}, fmt::format("addr replace {}/{} dev {}\nlink set {} up\n",
                                     gateway(spec.subnet), prefix, bridge, bridge));
  if (!set) {
    return set;
  }
  const std::string table = table_name(spec.id);
  os::Command load;
  load.argv = {"nft", "-f", "-"};
  // "add" then "delete" makes the whole a replacement, in one transaction.
  load.input = fmt::format("table inet {0}\ndelete table inet {0}\n{1}", table, rules(spec));
  const auto loaded = os::output_of(load);
  return loaded ? Status{} : pass(loaded.error(), "cannot load the network's packet rules");
}

bool network_exists(const std::string& network_id) {
  if (!link_exists(bridge_name(network_id))) {
    return false;
  }
  const auto listed = os::run({.argv = {"nft", "list", "table", "inet", table_name(network_id)}});
  return listed && listed->status == 0;
}

Status unmake_network(const std::string& network_id) {
  const std::string bridge = bridge_name(network_id);
  if (link_exists(bridge)) {
    if (Status removed = os::check({"ip", "link", "del", bridge});
        !removed && link_exists(bridge)) {
      return removed;
    }
  }
  const auto listed = os::run({.argv = {"nft", "list", "table", "inet", table_name(network_id)}});
  if (listed && listed->status == 0) {
    return os::check({"nft", "delete", "table", "inet", table_name(network_id)});
  }
  return {};
}

Status subnet_is_free(const std::string& subnet, const std::string& own_bridge) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) {
    return os::errno_error("list this host's addresses");
  }
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, ::freeifaddrs);
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET ||
        own_bridge == each->ifa_name) {
      continue;
    }
    sockaddr_in address{};
    std::copy_n(reinterpret_cast<const char*>(each->ifa_addr), sizeof(address),
                reinterpret_cast<char*>(&address));
    sockaddr_in mask{};
    std::copy_n(reinterpret_cast<const char*>(each->ifa_netmask), sizeof(mask),
                reinterpret_cast<char*>(&mask));
    const Range range{ntohl(address.sin_addr.s_addr), ntohl(mask.sin_addr.s_addr)};
    if (overlap(to_range(subnet), range)) {
      return taken(subnet, fmt::format("interface {}", each->ifa_name));
    }
  }
  return routes_are_free(subnet, own_bridge);
}

Status plug_in(const Cable& cable) {
  const std::string veth = veth_name(cable.network_id, cable.address);
  // A namespace file that is no namespace is the rest of an interrupted try.
  if (link_exists(veth) && os::exists(cable.namespace_file)) {
    // The last thing that is done to it: eth0 is up, with its address.
    const auto shown = os::output_of({.argv = {"nsenter", "--net=" + cable.namespace_file, "ip",
                                               "-o", "-4", "addr", "show", "dev", "eth0", "up"}});
    const std::string address = fmt::format(" {}/{} ", cable.address, cable.prefix_length);
    if (shown && shown->find(address) != std::string::npos) {
      return {};
    }
  }
  if (Status cleared = unplug(cable); !cleared) {
    return cleared;
  }
  const std::string directory =
      cable.namespace_file.substr(0, cable.namespace_file.find_last_of('/'));
  if (Status made = os::make_directories(directory, 0700); !made) {
    return made;
  }
  os::Fd file(::open(cable.namespace_file.c_str(), O_CREAT | O_CLOEXEC | O_WRONLY, 0600));
  if (!file) {
    return os::errno_error("make " + cable.namespace_file);
  }
  if (Status made = os::check({"unshare", "--net=" + cable.namespace_file, "true"}); !made) {
    return made;
  }
  Status host = batch({}, fmt::format("link add {0} type veth peer name eth0 netns {1}\n"
                                      "link set {0} master {2} up\n",
                                      veth, cable.namespace_file, bridge_name(cable.network_id)));
  if (!host) {
    return host;
  }
  return batch({"nsenter", "--net=" + cable.namespace_file},
               fmt::format("link set lo up\naddr add {}/{} dev eth0\nlink set eth0 up\n",
                           cable.address, cable.prefix_length));
}

Status unplug(const Cable& cable) {
  while (::umount2(cable.namespace_file.c_str(), MNT_DETACH) == 0) {
  }
  ::unlink(cable.namespace_file.c_str());
  const std::string veth = veth_name(cable.network_id, cable.address);
  if (link_exists(veth)) {
    if (Status removed = os::check({"ip", "link", "del", veth}); !removed && link_exists(veth)) {
      return removed;
    }
  }
  return {};
}

}  // namespace provost::provider::local
