#include "spec/campus_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "base/text.hpp"
#include "spec/ssh_key.hpp"

namespace provost::spec {
namespace {

/// Users and groups that a node of Debian or Ubuntu has, or that Slurm and Provost bring: each
/// person gets a group of the same name. Source: base-passwd, and the packages of a node.
constexpr std::string_view kSystemNames[] = {
    "root",    "daemon",   "bin",       "sys",        "sync",
    "games",   "man",      "lp",        "mail",       "news",
    "uucp",    "proxy",    "www-data",  "backup",     "list",
    "irc",     "gnats",    "_apt",      "nobody",     "nogroup",
    "adm",     "tty",      "disk",      "kmem",       "dialout",
    "fax",     "voice",    "cdrom",     "floppy",     "tape",
    "sudo",    "audio",    "dip",       "operator",   "src",
    "shadow",  "utmp",     "video",     "sasl",       "plugdev",
    "staff",   "users",    "input",     "sgx",        "kvm",
    "render",  "crontab",  "netdev",    "messagebus", "sshd",
    "ssh",     "_ssh",     "munge",     "slurm",      "mysql",
    "mariadb", "ubuntu",   "debian",    "admin",      "sssd",
    "haproxy", "polkitd",  "dbus",      "provost",    "tss",
    "uuidd",   "syslog",   "landscape", "pollinate",  "tcpdump",
    "fwupd",   "lxd",      "docker",    "dnsmasq",    "ntp",
    "chrony",  "_chrony",  "postgres",  "postfix",    "systemd",
    "halt",    "shutdown", "nvidia",    "ec2-user",   "provost-selftest"};

bool is_system_name(std::string_view name) {
  constexpr std::string_view kSystemd = "systemd-";
  return name.substr(0, kSystemd.size()) == kSystemd ||
         std::find(std::begin(kSystemNames), std::end(kSystemNames), name) !=
             std::end(kSystemNames);
}

const std::vector<Value>& items(const Value* list) {
  static const std::vector<Value> kNone;
  return list == nullptr ? kNone : list->items;
}

struct Campus {
  const Document& document;
  Report& report;
  std::map<std::string, int> people;  ///< name and line of the first of that name
  std::vector<std::string> names;     ///< the same, for hints

  [[nodiscard]] Spot at(const Value& value, std::string path) const {
    return spot(document, value, std::move(path));
  }
};

void person_name(Campus& campus, const Value& value, const std::string& path) {
  const std::string* name = text_of(&value);
  if (name == nullptr) {
    return;
  }
  if (is_system_name(*name)) {
    campus.report.error(campus.at(value, path), "person.name.reserved",
                        fmt::format("\"{}\" is a user or group of the nodes' own system", *name),
                        "give the person another user name");
  }
  const auto [first, is_new] = campus.people.emplace(*name, value.place.line);
  if (!is_new) {
    campus.report.error(
        campus.at(value, path), "person.name.duplicate",
        fmt::format("a second person is named \"{}\"", shorten(*name)),
        fmt::format("the first is at line {}; user names are unique", first->second));
    return;
  }
  campus.names.push_back(*name);
}

void person_keys(Campus& campus, const Value& person, const std::string& path) {
  const std::vector<Value>& keys = items(person.find("keys"));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string* key = text_of(&keys[i]);
    const auto wrong = key == nullptr ? std::nullopt : wrong_ssh_key(*key);
    if (wrong) {
      Spot where = campus.at(keys[i], fmt::format("{}.keys[{}]", path, i));
      where.value.clear();  // it may be a secret
      campus.report.error(where, "person.key", fmt::format("{} {}", where.path, *wrong),
                          "paste one line of a .pub file, such as ~/.ssh/id_ed25519.pub");
    }
  }
}

void people(Campus& campus) {
  const std::vector<Value>& list = items(campus.document.root.find("person"));
  std::map<std::int64_t, int> uids;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = fmt::format("person[{}]", i);
    if (const Value* name = list[i].find("name")) {
      person_name(campus, *name, path + ".name");
    }
    const Value* uid = list[i].find("uid");
    if (uid != nullptr && uid->kind == Kind::integer) {
      const auto [first, is_new] = uids.emplace(uid->integer, uid->place.line);
      if (!is_new) {
        campus.report.error(campus.at(*uid, path + ".uid"), "person.uid.duplicate",
                            fmt::format("uid {} is given twice", uid->integer),
                            fmt::format("line {} has it already; whoever shares a uid shares files",
                                        first->second));
      }
    }
    person_keys(campus, list[i], path);
  }
}

/// A name that must be a person's.
void name_of_person(Campus& campus, const Value& value, const std::string& path,
                    std::set<std::string>* named) {
  const std::string* name = text_of(&value);
  if (name == nullptr) {
    return;
  }
  if (campus.people.count(*name) == 0) {
    constexpr std::string_view kGroup = "group:";
    const bool is_group = name->substr(0, kGroup.size()) == kGroup;
    campus.report.error(
        campus.at(value, path), "person.unknown",
        fmt::format("{} names \"{}\", who is no person of this file", path, shorten(*name)),
        is_group ? "groups of a directory are not supported by this version"
                 : did_you_mean(*name, campus.names));
  }
  if (named != nullptr) {
    named->insert(*name);
  }
}

/// A list of names that must be people, each once.
void names_of_people(Campus& campus, const Value* list, const std::string& path,
                     std::set<std::string>* named) {
  std::set<std::string> seen;
  const std::vector<Value>& names = items(list);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string* name = text_of(&names[i]);
    if (name == nullptr) {
      continue;
    }
    const std::string here = fmt::format("{}[{}]", path, i);
    if (campus.people.count(*name) != 0 && !seen.insert(*name).second) {
      campus.report.warning(campus.at(names[i], here), "person.twice",
                            fmt::format("{} names \"{}\" twice", path, shorten(*name)),
                            "once is enough");
    }
    name_of_person(campus, names[i], here, named);
  }
}

void department_name(Campus& campus, const Value& value, const std::string& path,
                     std::map<std::string, int>& seen) {
  const std::string* name = text_of(&value);
  if (name == nullptr) {
    return;
  }
  if (*name == "root") {
    campus.report.error(campus.at(value, path), "department.name.reserved",
                        "Slurm keeps the account name \"root\" for itself", "choose another name");
  }
  if (*name == "university" || *name == "administration") {
    campus.report.error(campus.at(value, path), "department.name.reserved",
                        fmt::format("\"{}\" is an account that Provost makes itself", *name),
                        "choose another name");
  }
  const auto [first, is_new] = seen.emplace(*name, value.place.line);
  if (!is_new) {
    campus.report.error(
        campus.at(value, path), "department.name.duplicate",
        fmt::format("a second department or project is named \"{}\"", shorten(*name)),
        fmt::format("the first is at line {}; rename one", first->second));
  }
}

std::set<std::string> departments(Campus& campus) {
  std::set<std::string> members;
  std::map<std::string, int> seen;
  const std::vector<Value>& list = items(campus.document.root.find("department"));
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = fmt::format("department[{}]", i);
    if (const Value* name = list[i].find("name")) {
      department_name(campus, *name, path + ".name", seen);
    }
    names_of_people(campus, list[i].find("supervisors"), path + ".supervisors", &members);
    names_of_people(campus, list[i].find("members"), path + ".members", &members);
    const std::vector<Value>& projects = items(list[i].find("project"));
    for (std::size_t each = 0; each < projects.size(); ++each) {
      const std::string project = fmt::format("{}.project[{}]", path, each);
      if (const Value* name = projects[each].find("name")) {
        department_name(campus, *name, project + ".name", seen);
      }
      names_of_people(campus, projects[each].find("members"), project + ".members", &members);
      if (const Value* lead = projects[each].find("lead")) {
        name_of_person(campus, *lead, project + ".lead", &members);
      }
    }
  }
  return members;
}

/// Whoever belongs nowhere cannot run jobs; that may be meant, as of an administrator.
void people_without_department(Campus& campus, std::set<std::string> named) {
  for (const Value& name : items(find(campus.document.root.find("campus"), "administrators"))) {
    named.insert(name.text);
  }
  const std::vector<Value>& list = items(campus.document.root.find("person"));
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value* value = list[i].find("name");
    const std::string* name = text_of(value);
    if (name != nullptr && named.count(*name) == 0) {
      campus.report.warning(campus.at(*value, fmt::format("person[{}].name", i)),
                            "person.without-department",
                            fmt::format("\"{}\" is in no department", shorten(*name)),
                            "without one nobody can run jobs; add the name to members of one");
      named.insert(*name);
    }
  }
}

}  // namespace

void apply_campus_rules(const Document& document, Report& report, std::size_t errors_before) {
  Campus campus{document, report, {}, {}};
  people(campus);
  names_of_people(campus, find(document.root.find("campus"), "administrators"),
                  "campus.administrators", nullptr);
  std::set<std::string> members = departments(campus);
  const std::vector<Value>& reservations = items(document.root.find("reservation"));
  for (std::size_t i = 0; i < reservations.size(); ++i) {
    names_of_people(campus, reservations[i].find("people"),
                    fmt::format("reservation[{}].people", i), nullptr);
  }
  if (report.errors() == errors_before) {  // else the mistake may be why they belong nowhere
    people_without_department(campus, std::move(members));
  }
}

}  // namespace provost::spec
