#include "scheduling/scheduling.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "os/tls.hpp"
#include "scheduling/job_submit.hpp"
#include "scheduling/slurm_config_script.hpp"

namespace provost::scheduling {
namespace {

using model::NodePart;
using model::Stage;

constexpr const char* kSlurmdDropIn = "/etc/systemd/system/slurmd.service.d/50-provost.conf";
constexpr const char* kDatabaseSettings = "/etc/mysql/mariadb.conf.d/60-provost.cnf";
constexpr const char* kConfigUnit = "provost-slurm-config.service";

const std::string kMadeBy = "# Made by Provost; changes are overwritten.\n";

// Any 32 to 1024 bytes are a key to munged. Hex digits, so that the file is text in every message
// and terminal that it passes.
void add_munge(NodePart& part, const model::ClusterSecrets& secrets) {
  part.directories.push_back({"/etc/munge", 0700, "munge", "munge"});
  part.files.push_back(
      {"/etc/munge/munge.key", to_hex(secrets.munge_key) + "\n", 0400, "munge", "munge"});
  part.units.push_back({.name = "munge.service",
                        .stage = Stage::base,
                        .ready = {"/usr/bin/munge", "-n"},
                        .then = {},
                        .restart_on = {"/etc/munge/munge.key"}});
}

// A node that must not run jobs cannot start slurmd, by whatever hand.
void bar_slurmd(NodePart& part) {
  part.files.push_back({kSlurmdDropIn, kMadeBy +
                                           "# This node runs no jobs.\n"
                                           "[Unit]\nConditionPathExists=/etc/provost/runs-jobs\n"});
}

void add_database(NodePart& part) {
  // slurmdbd asks for the two sizes when it starts; nobody but this machine's slurmdbd connects.
  part.files.push_back({kDatabaseSettings, kMadeBy + "[mariadbd]\n"
                                                     "skip-networking\n"
                                                     "innodb_buffer_pool_size=256M\n"
                                                     "innodb_log_file_size=64M\n"
                                                     "innodb_lock_wait_timeout=900\n"
                                                     "max_allowed_packet=16M\n"});
  part.units.push_back(
      {.name = "mariadb.service",
       .stage = Stage::base,
       .ready = {"/usr/bin/mariadb-admin", "--silent", "ping"},
       .then = {{"/usr/bin/mariadb", "--batch", "-e",
                 "CREATE DATABASE IF NOT EXISTS slurm_acct_db; "
                 "CREATE USER IF NOT EXISTS slurm@localhost IDENTIFIED VIA unix_socket; "
                 "GRANT ALL ON slurm_acct_db.* TO slurm@localhost"}},
       .restart_on = {kDatabaseSettings}});
}

void add_configuration(NodePart& part, const Configuration& files) {
  part.directories.push_back({kWantedFiles, 0755});
  for (const auto& [name, text] : files) {
    part.files.push_back({std::string(kWantedFiles) + "/" + name, text});
  }
  part.files.push_back({kSlurmConfigScript, slurm_config_script(), 0755});
  part.files.push_back(
      {std::string("/etc/systemd/system/") + kConfigUnit,
       kMadeBy + fmt::format("[Unit]\nDescription=Slurm configuration from Provost\n"
                             "Before=slurmdbd.service slurmctld.service\n"
                             "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart={} first\n",
                             kSlurmConfigScript)});
  part.units.push_back(
      {.name = kConfigUnit, .stage = Stage::base, .ready = {}, .then = {}, .restart_on = {}});
}

// The cluster stands in the accounting database before slurmctld's first start: else slurmctld
// mints a ClusterID of its own, and later refuses the database's.
void add_daemons(NodePart& part, const model::Cluster& cluster, const std::string& host) {
  part.directories.push_back({"/var/lib/slurm", 0755, "slurm", "slurm"});
  part.directories.push_back({"/var/lib/slurm/slurmctld", 0700, "slurm", "slurm"});
  const slurm::SlurmdbdConf conf{header_of(cluster), host};
  part.files.push_back(
      {"/etc/slurm/slurmdbd.conf", slurm::slurmdbd_conf(conf), 0600, "slurm", "slurm"});
  const std::string restart = kMadeBy + "[Service]\nRestart=on-failure\nRestartSec=3\n";
  const std::string after = "[Unit]\nAfter=" + std::string(kConfigUnit);
  part.files.push_back({"/etc/systemd/system/slurmdbd.service.d/50-provost.conf",
                        restart + after + " mariadb.service munge.service\n"});
  part.files.push_back({"/etc/systemd/system/slurmctld.service.d/50-provost.conf",
                        restart + after + " slurmdbd.service munge.service\n"});
  part.units.push_back(
      {.name = "slurmdbd.service",
       .stage = Stage::service,
       .ready = {"/usr/bin/sacctmgr", "-n", "show", "cluster"},
       .then = {{"/bin/bash", "-c",
                 fmt::format("sacctmgr -nP show cluster format=cluster | grep -qxF '{0}' || "
                             "sacctmgr -i add cluster '{0}'",
                             cluster.name)}},
       .restart_on = {"/etc/slurm/slurmdbd.conf"}});
  part.units.push_back({.name = "slurmctld.service",
                        .stage = Stage::service,
                        .ready = {"/usr/bin/scontrol", "ping"},
                        .then = {},
                        .restart_on = {}});
}

void add_compute(NodePart& part, const std::string& controller) {
  const std::string options = "/etc/default/slurmd";
  part.directories.push_back({"/var/lib/slurm", 0755, "slurm", "slurm"});
  part.directories.push_back({"/var/lib/slurm/slurmd", 0755});
  part.directories.push_back({"/var/lib/slurm/job-tmp", 0755});
  part.files.push_back(
      {options, kMadeBy + fmt::format("SLURMD_OPTIONS=\"--conf-server {}:6817\"\n", controller)});
  part.files.push_back({"/etc/provost/runs-jobs", "slurmd may start on this node\n"});
  part.files.push_back({kSlurmdDropIn, kMadeBy + "[Unit]\nAfter=munge.service\n"
                                                 "StartLimitIntervalSec=0\n"
                                                 "[Service]\nRestart=on-failure\nRestartSec=3\n"
                                                 "LimitMEMLOCK=infinity\nLimitSTACK=infinity\n"});
  part.units.push_back({.name = "slurmd.service",
                        .stage = Stage::worker,
                        .ready = {},
                        .then = {},
                        .restart_on = {options}});
}

// Login nodes run no daemon of Slurm's: the client commands read the same text that the controller
// hands to compute nodes, as a file.
void add_login(NodePart& part, const Configuration& files) {
  part.directories.push_back({"/etc/slurm", 0755});
  for (const auto& [name, text] : files) {
    part.files.push_back({"/etc/slurm/" + name, text});
  }
}

std::string in_force(const Wanted& wanted, std::string_view what, std::string_view hash) {
  return fmt::format("{}/{}/{}/in-force", wanted.cluster, what, hash.substr(0, 16));
}

model::Action<Deed> sync_action(const Wanted& wanted, const Seen& seen) {
  const std::string hash = digest(wanted.accounts);
  model::Step step;
  step.key = fmt::format("{}/accounting/{}/sync", wanted.cluster, hash);
  step.kind = "sync accounts";
  step.line = fmt::format("~ accounting  sync  {} accounts, {} users",
                          wanted.accounts.accounts.size(), wanted.accounts.users.size());
  step.because.sentence = "the accounts of slurmdbd are not those of the files";
  if (seen.accounts) {
    const auto found = differences(wanted.accounts, *seen.accounts);
    for (std::size_t i = 0; i < std::min<std::size_t>(found.size(), 5); ++i) {
      step.because.origins.push_back({found[i]});
    }
  }
  step.needs = {wanted.cluster + "/slurmdbd/answers", wanted.cluster + "/slurmctld/answers"};
  step.gives = {in_force(wanted, "accounting", hash)};
  return {step, SyncAccounts{wanted.cluster, wanted.accounts}};
}

model::Action<Deed> reconfigure_action(const Wanted& wanted, const FilesSeen& seen) {
  model::Step step;
  step.key = fmt::format("{}/slurm-config/{}/from/{}", wanted.cluster,
                         wanted.configuration.substr(0, 16), seen.live.substr(0, 16));
  step.kind = "reconfigure";
  step.line = "~ slurm.conf  reconfigure  running jobs go on";
  step.because.sentence = "the configuration slurmctld runs by is not that of the files";
  if (!seen.by_hand.empty()) {
    step.because.sentence =
        "somebody changed it by hand: " + join(slurm::to_words(seen.by_hand), "; ");
  }
  step.needs = {wanted.cluster + "/slurmctld/answers"};
  if (!is_settled(wanted, seen)) {
    step.needs.push_back(wanted.cluster + "/slurm-config/hand-edits-settled");
  }
  step.gives = {in_force(wanted, "slurm-config", wanted.configuration)};
  return {step, Reconfigure{wanted.configuration, seen.live != seen.agreed}};
}

model::Action<Deed> calendar_action(const Wanted& wanted, const CalendarSeen& seen) {
  std::vector<std::string> words;
  for (const CalendarChange& each : calendar_changes(wanted.calendar, seen)) {
    words.push_back(each.words);
  }
  model::Step step;
  step.key = fmt::format("{}/calendar/{}/sync", wanted.cluster,
                         to_hex(os::sha256(join(words, ";"))).substr(0, 16));
  step.kind = "sync calendar";
  step.line =
      fmt::format("~ calendar  sync  {} reservation{}", words.size(), words.size() == 1 ? "" : "s");
  step.because.sentence = "Slurm's reservations are not those of campus.toml: " + join(words, "; ");
  step.needs = {wanted.cluster + "/slurmctld/answers", wanted.cluster + "/slurm-config/in-force",
                in_force(wanted, "accounting", digest(wanted.accounts))};
  return {step, SyncCalendar{wanted.calendar}};
}

// slurmdbd tells slurmctld of changes by itself, but not a slurmctld that has read its associations
// and not registered yet: it then refuses jobs of users that sacctmgr shows. Such a one reads anew
// on reconfigure. Prints who is missing; standard input has "account|user" a line.
constexpr const char* kAwaitKnown = R"sh(set -u -o pipefail
wanted=$(sort -u)
missing() {
  comm -23 <(printf '%s\n' "$wanted") <(
    scontrol -o show assoc_mgr flags=assoc 2>/dev/null |
      sed -nE 's/.* Account=([^ ]*) UserName=([^ (]+)\(([0-9]+)\) .*/\1|\2|\3/p' |
      grep -v '|4294967294$' | sed 's/|[0-9]*$//' | sort -u)
}
for try in {1..20}; do
  left=$(missing)
  [[ -z $left ]] && exit 0
  read -rt 0.1 <> <(:)
done
scontrol reconfigure
printf '%s\n' "$left" | head -n 3
exit 1
)sh";

// Cancels the waiting jobs of users who leave an account and prints who of them still has jobs.
// Standard input has "user|account" a line.
constexpr const char* kEndWaitingJobs = R"sh(set -u -o pipefail
declare -A jobs gone
have=$(squeue -h -a -r -o '%u|%a|%t|%i') || exit 1
while IFS='|' read -r user account; do gone["$user|$account"]=1; done
while IFS='|' read -r user account state job; do
  [[ -n ${user:-} && -n ${gone["$user|$account"]:-} ]] || continue
  if [[ $state == PD ]]; then scancel "$job" || exit 1; else jobs["$user|$account"]=1; fi
done <<<"$have"
for each in "${!jobs[@]}"; do printf '%s\n' "$each"; done
)sh";

// Loads files of sacctmgr, the first alone, the others at the same time: one leaves slurmdbd
// waiting for more than half of its time.
constexpr const char* kLoad = R"sh(set -u
umask 077
at=$(mktemp -d) || exit 1
trap 'rm -rf "$at"' EXIT
awk -v at="$at" '/^Cluster - / { ++file } { print >(at "/" file) }'
load() { timeout 1800 sacctmgr -i load file="$1" >/dev/null; }
load "$at/1"
rm "$at/1"
for file in "$at"/*; do load "$file" & done
wait
)sh";
constexpr std::size_t kLoadsAtOnce = 2;

// What `slurm-config seen` prints.
FilesSeen read_files_seen(const std::string& out) {
  FilesSeen seen;
  slurm::Files agreed;
  for (const std::string& line : split(out, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() == 2 && words[0] == "live") {
      seen.live = words[1];
    } else if (words.size() == 2 && words[0] == "agreed") {
      seen.agreed = words[1];
    } else if (words.size() == 2 && words[0] == "read") {
      seen.is_read = words[1] == "yes";
    } else if (words.size() == 4 && words[0] == "file") {
      (words[1] == "live" ? seen.live_files : agreed)
          .emplace_back(words[2], from_base64(words[3]).value_or(""));
    }
  }
  seen.by_hand = slurm::edits(agreed, seen.live_files);
  return seen;
}

model::Outcome retry(std::string why, std::chrono::milliseconds after) {
  return {model::Ended::retry, std::move(why), after};
}

// Those of `gone` who have jobs. Their waiting jobs end here; running ones end by themselves.
Result<Busy> busy_leavers(const Busy& gone, const slurm::Run& run) {
  if (gone.empty()) {
    return Busy{};
  }
  std::string pairs;
  for (const auto& [user, account] : gone) {
    pairs += fmt::format("{}|{}\n", user, account);
  }
  const auto ran = run({"/bin/bash", "-c", kEndWaitingJobs}, pairs);
  if (!ran) {
    return pass(ran.error());
  }
  if (ran->status != 0) {
    return fail(ErrorKind::unavailable, "slurmctld does not say who has jobs: {}",
                slurm::last_words(ran->err));
  }
  Busy busy;
  for (const std::string& line : split(ran->out, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() == 2) {
      busy.emplace(fields[0], fields[1]);
    }
  }
  return busy;
}

// The end of a synchronisation: slurmctld knows what slurmdbd has.
model::Outcome known_to_slurmctld(const Accounts& wanted, const slurm::Run& run) {
  std::string lines;
  for (const auto& [name, account] : wanted.accounts) {
    for (const std::string& user : account.users) {
      lines += fmt::format("{}|{}\n", name, user);
    }
  }
  if (lines.empty()) {
    return {};
  }
  const auto ran = run({"/bin/bash", "-c", kAwaitKnown}, lines);
  if (!ran) {
    return retry(ran.error().message, std::chrono::seconds(1));
  }
  if (ran->status != 0) {
    return retry("slurmctld does not know yet: " + join(split(trim(ran->out), '\n'), ", "),
                 std::chrono::seconds(1));
  }
  return {};
}

}  // namespace

model::NodePart part(const model::Cluster& cluster, const model::Layout& layout,
                     const model::ClusterSecrets& secrets, model::Role role,
                     const std::vector<slurm::Edit>& kept) {
  NodePart part{.room = "scheduling", .directories = {}, .files = {}, .units = {}};
  part.directories.push_back({"/etc/provost", 0755});
  add_munge(part, secrets);
  switch (role) {
    case model::Role::controller:
      bar_slurmd(part);
      add_configuration(part, configuration(cluster, layout, kept));
      if (cluster.campus) {
        part.directories.push_back({"/etc/slurm", 0755});
        part.files.push_back({kJobSubmitScript, job_submit_lua(cluster)});
      }
      add_database(part);
      add_daemons(part, cluster, layout.controller().name);
      break;
    case model::Role::login:
      bar_slurmd(part);
      add_login(part, configuration(cluster, layout, kept));
      break;
    case model::Role::compute:
      add_compute(part, layout.controller().name);
      break;
  }
  return part;
}

Wanted wanted(const model::Cluster& cluster, const model::Layout& layout,
              const std::vector<slurm::Edit>& kept) {
  Wanted wanted{.cluster = cluster.name,
                .accounts = accounts_wanted(cluster),
                .configuration = {},
                .strategy = cluster.slurm_config,
                .made = configuration(cluster, layout),
                .kept = kept,
                .mends_drift = !cluster.campus || cluster.campus->mends_drift};
  wanted.configuration = digest(slurm::merge(wanted.made, kept));
  if (cluster.campus) {
    wanted.calendar = calendar_of(*cluster.campus, layout);
  }
  return wanted;
}

std::vector<model::Condition> facts(const Wanted& wanted, const Seen& seen) {
  std::vector<model::Condition> held;
  if (is_drift_left_alone(wanted, seen) ||
      (seen.accounts && differences(wanted.accounts, *seen.accounts).empty())) {
    held.push_back(in_force(wanted, "accounting", digest(wanted.accounts)));
  }
  // What was changed by hand and is not touched counts as in force.
  if (seen.files &&
      (seen.files->live == wanted.configuration ||
       (!is_settled(wanted, *seen.files) && seen.files->agreed == wanted.configuration))) {
    held.push_back(in_force(wanted, "slurm-config", wanted.configuration));
    held.push_back(wanted.cluster + "/slurm-config/in-force");
  }
  return held;
}

model::Plan<Deed> plan(const Wanted& wanted, const Seen& seen) {
  model::Plan<Deed> plan;
  if (!is_drift_left_alone(wanted, seen) &&
      (!seen.accounts || !differences(wanted.accounts, *seen.accounts).empty())) {
    plan.actions.push_back(sync_action(wanted, seen));
  }
  if (seen.files && seen.files->live != wanted.configuration &&
      (is_settled(wanted, *seen.files) || seen.files->agreed != wanted.configuration)) {
    plan.actions.push_back(reconfigure_action(wanted, *seen.files));
  }
  if (seen.calendar && !calendar_changes(wanted.calendar, *seen.calendar).empty()) {
    plan.actions.push_back(calendar_action(wanted, *seen.calendar));
  }
  return plan;
}

bool is_drift_left_alone(const Wanted& wanted, const Seen& seen) {
  if (wanted.mends_drift || seen.agreed_accounts != digest(wanted.accounts)) {
    return false;
  }
  return !seen.accounts ||
         std::any_of(seen.accounts->accounts.begin(), seen.accounts->accounts.end(),
                     [](const auto& each) { return each.second.ours; });
}

std::vector<slurm::Edit> kept_with(const Wanted& wanted, const FilesSeen& seen) {
  if (wanted.configuration == seen.agreed) {
    return slurm::edits(wanted.made, seen.live_files);
  }
  return slurm::compose(wanted.kept, seen.by_hand);  // what was agreed is older
}

bool is_settled(const Wanted& wanted, const FilesSeen& seen) {
  switch (wanted.strategy) {
    case model::SlurmConfigStrategy::overwrite:
      return true;
    case model::SlurmConfigStrategy::merge:
      return seen.by_hand.empty() || kept_with(wanted, seen) == wanted.kept;
    case model::SlurmConfigStrategy::managed:
      break;
  }
  return seen.by_hand.empty();
}

Result<FilesSeen> files_seen(const slurm::Run& run) {
  const auto ran = run({kSlurmConfigScript, "seen"}, "");
  if (!ran) {
    return pass(ran.error(), "while asking for the configuration in force");
  }
  if (ran->status != 0) {
    return fail(ErrorKind::unavailable, "the configuration in force is not known: {}",
                slurm::last_words(ran->err));
  }
  return read_files_seen(ran->out);
}

// With an end: a sacctmgr that has a question asks it for ever.
Result<os::Ran> tell(const std::vector<std::string>& lines, const slurm::Run& run) {
  return lines.empty() ? Result<os::Ran>(os::Ran{})
                       : run({"timeout", "1800", "sacctmgr", "-i"}, join(lines, "\n") + "\n");
}

// Many who are new come at once. What did not come is seen, and told by commands, afterwards.
Result<Accounts> load_newcomers(const SyncAccounts& deed, Accounts before, const slurm::Run& run) {
  const Loads files = loads(deed.wanted, before, deed.cluster, kLoadsAtOnce);
  if (files.people.empty()) {
    return before;
  }
  const auto loaded = run({"/bin/bash", "-c", kLoad}, files.accounts + join(files.people, ""));
  return loaded ? accounts_seen(run, deed.cluster) : pass(loaded.error());
}

model::Outcome act(const SyncAccounts& deed, const slurm::Run& run) {
  constexpr std::chrono::seconds kAgain{5};
  auto before = accounts_seen(run, deed.cluster);
  if (!before) {
    return retry(before.error().message, kAgain);
  }
  const auto busy = busy_leavers(leavers(deed.wanted, *before), run);
  if (!busy) {
    return retry(busy.error().message, kAgain);
  }
  before = load_newcomers(deed, std::move(*before), run);
  if (!before) {
    return retry(before.error().message, kAgain);
  }
  const std::vector<std::string> lines = commands(deed.wanted, *before, deed.cluster, *busy);
  if (lines.empty() && busy->empty()) {
    return known_to_slurmctld(deed.wanted, run);
  }
  const auto ran = tell(lines, run);
  if (!ran) {
    return retry(ran.error().message, kAgain);
  }
  if (!busy->empty()) {
    return retry(fmt::format("waits for the jobs of {} in {}, who may submit no more",
                             busy->begin()->first, busy->begin()->second),
                 std::chrono::seconds(10));
  }
  const auto after = accounts_seen(run, deed.cluster);
  if (!after) {
    return retry(after.error().message, kAgain);
  }
  const std::vector<std::string> left = differences(deed.wanted, *after);
  if (!left.empty()) {
    std::string found = fmt::format("{} differences are left after {} commands, the first: {}",
                                    left.size(), lines.size(), left.front());
    if (!trim(ran->err).empty()) {
      found += "; sacctmgr says: " + slurm::last_words(ran->err);
    }
    return retry(std::move(found), std::chrono::seconds(30));
  }
  return known_to_slurmctld(deed.wanted, run);
}

Result<CalendarSeen> calendar_seen(const slurm::Run& run) {
  const auto ran = run(see_calendar_command(), "");
  if (!ran) {
    return pass(ran.error(), "while asking for the reservations");
  }
  if (ran->status != 0) {
    return fail(ErrorKind::unavailable, "slurmctld does not tell its reservations: {}",
                slurm::last_words(ran->err));
  }
  return parse_calendar(ran->out);
}

model::Outcome act(const SyncCalendar& deed, const slurm::Run& run) {
  constexpr std::chrono::seconds kAgain{30};
  const auto seen = calendar_seen(run);
  if (!seen) {
    return retry(seen.error().message, kAgain);
  }
  std::vector<std::string> refused;
  for (const CalendarChange& each : calendar_changes(deed.wanted, *seen)) {
    std::vector<std::string> argv{"scontrol"};
    argv.insert(argv.end(), each.arguments.begin(), each.arguments.end());
    const auto ran = run(argv, "");
    if (!ran) {
      return retry(ran.error().message, kAgain);
    }
    if (ran->status != 0) {
      refused.push_back(each.words + ": " + slurm::last_words(ran->err));
    }
  }
  return refused.empty() ? model::Outcome{} : retry(join(refused, "; "), kAgain);
}

model::Outcome act(const Reconfigure& deed, const slurm::Run& run) {
  std::vector<std::string> argv = {kSlurmConfigScript, "try", deed.digest};
  if (deed.over_hand_edits) {
    argv.emplace_back("over");
  }
  const auto ran = run(argv, "");
  if (!ran) {
    return retry(ran.error().message, std::chrono::seconds(5));
  }
  const std::string words = slurm::last_words(ran->err);
  switch (ran->status) {
    case 0:
      return {};
    case kRefusedBySlurmctld:
      return {model::Ended::refused,
              "slurmctld refuses the new configuration, the old one runs on: " + words};
    case kNotDelivered:
      return retry("the new configuration is not on the controller yet", std::chrono::seconds(1));
    case kChangedByHand:
      return retry("somebody has just changed the files by hand", std::chrono::seconds(1));
    case kRemembers:
      return retry("waits until Slurm has forgotten ended jobs with GPU shards on nodes that left",
                   std::chrono::seconds(5));
    case kSilent:
      return retry("slurmctld does not answer", std::chrono::seconds(5));
    default:
      return retry(fmt::format("slurm-config ended with {}: {}", ran->status, words),
                   std::chrono::seconds(30));
  }
}

}  // namespace provost::scheduling
