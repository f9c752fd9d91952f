#include "support/look.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/process.hpp"
#include "os/tls.hpp"
#include "provider/local/cgroups.hpp"
#include "provider/local/local_provider.hpp"
#include "provider/local/owners.hpp"

namespace provost::support {
namespace {

namespace fs = std::filesystem;
namespace local = provider::local;

std::string kernel_release() {
  utsname names{};
  return ::uname(&names) == 0 ? static_cast<const char*>(names.release) : "unknown";
}

/// Runs something that shows whether the kernel can do it; what it makes ends with it.
Trial attempt(std::string name, std::vector<std::string> argv, std::string input = {}) {
  Trial trial{.name = std::move(name), .problem = {}, .by_hand = join(argv, " ")};
  os::Command command;
  command.argv = std::move(argv);
  command.input = std::move(input);
  command.timeout = std::chrono::seconds(10);
  if (const auto ran = os::output_of(command); !ran) {
    trial.problem = shorten(ran.error().message, 160);
  }
  return trial;
}

/// In the state directory, because not every file system can be the upper layer.
Trial attempt_overlay(const std::string& state) {
  const std::string base =
      ::access(state.c_str(), W_OK) == 0 ? state : fs::temp_directory_path().string();
  std::string directory = base + "/.overlay-trial-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) {
    return {.name = "overlay mounts",
            .problem = "cannot make a directory in " + base,
            .by_hand = "grep overlay /proc/filesystems"};
  }
  for (const char* part : {"/lower", "/upper", "/work", "/root"}) {
    ignore(os::make_directories(directory + part, 0700), "mounting tells");
  }
  Trial trial =
      attempt("overlay mounts",
              {"unshare", "--mount", "mount", "-t", "overlay", "provost-trial", "-o",
               fmt::format("lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work", directory),
               directory + "/root"});
  trial.by_hand = "grep overlay /proc/filesystems; findmnt -T " + base;
  std::error_code ignored;
  fs::remove_all(directory, ignored);
  return trial;
}

std::vector<Trial> try_kernel(const std::string& state) {
  return {attempt("namespaces", {"unshare", "--mount", "--net", "--pid", "--uts", "--ipc",
                                 "--cgroup", "--fork", "true"}),
          attempt("bridges and veth", {"unshare", "--net", "ip", "-batch", "-"},
                  "link add pv-try type bridge\nlink add pvtry0 type veth peer name pvtry1\n"),
          attempt("nftables", {"unshare", "--net", "nft", "-f", "-"},
                  "table inet provost_try { chain c { type filter hook input priority 0; iifname "
                  "\"lo\" ct state established accept; }; }\n"),
          attempt_overlay(state)};
}

ControlGroups look_at_groups() {
  const local::CgroupHost host = local::look_at_host();
  ControlGroups groups{.unified = host.unified, .systemd = host.systemd};
  std::ifstream mounts("/proc/mounts");
  std::string line;
  groups.writable = true;
  while (std::getline(mounts, line)) {
    const auto fields = split(line, ' ');
    if (fields.size() < 4 || (fields[2] != "cgroup" && fields[2] != "cgroup2")) {
      continue;
    }
    groups.writable = groups.writable && ::access(fields[1].c_str(), W_OK) == 0;
    if (fields[2] == "cgroup") {
      for (const std::string& option : split(fields[3], ',')) {
        groups.controllers.insert(option);
      }
    } else if (const auto listed = os::read_file(fields[1] + "/cgroup.controllers")) {
      std::istringstream words(*listed);
      std::string word;
      while (words >> word) {
        groups.controllers.insert(word);
      }
    }
  }
  return groups;
}

Disk look_at_disk(const std::string& use, const std::string& path) {
  Disk disk{.use = use, .path = path, .exists = os::is_directory(path)};
  struct statvfs found {};
  if (!disk.exists || ::statvfs(path.c_str(), &found) != 0) {
    return disk;
  }
  disk.read_only = (found.f_flag & ST_RDONLY) != 0;
  disk.free_mib = static_cast<std::int64_t>(found.f_bavail * (found.f_frsize / 1024) / 1024);
  if (found.f_files > 0) {
    disk.free_inodes = static_cast<std::int64_t>(found.f_favail);
  }
  return disk;
}

std::vector<Disk> look_at_disks(const Installation& installation) {
  std::vector<Disk> disks = {look_at_disk("state directory", installation.state)};
  if (installation.image_cache != installation.state) {
    disks.push_back(look_at_disk("image cache", installation.image_cache));
  }
  disks.push_back(look_at_disk("buckets", installation.buckets));
  return disks;
}

/// `image` and `run` packages; those to build with are not needed on a host that runs.
void look_at_packages(HostFacts& facts) {
  os::Command query;
  query.argv = {"dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n"};
  for (Package& package : read_packages(packages_text())) {
    if (package.kind == "run" || package.kind == "image") {
      query.argv.push_back(package.name);
      facts.packages.push_back({std::move(package), false});
    }
  }
  const auto ran = os::run(query);  // status 1 when one of them is not known
  facts.has_dpkg = ran.has_value();
  for (const std::string& line : split(ran ? ran->out : "", '\n')) {
    const auto words = split(line, ' ');
    for (InstalledPackage& each : facts.packages) {
      if (words.size() > 1 && words[0] == each.package.name && words[1].starts_with("ii")) {
        each.installed = true;
      }
    }
  }
}

/// "0100007F" or 32 such digits: each four bytes in the host's order.
std::string read_address(std::string_view digits) {
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < digits.size() / 8 && i < words.size(); ++i) {
    const std::string_view part = digits.substr(i * 8, 8);
    std::from_chars(part.data(), part.data() + part.size(), words[i], 16);
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(digits.size() == 8 ? AF_INET : AF_INET6, words.data(), text.data(), text.size());
  return text.data();
}

/// Which process holds each socket, by the socket's inode.
std::map<std::string, int> holders() {
  std::map<std::string, int> found;
  for (const std::string& pid : os::list_directory("/proc")) {
    const auto number = to_number(pid);
    if (!number) {
      continue;
    }
    const std::string directory = "/proc/" + pid + "/fd";
    for (const std::string& fd : os::list_directory(directory)) {
      std::error_code ignored;
      const std::string target =
          fs::read_symlink(fmt::format("{}/{}", directory, fd), ignored).string();
      if (target.starts_with("socket:[")) {
        found.emplace(target.substr(8, target.size() - 9), static_cast<int>(*number));
      }
    }
  }
  return found;
}

std::vector<Listener> look_at_listeners() {
  constexpr std::string_view kListening = "0A";
  const auto holding = holders();
  std::vector<Listener> found;
  for (const char* file : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream sockets(file);
    std::string line;
    while (std::getline(sockets, line)) {
      std::istringstream words(line);
      std::array<std::string, 10> fields;
      for (std::string& field : fields) {
        words >> field;
      }
      const std::size_t colon = fields[1].find(':');
      if (fields[3] != kListening || colon == std::string::npos) {
        continue;
      }
      Listener listener{.address = read_address(std::string_view(fields[1]).substr(0, colon))};
      std::from_chars(fields[1].data() + colon + 1, fields[1].data() + fields[1].size(),
                      listener.port, 16);
      if (const auto holder = holding.find(fields[9]); holder != holding.end()) {
        listener.pid = holder->second;
        const auto program = os::read_file(fmt::format("/proc/{}/comm", listener.pid));
        listener.program = program ? trim(*program) : "";
      }
      found.push_back(std::move(listener));
    }
  }
  return found;
}

Clock look_at_clock() {
  timex state{};
  const int answer = ::adjtimex(&state);
  return {.now = now_utc(),
          .synchronised = answer >= 0 && answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0};
}

Image look_at_image(const Installation& installation) {
  if (!os::exists(installation.images + "/make-node-image")) {
    return {.path = {},
            .there = false,
            .problem = "no recipe (make-node-image) in " + installation.images};
  }
  const auto seen = local::look_for_image(installation.images, installation.image_cache);
  return seen ? Image{seen->path, seen->there, {}} : Image{{}, false, seen.error().message};
}

void add_certificate(HostFacts& facts, const std::string& whose, const std::string& pem) {
  if (const auto ends = os::end_of(pem)) {
    facts.certificates.push_back({whose, *ends});
  }
}

void look_at_certificates(HostFacts& facts, const std::vector<local::Trace>& traces) {
  add_certificate(facts, "the authority", facts.store.authority);
  for (const local::Trace& trace : traces) {
    if (trace.kind == local::TraceKind::machine) {
      const auto pem = os::read_file(trace.name + "/upper/etc/provost/agent/certificate.pem");
      add_certificate(facts, fmt::format("the agent of {}/{}", trace.cluster, trace.node),
                      pem.value_or(""));
    }
  }
}

std::vector<SecretFile> look_at_secrets(const Installation& installation) {
  const std::string& state = installation.state;
  std::vector<SecretFile> found;
  for (const auto& [path, wanted] :
       {std::pair(state, 0700U), std::pair(state + "/provost.db", 0600U),
        std::pair(state + "/provost.db-wal", 0600U), std::pair(state + "/ssh", 0700U),
        std::pair(state + "/ssh/admin", 0600U), std::pair(state + "/logs", 0700U),
        std::pair(installation.run + "/provostd.sock", 0600U)}) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0) {
      found.push_back({path, status.st_mode & 07777U, wanted, status.st_uid == 0});
    }
  }
  return found;
}

}  // namespace

HostFacts look(const Installation& installation, Daemon daemon, const Saying& say) {
  HostFacts facts{.installation = installation, .version = PROVOST_VERSION};
  facts.daemon = std::move(daemon);
  say("trying the kernel");
  facts.kernel = kernel_release();
  facts.trials = try_kernel(installation.state);
  facts.groups = look_at_groups();
  say("looking at memory, disks, packages, ports and clock");
  const local::LocalOptions options{
      .places = {.state = local::absolute_state(installation.state), .run = installation.run}};
  if (const auto capacity = local::LocalProvider(options).capacity()) {
    facts.memory_mib = capacity->memory_total_mib;
    facts.memory_available_mib = capacity->memory_available_mib;
  }
  facts.disks = look_at_disks(installation);
  look_at_packages(facts);
  facts.listeners = look_at_listeners();
  facts.limits = local::kernel_limits();
  say("looking at the node image");
  facts.image = look_at_image(installation);
  say("looking for what no cluster owns");
  // In this order: what is there before who wants it. A cluster made meanwhile is no leftover.
  const auto traces = local::traces_on_host(options.places);
  say("checking the store");
  facts.store = store::inspect(installation.state);
  const bool nothing_yet =
      !facts.store.exists && !os::is_directory(installation.state + "/machines");
  local::Owners owners{.state = options.places.state,
                       .run = installation.run,
                       .store_is_known = facts.store.trusted() || nothing_yet,
                       .networks = {},
                       .clusters = {},
                       .elsewhere = local::networks_elsewhere(options.places.state)};
  for (const store::KnownCluster& cluster : facts.store.clusters) {
    owners.networks.insert(cluster.network_id);
    owners.clusters.insert(cluster.name);
  }
  facts.leftovers_known = owners.store_is_known;
  facts.leftovers = local::leftovers(traces, owners);
  look_at_certificates(facts, traces);
  facts.secrets = look_at_secrets(installation);
  facts.clock = look_at_clock();
  return facts;
}

}  // namespace provost::support
