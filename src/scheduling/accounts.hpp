// Who may submit, and on whose account: Slurm's accounts, users and associations as values, read
// from sacctmgr, compared and brought into agreement.
//
// What Provost makes it marks by the account's Organization; only what stands below such accounts
// is ever taken away. Accounts and users that a lifecycle script or an administrator made by hand,
// and Slurm's own `root`, are left alone.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/cluster.hpp"
#include "slurm/client.hpp"

namespace provost::scheduling {

/// An account without a campus file, of HyperPod's user `ubuntu`.
inline constexpr const char* kDefaultAccount = "default";
/// The account of administrators who belong to no department.
inline constexpr const char* kAdministration = "administration";
/// Organization of the accounts that Provost made.
inline constexpr const char* kOurs = "provost";

struct Account {
  std::string title;                   ///< for people; not compared
  std::set<std::string> coordinators;  ///< supervisors
  std::set<std::string> users;
  bool ours = true;

  friend bool operator==(const Account&, const Account&) = default;
};

struct User {
  std::string default_account;
  bool administrator = false;  ///< Slurm's AdminLevel

  friend bool operator==(const User&, const User&) = default;
};

struct Accounts {
  std::map<std::string, Account> accounts;  ///< by name, lower case as Slurm keeps them
  std::map<std::string, User> users;        ///< by POSIX name
};

/// An account a department, its supervisors as coordinators and users of it; a person's default
/// account is that of the first department that names them. Without a campus file: `ubuntu`.
Accounts accounts_wanted(const model::Cluster& cluster);

/// SHA-256 of all that is compared, as 16 hex digits.
std::string digest(const Accounts& wanted);

/// What sacctmgr says. Errors: unavailable when slurmdbd does not answer.
Result<Accounts> accounts_seen(const slurm::Run& run, const std::string& cluster);

/// Reads `sacctmgr -nP show account withassoc withcoord` as account, organization, coordinators,
/// cluster, and `sacctmgr -nP show user withassoc` as user, adminlevel, defaultaccount, account. An
/// account without a cluster is none here. Pure.
Accounts parse_accounts(std::string_view accounts, std::string_view users);

/// What `sacctmgr -i` is told, line by line on its standard input, to get from `seen` to `wanted`:
/// additions first, then changes, removals last. Empty when they agree. Pure.
std::vector<std::string> commands(const Accounts& wanted, const Accounts& seen,
                                  const std::string& cluster);

/// What still differs, for people: "user minh is not in account nlp". Empty when they agree. Pure.
std::vector<std::string> differences(const Accounts& wanted, const Accounts& seen);

}  // namespace provost::scheduling
