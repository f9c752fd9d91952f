// A way round a kernel fault that stops jobs' private /tmp.
#pragma once

#include <optional>

namespace provost::provider::local {

/// The processor whose counter of mount namespaces stands lowest, to start a node's first process
/// on.
///
/// Linux since 6.18 numbers mount namespaces from a counter per processor, and takes one with a
/// lower number that is mounted into one with a higher number for a loop: Slurm's
/// job_container/tmpfs then fails with "Invalid argument" when slurmd's processor counts lower than
/// the one its node was started on. Nothing on kernels that do not tell the number.
std::optional<int> lowest_counting_processor();

}  // namespace provost::provider::local
