// Job containers where the kernel numbers its namespaces out of order.
#pragma once

#include <cstdint>

#include "base/result.hpp"

namespace provost::agent {

/// Makes every processor's next namespace newer, by its number, than the one this node lives in.
///
/// Linux takes a mount namespace for a parent's when its number is the smaller one, and refuses to
/// bind it (fs/namespace.c, mnt_ns_loop). Linux 6.18 gives each processor a supply of 4096 numbers
/// of its own, so that a job's namespace may come out "older" than its node's: Slurm's
/// job_container/tmpfs then fails, and srun says "Something is wrong with the boot of the nodes".
/// A processor that is behind has its supply used up, on namespaces that end at once (at most 8
/// ms); numbers only grow, so once is enough for as long as the node runs. Does nothing on a kernel
/// that does not tell the numbers (before 6.18, which are in order). Errors: internal, when
/// namespaces can't be made or read.
Status catch_up_namespaces();

/// The number of the mount namespace this thread is in; 0 where the kernel does not tell it.
std::uint64_t mount_namespace_number();

}  // namespace provost::agent
