// The checks of the host itself.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "support/checks.hpp"

namespace provost::support {
namespace {

constexpr std::int64_t kGiB = 1024;  // MiB
constexpr std::chrono::hours kSoon{24 * 30};

Line passed(std::string check, std::string finding, std::string by_hand) {
  return {.check = std::move(check), .finding = std::move(finding), .by_hand = std::move(by_hand)};
}

std::string day(UtcTime time) { return to_iso(time).substr(0, 10); }

/// What of the address a listener with `address` takes away: all of it when it listens everywhere.
bool is_everywhere(const std::string& address) { return address == "0.0.0.0" || address == "::"; }

bool is_within(const std::string& address, const std::string& range) {
  const auto parts = split(range, '/');
  in_addr first{};
  in_addr asked{};
  const auto prefix = parts.size() == 2 ? to_number(parts[1]) : std::nullopt;
  if (!prefix || *prefix < 1 || *prefix > 32 ||
      ::inet_pton(AF_INET, parts[0].c_str(), &first) != 1 ||
      ::inet_pton(AF_INET, address.c_str(), &asked) != 1) {
    return false;
  }
  const std::uint32_t mask = ~0U << static_cast<unsigned>(32 - *prefix);
  return (ntohl(first.s_addr) & mask) == (ntohl(asked.s_addr) & mask);
}

struct Port {
  std::string use;
  int number = 0;
  std::string address;  ///< that it is wanted on
  std::string range;    ///< or the range of addresses
};

std::vector<Port> wanted_ports(const Installation& installation) {
  std::vector<Port> ports = {{.use = "agents",
                              .number = static_cast<int>(installation.agent_port),
                              .address = {},
                              .range = installation.network}};
  const std::size_t colon = installation.listen.rfind(':');
  const auto number = colon == std::string::npos
                          ? std::nullopt
                          : to_number(std::string_view(installation.listen).substr(colon + 1));
  if (number) {
    ports.insert(ports.begin(), {.use = "the API",
                                 .number = static_cast<int>(*number),
                                 .address = installation.listen.substr(0, colon),
                                 .range = {}});
  }
  return ports;
}

bool takes_away(const Listener& listener, const Port& port) {
  return listener.port == port.number &&
         (is_everywhere(listener.address) || is_everywhere(port.address) ||
          listener.address == port.address || is_within(listener.address, port.range));
}

}  // namespace

Line check_kernel(const HostFacts& facts) {
  std::vector<std::string> broken;
  for (const Trial& trial : facts.trials) {
    if (!trial.problem.empty()) {
      broken.push_back(fmt::format("{}: {}", trial.name, trial.problem));
    }
  }
  const auto first = std::find_if(facts.trials.begin(), facts.trials.end(),
                                  [](const Trial& trial) { return !trial.problem.empty(); });
  if (broken.empty()) {
    return passed(
        "kernel",
        fmt::format("{}: namespaces, overlay, bridges, veth and nftables work", facts.kernel),
        "uname -r; unshare --net ip link add pv-try type bridge");
  }
  return {.check = "kernel",
          .verdict = Verdict::fail,
          .finding = fmt::format("{}: {}", facts.kernel, few(broken)),
          .mend =
              "boot a kernel that has it (Debian's linux-image-amd64), or use a host of its own "
              "instead of this container",
          .by_hand = first->by_hand,
          .details = broken};
}

Line check_control_groups(const HostFacts& facts) {
  const ControlGroups& groups = facts.groups;
  const std::vector<std::string> needed =
      groups.unified
          ? std::vector<std::string>{"cpu", "cpuset", "memory", "pids"}
          : std::vector<std::string>{"cpu", "cpuset", "memory", "pids", "devices", "freezer"};
  std::vector<std::string> missing;
  std::copy_if(needed.begin(), needed.end(), std::back_inserter(missing),
               [&](const std::string& each) { return !groups.controllers.contains(each); });
  const std::string kind = groups.unified ? "v2" : "v1";
  const std::string by_hand =
      groups.unified ? "cat /sys/fs/cgroup/cgroup.controllers" : "grep cgroup /proc/mounts";
  if (!missing.empty()) {
    return {.check = "control groups",
            .verdict = Verdict::fail,
            .finding = fmt::format("{}, without {}", kind, join(missing, ", ")),
            .mend = "boot with systemd.unified_cgroup_hierarchy=1 (and cgroup_enable=memory)",
            .by_hand = by_hand};
  }
  if (!groups.writable) {
    return {.check = "control groups",
            .verdict = Verdict::fail,
            .finding = kind + ", read-only here",
            .mend = "run provostd on the host itself, or in a container that may write them",
            .by_hand = by_hand};
  }
  return passed("control groups",
                fmt::format("{} with {}{}", kind, join(needed, ", "),
                            groups.systemd ? ", under systemd" : ""),
                by_hand);
}

Line check_memory(const HostFacts& facts) {
  const std::string finding =
      fmt::format("{} of {} MiB available", facts.memory_available_mib, facts.memory_mib);
  Line line = passed("memory", finding, "free -m");
  if (facts.memory_available_mib < kGiB / 4 || facts.memory_mib < kGiB) {
    line.verdict = Verdict::fail;
    line.mend = "free memory, or use a host with 4 GiB at least: a small cluster takes 1 GiB";
  } else if (facts.memory_available_mib < kGiB) {
    line.verdict = Verdict::warn;
    line.mend = "end what is not needed: a small cluster takes 1 GiB, a node 25 to 100 MiB";
  }
  return line;
}

Line check_disk(const Disk& disk) {
  Line line = passed("disk: " + disk.use, {}, fmt::format("df -h {0}; df -i {0}", disk.path));
  if (!disk.exists) {
    line.verdict = Verdict::warn;
    line.finding = disk.path + " is not there";
    line.mend = "provost doctor --fix makes it";
    return line;
  }
  const bool counted = disk.free_inodes.has_value();
  line.finding =
      fmt::format("{}: {} MiB{} free", disk.path, disk.free_mib,
                  counted ? fmt::format(" and {} inodes", *disk.free_inodes) : std::string());
  const std::int64_t inodes = disk.free_inodes.value_or(1'000'000);
  if (disk.read_only) {
    line.verdict = Verdict::fail;
    line.finding = disk.path + " is on a read-only file system";
    line.mend = "look why (dmesg), then: mount -o remount,rw " + disk.path;
  } else if (disk.free_mib < kGiB / 2 || inodes < 10'000) {
    line.verdict = Verdict::fail;
    line.mend = "free space there: a full disk stops provostd's store and every node";
  } else if (disk.free_mib < 5 * kGiB || inodes < 100'000) {
    line.verdict = Verdict::warn;
    line.mend = "free space there soon: an image takes 4 GiB while it is made";
  }
  return line;
}

Line check_packages(const HostFacts& facts) {
  if (!facts.has_dpkg) {
    return {.check = "packages",
            .verdict = Verdict::warn,
            .finding = "no dpkg here: Provost is made for Debian 12",
            .mend = "see that the programs of packaging/debian-packages are there",
            .by_hand = "command -v systemd-nspawn nft ip mmdebstrap"};
  }
  std::vector<std::string> missing;
  std::vector<std::string> names;
  for (const InstalledPackage& each : facts.packages) {
    names.push_back(each.package.name);
    if (!each.installed) {
      missing.push_back(each.package.name);
    }
  }
  Line line =
      passed("packages", join(names, ", ") + " are installed", "dpkg-query -W " + join(names, " "));
  if (!missing.empty()) {
    line.verdict = Verdict::fail;
    line.finding = "not installed: " + join(missing, ", ");
    line.mend = "apt-get install --no-install-recommends " + join(missing, " ");
  }
  return line;
}

Line check_ports(const HostFacts& facts) {
  std::vector<std::string> good;
  std::vector<std::string> taken;
  std::vector<std::string> filters;
  for (const Port& port : wanted_ports(facts.installation)) {
    filters.push_back(fmt::format("sport = :{}", port.number));
    const Listener* holder = nullptr;
    bool ours = false;
    for (const Listener& each : facts.listeners) {
      if (takes_away(each, port)) {
        const bool own = facts.daemon.answers && each.pid == facts.daemon.pid;
        ours = ours || own;
        holder = own ? holder : &each;
      }
    }
    if (holder != nullptr) {
      taken.push_back(fmt::format("{} ({}) is held by {} (process {})", port.number, port.use,
                                  holder->program.empty() ? "somebody" : holder->program,
                                  holder->pid));
    } else {
      good.push_back(
          fmt::format("{} ({}) is {}", port.number, port.use, ours ? "provostd's" : "free"));
    }
  }
  const std::string by_hand = fmt::format("ss -ltnp '{}'", join(filters, " or "));
  if (taken.empty()) {
    return passed("ports", join(good, ", "), by_hand);
  }
  return {.check = "ports",
          .verdict = Verdict::fail,
          .finding = join(taken, ", "),
          .mend = "end that process, or give provostd other ports: --listen, --agent-port",
          .by_hand = by_hand};
}

Line check_clock(const HostFacts& facts) {
  Line line = passed("clock", to_iso(facts.clock.now).substr(0, 19) + " UTC, synchronised",
                     "timedatectl; date -u");
  const UtcTime first_release = from_millis(1'704'067'200'000);  // 2024-01-01
  const auto last = facts.store.last_event;
  if (facts.clock.now < first_release ||
      (last && facts.clock.now + std::chrono::seconds(2) < *last)) {
    line.verdict = Verdict::fail;
    line.finding =
        last ? fmt::format("{} is before the store's last event ({})",
                           to_iso(facts.clock.now).substr(0, 19), to_iso(*last).substr(0, 19))
             : to_iso(facts.clock.now).substr(0, 19) + " cannot be";
    line.mend =
        "set the clock (timedatectl set-ntp true): certificates and Slurm's accounting "
        "depend on it";
  } else if (!facts.clock.synchronised) {
    line.verdict = Verdict::warn;
    line.finding = to_iso(facts.clock.now).substr(0, 19) + " UTC, plausible, not synchronised";
    line.mend = "apt-get install systemd-timesyncd; timedatectl set-ntp true";
  }
  return line;
}

Line check_image(const HostFacts& facts) {
  const Installation& installation = facts.installation;
  const std::string make =
      fmt::format("{}/make-node-image --state {}", installation.images, installation.image_cache);
  Line line = passed("node image", facts.image.path, make + " --look --print-path");
  if (!facts.image.problem.empty()) {
    line.verdict = facts.daemon.answers ? Verdict::fail : Verdict::warn;
    line.finding = facts.image.problem;
    line.mend = "./provost-up --install, or start provostd with --images DIRECTORY";
  } else if (!facts.image.there) {
    line.verdict = Verdict::warn;
    line.finding =
        facts.image.path + " is not made yet: the next node waits for it, a minute or two";
    line.mend = make;
  }
  return line;
}

Line check_store(const HostFacts& facts) {
  const store::Inspected& store = facts.store;
  Line line =
      passed("store", {}, fmt::format("sqlite3 -readonly {} 'PRAGMA integrity_check'", store.file));
  if (!store.exists) {
    line.finding = store.file + " is not there yet; provostd makes it";
    line.by_hand = "ls -l " + store.file;
  } else if (!store.damage.empty()) {
    line.verdict = Verdict::fail;
    line.finding = fmt::format("{} is damaged: {}", store.file, shorten(store.damage, 160));
    line.mend = fmt::format(
        "systemctl stop provostd; copy {0}* away; put a backup back, or: sqlite3 COPY .recover | "
        "sqlite3 {0}",
        store.file);
  } else if (!store.unknown.empty()) {
    line.verdict = Verdict::fail;
    line.finding =
        fmt::format("{} was changed by a newer Provost ({})", store.file, few(store.unknown));
    line.mend = "install that Provost";
  } else if (!store.missing.empty()) {
    line.verdict = Verdict::warn;
    line.finding = fmt::format("whole, of an older Provost (without {})", few(store.missing));
    line.mend = "start this provostd: it brings the store up to date";
  } else {
    line.finding = fmt::format("whole, schema up to date, {} clusters", store.clusters.size());
  }
  return line;
}

Line check_permissions(const HostFacts& facts) {
  std::vector<std::string> wide;
  std::vector<std::string> paths;
  for (const SecretFile& each : facts.secrets) {
    paths.push_back(each.path);
    if (!each.root_owned || (each.mode & ~each.wanted) != 0) {
      wide.push_back(fmt::format("{} ({:04o}{}; at most {:04o})", each.path, each.mode,
                                 each.root_owned ? "" : ", not root's", each.wanted));
    }
  }
  const std::string by_hand = paths.empty() ? "ls -ld " + facts.installation.state
                                            : "stat -c '%a %U %n' " + join(paths, " ");
  if (wide.empty()) {
    return passed("permissions", "files with secrets are root's alone", by_hand);
  }
  return {.check = "permissions",
          .verdict = Verdict::fail,
          .finding = "others may read secrets: " + few(wide),
          .mend = "provost doctor --fix",
          .by_hand = by_hand,
          .details = wide};
}

Line check_certificates(const HostFacts& facts) {
  std::vector<CertificateEnd> all = facts.certificates;
  if (facts.daemon.certificate_ends) {
    all.push_back({"provostd", *facts.daemon.certificate_ends});
  }
  const std::string by_hand =
      fmt::format("openssl x509 -noout -enddate -in {}/authority.pem", facts.installation.state);
  if (all.empty()) {
    return passed("certificates", "none yet", by_hand);
  }
  std::sort(all.begin(), all.end(), [](const CertificateEnd& left, const CertificateEnd& right) {
    return left.ends < right.ends;
  });
  const CertificateEnd& first = all.front();
  Line line = passed("certificates",
                     fmt::format("{} in all; the first to end is that of {}, on {}", all.size(),
                                 first.whose, day(first.ends)),
                     by_hand);
  if (first.ends < facts.clock.now + kSoon) {
    const bool ended = first.ends <= facts.clock.now;
    line.verdict = ended ? Verdict::fail : Verdict::warn;
    line.finding =
        fmt::format("that of {} {} on {}", first.whose, ended ? "ended" : "ends", day(first.ends));
    line.mend = first.whose == "provostd" ? "provost doctor --fix, or: systemctl restart provostd "
                                            "(it makes itself a new one)"
                : first.whose == "the authority"
                    ? "make the clusters anew in a new state directory; /fsx can be kept"
                    : "have the node made anew: scale its group down and up";
  }
  return line;
}

Line check_kernel_limits(const HostFacts& facts) {
  int nodes = 0;
  for (const store::KnownCluster& cluster : facts.store.clusters) {
    nodes += cluster.nodes;
  }
  std::vector<std::string> low;
  std::vector<std::string> names;
  bool stuck = false;
  bool too_low = false;
  constexpr int kInstancesPerNode = 10;  // seen: 128 are used up by 13 to 16 nodes
  for (const provider::local::KernelLimit& limit : facts.limits) {
    names.push_back(limit.name);
    if (limit.now < limit.wanted) {
      low.push_back(
          fmt::format("{} is {} ({} for many nodes)", limit.name, limit.now, limit.wanted));
      stuck = stuck || !limit.writable;
      too_low = too_low || (limit.name == "fs.inotify.max_user_instances" &&
                            limit.now < static_cast<std::int64_t>(nodes) * kInstancesPerNode);
    }
  }
  const std::string by_hand = "sysctl " + join(names, " ");
  if (low.empty()) {
    return passed("kernel limits", "high enough for many nodes", by_hand);
  }
  Line line{.check = "kernel limits", .finding = few(low, 2), .by_hand = by_hand, .details = low};
  if (stuck) {
    line.verdict = Verdict::fail;
    line.finding += "; /proc/sys is read-only here";
    line.mend = "raise them on the host outside this container";
  } else if (nodes > 0) {
    line.verdict = too_low ? Verdict::fail : Verdict::warn;
    line.mend = "provost doctor --fix";
  } else {
    line.finding = fmt::format(
        "the kernel's own; provostd raises {} of them with the first cluster", low.size());
  }
  return line;
}

namespace {

std::string mend_of_leftovers(const std::string& other, bool running, bool unclaimed) {
  if (!other.empty()) {
    return fmt::format("look whose it is; then: provost doctor --fix --socket {}/provostd.sock",
                       other);
  }
  std::string mend = "provost doctor --fix";
  if (running) {
    mend += " --running (ends the machines, too)";
  }
  if (unclaimed) {
    mend += " --unclaimed (only if no other provostd made what names no owner)";
  }
  return mend;
}

}  // namespace

Line check_leftovers(const HostFacts& facts) {
  const std::string by_hand = "ip -br link; nft list tables; findmnt -t overlay,nsfs; ls " +
                              facts.installation.state + "/machines";
  if (!facts.leftovers_known) {
    return {.check = "leftovers",
            .verdict = Verdict::warn,
            .finding = "cannot be told: the store does not say which clusters there are",
            .mend = "mend the store first (see its line)",
            .by_hand = by_hand};
  }
  std::vector<std::string> all;
  bool running = false;
  bool unclaimed = false;
  std::string other;
  for (const provider::local::Trace& trace : facts.leftovers) {
    all.push_back(fmt::format("{} {}{}{}", provider::local::name(trace.kind), trace.name,
                              trace.running ? " (runs)" : "",
                              trace.claimed ? "" : " (names no owner)"));
    unclaimed = unclaimed || !trace.claimed;
    running = running || trace.running;
    other = trace.other_run.empty() ? other : trace.other_run;
  }
  if (all.empty()) {
    return passed("leftovers", "nothing that no cluster owns", by_hand);
  }
  return {.check = "leftovers",
          .verdict = Verdict::warn,
          .finding = "of no cluster: " + few(all),
          .mend = mend_of_leftovers(other, running, unclaimed),
          .by_hand = by_hand,
          .details = all};
}

}  // namespace provost::support
