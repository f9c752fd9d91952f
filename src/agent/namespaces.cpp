#include "agent/namespaces.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "os/files.hpp"

namespace provost::agent {
namespace {

// linux/nsfs.h of 6.18: NS_GET_ID.
constexpr unsigned long kGetNumber = _IOR(0xb7, 13, std::uint64_t);
// More than a processor's supply; beyond that something else is the matter.
constexpr int kMost = 3 * 4096;

std::optional<std::uint64_t> number_of(const char* path) {
  const os::Fd file(open(path, O_RDONLY | O_CLOEXEC));
  std::uint64_t number = 0;
  if (!file || ioctl(file.get(), kGetNumber, &number) != 0) {
    return std::nullopt;
  }
  return number;
}

// On the processor the thread is bound to. A host name's namespace is the cheapest to make (2 µs).
Status catch_up_here(int processor, std::uint64_t past) {
  for (int made = 0; made < kMost; ++made) {
    if (unshare(CLONE_NEWUTS) != 0) {
      return os::errno_error("cannot make a namespace");
    }
    const auto number = number_of("/proc/thread-self/ns/uts");
    if (!number) {
      return os::errno_error("cannot read a namespace's number");
    }
    if (*number > past) {
      return {};
    }
  }
  return fail(ErrorKind::internal, "processor {} numbers its namespaces below {} still", processor,
              past);
}

Status catch_up_everywhere(std::uint64_t past) {
  cpu_set_t all;
  CPU_ZERO(&all);
  if (sched_getaffinity(0, sizeof(all), &all) != 0) {
    return os::errno_error("cannot read which processors there are");
  }
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (CPU_ISSET(processor, &all) == 0) {
      continue;
    }
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    if (sched_setaffinity(0, sizeof(one), &one) != 0) {
      continue;  // gone since
    }
    if (auto caught_up = catch_up_here(processor, past); !caught_up) {
      return caught_up;
    }
  }
  return {};
}

}  // namespace

std::uint64_t mount_namespace_number() { return number_of("/proc/thread-self/ns/mnt").value_or(0); }

Status catch_up_namespaces() {
  const std::uint64_t own = mount_namespace_number();
  if (own == 0) {
    return {};
  }
  // A thread of its own: what it changes about itself ends with it.
  Status caught_up;
  std::jthread([&] { caught_up = catch_up_everywhere(own); }).join();
  return caught_up;
}

}  // namespace provost::agent
