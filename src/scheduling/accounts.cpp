#include "scheduling/accounts.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "model/overlay.hpp"
#include "os/tls.hpp"
#include "scheduling/settings.hpp"

namespace provost::scheduling {
namespace {

constexpr std::size_t kWorthALoad = 250;
constexpr std::size_t kNamesALine = 200;  // a line of sacctmgr's input stays under 8 KiB

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

const Settings& settings_of(const Account& account, const std::string& user) {
  static const Settings none;
  const auto found = account.of_users.find(user);
  return found == account.of_users.end() ? none : found->second;
}

// Coordinators of an account and of those above it, as sacctmgr shows them.
std::set<std::string> all_coordinators(const Accounts& accounts, const std::string& name) {
  std::set<std::string> all;
  std::string at = name;
  for (std::size_t depth = 0; depth <= accounts.accounts.size(); ++depth) {
    const auto found = accounts.accounts.find(at);
    if (found == accounts.accounts.end()) {
      break;
    }
    all.insert(found->second.coordinators.begin(), found->second.coordinators.end());
    at = found->second.parent;
  }
  return all;
}

std::size_t depth_of(const Accounts& accounts, const std::string& name) {
  std::size_t depth = 0;
  for (auto at = accounts.accounts.find(name);
       at != accounts.accounts.end() && depth <= accounts.accounts.size();
       at = accounts.accounts.find(at->second.parent)) {
    ++depth;
  }
  return depth;
}

// Names of accounts, parents before their children.
std::vector<std::string> from_the_top(const Accounts& accounts) {
  std::vector<std::pair<std::size_t, std::string>> by_depth;
  for (const auto& [name, account] : accounts.accounts) {
    by_depth.emplace_back(depth_of(accounts, name), name);
  }
  std::sort(by_depth.begin(), by_depth.end());
  std::vector<std::string> names;
  names.reserve(by_depth.size());
  for (auto& [depth, name] : by_depth) {
    names.push_back(std::move(name));
  }
  return names;
}

/// Writes sacctmgr's commands in the order in which they can be carried out.
class Commands {
 public:
  Commands(const Accounts& wanted, const Accounts& seen, const std::string& cluster,
           const Busy& busy)
      : wanted_(wanted), seen_(seen), cluster_(cluster), busy_(busy) {}

  std::vector<std::string> all() {
    add_qos();
    add_accounts();
    move_accounts();
    add_users();
    change_users();
    change_coordinators();
    change_qos();
    change_accounts();
    remove_users();
    remove_accounts();
    remove_qos();
    return std::move(lines_);
  }

 private:
  void add_qos() {
    for (const auto& [name, rules] : wanted_.qos) {
      const auto known = seen_.qos.find(name);
      if (known == seen_.qos.end()) {
        lines_.push_back(fmt::format("add qos name={} description={}", name, kOurs));
      } else if (!known->second.ours) {
        lines_.push_back(fmt::format("modify qos where name={} set description={}", name, kOurs));
      }
    }
  }

  void add_accounts() {
    for (const std::string& name : from_the_top(wanted_)) {
      const Account& account = wanted_.accounts.at(name);
      const auto known = seen_.accounts.find(name);
      if (known == seen_.accounts.end()) {
        lines_.push_back(fmt::format(
            "add account name={} cluster={} parent={} description=\"{}\" organization={}", name,
            cluster_, account.parent, quotable(account.title.empty() ? name : account.title),
            kOurs));
      } else if (!known->second.ours) {
        lines_.push_back(
            fmt::format("modify account where name={} set organization={}", name, kOurs));
      }
    }
  }

  void move_accounts() {
    for (const std::string& name : from_the_top(wanted_)) {
      const auto known = seen_.accounts.find(name);
      const std::string& parent = wanted_.accounts.at(name).parent;
      if (known != seen_.accounts.end() && known->second.parent != parent) {
        lines_.push_back(fmt::format("modify account where name={} cluster={} set parent={}", name,
                                     cluster_, parent));
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
    const auto first = first_account_.find(name);
    return first == first_account_.end()
               ? User{}
               : User{first->second, known != seen_.users.end() && known->second.administrator};
  }

  void change_users() {
    for (const auto& [account, details] : wanted_.accounts) {
      for (const std::string& user : details.users) {
        first_account_.emplace(user, account);
      }
    }
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

  // Who coordinates an account only because they coordinate one above it, and will not any more.
  [[nodiscard]] std::vector<std::string> will_lose(const std::string& name) const {
    const std::set<std::string> above = all_coordinators(wanted_, wanted_.accounts.at(name).parent);
    return missing(account_or_none(seen_, account_or_none(seen_, name).parent).coordinators, above);
  }

  void change_coordinators() {
    for (const std::string& name : from_the_top(wanted_)) {
      const std::set<std::string>& known = account_or_none(seen_, name).coordinators;
      const Account& account = wanted_.accounts.at(name);
      std::set<std::string> kept = known;
      for (const std::string& each : will_lose(name)) {
        kept.erase(each);
      }
      for (const std::string& names : in_lines(missing(account.coordinators, kept))) {
        lines_.push_back(fmt::format("add coordinator name={} account={}", names, name));
      }
      for (const std::string& names : in_lines(missing(known, all_coordinators(wanted_, name)))) {
        lines_.push_back(fmt::format("delete coordinator name={} account={}", names, name));
      }
    }
  }

  void change_qos() {
    static const QosRules none;
    for (const auto& [name, rules] : wanted_.qos) {
      const auto known = seen_.qos.find(name);
      const Settings& before = known == seen_.qos.end() ? none.settings : known->second.settings;
      for (const std::string& clause : changes(before, rules.settings)) {
        lines_.push_back(fmt::format("modify qos where name={} set {}", name, clause));
      }
    }
  }

  // A command costs slurmdbd the same for one account and for many: those that change alike change
  // together. An account's clauses stay in their order.
  void change_settings_of_accounts() {
    std::vector<std::map<std::string, std::vector<std::string>>> turns;
    for (const auto& [name, account] : wanted_.accounts) {
      const auto clauses = changes(account_or_none(seen_, name).settings, account.settings);
      turns.resize(std::max(turns.size(), clauses.size()));
      for (std::size_t turn = 0; turn < clauses.size(); ++turn) {
        turns[turn][clauses[turn]].push_back(name);
      }
    }
    for (const auto& turn : turns) {
      for (const auto& [clause, accounts] : turn) {
        for (const std::string& names : in_lines(accounts)) {
          lines_.push_back(fmt::format("modify account where name={} cluster={} set {}", names,
                                       cluster_, clause));
        }
      }
    }
  }

  void change_accounts() {
    change_settings_of_accounts();
    for (const auto& [name, account] : wanted_.accounts) {
      const Account& known = account_or_none(seen_, name);
      // Users of an account mostly change alike.
      std::map<std::string, std::vector<std::string>> alike;
      for (const std::string& user : account.users) {
        for (const std::string& clause :
             changes(settings_of(known, user), settings_of(account, user))) {
          alike[clause].push_back(user);
        }
      }
      for (const auto& [clause, users] : alike) {
        for (const std::string& names : in_lines(users)) {
          lines_.push_back(fmt::format("modify user where name={} cluster={} account={} set {}",
                                       names, cluster_, name, clause));
        }
      }
    }
  }

  // Who leaves, with the accounts they leave.
  [[nodiscard]] std::map<std::string, std::vector<std::string>> leaving() const {
    std::map<std::string, std::vector<std::string>> accounts;
    for (const auto& [user, account] : leavers(wanted_, seen_)) {
      accounts[user].push_back(account);
    }
    return accounts;
  }

  [[nodiscard]] std::map<std::string, std::vector<std::string>> seen_accounts() const {
    std::map<std::string, std::vector<std::string>> accounts;
    for (const auto& [name, account] : seen_.accounts) {
      for (const std::string& user : account.users) {
        accounts[user].push_back(name);
      }
    }
    return accounts;
  }

  // A default account cannot be left while there are others: who leaves all goes whole, and who
  // keeps one that is not Provost's gets that for a default.
  void remove_users() {
    const auto all = seen_accounts();
    std::vector<std::string> whole;
    std::map<std::string, std::vector<std::string>> closed;  // by account
    std::map<std::string, std::vector<std::string>> left;
    for (const auto& [user, accounts] : leaving()) {
      bool is_busy = false;
      for (const std::string& account : accounts) {
        is_busy = is_busy || busy_.contains({user, account});
      }
      const bool leaves_all =
          accounts.size() == all.at(user).size() && !wanted_.users.contains(user);
      if (leaves_all && !is_busy) {
        whole.push_back(user);
        continue;
      }
      const auto known = seen_.users.find(user);
      const std::string usual = known == seen_.users.end() ? "" : known->second.default_account;
      if (!leaves_all && !wanted_.users.contains(user)) {
        keep_by_hand(user, all.at(user), accounts);
      }
      for (const std::string& account : accounts) {
        if (busy_.contains({user, account})) {
          closed[account].push_back(user);
        } else if (!leaves_all || account != usual) {
          left[account].push_back(user);
        }
      }
    }
    for (const std::string& names : in_lines(whole)) {
      lines_.push_back("delete user name=" + names);
    }
    for (const auto& [account, users] : closed) {
      close(account, users);
    }
    for (const auto& [account, users] : left) {
      for (const std::string& names : in_lines(users)) {
        lines_.push_back(
            fmt::format("delete user name={} cluster={} account={}", names, cluster_, account));
      }
    }
  }

  void keep_by_hand(const std::string& user, const std::vector<std::string>& has,
                    const std::vector<std::string>& leaves) {
    const auto kept = std::find_if(has.begin(), has.end(), [&](const std::string& account) {
      return std::find(leaves.begin(), leaves.end(), account) == leaves.end();
    });
    if (kept != has.end()) {
      modify({user}, "defaultaccount=" + *kept);
    }
  }

  // Those with jobs stay until they have none, and submit no more.
  void close(const std::string& account, const std::vector<std::string>& users) {
    std::vector<std::string> open;
    for (const std::string& user : users) {
      const Settings& has = settings_of(seen_.accounts.at(account), user);
      const auto submits = has.find("MaxSubmitJobs");
      if (submits == has.end() || submits->second != "0") {
        open.push_back(user);
      }
    }
    for (const std::string& names : in_lines(open)) {
      lines_.push_back(
          fmt::format("modify user where name={} cluster={} account={} set MaxSubmitJobs=0", names,
                      cluster_, account));
    }
  }

  [[nodiscard]] bool has_jobs(const std::string& account) const {
    return std::any_of(busy_.begin(), busy_.end(),
                       [&](const auto& each) { return each.second == account; });
  }

  void remove_accounts() {
    std::vector<std::string> names = from_the_top(seen_);
    std::reverse(names.begin(), names.end());
    for (const std::string& name : names) {
      if (seen_.accounts.at(name).ours && !wanted_.accounts.contains(name) && !has_jobs(name)) {
        // Without the cluster: with it, the association goes and the account stays behind.
        lines_.push_back(fmt::format("delete account name={}", name));
      }
    }
  }

  void remove_qos() {
    for (const auto& [name, rules] : seen_.qos) {
      if (rules.ours && !wanted_.qos.contains(name) && name != "normal") {
        lines_.push_back(fmt::format("delete qos name={}", name));
      }
    }
    // Slurm's own stays, without what was set on it.
    const auto normal = seen_.qos.find("normal");
    if (normal != seen_.qos.end() && normal->second.ours && !wanted_.qos.contains("normal")) {
      for (const std::string& clause : changes(normal->second.settings, {})) {
        lines_.push_back("modify qos where name=normal set " + clause);
      }
      lines_.emplace_back("modify qos where name=normal set description=\"Normal QOS default\"");
    }
  }

  const Accounts& wanted_;
  const Accounts& seen_;
  const std::string& cluster_;
  const Busy& busy_;
  std::map<std::string, std::string> first_account_;
  std::vector<std::string> lines_;
};

// " (campus.toml:12)" of what the file says somewhere.
std::string where(const Accounts& wanted, const std::string& what) {
  const auto found = wanted.lines.find(what);
  return found == wanted.lines.end() ? std::string()
                                     : fmt::format(" ({})", model::place_words(found->second));
}

// Settings of `whose`, which stand in the file under `key`.
void describe_settings(std::vector<std::string>& found, const std::string& whose,
                       const Accounts& all, const std::string& key, const Settings& wanted,
                       const Settings& seen) {
  for (const auto& [name, words] : setting_differences(wanted, seen)) {
    found.push_back(
        fmt::format("{}: {}{}", whose, words, where(all, fmt::format("{}:{}", key, name))));
  }
}

void describe_account(std::vector<std::string>& found, const std::string& name,
                      const Accounts& wanted_all, const Account& seen) {
  const Account& wanted = wanted_all.accounts.at(name);
  const auto say = [&](const std::vector<std::string>& names, std::string_view what) {
    for (const std::string& each : names) {
      found.push_back(fmt::format("user {} {} account {}{}", each, what, name,
                                  where(wanted_all, fmt::format("{}/{}", name, each))));
    }
  };
  say(missing(wanted.users, seen.users), "is not in");
  say(missing(seen.users, wanted.users), "is still in");
  say(missing(wanted.coordinators, seen.coordinators), "is not coordinator of");
  say(missing(seen.coordinators, all_coordinators(wanted_all, name)), "is still coordinator of");
  describe_settings(found, "account " + name, wanted_all, name, wanted.settings, seen.settings);
  for (const std::string& user : wanted.users) {
    describe_settings(found, fmt::format("user {} in account {}", user, name), wanted_all,
                      name + "/", settings_of(wanted, user), settings_of(seen, user));
  }
}

void describe_qos(std::vector<std::string>& found, const Accounts& wanted, const Accounts& seen) {
  for (const auto& [name, rules] : wanted.qos) {
    const auto known = seen.qos.find(name);
    if (known == seen.qos.end() || !known->second.ours) {
      found.push_back(known == seen.qos.end()
                          ? fmt::format("QoS {} is missing{}", name, where(wanted, "qos " + name))
                          : fmt::format("QoS {} is not marked as Provost's", name));
    }
    describe_settings(found, "QoS " + name, wanted, "qos " + name, rules.settings,
                      known == seen.qos.end() ? Settings{} : known->second.settings);
  }
  for (const auto& [name, rules] : seen.qos) {
    if (rules.ours && !wanted.qos.contains(name)) {
      found.push_back(fmt::format("QoS {} is still there", name));
    }
  }
}

void describe_users(std::vector<std::string>& found, const Accounts& wanted, const Accounts& seen) {
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
}

std::map<std::string, std::vector<std::string>> newcomers_of(const Accounts& wanted,
                                                             const Accounts& seen) {
  std::map<std::string, std::vector<std::string>> newcomers;  // by account
  for (const auto& [name, user] : wanted.users) {
    const auto account = wanted.accounts.find(user.default_account);
    const bool has_it = account != wanted.accounts.end() && account->second.users.contains(name);
    if (has_it && !seen.users.contains(name)) {
      newcomers[user.default_account].push_back(name);
    }
  }
  return newcomers;
}

std::string accounts_to_load(const Accounts& wanted, const Accounts& seen) {
  std::string text;
  for (const std::string& name : from_the_top(wanted)) {
    if (seen.accounts.contains(name)) {
      continue;
    }
    const Account& account = wanted.accounts.at(name);
    std::string title = quotable(account.title.empty() ? name : account.title);
    std::replace(title.begin(), title.end(), ':', ' ');  // it parts a line's fields
    const auto share = account.settings.find("Fairshare");
    text += fmt::format(
        "Parent - '{}'\nAccount - '{}':Description='{}':Organization='{}':Fairshare={}\n",
        account.parent, name, title, kOurs,
        share == account.settings.end() ? std::string("1") : share->second);
  }
  return text;
}

}  // namespace

std::string digest(const Accounts& wanted) {
  std::string all;
  const auto add = [&](const Settings& settings) {
    for (const auto& [name, value] : settings) {
      all += fmt::format("{}={};", name, value);
    }
    all += "\n";
  };
  for (const auto& [name, account] : wanted.accounts) {
    const std::vector<std::string> users(account.users.begin(), account.users.end());
    const std::vector<std::string> coordinators(account.coordinators.begin(),
                                                account.coordinators.end());
    all += fmt::format("{}|{}|{}|{}|", name, account.parent, join(users, ","),
                       join(coordinators, ","));
    add(account.settings);
    for (const auto& [user, settings] : account.of_users) {
      all += user + "|";
      add(settings);
    }
  }
  for (const auto& [name, user] : wanted.users) {
    all += fmt::format("{}|{}|{}\n", name, user.default_account, user.administrator);
  }
  for (const auto& [name, rules] : wanted.qos) {
    all += name + "|";
    add(rules.settings);
  }
  return to_hex(os::sha256(all)).substr(0, 16);
}

Loads loads(const Accounts& wanted, const Accounts& seen, const std::string& cluster,
            std::size_t parts) {
  const auto newcomers = newcomers_of(wanted, seen);
  std::size_t count = 0;
  for (const auto& [account, names] : newcomers) {
    count += names.size();
  }
  if (count < kWorthALoad || parts == 0) {
    return {};
  }
  const std::string head = fmt::format("Cluster - '{}'\n", cluster);
  Loads made{head + accounts_to_load(wanted, seen), std::vector<std::string>(parts, head)};
  std::vector<std::size_t> sizes(parts, 0);
  for (const auto& [account, names] : newcomers) {
    const auto least = std::min_element(sizes.begin(), sizes.end());
    std::string& file = made.people[static_cast<std::size_t>(least - sizes.begin())];
    *least += names.size();
    file += fmt::format("Parent - '{}'\n", account);
    for (const std::string& name : names) {
      file += fmt::format("User - '{}':DefaultAccount='{}':Fairshare=1\n", name, account);
    }
  }
  std::erase(made.people, head);
  return made;
}

Busy leavers(const Accounts& wanted, const Accounts& seen) {
  Busy gone;
  for (const auto& [name, account] : seen.accounts) {
    if (account.ours || wanted.accounts.contains(name)) {
      for (const std::string& user : missing(account.users, account_or_none(wanted, name).users)) {
        gone.emplace(user, name);
      }
    }
  }
  return gone;
}

std::vector<std::string> commands(const Accounts& wanted, const Accounts& seen,
                                  const std::string& cluster, const Busy& busy) {
  return Commands(wanted, seen, cluster, busy).all();
}

std::vector<std::string> differences(const Accounts& wanted, const Accounts& seen) {
  std::vector<std::string> found;
  for (const auto& [name, account] : wanted.accounts) {
    const auto known = seen.accounts.find(name);
    if (known == seen.accounts.end() || !known->second.ours) {
      found.push_back(known == seen.accounts.end()
                          ? fmt::format("account {} is missing{}", name, where(wanted, name))
                          : fmt::format("account {} is not marked as Provost's", name));
    } else if (known->second.parent != account.parent) {
      found.push_back(fmt::format("account {} is below {}, not {}", name, known->second.parent,
                                  account.parent));
    }
    describe_account(found, name, wanted, account_or_none(seen, name));
  }
  for (const auto& [name, account] : seen.accounts) {
    if (account.ours && !wanted.accounts.contains(name)) {
      found.push_back(fmt::format("account {} is still there", name));
    }
  }
  describe_users(found, wanted, seen);
  describe_qos(found, wanted, seen);
  return found;
}

}  // namespace provost::scheduling
