#include "provider/local/processor.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cstdint>
#include <thread>

#include "os/files.hpp"

namespace provost::provider::local {
namespace {

// _IOR(NSIO, 0x5, __u64) of <linux/nsfs.h>, which Debian 12's headers do not have yet.
constexpr unsigned long kGetMountNamespaceId = _IOR(0xb7, 0x5, std::uint64_t);

// On this thread, which then has a mount namespace of its own: it must end afterwards.
std::optional<std::uint64_t> number_made_on(int processor) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(processor, &only);
  if (::sched_setaffinity(0, sizeof only, &only) != 0 || ::unshare(CLONE_NEWNS) != 0) {
    return std::nullopt;
  }
  const os::Fd space(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
  std::uint64_t number = 0;
  if (!space || ::ioctl(space.get(), kGetMountNamespaceId, &number) != 0) {
    return std::nullopt;
  }
  return number;
}

}  // namespace

std::optional<int> lowest_counting_processor() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    return std::nullopt;
  }
  std::optional<int> lowest;
  std::uint64_t least = 0;
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (!CPU_ISSET(processor, &allowed)) {
      continue;
    }
    std::optional<std::uint64_t> number;
    std::jthread([&] { number = number_made_on(processor); }).join();
    if (!number) {
      return std::nullopt;
    }
    if (!lowest || *number < least) {
      lowest = processor;
      least = *number;
    }
  }
  return lowest;
}

}  // namespace provost::provider::local
