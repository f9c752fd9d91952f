#include "scheduling/idle.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "model/limits.hpp"
#include "slurm/hostlist.hpp"

namespace provost::scheduling {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr std::size_t kColumns = 8;
// A longer silence than this says nothing about when within it the job was used.
constexpr milliseconds kLongestLook{60'000};
// What follows a job's start: its processes may not be there yet.
constexpr milliseconds kSettles{30'000};

constexpr const char* kListRunning = R"sh(set -u -o pipefail
export SLURM_TIME_FORMAT=%s
squeue -h -a -r -t R -O 'JobID:|,JobArrayID:|,UserName:|,Account:|,QOS:|,StartTime:|,tres-alloc:|,NodeList:|'
)sh";

// Arguments: job. Terminals of processes that came in by ssh.
constexpr const char* kTellSessions = R"sh(set -u
message=$(cat)
for group in /proc/[0-9]*/cgroup; do
  grep -q "/job_$1/step_extern" "$group" 2>/dev/null || continue
  readlink "${group%cgroup}fd/0" 2>/dev/null
done | grep '^/dev/pts/[0-9]*$' | sort -u | while read -r terminal; do
  printf '\r\n%s\r\n' "$message" | timeout 2 tee "$terminal" >/dev/null
done
)sh";

// Arguments: jobs. A line each, with its number in front: a job's name may hold line ends.
constexpr const char* kListGpus = R"sh(set -u
for job in "$@"; do
  printf '%s %s\n' "$job" "$(scontrol -d -o show job "$job" 2>/dev/null | tr '\n' ' ')"
done
exit 0
)sh";

// Arguments: job, comment.
constexpr const char* kRelease = R"sh(set -u
scontrol update "JobId=$1" "AdminComment=$2" 2>/dev/null
out=$(scancel --quiet "$1" 2>&1) && exit 0
case $out in *[Ii]nvalid\ job\ id*|*already\ complet*) exit 0 ;; esac
printf '%s\n' "$out" >&2
exit 1
)sh";

// Whether what took this long since the last look is the rule's part of one processor, or more.
bool reaches(double part, std::int64_t millis, milliseconds looked) {
  return static_cast<double>(millis) >= std::max(part * static_cast<double>(looked.count()), 1.0);
}

bool is_used(const model::IdleRule& rule, const SeenUse& use, const LastLook& last, UtcTime now) {
  if (use.gpus_hidden || use.cpu_millis < last.cpu_millis || use.gpu_millis < last.gpu_millis) {
    return true;  // the agent began anew, and what was before is not known
  }
  const auto looked = std::min<milliseconds>(now - last.at, kLongestLook);
  return reaches(rule.cpu_below, use.cpu_millis - last.cpu_millis, looked) ||
         reaches(rule.gpu_below, use.gpu_millis - last.gpu_millis, looked);
}

// "gpu:h100:2(IDX:0,2-3)" -> 0, 2, 3. Nothing: none, or shared ones.
std::vector<std::size_t> gpu_places(std::string_view gres) {
  constexpr std::string_view kMark = "(IDX:";
  const std::size_t at = gres.find(kMark);
  if (!gres.starts_with("gpu") || at == std::string_view::npos ||
      gres.find("shard") != std::string_view::npos) {
    return {};
  }
  const std::string_view list = gres.substr(at + kMark.size());
  const auto named = slurm::expand(fmt::format("g[{}]", list.substr(0, list.find(')'))));
  std::vector<std::size_t> places;
  for (const std::string& each : named ? *named : std::vector<std::string>()) {
    places.push_back(static_cast<std::size_t>(to_number(each.substr(1)).value_or(0)));
  }
  return places;
}

// The value behind "Name=" in scontrol's one line.
std::string_view value_behind(std::string_view line, std::string_view name) {
  const std::size_t at = line.find(name);
  if (at == std::string_view::npos) {
    return {};
  }
  const std::string_view rest = line.substr(at + name.size());
  return rest.substr(0, rest.find(' '));
}

}  // namespace

std::vector<std::string> list_running_command() {
  return {"/bin/bash", "-c", kListRunning, "list-running"};
}

std::vector<RunningJob> parse_running(std::string_view text) {
  std::vector<RunningJob> jobs;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    const auto number = to_number(fields[0]);
    if (fields.size() < kColumns || !number) {
      continue;
    }
    const auto nodes = slurm::expand(fields[7]);
    jobs.push_back({.number = *number,
                    .id = fields[1],
                    .user = fields[2],
                    .account = fields[3],
                    .qos = fields[4],
                    .begun = UtcTime(std::chrono::seconds(to_number(fields[5]).value_or(0))),
                    .amounts = parse_amounts(fields[6]),
                    .nodes = nodes ? *nodes : std::vector<std::string>()});
  }
  return jobs;
}

std::vector<std::string> list_gpus_command(const std::vector<std::int64_t>& jobs) {
  std::vector<std::string> argv = {"/bin/bash", "-c", kListGpus, "list-gpus"};
  for (const std::int64_t each : jobs) {
    argv.push_back(std::to_string(each));
  }
  return argv;
}

std::map<std::int64_t, GpuPlaces> parse_gpus(std::string_view text) {
  std::map<std::int64_t, GpuPlaces> found;
  for (const std::string& line : split(text, '\n')) {
    const auto number = to_number(line.substr(0, line.find(' ')));
    // "... Nodes=gpu-[1-2] CPU_IDs=0-3 Mem=8192 GRES=gpu:h100:1(IDX:0) Nodes=gpu-3 ..."
    constexpr std::string_view kNodes = " Nodes=";
    for (std::size_t at = line.find(kNodes); number && at != std::string::npos;
         at = line.find(kNodes, at + 1)) {
      const std::string_view part =
          std::string_view(line).substr(at, line.find(kNodes, at + 1) - at);
      const auto places = gpu_places(value_behind(part, " GRES="));
      const auto nodes = slurm::expand(std::string(value_behind(part, kNodes)));
      for (const std::string& node : nodes ? *nodes : std::vector<std::string>()) {
        if (!places.empty()) {
          found[*number][node] = places;
        }
      }
    }
  }
  return found;
}

std::string to_text(const std::vector<Unused>& all) {
  std::string text;
  for (const Unused& each : all) {
    text += fmt::format("{} {} {} {} {} {} {} {}\n", each.job, to_millis(each.begun),
                        to_millis(each.since), each.cpu_millis, to_millis(each.warned),
                        to_millis(each.released), each.told ? 1 : 0, each.gpu_millis);
  }
  return text;
}

std::vector<Unused> unused_from(std::string_view text) {
  constexpr std::size_t kFields = 8;
  std::vector<Unused> all;
  for (const std::string& line : split(text, '\n')) {
    std::vector<std::int64_t> numbers;
    for (const std::string& field : split(line, ' ')) {
      numbers.push_back(to_number(field).value_or(-1));
    }
    if (numbers.size() == kFields - 1) {
      numbers.push_back(0);  // of a provostd that did not see GPUs
    }
    if (numbers.size() == kFields &&
        std::all_of(numbers.begin(), numbers.end(), [](std::int64_t each) { return each >= 0; })) {
      all.push_back({.job = numbers[0],
                     .begun = from_millis(numbers[1]),
                     .since = from_millis(numbers[2]),
                     .cpu_millis = numbers[3],
                     .warned = from_millis(numbers[4]),
                     .released = from_millis(numbers[5]),
                     .told = numbers[6] != 0,
                     .gpu_millis = numbers[7]});
    }
  }
  return all;
}

std::string exempt_by(const model::IdleRule& rule, const model::Campus& campus,
                      const RunningJob& job) {
  if (has(rule.exempt, job.user)) {
    return job.user;
  }
  if (has(rule.exempt, job.qos)) {
    return "QoS " + job.qos;
  }
  const model::Campus::Found found = campus.find_account(job.account);
  if (has(rule.exempt, job.account)) {
    return (found.project == nullptr ? "department " : "project ") + job.account;
  }
  if (found.department != nullptr && has(rule.exempt, found.department->name)) {
    return "department " + found.department->name;
  }
  return {};
}

IdleStep look_at(const model::IdleRule& rule, const RunningJob& job, const SeenUse& use,
                 const std::optional<Unused>& before, const std::optional<LastLook>& last,
                 UtcTime now) {
  const bool same = before && before->begun == job.begun;
  if (same && before->released != UtcTime{}) {
    return {.unused = before, .act = IdleAct::release};  // decided; asked until it is gone
  }
  if (use.batch) {
    return {};
  }
  if (!use.known || now - job.begun < kSettles) {
    return {.unused = same ? before : std::nullopt};
  }
  if (!same && !last) {
    return {};  // the first look: what comes is compared with it
  }
  // After a start of provostd: what was used since the job was last known to be unused.
  const LastLook from = last ? *last
                             : LastLook{.at = before->since,
                                        .cpu_millis = before->cpu_millis,
                                        .gpu_millis = before->gpu_millis};
  if (is_used(rule, use, from, now)) {
    return {};
  }
  Unused unused = same ? *before
                       : Unused{.job = job.number,
                                .begun = job.begun,
                                .since = from.at,
                                .cpu_millis = from.cpu_millis,
                                .gpu_millis = from.gpu_millis};
  const auto after = minutes(rule.after_minutes);
  const auto ahead = minutes(rule.warn_minutes);
  if (unused.warned == UtcTime{}) {
    if (now - unused.since < after - ahead) {
      return {.unused = unused};
    }
    unused.warned = now;
    return {.unused = unused, .act = IdleAct::warn};
  }
  if (!unused.told) {
    return {.unused = unused, .act = IdleAct::warn};  // it was about to be
  }
  if (now < release_at(rule, unused)) {
    return {.unused = unused};
  }
  unused.released = now;
  return {.unused = unused, .act = IdleAct::release};
}

UtcTime release_at(const model::IdleRule& rule, const Unused& unused) {
  const UtcTime by_use = unused.since + minutes(rule.after_minutes);
  return unused.warned == UtcTime{} ? by_use
                                    : std::max(by_use, unused.warned + minutes(rule.warn_minutes));
}

std::string idle_words(const RunningJob& job, const Unused& unused, const SeenUse& use,
                       UtcTime now) {
  const auto seconds_of = [](std::int64_t millis) {
    constexpr double kMillis = 1000;
    return static_cast<double>(std::max<std::int64_t>(0, millis)) / kMillis;
  };
  Amounts shown = job.amounts;
  shown.erase("mem");
  return fmt::format("job {} of {} ({}): {} unused for {}, {:.1f} s of CPU time{} in it", job.id,
                     job.user, job.account, amounts_words(shown), to_words(now - unused.since),
                     seconds_of(use.cpu_millis - unused.cpu_millis),
                     use.gpu_millis == 0
                         ? ""
                         : fmt::format(" and {:.1f} s of GPU time",
                                       seconds_of(use.gpu_millis - unused.gpu_millis)));
}

std::string warning_words(const model::IdleRule& rule, const RunningJob& job, const Unused& unused,
                          UtcTime now) {
  Amounts shown = job.amounts;
  shown.erase("mem");
  return fmt::format(
      "Job {} has not used its {} for {}. It is released in {} unless you use it. Others wait for "
      "what it holds.",
      job.id, amounts_words(shown), to_words(now - unused.since),
      to_words(std::max<milliseconds>(release_at(rule, unused) - now, milliseconds(0))));
}

std::vector<std::string> notify_command(const RunningJob& job, const std::string& message) {
  return {"scontrol", "notify", std::to_string(job.number), message};
}

std::vector<std::string> tell_sessions_command(const RunningJob& job) {
  return {"/bin/bash", "-c", kTellSessions, "tell-sessions", std::to_string(job.number)};
}

std::vector<std::string> release_command(const RunningJob& job, const std::string& why) {
  return {"/bin/bash", "-c", kRelease, "release", std::to_string(job.number), why};
}

}  // namespace provost::scheduling
