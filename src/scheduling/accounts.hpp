// Who may submit, on whose account and by which rules: Slurm's accounts, users, associations and
// QoS as values, read from sacctmgr, compared and brought into agreement.
//
// What Provost makes it marks, an account by its Organization and a QoS by its Description; only
// what is marked is ever taken away. Accounts, users and QoS that a lifecycle script or an
// administrator made by hand, and Slurm's own `root`, are left alone.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/cluster.hpp"
#include "slurm/client.hpp"

namespace provost::scheduling {

/// An account without a campus file, of HyperPod's user `ubuntu`.
inline constexpr const char* kDefaultAccount = "default";
/// The account above all departments.
inline constexpr const char* kUniversity = "university";
/// The account of administrators who belong to no department.
inline constexpr const char* kAdministration = "administration";
/// Organization of the accounts, Description of the QoS that Provost made.
inline constexpr const char* kOurs = "provost";

/// What sacctmgr sets, by its name there; of a TRES with the TRES behind a colon:
/// {"Fairshare", "40"}, {"GrpTRES:gres/gpu", "64"}, {"QosLevel", "normal,scavenger"}. What has its
/// initial value is absent. Memory is in MiB.
using Settings = std::map<std::string, std::string>;

struct Account {
  std::string title;                   ///< for people; not compared
  std::set<std::string> coordinators;  ///< supervisors; of what is seen, those of parents as well
  std::set<std::string> users;
  bool ours = true;
  std::string parent = "root";
  Settings settings{};                         ///< of the account's association
  std::map<std::string, Settings> of_users{};  ///< of users' associations; absent: none

  friend bool operator==(const Account&, const Account&) = default;
};

struct User {
  std::string default_account;
  bool administrator = false;  ///< Slurm's AdminLevel

  friend bool operator==(const User&, const User&) = default;
};

struct QosRules {
  Settings settings;
  bool ours = true;

  friend bool operator==(const QosRules&, const QosRules&) = default;
};

struct Accounts {
  std::map<std::string, Account> accounts;  ///< by name, lower case as Slurm keeps them
  std::map<std::string, User> users;        ///< by POSIX name
  std::map<std::string, QosRules> qos{};    ///< empty: Slurm's own `normal` alone
  /// Where campus.toml (or the overlay) has them: "nlp", "nlp/minh", "nlp:Fairshare", "qos normal",
  /// "qos normal:Priority"; of users' associations "nlp/:GrpTRES:cpu". Of what is seen: empty.
  std::map<std::string, int> lines{};
};

/// An account a department below `university`, its projects below it, supervisors and leads as
/// coordinators and users; a person's default account is the one they name, else that of the first
/// department that names them. Limits, shares and QoS as the campus has them. Without a campus
/// file: `ubuntu`.
Accounts accounts_wanted(const model::Cluster& cluster);

/// SHA-256 of all that is compared, as 16 hex digits.
std::string digest(const Accounts& wanted);

/// What sacctmgr says. Errors: unavailable when slurmdbd does not answer.
Result<Accounts> accounts_seen(const slurm::Run& run, const std::string& cluster);

/// What sacctmgr prints, each for its own question.
struct Printed {
  std::string accounts;  ///< show account withcoord: account, organization, coordinators
  /// show assoc onlydefaults: user, account. (`show user` says it too, and takes a question to the
  /// database for each of them: 6 s of 20,000.)
  std::string defaults;
  std::string administrators;  ///< show user where adminlevel=Administrator: user
  std::string associations;    ///< show assoc wopl: `kAssociationColumns`
  std::string qos;             ///< show qos: `kQosColumns`
};
extern const char* const kAssociationColumns;
extern const char* const kQosColumns;

/// An account without an association in the cluster is none here. Pure; any text.
Accounts parse_accounts(const Printed& printed);

/// A user of an account with jobs there.
using Busy = std::set<std::pair<std::string, std::string>>;

/// What `sacctmgr -i` is told, line by line on its standard input, to get from `seen` to `wanted`:
/// additions first, then changes, removals last. A user with jobs stays and may submit no more;
/// asked again when the jobs have ended, it goes. Empty when they agree. Pure.
std::vector<std::string> commands(const Accounts& wanted, const Accounts& seen,
                                  const std::string& cluster, const Busy& busy = {});

/// What `sacctmgr load` is told where many are new: files for it.
struct Loads {
  std::string accounts;             ///< that are not there, with their shares: before the people
  std::vector<std::string> people;  ///< whom slurmdbd does not know, each in their default account;
                                    ///< files that do not concern one another, for the same time
};
/// Empty where fewer people are new than a load is worth; `parts`: files of people. What a load
/// does not say, `commands` says afterwards. Pure.
Loads loads(const Accounts& wanted, const Accounts& seen, const std::string& cluster,
            std::size_t parts);

/// Users of accounts who are to go. Pure.
Busy leavers(const Accounts& wanted, const Accounts& seen);

/// What still differs, for people: "user minh is not in account nlp". Empty when they agree. Pure.
std::vector<std::string> differences(const Accounts& wanted, const Accounts& seen);

}  // namespace provost::scheduling
