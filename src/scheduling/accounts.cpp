#include "scheduling/accounts.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "os/tls.hpp"

namespace provost::scheduling {
namespace {

constexpr std::size_t kNamesALine = 200;  // a line of sacctmgr's input stays under 8 KiB

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
  return text;
}

// A title inside double quotes: sacctmgr knows no escapes.
std::string quotable(std::string_view title) {
  std::string text;
  for (const char each : title) {
    const bool plain = static_cast<unsigned char>(each) >= 0x20 && each != '"' && each != '\'' &&
                       each != '|' && each != '\\';
    text += plain ? each : ' ';
  }
  return text;
}

void add_user(Accounts& wanted, const std::string& account, const std::string& name) {
  wanted.accounts[account].users.insert(name);
  wanted.users.try_emplace(name, User{account, false});
}

void add_administrators(Accounts& wanted, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (!wanted.users.contains(name)) {
      wanted.accounts.try_emplace(kAdministration, Account{"Administration", {}, {}});
      add_user(wanted, kAdministration, name);
    }
    wanted.users[name].administrator = true;
  }
}

std::vector<std::string> in_lines(const std::vector<std::string>& names) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < names.size(); begin += kNamesALine) {
    const std::size_t end = std::min(begin + kNamesALine, names.size());
    lines.push_back(join({names.begin() + static_cast<std::ptrdiff_t>(begin),
                          names.begin() + static_cast<std::ptrdiff_t>(end)},
                         ","));
  }
  return lines;
}

std::vector<std::string> missing(const std::set<std::string>& from,
                                 const std::set<std::string>& in) {
  std::vector<std::string> names;
  std::set_difference(from.begin(), from.end(), in.begin(), in.end(), std::back_inserter(names));
  return names;
}

const Account& account_or_none(const Accounts& accounts, const std::string& name) {
  static const Account none;
  const auto found = accounts.accounts.find(name);
  return found == accounts.accounts.end() ? none : found->second;
}

/// Writes sacctmgr's commands in the order in which they can be carried out.
class Commands {
 public:
  Commands(const Accounts& wanted, const Accounts& seen, const std::string& cluster)
      : wanted_(wanted), seen_(seen), cluster_(cluster) {}

  std::vector<std::string> all() {
    add_accounts();
    add_users();
    change_users();
    change_coordinators();
    remove_users();
    remove_accounts();
    return std::move(lines_);
  }

 private:
  void add_accounts() {
    for (const auto& [name, account] : wanted_.accounts) {
      const auto known = seen_.accounts.find(name);
      if (known == seen_.accounts.end()) {
        lines_.push_back(fmt::format(
            "add account name={} cluster={} parent=root description=\"{}\" organization={}", name,
            cluster_, quotable(account.title.empty() ? name : account.title), kOurs));
      } else if (!known->second.ours) {
        lines_.push_back(
            fmt::format("modify account where name={} set organization={}", name, kOurs));
      }
    }
  }

  void add_users() {
    for (const auto& [name, account] : wanted_.accounts) {
      for (const std::string& names :
           in_lines(missing(account.users, account_or_none(seen_, name).users))) {
        lines_.push_back(
            fmt::format("add user name={} cluster={} account={}", names, cluster_, name));
      }
    }
  }

  // A user added above has the first account in alphabetical order as its default.
  [[nodiscard]] User as_known(const std::string& name) const {
    const auto known = seen_.users.find(name);
    if (known != seen_.users.end() && !known->second.default_account.empty()) {
      return known->second;
    }
    for (const auto& [account, details] : wanted_.accounts) {
      if (details.users.contains(name)) {
        return {account, known != seen_.users.end() && known->second.administrator};
      }
    }
    return {};
  }

  void change_users() {
    std::map<std::string, std::vector<std::string>> defaults;  // account -> users
    std::vector<std::string> raised;
    std::vector<std::string> lowered;
    for (const auto& [name, user] : wanted_.users) {
      const User known = as_known(name);
      if (known.default_account != user.default_account) {
        defaults[user.default_account].push_back(name);
      }
      if (known.administrator != user.administrator) {
        (user.administrator ? raised : lowered).push_back(name);
      }
    }
    for (const auto& [account, names] : defaults) {
      modify(names, "defaultaccount=" + account);
    }
    modify(raised, "adminlevel=Administrator");
    modify(lowered, "adminlevel=None");
  }

  void modify(const std::vector<std::string>& users, const std::string& change) {
    for (const std::string& names : in_lines(users)) {
      lines_.push_back(fmt::format("modify user where name={} set {}", names, change));
    }
  }

  void change_coordinators() {
    for (const auto& [name, account] : wanted_.accounts) {
      const Account& known = account_or_none(seen_, name);
      for (const std::string& names : in_lines(missing(account.coordinators, known.coordinators))) {
        lines_.push_back(fmt::format("add coordinator name={} account={}", names, name));
      }
      for (const std::string& names : in_lines(missing(known.coordinators, account.coordinators))) {
        lines_.push_back(fmt::format("delete coordinator name={} account={}", names, name));
      }
    }
  }

  void remove_users() {
    for (const auto& [name, account] : seen_.accounts) {
      if (!account.ours && !wanted_.accounts.contains(name)) {
        continue;
      }
      for (const std::string& names :
           in_lines(missing(account.users, account_or_none(wanted_, name).users))) {
        lines_.push_back(
            fmt::format("delete user name={} cluster={} account={}", names, cluster_, name));
      }
    }
  }

  void remove_accounts() {
    for (const auto& [name, account] : seen_.accounts) {
      if (account.ours && !wanted_.accounts.contains(name)) {
        // Without the cluster: with it, the association goes and the account stays behind.
        lines_.push_back(fmt::format("delete account name={}", name));
      }
    }
  }

  const Accounts& wanted_;
  const Accounts& seen_;
  const std::string& cluster_;
  std::vector<std::string> lines_;
};

void describe_account(std::vector<std::string>& found, const std::string& name,
                      const Account& wanted, const Account& seen) {
  const auto say = [&](const std::vector<std::string>& names, std::string_view what) {
    for (const std::string& each : names) {
      found.push_back(fmt::format("user {} {} account {}", each, what, name));
    }
  };
  say(missing(wanted.users, seen.users), "is not in");
  say(missing(seen.users, wanted.users), "is still in");
  say(missing(wanted.coordinators, seen.coordinators), "is not coordinator of");
  say(missing(seen.coordinators, wanted.coordinators), "is still coordinator of");
}

}  // namespace

Accounts accounts_wanted(const model::Cluster& cluster) {
  Accounts wanted;
  if (!cluster.campus) {
    wanted.accounts[kDefaultAccount] = {"HyperPod's default user", {}, {}};
    add_user(wanted, kDefaultAccount, "ubuntu");
    return wanted;
  }
  for (const model::Department& department : cluster.campus->departments) {
    const std::string name = lower(department.name);
    Account& account = wanted.accounts[name];
    account.title = department.title;
    for (const std::string& supervisor : department.supervisors) {
      add_user(wanted, name, supervisor);
      account.coordinators.insert(supervisor);
    }
    for (const std::string& member : department.members) {
      add_user(wanted, name, member);
    }
  }
  add_administrators(wanted, cluster.campus->administrators);
  return wanted;
}

std::string digest(const Accounts& wanted) {
  std::string all;
  for (const auto& [name, account] : wanted.accounts) {
    const std::vector<std::string> users(account.users.begin(), account.users.end());
    const std::vector<std::string> coordinators(account.coordinators.begin(),
                                                account.coordinators.end());
    all += fmt::format("{}|{}|{}\n", name, join(users, ","), join(coordinators, ","));
  }
  for (const auto& [name, user] : wanted.users) {
    all += fmt::format("{}|{}|{}\n", name, user.default_account, user.administrator);
  }
  return to_hex(os::sha256(all)).substr(0, 16);
}

Accounts parse_accounts(std::string_view accounts, std::string_view users) {
  Accounts seen;
  for (const std::string& line : split(accounts, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() < 4 || fields[0].empty() || fields[0] == "root" || fields[3].empty()) {
      continue;
    }
    Account& account = seen.accounts[fields[0]];
    account.ours = fields[1] == kOurs;
    for (const std::string& name : split(fields[2], ',')) {
      if (!name.empty()) {
        account.coordinators.insert(name);
      }
    }
  }
  for (const std::string& line : split(users, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() < 4 || fields[0].empty() || fields[0] == "root") {
      continue;
    }
    seen.users[fields[0]] = {fields[2], fields[1] == "Administrator"};
    const auto account = seen.accounts.find(fields[3]);
    if (account != seen.accounts.end()) {
      account->second.users.insert(fields[0]);
    }
  }
  return seen;
}

Result<Accounts> accounts_seen(const slurm::Run& run, const std::string& cluster) {
  const auto ask = [&](const std::vector<std::string>& argv) -> Result<std::string> {
    const auto ran = run(argv, "");
    if (!ran) {
      return pass(ran.error(), "while asking slurmdbd for accounts");
    }
    if (ran->status != 0) {
      return fail(ErrorKind::unavailable, "slurmdbd does not answer: {}",
                  slurm::last_words(ran->err));
    }
    return ran->out;
  };
  // With the cluster: an account that lost its association is listed without, and takes no users.
  const auto accounts =
      ask({"sacctmgr", "-nP", "show", "account", "withassoc", "withcoord", "cluster=" + cluster,
           "format=account,organization,coordinators,cluster"});
  if (!accounts) {
    return pass(accounts.error());
  }
  const auto users = ask({"sacctmgr", "-nP", "show", "user", "withassoc", "cluster=" + cluster,
                          "format=user,adminlevel,defaultaccount,account"});
  if (!users) {
    return pass(users.error());
  }
  return parse_accounts(*accounts, *users);
}

std::vector<std::string> commands(const Accounts& wanted, const Accounts& seen,
                                  const std::string& cluster) {
  return Commands(wanted, seen, cluster).all();
}

std::vector<std::string> differences(const Accounts& wanted, const Accounts& seen) {
  std::vector<std::string> found;
  for (const auto& [name, account] : wanted.accounts) {
    const auto known = seen.accounts.find(name);
    if (known == seen.accounts.end() || !known->second.ours) {
      found.push_back(known == seen.accounts.end()
                          ? fmt::format("account {} is missing", name)
                          : fmt::format("account {} is not marked as Provost's", name));
    }
    describe_account(found, name, account, account_or_none(seen, name));
  }
  for (const auto& [name, account] : seen.accounts) {
    if (account.ours && !wanted.accounts.contains(name)) {
      found.push_back(fmt::format("account {} is still there", name));
    }
  }
  for (const auto& [name, user] : wanted.users) {
    const auto known = seen.users.find(name);
    if (known == seen.users.end()) {
      continue;  // said with its account
    }
    if (known->second.default_account != user.default_account) {
      found.push_back(fmt::format("the default account of {} is {}, not {}", name,
                                  known->second.default_account, user.default_account));
    }
    if (known->second.administrator != user.administrator) {
      found.push_back(fmt::format("{} is {} of Slurm's", name,
                                  user.administrator ? "no administrator" : "still administrator"));
    }
  }
  return found;
}

}  // namespace provost::scheduling
