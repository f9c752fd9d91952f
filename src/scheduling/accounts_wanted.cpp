// From a campus to what slurmdbd shall hold.
#include <algorithm>

#include "base/text.hpp"
#include "scheduling/accounts.hpp"
#include "scheduling/settings.hpp"

namespace provost::scheduling {
namespace {

using model::LimitScope;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
  return text;
}

void add_user(Accounts& wanted, const std::string& account, const std::string& name) {
  wanted.accounts[account].users.insert(name);
  wanted.users.try_emplace(name, User{account, false});
}

// Counts and times per user stand on the account, from which users inherit them; a TRES per user
// must stand on each user's own association.
bool is_on_users(const model::LimitKind& kind) {
  return kind.scope == LimitScope::user && !kind.tres.empty();
}

void add_limits(Account& account, const model::Limits& limits) {
  Settings each_user;
  for (const auto& [name, limit] : limits) {
    const model::LimitKind* kind = model::find_limit_kind(name);
    if (kind == nullptr || kind->on_account.empty()) {
      continue;
    }
    Settings& into = is_on_users(*kind) ? each_user : account.settings;
    into[setting_name(kind->on_account, *kind)] = setting_value(*kind, limit.value);
  }
  if (!each_user.empty()) {
    for (const std::string& user : account.users) {
      account.of_users[user] = each_user;
    }
  }
}

void add_share(Account& account, int share, int priority) {
  if (share != 1) {
    account.settings["Fairshare"] = std::to_string(share);
  }
  if (priority != 0) {
    account.settings["Priority"] = std::to_string(priority);
  }
}

// Who may use what, and what holds when a job does not say.
void add_qualities(Account& account, const std::vector<std::string>& named,
                   const model::Campus& campus) {
  if (campus.qos.empty()) {
    return;
  }
  std::vector<std::string> names = named;
  std::string usual = named.empty() ? std::string() : named.front();
  if (named.empty()) {
    for (const model::Qos& each : campus.qos) {
      names.push_back(each.name);
      if (usual.empty() && each.preempted_by.empty()) {
        usual = each.name;
      }
    }
  }
  account.settings["QosLevel"] = in_order(join(names, ","));
  account.settings["DefaultQOS"] = usual.empty() ? names.front() : usual;
}

void add_projects(Accounts& wanted, const model::Department& department) {
  for (const model::Project& project : department.projects) {
    const std::string name = lower(project.name);
    Account& account = wanted.accounts[name];
    account.title = project.title;
    account.parent = lower(project.parent.empty() ? department.name : project.parent);
    if (!project.lead.empty()) {
      account.coordinators.insert(project.lead);
      add_user(wanted, name, project.lead);
    }
    for (const std::string& member : project.members) {
      add_user(wanted, name, member);
    }
    add_share(account, project.share, project.priority);
    add_limits(account, project.limits);
  }
}

void add_department(Accounts& wanted, const model::Department& department,
                    const model::Campus& campus) {
  const std::string name = lower(department.name);
  Account& account = wanted.accounts[name];
  account.title = department.title;
  account.parent = kUniversity;
  for (const std::string& supervisor : department.supervisors) {
    add_user(wanted, name, supervisor);
    account.coordinators.insert(supervisor);
  }
  for (const std::string& member : department.members) {
    add_user(wanted, name, member);
  }
  add_share(account, department.share, 0);
  add_limits(account, department.limits);
  add_qualities(account, department.qos, campus);
  add_projects(wanted, department);
}

void add_administrators(Accounts& wanted, const model::Campus& campus) {
  for (const std::string& name : campus.administrators) {
    if (!wanted.users.contains(name)) {
      const auto [account, is_new] =
          wanted.accounts.try_emplace(kAdministration, Account{"Administration", {}, {}});
      if (is_new) {
        add_qualities(account->second, {}, campus);
      }
      add_user(wanted, kAdministration, name);
    }
    wanted.users[name].administrator = true;
  }
}

QosRules rules_of(const model::Qos& qos, const model::Campus& campus) {
  QosRules rules;
  Settings& settings = rules.settings;
  for (const auto& [name, limit] : qos.limits) {
    const model::LimitKind* kind = model::find_limit_kind(name);
    if (kind != nullptr && !kind->on_qos.empty()) {
      settings[setting_name(kind->on_qos, *kind)] = setting_value(*kind, limit.value);
    }
  }
  if (qos.priority != 0) {
    settings["Priority"] = std::to_string(qos.priority);
  }
  if (qos.refuses) {
    settings["Flags"] = "DenyOnLimit";
  }
  if (qos.charge != 1) {
    settings["UsageFactor"] = fmt::format("{:g}", qos.charge);
  }
  if (!qos.preempted_by.empty()) {
    settings["PreemptMode"] = "requeue";
  }
  std::vector<std::string> preempts;
  for (const model::Qos& other : campus.qos) {
    const auto& by = other.preempted_by;
    if (std::find(by.begin(), by.end(), qos.name) != by.end()) {
      preempts.push_back(other.name);
    }
  }
  if (!preempts.empty()) {
    settings["Preempt"] = in_order(join(preempts, ","));
  }
  return rules;
}

// ---- Where the file has them

class Origins {
 public:
  explicit Origins(const model::Campus& campus) : campus_(campus) {}

  std::map<std::string, int> all() {
    for (const model::Qos& each : campus_.qos) {
      quality(each);
    }
    for (const model::Department& each : campus_.departments) {
      account(each.name, each.line, each.limits);
      people(each.name, "supervisors", each.supervisors);
      people(each.name, "members", each.members);
      for (const model::Project& project : each.projects) {
        account(project.name, project.line, project.limits);
        people(project.name, "members", project.members);
        note(lower(project.name) + "/" + project.lead, campus_.line_of(project.name + ".lead"));
      }
    }
    return std::move(lines_);
  }

 private:
  void note(const std::string& what, int line) {
    if (line != 0) {
      lines_[what] = line;
    }
  }

  void account(const std::string& name, int line, const model::Limits& limits) {
    const std::string key = lower(name);
    note(key, line);
    for (const auto& [setting, field] : {std::pair("Fairshare", "share"),
                                         {"Priority", "priority"},
                                         {"QosLevel", "qos"},
                                         {"DefaultQOS", "qos"}}) {
      note(fmt::format("{}:{}", key, setting), campus_.line_of(fmt::format("{}.{}", name, field)));
    }
    for (const auto& [limit, value] : limits) {
      const model::LimitKind* kind = model::find_limit_kind(limit);
      if (kind != nullptr && !kind->on_account.empty()) {
        note(fmt::format("{}{}:{}", key, is_on_users(*kind) ? "/" : "",
                         setting_name(kind->on_account, *kind)),
             value.line);
      }
    }
  }

  void people(const std::string& account, const char* list, const std::vector<std::string>& names) {
    for (const std::string& each : names) {
      note(fmt::format("{}/{}", lower(account), each),
           campus_.line_of(fmt::format("{}.{}/{}", account, list, each)));
    }
  }

  void quality(const model::Qos& qos) {
    const std::string key = "qos " + qos.name;
    note(key, qos.line);
    for (const auto& [setting, field] : {std::pair("Priority", "priority"),
                                         {"Flags", "refuse"},
                                         {"UsageFactor", "charge"},
                                         {"PreemptMode", "preempted_by"},
                                         {"Preempt", "preempted_by"}}) {
      note(fmt::format("{}:{}", key, setting), campus_.line_of(fmt::format("{}.{}", key, field)));
    }
    for (const auto& [limit, value] : qos.limits) {
      const model::LimitKind* kind = model::find_limit_kind(limit);
      if (kind != nullptr && !kind->on_qos.empty()) {
        note(fmt::format("{}:{}", key, setting_name(kind->on_qos, *kind)), value.line);
      }
    }
  }

  const model::Campus& campus_;
  std::map<std::string, int> lines_;
};

}  // namespace

Accounts accounts_wanted(const model::Cluster& cluster) {
  Accounts wanted;
  if (!cluster.campus) {
    wanted.accounts[kDefaultAccount] = {"HyperPod's default user", {}, {}};
    add_user(wanted, kDefaultAccount, "ubuntu");
    return wanted;
  }
  const model::Campus& campus = *cluster.campus;
  wanted.accounts[kUniversity] = {campus.name, {}, {}};
  for (const model::Qos& qos : campus.qos) {
    wanted.qos[qos.name] = rules_of(qos, campus);
  }
  for (const model::Department& department : campus.departments) {
    add_department(wanted, department, campus);
  }
  add_administrators(wanted, campus);
  for (const model::Person& person : campus.people) {
    const auto account = wanted.accounts.find(lower(person.department));
    if (account != wanted.accounts.end() && account->second.users.contains(person.name)) {
      wanted.users[person.name].default_account = account->first;
    }
  }
  wanted.lines = Origins(campus).all();
  return wanted;
}

}  // namespace provost::scheduling
