// Slurm of a cluster: its share of each node's files and units, and the two deeds that keep a
// running one as it is wanted: accounts in slurmdbd, configuration in force in slurmctld.
//
// The agent never writes the files that slurmctld runs by. It delivers what is wanted to
// /etc/provost/slurm; the script `slurm-config` puts them in force, once before slurmctld's first
// start and afterwards by the deed Reconfigure, and puts the old ones back when slurmctld refuses.
// So a bad file, a hand edit or a daemon that dies half way never takes a running controller down.
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
#include "scheduling/configuration.hpp"
#include "slurm/client.hpp"

namespace provost::scheduling {

/// Munge everywhere; database, slurmdbd and slurmctld on the controller; the client's files on
/// login nodes; slurmd, which fetches its configuration from the controller, on compute nodes.
model::NodePart part(const model::Cluster& cluster, const model::Layout& layout,
                     const model::ClusterSecrets& secrets, const model::NodePlace& node);

struct Wanted {
  std::string cluster;
  Accounts accounts;
  std::string configuration;  ///< digest of the files
};
Wanted wanted(const model::Cluster& cluster, const model::Layout& layout);

/// What is in force. Absent: not known this round (nobody answered, or nobody was asked).
struct Seen {
  std::optional<Accounts> accounts;
  std::optional<std::string> configuration;  ///< digest of the files slurmctld runs by
};

struct SyncAccounts {
  std::string cluster;
  Accounts wanted;
};
struct Reconfigure {
  std::string digest;  ///< of the files that must have been delivered
};
using Deed = std::variant<SyncAccounts, Reconfigure>;

/// Conditions that hold by what is seen. Pure.
std::vector<model::Condition> facts(const Wanted& wanted, const Seen& seen);

/// Pure. Empty when what is seen is what is wanted. Accounts that were not seen are planned (they
/// wait for slurmdbd); a configuration that was not seen is not: the first start brings it.
model::Plan<Deed> plan(const Wanted& wanted, const Seen& seen);

/// Digest of the files in force. Errors: unavailable (the script is not there yet).
Result<std::string> configuration_seen(const slurm::Run& run);

/// Brings slurmdbd to `deed.wanted` by one sacctmgr, then reads back and compares, because
/// sacctmgr's exit status proves nothing. Repeatable. Not equal afterwards (jobs keep an account, a
/// slurmdbd that died): retry.
model::Outcome act(const SyncAccounts& deed, const slurm::Run& run);

/// Puts the delivered files in force. Refused by slurmctld: the old files are back, the old
/// configuration never stopped running, and `found` holds slurmctld's words.
model::Outcome act(const Reconfigure& deed, const slurm::Run& run);

}  // namespace provost::scheduling
