#include "agent/job_use.hpp"

#include <unistd.h>

#include <optional>

#include "base/text.hpp"
#include "os/files.hpp"

namespace provost::agent {
namespace {

constexpr std::size_t kLongestText = 1U << 16U;

struct Place {
  std::int64_t job = 0;
  std::string step;
};

// Slurm's control groups are ".../job_17/step_batch/..." in every version.
std::optional<Place> place_of(std::string_view groups) {
  constexpr std::string_view kJob = "/job_";
  constexpr std::string_view kStep = "/step_";
  const std::size_t at = groups.find(kJob);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const auto until = [](std::string_view text) {
    return text.substr(0, text.find_first_of("/\n"));
  };
  const auto number = to_number(until(groups.substr(at + kJob.size())));
  const std::size_t step = groups.find(kStep, at);
  if (!number || step == std::string_view::npos) {
    return std::nullopt;
  }
  return Place{.job = *number, .step = std::string(until(groups.substr(step + kStep.size())))};
}

struct Times {
  std::string start;
  std::int64_t ticks = 0;
};

// Fields 14 to 17 and 22 of proc(5)'s stat, counted from behind the name, which may hold anything.
std::optional<Times> times_of(const std::string& stat) {
  constexpr std::size_t kUser = 12;
  constexpr std::size_t kChildrenSystem = 15;
  constexpr std::size_t kStart = 20;
  const std::size_t end = stat.rfind(')');
  const auto fields = split(stat.substr(end == std::string::npos ? 0 : end + 1), ' ');
  if (fields.size() <= kStart) {
    return std::nullopt;
  }
  Times times{.start = fields[kStart]};
  for (std::size_t i = kUser; i <= kChildrenSystem; ++i) {
    times.ticks += to_number(fields[i]).value_or(0);
  }
  return times;
}

}  // namespace

void JobWatch::look_at(const std::string& pid) {
  const auto groups = os::read_file(proc_ + "/" + pid + "/cgroup", kLongestText);
  const auto place = groups ? place_of(*groups) : std::nullopt;
  if (!place) {
    return;  // nobody's job, or it has just ended
  }
  const auto stat = os::read_file(proc_ + "/" + pid + "/stat", kLongestText);
  const auto times = stat ? times_of(*stat) : std::nullopt;
  if (!times || stat->find("(slurmstepd)") != std::string::npos) {
    return;
  }
  Job& job = jobs_[place->job];
  job.seen = true;
  job.batch = job.batch || place->step == "batch";
  Process& process = processes_[pid + "-" + times->start];
  process.seen = true;
  if (times->ticks > process.ticks) {
    job.ticks += times->ticks - process.ticks;
    process.ticks = times->ticks;
  }
}

std::vector<protocol::JobUse> JobWatch::look() {
  for (auto& [key, process] : processes_) {
    process.seen = false;
  }
  for (auto& [number, job] : jobs_) {
    job.seen = false;
  }
  for (const std::string& each : os::list_directory(proc_)) {
    if (to_number(each)) {
      look_at(each);
    }
  }
  std::erase_if(processes_, [](const auto& entry) { return !entry.second.seen; });
  std::erase_if(jobs_, [](const auto& entry) { return !entry.second.seen; });
  constexpr std::int64_t kMillis = 1000;
  const std::int64_t ticks_a_second = ::sysconf(_SC_CLK_TCK);
  std::vector<protocol::JobUse> uses;
  for (const auto& [number, job] : jobs_) {
    uses.push_back(
        {.job = number, .cpu_millis = job.ticks * kMillis / ticks_a_second, .batch = job.batch});
  }
  return uses;
}

}  // namespace provost::agent
