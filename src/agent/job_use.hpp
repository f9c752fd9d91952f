// What jobs use on this node: the CPU time of their processes, taken from /proc. It is the same
// with every version of control groups, and needs no accounting controller.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "protocol/messages.hpp"

namespace provost::agent {

/// Not thread-safe.
class JobWatch {
 public:
  explicit JobWatch(std::string proc = "/proc") : proc_(std::move(proc)) {}

  /// Every job with a process here, each with the CPU time seen of it since this watch began. It
  /// never goes down while the job has processes; a process that begins and ends between two looks
  /// counts with what its parent, once it has waited for it, says of its children.
  std::vector<protocol::JobUse> look();

 private:
  struct Process {
    std::int64_t ticks = 0;  ///< its own and its ended children's
    bool seen = false;       ///< in this look
  };
  struct Job {
    std::int64_t ticks = 0;
    bool batch = false;
    bool seen = false;
  };
  void look_at(const std::string& pid);

  std::string proc_;
  std::map<std::string, Process> processes_;  // by "PID-START"
  std::map<std::int64_t, Job> jobs_;
};

}  // namespace provost::agent
