#include "scheduling/selftest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "model/limits.hpp"

namespace provost::scheduling {
namespace {

constexpr const char* kEnrol = R"sh(set -u
sacctmgr -i -Q add user name="$1" account="$2" >/dev/null 2>&1
# Read back: sacctmgr reports success for what a dying slurmdbd has lost.
seen=$(sacctmgr -nP show assoc "user=$1" format=account | sort -u | paste -sd,)
[ "$seen" = "$(tr , '\n' <<<"${2,,}" | sort -u | paste -sd,)" ] && exit 0
echo "slurmdbd has $1 in: ${seen:-no account}" >&2
exit 1
)sh";

constexpr const char* kDismiss = R"sh(set -u
scancel -u "$1" 2>/dev/null
for _ in $(seq 120); do
  [ -z "$(squeue -h -a -u "$1" -o %A 2>/dev/null)" ] && break
  sleep 0.25
done
sacctmgr -i -Q delete user name="$1" >/dev/null 2>&1
left=$(sacctmgr -nP show user "$1" format=user) || exit 1
[ -z "$left" ] && exit 0
echo "slurmdbd still has $1" >&2
exit 1
)sh";

constexpr const char* kMakeKey = R"sh(set -eu
install -d -m 700 -o "$1" -g "$1" "$2" "$2/.ssh"
rm -f "$2/.ssh/id_ed25519" "$2/.ssh/id_ed25519.pub"
ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$2/.ssh/id_ed25519"
chown "$1:$1" "$2/.ssh/id_ed25519" "$2/.ssh/id_ed25519.pub"
cat "$2/.ssh/id_ed25519.pub"
)sh";

constexpr const char* kAdmit = R"sh(set -eu
install -d -m 700 -o "$1" -g "$1" "$2" "$2/.ssh"
cat >"$2/.ssh/authorized_keys"
chown "$1:$1" "$2/.ssh/authorized_keys"
chmod 600 "$2/.ssh/authorized_keys"
)sh";

constexpr const char* kClean = R"sh(rm -rf --one-file-system -- "$2"
! [ -e "$2" ]
)sh";

// What it sees where it is: the step that it belongs to, and every GPU's device file tried.
constexpr const char* kLook = R"sh(grep -o "job_[0-9]*/step_[a-z0-9]*" /proc/self/cgroup | sort -u
for device in /dev/nvidia[0-9]* /dev/provost-gpu[0-9]*; do
  [ -e "$device" ] || continue
  said=$( { : <"$device"; } 2>&1 )
  case $said in *"not permitted"*) echo "closed $device" ;; *) echo "open $device" ;; esac
done
)sh";

constexpr const char* kSsh =
    "ssh -n -o BatchMode=yes -o ConnectTimeout=10 -o StrictHostKeyChecking=yes ";

// Arguments: options of sbatch.
constexpr const char* kStartJob = R"sh(set -u
job=$(sbatch --parsable -J provost-selftest -o /dev/null "$@" --wrap "sleep 600") || exit 1
for _ in $(seq 240); do
  state=$(squeue -h -j "$job" -o "%T %r" 2>/dev/null)
  case $state in
    RUNNING*) echo "$job"; exit 0 ;;
    PENDING*|CONFIGURING*) ;;
    *) echo "job $job ended at once: ${state:-gone}" >&2; exit 1 ;;
  esac
  sleep 0.25
done
scancel "$job"
echo "it still waits after a minute: $state" >&2
exit 3
)sh";

// Arguments: node, job. ssh's own end closes the descriptor that is read.
constexpr const char* kOutlive = R"sh(set -u
exec 3< <(SSH "$1" "echo in; exec sleep 120" 2>/dev/null)
read -r -t 20 first <&3
[ "${first:-}" = in ] || { echo "no session"; exit 1; }
begun=$(date +%s%N)
scancel "$2"
read -r -t 10 more <&3
[ $? -gt 128 ] && { echo "still there"; pkill -u "$(id -u)" -x ssh; exit 1; }
echo "ended after $(( ($(date +%s%N) - begun) / 1000000 )) ms"
)sh";

constexpr const char* kForbidden = R"sh(set -u
job=$(sbatch --parsable -H -J provost-selftest -o /dev/null -n 1 "$@" --wrap true) || exit 1
scancel "$job"
echo "it was taken as job $job"
)sh";

std::vector<std::string> as_root(const char* script, std::vector<std::string> arguments) {
  std::vector<std::string> argv = {"/bin/bash", "-c", script, "selftest"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

std::vector<std::string> as_user(const std::string& script,
                                 const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {"runuser",
                                   "-u",
                                   model::kSelftestUser,
                                   "--",
                                   "env",
                                   "-i",
                                   fmt::format("-C{}", model::kSelftestHome),
                                   fmt::format("HOME={}", model::kSelftestHome),
                                   fmt::format("USER={}", model::kSelftestUser),
                                   fmt::format("LOGNAME={}", model::kSelftestUser),
                                   "PATH=/usr/local/bin:/usr/bin:/bin",
                                   "LC_ALL=C.UTF-8",
                                   "/bin/bash",
                                   "-c",
                                   script,
                                   "selftest"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

// Ended ones take no jobs at all (job_submit.hpp).
std::vector<model::Department> taking_jobs(const model::Campus& campus, const std::string& today) {
  std::vector<model::Department> departments = campus.departments;
  std::erase_if(departments, [&](const model::Department& each) {
    return !each.until.empty() && each.until < today;
  });
  return departments;
}

bool may_use(const PartitionRights& partition, const std::string& account) {
  return !partition.administrators_only &&
         (partition.accounts.empty() || has(partition.accounts, account));
}

// A QoS that a partition takes and the department has; empty: none, nothing: Slurm's default.
std::optional<std::string> qos_for(const model::Campus& campus, const model::Department& department,
                                   const PartitionRights& partition) {
  const auto is_plain = [&](const std::string& name) {
    const model::Qos* qos = campus.find_qos(name);
    return qos == nullptr || qos->preempted_by.empty();
  };
  std::vector<std::string> names = department.qos;
  if (names.empty()) {
    for (const model::Qos& each : campus.qos) {
      names.push_back(each.name);
    }
  }
  if (names.empty()) {
    return std::nullopt;
  }
  for (const std::string& each : names) {
    if (is_plain(each) && (partition.qos.empty() || has(partition.qos, each))) {
      return each;
    }
  }
  return "";
}

struct Choice {
  const model::Department* department = nullptr;
  const PartitionRights* partition = nullptr;
  SelftestPlace place;
};

// Nodes with GPUs first: there is more to try on them.
std::optional<Choice> choose_place(const model::Campus& campus, const model::Layout& layout,
                                   const slurm::View& view,
                                   const std::vector<PartitionRights>& partitions) {
  std::optional<Choice> best;
  for (const model::Department& department : campus.departments) {
    for (const PartitionRights& partition : partitions) {
      const auto qos = qos_for(campus, department, partition);
      if (!may_use(partition, department.name) || (qos && qos->empty())) {
        continue;
      }
      for (const model::NodePlace& node : layout.nodes) {
        const slurm::NodeSeen* seen = view.find(node.name);
        const bool reserved =
            seen != nullptr && (has_flag(*seen, "RESERVED") || has_flag(*seen, "MAINTENANCE"));
        if (seen == nullptr || !slurm::is_idle(*seen) || reserved ||
            !has(partition.groups, node.group)) {
          continue;
        }
        const int gpus = static_cast<int>(node.gpu_files.size());
        if (!best || (best->place.gpus == 0 && gpus > 0)) {
          best = Choice{.department = &department,
                        .partition = &partition,
                        .place = {.account = department.name,
                                  .partition = partition.name,
                                  .node = node.name,
                                  .gpus = gpus,
                                  .line = department.line}};
        }
      }
    }
  }
  return best;
}

struct TimeLimit {
  std::int64_t minutes = 0;
  std::string of;
  int line = 0;
};

std::optional<TimeLimit> time_limit(const model::Campus& campus,
                                    const model::Department& department,
                                    const PartitionRights& partition) {
  std::vector<TimeLimit> limits;
  const auto add = [&](const model::Limits& all, const std::string& of) {
    if (const auto wall = all.find("wall"); wall != all.end()) {
      limits.push_back({wall->second.value, of, wall->second.line});
    }
  };
  if (const auto qos = qos_for(campus, department, partition); qos && !qos->empty()) {
    add(campus.find_qos(*qos)->limits, "QoS " + *qos);
  }
  add(department.limits, "department " + department.name);
  for (const model::PartitionPolicy& each : campus.partitions) {
    if (each.name == partition.name && each.max_time_minutes) {
      limits.push_back({*each.max_time_minutes, "partition " + each.name, each.line});
    }
  }
  const auto least = std::min_element(
      limits.begin(), limits.end(),
      [](const auto& left, const auto& right) { return left.minutes < right.minutes; });
  return least == limits.end() ? std::nullopt : std::optional(*least);
}

void choose_limit(const model::Campus& campus, const std::vector<PartitionRights>& partitions,
                  Trials& trials) {
  for (const model::Department& department : campus.departments) {
    for (const PartitionRights& partition : partitions) {
      const auto qos = qos_for(campus, department, partition);
      if (!may_use(partition, department.name) || (qos && qos->empty())) {
        continue;
      }
      if (const auto limit = time_limit(campus, department, partition)) {
        const std::int64_t asked = limit->minutes + 1;
        trials.limit = Forbidden{
            .options = {"-A", department.name, "-p", partition.name, "-t", std::to_string(asked)},
            .words = fmt::format("a job longer than {} allows ({}) is refused", limit->of,
                                 model::duration_words(limit->minutes)),
            .line = limit->line};
        if (qos) {
          trials.limit->options.push_back("--qos=" + *qos);
        }
        trials.accounts.push_back(department.name);
        return;
      }
    }
  }
  trials.why_not_limit = "no QoS, department or partition has a limit of time";
}

// Where it is said that the partition is not the department's.
int line_of(const PartitionRights& partition, const model::Department* owner,
            const model::Department& department) {
  if (owner != nullptr) {
    return owner->line;
  }
  return partition.line > 0 ? partition.line : department.line;
}

void choose_partition(const model::Campus& campus, const std::vector<PartitionRights>& partitions,
                      Trials& trials) {
  for (const PartitionRights& partition : partitions) {
    for (const model::Department& department : campus.departments) {
      if (partition.administrators_only || may_use(partition, department.name)) {
        continue;
      }
      const model::Department* owner = campus.find_department(partition.owner);
      trials.partition = Forbidden{.options = {"-A", department.name, "-p", partition.name},
                                   .words = fmt::format("partition {} is closed to department {}",
                                                        partition.name, department.name),
                                   .line = line_of(partition, owner, department)};
      trials.accounts.push_back(department.name);
      return;
    }
  }
  trials.why_not_partition = "every partition is open to every department";
}

std::string first_line(std::string_view text) {
  std::string line(trim(text));
  line = line.substr(0, line.find('\n'));
  return std::string(shorten(line, 200));
}

std::string said(const Tried& tried) {
  const std::string words = first_line(tried.err.empty() ? tried.out : tried.err);
  return words.empty() ? fmt::format("it ended with status {}", tried.status) : words;
}

void set(Check& check, bool held, std::string found) {
  check.proof = held ? Proof::held : Proof::failed;
  check.found = std::move(found);
}

}  // namespace

std::string_view name(Proof proof) {
  switch (proof) {
    case Proof::held:
      return "held";
    case Proof::failed:
      return "failed";
    case Proof::not_tried:
      return "not tried";
  }
  return "";
}

Trials choose_trials(const model::Cluster& cluster, const model::Layout& layout,
                     const slurm::View& view, const std::string& today) {
  Trials trials{.from = layout.controller().name};
  for (const model::NodePlace& node : layout.nodes) {
    if (node.role == model::Role::login) {
      trials.from = trials.login.empty() ? node.name : trials.from;
      trials.login = node.name;
    }
  }
  model::Campus campus = *cluster.campus;
  campus.departments = taking_jobs(campus, today);
  const auto partitions = partition_rights(cluster);
  if (const auto choice = choose_place(campus, layout, view, partitions)) {
    trials.place = choice->place;
    trials.accounts.push_back(choice->place.account);
    trials.whole_gpu = choice->place.gpus > 0;
    const model::NodePlace* node = layout.find(choice->place.node);
    trials.gpus_line = node == nullptr ? 0 : cluster.sharing_of(node->group).line;
  } else {
    trials.why_not_place = "no node that a department may use is up and without jobs";
  }
  choose_limit(campus, partitions, trials);
  choose_partition(campus, partitions, trials);
  std::sort(trials.accounts.begin(), trials.accounts.end());
  trials.accounts.erase(std::unique(trials.accounts.begin(), trials.accounts.end()),
                        trials.accounts.end());
  return trials;
}

std::vector<Check> checks_of(const Trials& trials) {
  std::vector<Check> checks;
  const auto add = [&](const char* name, std::string words, int line, const std::string& why_not) {
    checks.push_back({.name = name, .words = std::move(words), .line = line, .found = why_not});
  };
  const std::string& no_place = trials.why_not_place;
  const int line = trials.place ? trials.place->line : 0;
  add("login-open", "a login node opens without a job", 0,
      trials.login.empty() ? "there is no login node" : "");
  add("compute-closed", "a compute node refuses who has no job there, and says how to get one", 0,
      no_place);
  add("compute-open", "it opens to who has a job there", line, no_place);
  add("session-adopted", "the session belongs to the job", 0, no_place);
  const bool gpus = trials.place && trials.place->gpus > 0;
  const std::string no_gpu =
      !no_place.empty()
          ? no_place
          : (gpus ? "" : "no node with GPUs that a department may use is without jobs");
  add("gpus-closed", "a job without a GPU opens none, in a step and in a session", trials.gpus_line,
      no_gpu);
  add("gpus-own", "a job with a GPU opens that one and no other", trials.gpus_line, no_gpu);
  add("session-ends", "the session ends with the job", 0, no_place);
  add("limit", trials.limit ? trials.limit->words : "a job beyond a limit is refused",
      trials.limit ? trials.limit->line : 0, trials.why_not_limit);
  add("partition",
      trials.partition ? trials.partition->words : "a partition is closed to other departments",
      trials.partition ? trials.partition->line : 0, trials.why_not_partition);
  return checks;
}

std::vector<std::string> enrol_command(const std::vector<std::string>& accounts) {
  return as_root(kEnrol, {model::kSelftestUser, join(accounts, ",")});
}
std::vector<std::string> dismiss_command() { return as_root(kDismiss, {model::kSelftestUser}); }
std::vector<std::string> make_key_command() {
  return as_root(kMakeKey, {model::kSelftestUser, model::kSelftestHome});
}
std::vector<std::string> admit_command() {
  return as_root(kAdmit, {model::kSelftestUser, model::kSelftestHome});
}
std::vector<std::string> clean_command() {
  return as_root(kClean, {model::kSelftestUser, model::kSelftestHome});
}

std::vector<std::string> visit_command(const std::string& node) {
  return as_user(std::string(kSsh) + "\"$1\" \"$2\"", {node, kLook});
}

std::vector<std::string> step_command(const std::string& job) {
  return as_user("srun --jobid=\"$1\" --overlap -n 1 -t 1 /bin/bash -c \"$2\" </dev/null",
                 {job, kLook});
}

std::vector<std::string> start_job_command(const SelftestPlace& place, bool gpu) {
  std::vector<std::string> options = {"-A", place.account, "-p",       place.partition,
                                      "-w", place.node,    "-n",       "1",
                                      "-t", "2",           "--mem=64M"};
  if (gpu) {
    options.emplace_back("--gpus=1");
  }
  return as_user(kStartJob, options);
}

std::vector<std::string> end_job_command(const std::string& job) {
  return as_user(
      "scancel \"$1\"; for _ in $(seq 80); do [ -z \"$(squeue -h -j \"$1\" -o %T "
      "2>/dev/null)\" ] && exit 0; sleep 0.25; done",
      {job});
}

std::vector<std::string> outlive_command(const SelftestPlace& place, const std::string& job) {
  std::string script = kOutlive;
  constexpr std::string_view kHole = "SSH ";
  script.replace(script.find(kHole), kHole.size(), kSsh);
  return as_user(script, {place.node, job});
}

std::vector<std::string> forbidden_command(const Forbidden& forbidden) {
  return as_user(kForbidden, forbidden.options);
}

Sight parse_sight(std::string_view text) {
  Sight sight;
  for (const std::string& line : split(text, '\n')) {
    constexpr std::string_view kOpen = "open ";
    constexpr std::string_view kClosed = "closed ";
    if (line.starts_with("job_")) {
      sight.steps.push_back(line);
    } else if (line.starts_with(kOpen)) {
      sight.open.push_back(line.substr(kOpen.size()));
    } else if (line.starts_with(kClosed)) {
      sight.closed.push_back(line.substr(kClosed.size()));
    }
  }
  return sight;
}

void judge_login(Check& check, const Tried& tried) {
  set(check, tried.status == 0, tried.status == 0 ? "it opened" : "it refused: " + said(tried));
}

void judge_closed(Check& check, const Tried& tried) {
  if (tried.status == 0) {
    set(check, false, "it opened without a job");
  } else if (tried.err.find("srun --pty") == std::string::npos) {
    set(check, false, "it refused without saying how to get in: " + said(tried));
  } else {
    set(check, true, "it refused: " + said(tried));
  }
}

void judge_open(Check& check, const Tried& tried) {
  set(check, tried.status == 0,
      tried.status == 0 ? "it opened" : "it refused who has a job there: " + said(tried));
}

void judge_adopted(Check& check, const Tried& tried, const std::string& job) {
  const Sight sight = parse_sight(tried.out);
  const std::string wanted = fmt::format("job_{}/step_extern", job);
  if (has(sight.steps, wanted)) {
    set(check, true, "it is in " + wanted);
  } else if (tried.status != 0) {
    check.found = "there was no session";
  } else {
    set(check, false,
        sight.steps.empty() ? "it is in no job" : "it is in " + join(sight.steps, ", "));
  }
}

void judge_gpus(Check& check, const Tried& session, const Tried& step, int wanted, int all) {
  if (session.status != 0 || step.status != 0) {
    check.found = session.status != 0 ? "there was no session" : "no step ran: " + said(step);
    return;
  }
  const Sight of_session = parse_sight(session.out);
  const Sight of_step = parse_sight(step.out);
  for (const auto& [sight, where] :
       {std::pair(&of_step, "a step"), std::pair(&of_session, "a session")}) {
    const auto open = static_cast<int>(sight->open.size());
    const auto seen = open + static_cast<int>(sight->closed.size());
    if (open != wanted || seen != all) {
      set(check, false,
          fmt::format("{} of the {} GPUs opened to {} of a job that has {}{}", open, all, where,
                      wanted, sight->open.empty() ? "" : ": " + join(sight->open, ", ")));
      return;
    }
  }
  if (of_session.open != of_step.open) {
    set(check, false,
        fmt::format("a step opens {}, a session {}", join(of_step.open, ", "),
                    join(of_session.open, ", ")));
    return;
  }
  set(check, true,
      wanted == 0 ? fmt::format("{} of {} closed", all, all)
                  : fmt::format("{} opened, {} closed", join(of_step.open, ", "), all - wanted));
}

void judge_outlive(Check& check, const Tried& tried) {
  constexpr std::int64_t kLongest = 5000;  // milliseconds
  constexpr std::string_view kEnded = "ended after ";
  const std::string line = first_line(tried.out);
  if (line == "no session") {
    check.found = "there was no session";
    return;
  }
  const auto millis = line.starts_with(kEnded)
                          ? to_number(line.substr(kEnded.size(), line.find(" ms") - kEnded.size()))
                          : std::nullopt;
  set(check, millis && *millis <= kLongest,
      millis ? line : "it was still there 10 s after its job was cancelled");
}

void judge_forbidden(Check& check, const Tried& tried) {
  if (tried.status == 0) {
    set(check, false, said(tried));
    return;
  }
  // What keeps slurmctld from answering is no refusal of the policy.
  std::string words = tried.err;
  const bool silent = words.find("Unable to contact") != std::string::npos ||
                      words.find("timed out") != std::string::npos;
  constexpr std::string_view kProgram = "sbatch: error: ";
  if (words.starts_with(kProgram)) {
    words = words.substr(kProgram.size());
  }
  if (silent) {
    check.found = first_line(words);
  } else {
    set(check, true, first_line(words));
  }
}

namespace {

// Fields are kept apart by tabs, lines by line ends.
std::string flat(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](unsigned char letter) { return letter < 0x20; },  // NOLINT(*-magic-numbers): controls
      ' ');
  return text;
}

}  // namespace

std::string to_text(const std::vector<Check>& checks) {
  std::string text;
  for (const Check& each : checks) {
    text += fmt::format("{}\t{}\t{}\t{}\t{}\n", each.name, flat(each.words), each.line,
                        name(each.proof), flat(each.found));
  }
  return text;
}

std::vector<Check> checks_from(std::string_view text) {
  constexpr std::size_t kFields = 5;
  std::vector<Check> checks;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> fields = split(line, '\t');
    if (fields.size() != kFields) {
      continue;
    }
    Check check{.name = fields[0],
                .words = fields[1],
                .line = static_cast<int>(to_number(fields[2]).value_or(0)),
                .found = fields[4]};
    for (const Proof each : {Proof::held, Proof::failed}) {
      check.proof = fields[3] == name(each) ? each : check.proof;
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace provost::scheduling
