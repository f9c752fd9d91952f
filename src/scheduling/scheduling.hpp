// Slurm of a cluster: its share of each node's files and units, and the two deeds that keep a
// running one as it is wanted: accounts in slurmdbd, configuration in force in slurmctld.
//
// The agent never writes the files that slurmctld runs by. It delivers what is wanted to
// /etc/provost/slurm; the script `slurm-config` puts them in force, once before slurmctld's first
// start and afterwards by the deed Reconfigure, and puts the old ones back when slurmctld refuses.
// So a bad file, a hand edit or a daemon that dies half way never takes a running controller down.
// What somebody changed by hand is told from what Provost put in force last, line by line, and
// kept, undone or left to be settled, as the cluster's SlurmConfigStrategy says.
//
// Conditions (C is the cluster): needs "C/slurmdbd/answers" and "C/slurmctld/answers", which
// `cluster/` sees; gives "C/accounting/H/in-force" and "C/slurm-config/H/in-force".
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "model/cluster.hpp"
#include "model/layout.hpp"
#include "model/node_part.hpp"
#include "model/plan.hpp"
#include "scheduling/accounts.hpp"
#include "scheduling/calendar.hpp"
#include "scheduling/configuration.hpp"
#include "slurm/client.hpp"

namespace provost::scheduling {

/// Munge everywhere; database, slurmdbd and slurmctld on the controller; the client's files on
/// login nodes; slurmd, which fetches its configuration from the controller, on compute nodes.
/// `kept`: what was changed by hand in Slurm's files and stays.
model::NodePart part(const model::Cluster& cluster, const model::Layout& layout,
                     const model::ClusterSecrets& secrets, model::Role role,
                     const std::vector<slurm::Edit>& kept);

struct Wanted {
  std::string cluster;
  Accounts accounts;
  std::string configuration;  ///< digest of the files
  model::SlurmConfigStrategy strategy = model::SlurmConfigStrategy::merge;
  Configuration made;             ///< without what was changed by hand
  std::vector<slurm::Edit> kept;  ///< what was changed by hand and stays
  bool mends_drift = true;        ///< accounts that somebody changed by hand are put right
  Calendar calendar{};
};
Wanted wanted(const model::Cluster& cluster, const model::Layout& layout,
              const std::vector<slurm::Edit>& kept);

/// The files in force, and what somebody did to them.
struct FilesSeen {
  std::string live;                  ///< digest of the files slurmctld reads
  std::string agreed;                ///< digest of what Provost put in force last
  bool is_read = true;               ///< slurmctld has read what was changed by hand
  slurm::Files live_files;           ///< empty when nothing was changed by hand
  std::vector<slurm::Edit> by_hand;  ///< what was changed since

  friend bool operator==(const FilesSeen&, const FilesSeen&) = default;
};

/// What is in force. Absent: not known this round (nobody answered, or nobody was asked).
struct Seen {
  std::optional<Accounts> accounts;
  std::optional<FilesSeen> files;
  std::string agreed_accounts{};  ///< digest of the accounts that were put in force last
  std::optional<CalendarSeen> calendar{};
};

/// Somebody changed accounts by hand that the campus only wants to be told of: they are left alone
/// until other accounts are wanted. Never where nothing of Provost's is left: that is a loss. Pure.
bool is_drift_left_alone(const Wanted& wanted, const Seen& seen);

struct SyncAccounts {
  std::string cluster;
  Accounts wanted;
};
struct Reconfigure {
  std::string digest;            ///< of the files that must have been delivered
  bool over_hand_edits = false;  ///< what was changed by hand is lost
};
struct SyncCalendar {
  Calendar wanted;
};
using Deed = std::variant<SyncAccounts, Reconfigure, SyncCalendar>;

/// Conditions that hold by what is seen. Pure.
std::vector<model::Condition> facts(const Wanted& wanted, const Seen& seen);

/// Pure. Empty when what is seen is what is wanted. Accounts that were not seen are planned (they
/// wait for slurmdbd); a configuration that was not seen is not: the first start brings it.
model::Plan<Deed> plan(const Wanted& wanted, const Seen& seen);

/// What the cluster keeps when it takes over what `seen` says was changed by hand. Pure.
std::vector<slurm::Edit> kept_with(const Wanted& wanted, const FilesSeen& seen);

/// Nothing was changed by hand, or it is known what becomes of it. Otherwise the files are left as
/// they are. Pure.
bool is_settled(const Wanted& wanted, const FilesSeen& seen);

/// Errors: unavailable (the script is not there yet).
Result<FilesSeen> files_seen(const slurm::Run& run);

/// Brings slurmdbd to `deed.wanted` by one sacctmgr, then reads back and compares, because
/// sacctmgr's exit status proves nothing. Repeatable. Not equal afterwards (jobs keep an account, a
/// slurmdbd that died): retry.
model::Outcome act(const SyncAccounts& deed, const slurm::Run& run);

/// Puts the delivered files in force. Refused by slurmctld: the old files are back, the old
/// configuration never stopped running, and `found` holds slurmctld's words.
model::Outcome act(const Reconfigure& deed, const slurm::Run& run);

/// Errors: unavailable.
Result<CalendarSeen> calendar_seen(const slurm::Run& run);

/// Brings Slurm's reservations to those that are wanted now, one scontrol a change, each tried
/// whatever became of the others. Repeatable. Retry with slurmctld's words for what it refuses:
/// nodes that another reservation has, jobs that run in one that is to go.
model::Outcome act(const SyncCalendar& deed, const slurm::Run& run);

}  // namespace provost::scheduling
