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

// Arguments: job, comment.
constexpr const char* kRelease = R"sh(set -u
scontrol update "JobId=$1" "AdminComment=$2" 2>/dev/null
out=$(scancel --quiet "$1" 2>&1) && exit 0
case $out in *[Ii]nvalid\ job\ id*|*already\ complet*) exit 0 ;; esac
printf '%s\n' "$out" >&2
exit 1
)sh";

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_used(const model::IdleRule& rule, const SeenUse& use, const LastLook& last, UtcTime now) {
  if (use.gpus_hidden || use.cpu_millis < last.cpu_millis) {
    return true;  // the agent began anew, and what was before is not known
  }
  const auto looked = std::min<milliseconds>(now - last.at, kLongestLook);
  const double least = rule.cpu_below * static_cast<double>(looked.count());
  return static_cast<double>(use.cpu_millis - last.cpu_millis) >= std::max(least, 1.0);
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

std::string to_text(const std::vector<Unused>& all) {
  std::string text;
  for (const Unused& each : all) {
    text += fmt::format("{} {} {} {} {} {} {}\n", each.job, to_millis(each.begun),
                        to_millis(each.since), each.cpu_millis, to_millis(each.warned),
                        to_millis(each.released), each.told ? 1 : 0);
  }
  return text;
}

std::vector<Unused> unused_from(std::string_view text) {
  constexpr std::size_t kFields = 7;
  std::vector<Unused> all;
  for (const std::string& line : split(text, '\n')) {
    std::vector<std::int64_t> numbers;
    for (const std::string& field : split(line, ' ')) {
      numbers.push_back(to_number(field).value_or(-1));
    }
    if (numbers.size() == kFields &&
        std::all_of(numbers.begin(), numbers.end(), [](std::int64_t each) { return each >= 0; })) {
      all.push_back({.job = numbers[0],
                     .begun = from_millis(numbers[1]),
                     .since = from_millis(numbers[2]),
                     .cpu_millis = numbers[3],
                     .warned = from_millis(numbers[4]),
                     .released = from_millis(numbers[5]),
                     .told = numbers[6] != 0});
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
  const LastLook from =
      last ? *last : LastLook{.at = before->since, .cpu_millis = before->cpu_millis};
  if (is_used(rule, use, from, now)) {
    return {};
  }
  Unused unused = same ? *before
                       : Unused{.job = job.number,
                                .begun = job.begun,
                                .since = from.at,
                                .cpu_millis = from.cpu_millis};
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

std::string idle_words(const RunningJob& job, const Unused& unused, std::int64_t cpu_millis,
                       UtcTime now) {
  constexpr double kMillis = 1000;
  Amounts shown = job.amounts;
  shown.erase("mem");
  return fmt::format(
      "job {} of {} ({}): {} unused for {}, {:.1f} s of CPU time in it", job.id, job.user,
      job.account, amounts_words(shown), to_words(now - unused.since),
      static_cast<double>(std::max<std::int64_t>(0, cpu_millis - unused.cpu_millis)) / kMillis);
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
