// From what sacctmgr prints to values.
#include <cstdlib>

#include "base/text.hpp"
#include "scheduling/accounts.hpp"
#include "scheduling/settings.hpp"

namespace provost::scheduling {
namespace {

// Fields of a line under the names of its columns.
class Row {
 public:
  Row(const std::vector<std::string>& columns, std::string_view line)
      : columns_(columns), fields_(split(line, '|')) {}

  [[nodiscard]] bool is_whole() const { return fields_.size() >= columns_.size(); }
  [[nodiscard]] const std::string& at(std::string_view column) const {
    static const std::string none;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i] == column) {
        return fields_[i];
      }
    }
    return none;
  }

 private:
  const std::vector<std::string>& columns_;
  std::vector<std::string> fields_;
};

void add(Settings& settings, const char* name, const std::string& value, std::string_view initial) {
  if (!value.empty() && value != initial) {
    settings[name] = value;
  }
}

Settings association_settings(const Row& row) {
  Settings settings;
  add(settings, "Fairshare", row.at("share"), "1");
  add(settings, "Priority", row.at("priority"), "0");
  add_tres(settings, "GrpTRES", row.at("grptres"));
  add_tres(settings, "MaxTRESPerJob", row.at("maxtres"));
  add(settings, "GrpJobs", row.at("grpjobs"), "");
  add(settings, "GrpSubmitJobs", row.at("grpsubmit"), "");
  add(settings, "MaxJobs", row.at("maxjobs"), "");
  add(settings, "MaxSubmitJobs", row.at("maxsubmit"), "");
  add(settings, "MaxWallDurationPerJob", row.at("maxwall"), "");
  add(settings, "QosLevel", in_order(row.at("qos")), "");
  add(settings, "DefaultQOS", row.at("defaultqos"), "");
  return settings;
}

Settings qos_settings(const Row& row) {
  Settings settings;
  add(settings, "Priority", row.at("priority"), "0");
  add(settings, "Flags", row.at("flags"), "");
  add_tres(settings, "GrpTRES", row.at("grptres"));
  add_tres(settings, "MaxTRESPerJob", row.at("maxtres"));
  add_tres(settings, "MaxTRESPerUser", row.at("maxtrespu"));
  add_tres(settings, "MinTRESPerJob", row.at("mintres"));
  add(settings, "GrpJobs", row.at("grpjobs"), "");
  add(settings, "GrpSubmitJobs", row.at("grpsubmit"), "");
  add(settings, "MaxWallDurationPerJob", row.at("maxwall"), "");
  add(settings, "MaxJobsPerUser", row.at("maxjobspu"), "");
  add(settings, "MaxSubmitJobsPerUser", row.at("maxsubmitpu"), "");
  add(settings, "Preempt", in_order(row.at("preempt")), "");
  add(settings, "PreemptMode", row.at("preemptmode"), "cluster");
  const double factor = std::strtod(row.at("usagefactor").c_str(), nullptr);
  add(settings, "UsageFactor", fmt::format("{:g}", factor), "1");
  return settings;
}

void read_associations(const std::string& text, Accounts& seen) {
  const std::vector<std::string> columns = split(kAssociationColumns, ',');
  for (const std::string& line : split(text, '\n')) {
    const Row row(columns, line);
    if (!row.is_whole() || row.at("account").empty() || row.at("account") == "root") {
      continue;
    }
    const std::string& name = row.at("account");
    Settings settings = association_settings(row);
    const std::string& user = row.at("user");
    if (user == model::kSelftestUser) {
      continue;  // comes and goes with its runs
    }
    const auto [found, is_new] = seen.accounts.try_emplace(name);
    Account& account = found->second;
    account.ours = account.ours && !is_new;  // until its own line says so
    if (user.empty()) {
      account.parent = row.at("parentname");
      account.settings = std::move(settings);
      continue;
    }
    account.users.insert(user);
    if (!settings.empty()) {
      account.of_users[user] = std::move(settings);
    }
  }
}

void read_accounts(const std::string& text, Accounts& seen) {
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    const auto account = fields.size() < 3 ? seen.accounts.end() : seen.accounts.find(fields[0]);
    if (account == seen.accounts.end()) {
      continue;
    }
    account->second.ours = fields[1] == kOurs;
    for (const std::string& name : split(fields[2], ',')) {
      if (!name.empty()) {
        account->second.coordinators.insert(name);
      }
    }
  }
}

bool is_told(const std::string& user) {
  return !user.empty() && user != "root" && user != model::kSelftestUser;
}

void read_users(const Printed& printed, Accounts& seen) {
  for (const std::string& line : split(printed.defaults, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() >= 2 && is_told(fields[0])) {
      seen.users[fields[0]].default_account = fields[1];
    }
  }
  for (const std::string& line : split(printed.administrators, '\n')) {
    const std::string user = split(line, '|').front();
    if (is_told(user)) {
      seen.users[user].administrator = true;
    }
  }
}

void read_qos(const std::string& text, Accounts& seen) {
  const std::vector<std::string> columns = split(kQosColumns, ',');
  for (const std::string& line : split(text, '\n')) {
    const Row row(columns, line);
    if (row.is_whole() && !row.at("name").empty()) {
      seen.qos[row.at("name")] = {qos_settings(row), row.at("description") == kOurs};
    }
  }
}

}  // namespace

const char* const kAssociationColumns =
    "account,user,parentname,share,priority,grptres,grpjobs,grpsubmit,maxtres,maxjobs,maxsubmit,"
    "maxwall,qos,defaultqos";
const char* const kQosColumns =
    "name,description,priority,flags,grptres,grpjobs,grpsubmit,maxtres,maxtrespu,mintres,maxwall,"
    "maxjobspu,maxsubmitpu,preempt,preemptmode,usagefactor";

Accounts parse_accounts(const Printed& printed) {
  Accounts seen;
  read_associations(printed.associations, seen);
  read_accounts(printed.accounts, seen);
  read_users(printed, seen);
  read_qos(printed.qos, seen);
  return seen;
}

Result<Accounts> accounts_seen(const slurm::Run& run, const std::string& cluster) {
  Printed printed;
  const auto ask = [&](std::vector<std::string> what, const std::string& columns,
                       std::string& into) -> Status {
    std::vector<std::string> argv = {"sacctmgr", "-nP", "show"};
    argv.insert(argv.end(), what.begin(), what.end());
    argv.push_back("format=" + columns);
    const auto ran = run(argv, "");
    if (!ran) {
      return pass(ran.error(), "while asking slurmdbd for accounts");
    }
    if (ran->status != 0) {
      return fail(ErrorKind::unavailable, "slurmdbd does not answer: {}",
                  slurm::last_words(ran->err));
    }
    into = ran->out;
    return {};
  };
  // Without what accounts inherit: what is compared is what was set.
  Status asked =
      ask({"assoc", "cluster=" + cluster, "wopl"}, kAssociationColumns, printed.associations);
  asked = asked
              ? ask({"account", "withcoord"}, "account,organization,coordinators", printed.accounts)
              : asked;
  asked =
      asked ? ask({"assoc", "cluster=" + cluster, "onlydefaults"}, "user,account", printed.defaults)
            : asked;
  asked = asked ? ask({"user", "where", "adminlevel=Administrator"}, "user", printed.administrators)
                : asked;
  asked = asked ? ask({"qos"}, kQosColumns, printed.qos) : asked;
  if (!asked) {
    return pass(asked.error());
  }
  return parse_accounts(printed);
}

}  // namespace provost::scheduling
