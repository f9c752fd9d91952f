#include "support/mend.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/files.hpp"
#include "os/process.hpp"
#include "provider/local/local_provider.hpp"
#include "support/checks.hpp"

namespace provost::support {
namespace {

namespace local = provider::local;

Mended report(std::string what, const Status& status) {
  return {.what = std::move(what),
          .done = status.has_value(),
          .problem = status ? std::string() : status.error().message};
}

void make_directories(const HostFacts& facts, std::vector<Mended>& mended) {
  for (const Disk& disk : facts.disks) {
    if (!disk.exists) {
      const bool state = disk.path == facts.installation.state;
      mended.push_back(report("made the directory " + disk.path,
                              os::make_directories(disk.path, state ? 0700 : 0755)));
    }
  }
}

void close_secrets(const HostFacts& facts, std::vector<Mended>& mended) {
  for (const SecretFile& each : facts.secrets) {
    if (each.root_owned && (each.mode & ~each.wanted) == 0) {
      continue;
    }
    const bool done = ::lchown(each.path.c_str(), 0, 0) == 0 &&
                      ::chmod(each.path.c_str(), each.mode & each.wanted) == 0;
    mended.push_back(
        report(fmt::format("closed {} to others ({:04o})", each.path, each.mode & each.wanted),
               done ? Status{} : os::errno_error("close " + each.path)));
  }
}

/// Only for clusters that are there: provostd raises them itself for the first, and puts them back.
void raise_limits(const HostFacts& facts, std::vector<Mended>& mended) {
  if (check_kernel_limits(facts).verdict == Verdict::pass) {
    return;
  }
  const Status raised =
      local::raise_kernel_limits(local::kernel_limits_record(facts.installation.state));
  for (const local::KernelLimit& limit : facts.limits) {
    if (limit.now < limit.wanted) {
      mended.push_back(report(
          fmt::format("raised {} from {} to {}", limit.name, limit.now, limit.wanted), raised));
    }
  }
}

void remove_leftovers(const HostFacts& facts, local::Removing removing,
                      std::vector<Mended>& mended) {
  const local::LocalOptions options{
      .places = {.state = facts.installation.state, .run = facts.installation.run}};
  std::vector<local::Trace> left = facts.leftovers;
  for (local::Trace& trace : left) {
    const Status removed = local::remove_leftover(trace, options, removing);
    mended.push_back(
        report(fmt::format("removed {} {}", local::name(trace.kind), trace.name), removed));
  }
}

void renew_certificate(const HostFacts& facts, std::vector<Mended>& mended) {
  constexpr std::chrono::hours kSoon{24 * 30};
  const auto ends = facts.daemon.certificate_ends;
  if (!ends || *ends > facts.clock.now + kSoon) {
    return;
  }
  const auto managed =
      os::run({.argv = {"systemctl", "show", "--property=MainPID", "--value", "provostd.service"}});
  if (managed && managed->out == fmt::format("{}\n", facts.daemon.pid)) {
    mended.push_back(report("restarted provostd: it made itself a new certificate",
                            os::check({"systemctl", "restart", "provostd.service"})));
  } else {
    mended.push_back({.what = "renew provostd's certificate",
                      .done = false,
                      .problem = "systemd does not manage this provostd: restart it by hand"});
  }
}

}  // namespace

std::vector<Mended> mend(const HostFacts& facts, local::Removing removing) {
  std::vector<Mended> mended;
  make_directories(facts, mended);
  close_secrets(facts, mended);
  raise_limits(facts, mended);
  remove_leftovers(facts, removing, mended);
  renew_certificate(facts, mended);
  return mended;
}

}  // namespace provost::support
