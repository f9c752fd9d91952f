#include "scheduling/overlay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/text.hpp"
#include "model/limits.hpp"
#include "scheduling/accounts.hpp"

namespace provost::scheduling {
namespace {

using model::Amendment;
using model::Campus;
using model::Overlay;
using Verb = Amending::Verb;

constexpr std::size_t kLongestName = 40;  // as campus.toml has it
constexpr std::size_t kLongestTitle = 200;

// An account of a campus, to be changed.
struct Account {
  model::Department* department = nullptr;
  model::Project* project = nullptr;  // nullptr: the department

  [[nodiscard]] bool is_there() const { return department != nullptr; }
  [[nodiscard]] std::vector<std::string>& members() const {
    return project != nullptr ? project->members : department->members;
  }
  [[nodiscard]] model::Limits& limits() const {
    return project != nullptr ? project->limits : department->limits;
  }
};

Account account_of(Campus& campus, std::string_view name) {
  for (model::Department& department : campus.departments) {
    if (department.name == name) {
      return {&department, nullptr};
    }
    for (model::Project& project : department.projects) {
      if (project.name == name) {
        return {&department, &project};
      }
    }
  }
  return {};
}

// The QoS of a department that has a limit: Slurm takes it, and not the account's.
const model::Qos* qos_that_limits(const Campus& campus, const model::Department& department,
                                  const std::string& limit) {
  for (const model::Qos& qos : campus.qos) {
    const bool may = department.qos.empty() || has(department.qos, qos.name);
    if (may && qos.limits.contains(limit)) {
      return &qos;
    }
  }
  return nullptr;
}

// ---- Laying it over

std::string add_member(const Account& account, Campus& campus, const Amendment& one) {
  if (campus.find_person(one.subject) == nullptr) {
    return fmt::format("{} is no person of campus.toml", one.subject);
  }
  if (has(account.members(), one.subject)) {
    return fmt::format("campus.toml has {} as a member of {}", one.subject, one.account);
  }
  account.members().push_back(one.subject);
  campus.lines[fmt::format("{}.members/{}", one.account, one.subject)] = -one.id;
  return {};
}

std::string remove_member(const Account& account, const Amendment& one) {
  if (!has(account.members(), one.subject)) {
    return fmt::format("campus.toml does not have {} as a member of {}", one.subject, one.account);
  }
  std::erase(account.members(), one.subject);
  return {};
}

std::string add_project(const Account& account, Campus& campus, const Amendment& one) {
  if (campus.find_account(one.subject).department != nullptr) {
    return fmt::format("campus.toml has an account {}", one.subject);
  }
  const bool has_lead = !one.lead.empty() && campus.find_person(one.lead) != nullptr;
  model::Project project{.name = one.subject,
                         .title = one.title,
                         .parent = account.project == nullptr ? "" : one.account,
                         .lead = has_lead ? one.lead : "",
                         .line = -one.id};
  campus.lines[one.subject + ".lead"] = -one.id;
  account.department->projects.push_back(std::move(project));
  return {};
}

std::string limit(const Account& account, const Campus& campus, const Amendment& one) {
  const model::LimitKind* kind = model::find_limit_kind(one.subject);
  if (kind == nullptr || kind->on_account.empty()) {
    return fmt::format("{} is no limit of accounts", one.subject);
  }
  if (const model::Qos* qos = qos_that_limits(campus, *account.department, one.subject)) {
    return fmt::format("QoS {} limits {} (campus.toml:{})", qos->name, one.subject, qos->line);
  }
  model::Limits& limits = account.limits();
  const auto found = limits.find(one.subject);
  if (found != limits.end() && found->second.value <= one.value) {
    return fmt::format("{} has {} of {}", model::place_words(found->second.line),
                       model::limit_words(*kind, found->second.value), kind->words);
  }
  limits[one.subject] = {one.value, -one.id};
  return {};
}

std::string apply_one(Campus& campus, const Amendment& one) {
  const Account account = account_of(campus, one.account);
  if (!account.is_there()) {
    return fmt::format("there is no account {} any more", one.account);
  }
  switch (one.kind) {
    case Amendment::Kind::add_member:
      return add_member(account, campus, one);
    case Amendment::Kind::remove_member:
      return remove_member(account, one);
    case Amendment::Kind::add_project:
      return add_project(account, campus, one);
    case Amendment::Kind::limit:
      return limit(account, campus, one);
  }
  return {};
}

// ---- Asking for it

struct Asked {
  const Campus& file;
  Campus now;  // with the overlay
  const Amender& amender;
  const Amending& wanted;
  Overlay overlay;

  [[nodiscard]] Account account() { return account_of(now, wanted.account); }

  /// The amendment that says this already.
  auto standing(Amendment::Kind kind) {
    auto& all = overlay.amendments;
    return std::find_if(all.begin(), all.end(), [&](const Amendment& each) {
      return each.kind == kind && each.subject == wanted.subject &&
             (kind == Amendment::Kind::add_project || each.account == wanted.account);
    });
  }
  bool erase(Amendment::Kind kind) {
    const auto found = standing(kind);
    if (found == overlay.amendments.end()) {
      return false;
    }
    overlay.amendments.erase(found);
    return true;
  }
  Amendment& push(Amendment::Kind kind) {
    overlay.amendments.push_back({.id = overlay.next++,
                                  .at = amender.now,
                                  .by = amender.name,
                                  .kind = kind,
                                  .account = wanted.account,
                                  .subject = wanted.subject});
    return overlay.amendments.back();
  }
};

std::vector<std::string> names_of_people(const Campus& campus) {
  std::vector<std::string> names;
  names.reserve(campus.people.size());
  for (const model::Person& each : campus.people) {
    names.push_back(each.name);
  }
  return names;
}

std::vector<std::string> names_of_accounts(const Campus& campus) {
  std::vector<std::string> names;
  for (const model::Department& department : campus.departments) {
    names.push_back(department.name);
    for (const model::Project& project : department.projects) {
      names.push_back(project.name);
    }
  }
  return names;
}

Error unknown(std::string_view what, const std::string& name,
              const std::vector<std::string>& names) {
  const auto meant = nearest(name, names);
  return {ErrorKind::not_found, fmt::format("there is no {} {}", what, shorten(name)),
          meant ? fmt::format("did you mean {}?", *meant) : std::string()};
}

std::string who_may(const model::Department& department) {
  return department.supervisors.empty()
             ? fmt::format("{} has no supervisor: an administrator changes campus.toml",
                           department.name)
             : fmt::format("ask {}, who supervises {}", join(department.supervisors, " or "),
                           department.name);
}

// Why somebody may act on an account; the denial otherwise.
Result<std::string> right_of(const Campus& campus, const Amender& amender,
                             const std::string& account, bool only_members) {
  const Campus::Found found = campus.find_account(account);
  if (found.department == nullptr) {
    return pass(unknown("account", account, names_of_accounts(campus)));
  }
  if (amender.administrator) {
    return fmt::format("{} administers the cluster", amender.name);
  }
  if (has(found.department->supervisors, amender.name)) {
    return fmt::format("{} supervises {}", amender.name, found.department->name);
  }
  if (found.project != nullptr && found.project->lead == amender.name) {
    if (only_members) {
      return fmt::format("{} leads {}", amender.name, account);
    }
    return pass(Error{ErrorKind::denied,
                      fmt::format("who leads {} adds and removes its members, no more", account),
                      who_may(*found.department)});
  }
  return pass(Error{ErrorKind::denied,
                    fmt::format("{} does not supervise {}", amender.name, account),
                    who_may(*found.department)});
}

Status check_person(const Campus& campus, const std::string& name) {
  if (campus.find_person(name) != nullptr) {
    return {};
  }
  const auto meant = nearest(name, names_of_people(campus));
  return pass(
      Error{ErrorKind::not_found, fmt::format("{} is no person of campus.toml", shorten(name)),
            meant ? fmt::format("did you mean {}?", *meant)
                  : std::string("an administrator adds people: [[person]] in campus.toml")});
}

Result<std::string> ask_member_in(Asked& asked) {
  const Amending& wanted = asked.wanted;
  if (Status known = check_person(asked.file, wanted.subject); !known) {
    return pass(known.error());
  }
  if (has(asked.account().members(), wanted.subject)) {
    return fail(ErrorKind::conflict, "{} is a member of {} already", wanted.subject,
                wanted.account);
  }
  if (!asked.erase(Amendment::Kind::remove_member)) {
    asked.push(Amendment::Kind::add_member);
  }
  return fmt::format("{} is a member of {}", wanted.subject, wanted.account);
}

Result<std::string> ask_member_out(Asked& asked) {
  const Amending& wanted = asked.wanted;
  const Account account = asked.account();
  if (!has(account.members(), wanted.subject)) {
    const bool leads = account.project != nullptr && account.project->lead == wanted.subject;
    const bool supervises =
        account.project == nullptr && has(account.department->supervisors, wanted.subject);
    return pass(Error{ErrorKind::not_found,
                      fmt::format("{} is no member of {}", shorten(wanted.subject), wanted.account),
                      leads || supervises
                          ? fmt::format("{} {} it: an administrator changes that in "
                                        "campus.toml",
                                        wanted.subject, leads ? "leads" : "supervises")
                          : std::string()});
  }
  Campus file = asked.file;
  const Account in_file = account_of(file, wanted.account);
  asked.erase(Amendment::Kind::add_member);
  if (in_file.is_there() && has(in_file.members(), wanted.subject)) {
    asked.push(Amendment::Kind::remove_member);
  }
  return fmt::format("{} is no member of {} any more", wanted.subject, wanted.account);
}

Status check_project_name(const Campus& campus, const std::string& name) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool sound =
      !name.empty() && name.size() <= kLongestName && (is_lower(name[0]) || is_digit(name[0])) &&
      std::all_of(name.begin(), name.end(),
                  [&](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_'; });
  if (!sound) {
    return pass(Error{
        ErrorKind::invalid, fmt::format("\"{}\" cannot be a project's name", shorten(name)),
        fmt::format("small letters, digits, - and _, beginning with a letter or digit, {} at most",
                    kLongestName)});
  }
  constexpr std::array<std::string_view, 4> kTaken{"root", kUniversity, kAdministration,
                                                   kDefaultAccount};
  if (std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end()) {
    return fail(ErrorKind::conflict, "the account {} is Slurm's or Provost's own", name);
  }
  const Campus::Found found = campus.find_account(name);
  if (found.department != nullptr) {
    return fail(ErrorKind::conflict, "there is a {} {} already",
                found.project == nullptr ? "department" : "project", name);
  }
  return {};
}

Result<std::string> ask_project_in(Asked& asked) {
  const Amending& wanted = asked.wanted;
  if (Status sound = check_project_name(asked.now, wanted.subject); !sound) {
    return pass(sound.error());
  }
  if (Status known = wanted.lead.empty() ? Status() : check_person(asked.file, wanted.lead);
      !known) {
    return pass(known.error());
  }
  const bool clean = std::none_of(wanted.title.begin(), wanted.title.end(), [](unsigned char c) {
    return c < ' ' || c == '"' || c == '\'' || c == '\\' || c == 0x7F;
  });
  if (!clean || wanted.title.size() > kLongestTitle) {
    return fail(ErrorKind::invalid,
                "a title has no quotes, backslashes or control characters, and {} bytes at most",
                kLongestTitle);
  }
  Amendment& made = asked.push(Amendment::Kind::add_project);
  made.title = wanted.title;
  made.lead = wanted.lead;
  return words(made);
}

// A project of the overlay, and all that says something about it or stands below it.
void erase_project(Overlay& overlay, const std::string& project) {
  std::vector<std::string> going{project};
  while (!going.empty()) {
    const std::string account = going.back();
    going.pop_back();
    std::erase_if(overlay.amendments, [&](const Amendment& each) {
      const bool is_project = each.kind == Amendment::Kind::add_project;
      if (each.account == account && is_project) {
        going.push_back(each.subject);
      }
      return each.account == account || (is_project && each.subject == account);
    });
  }
}

Result<std::string> ask_project_out(Asked& asked) {
  const std::string& name = asked.wanted.subject;
  if (asked.standing(Amendment::Kind::add_project) == asked.overlay.amendments.end()) {
    const Campus::Found found = asked.now.find_account(name);
    return pass(
        Error{ErrorKind::denied,
              fmt::format("project {} stands in {}", name, model::place_words(found.project->line)),
              "an administrator takes it out there"});
  }
  erase_project(asked.overlay, name);
  return fmt::format("project {} goes, when its jobs have ended", name);
}

std::int64_t read_value(const model::LimitKind& kind, const std::string& text) {
  if (kind.name == "wall") {
    return model::read_duration(text);
  }
  if (kind.tres == "mem") {
    return model::read_memory(text);
  }
  constexpr std::int64_t kMost = 100'000'000;
  const auto number = to_number(text);
  return number && *number >= 0 && *number <= kMost ? *number : -1;
}

const char* value_words(const model::LimitKind& kind) {
  return kind.name == "wall"  ? "a time as in 90m, 12h or 3d"
         : kind.tres == "mem" ? "an amount as in 512M or 64G"
                              : "a whole number";
}

Result<const model::LimitKind*> limit_kind(const std::string& name) {
  const model::LimitKind* kind = model::find_limit_kind(name);
  if (kind != nullptr && !kind->on_account.empty()) {
    return kind;
  }
  std::vector<std::string> names;
  for (const model::LimitKind& each : model::kLimitKinds) {
    if (!each.on_account.empty()) {
      names.emplace_back(each.name);
    }
  }
  if (kind != nullptr) {
    return pass(Error{ErrorKind::invalid, name + " is a limit of QoS alone",
                      "of accounts there are: " + join(names, ", ")});
  }
  Error error = unknown("limit", name, names);
  if (error.hint.empty()) {
    error.hint = "there are: " + join(names, ", ");
  }
  return pass(std::move(error));
}

// What the file says, of the account or of one above it; the account's parents may be the
// overlay's.
std::optional<std::pair<std::string, model::Limit>> file_limit(const Asked& asked,
                                                               const std::string& limit) {
  std::string account = asked.wanted.account;
  while (!account.empty()) {
    const Campus::Found here = asked.now.find_account(account);
    const Campus::Found in_file = asked.file.find_account(account);
    if (in_file.department != nullptr) {
      const model::Limits& limits =
          in_file.project != nullptr ? in_file.project->limits : in_file.department->limits;
      if (const auto found = limits.find(limit); found != limits.end()) {
        return std::pair(account, found->second);
      }
    }
    if (here.project == nullptr) {
      break;
    }
    account = here.project->parent.empty() ? here.department->name : here.project->parent;
  }
  return std::nullopt;
}

Result<std::string> ask_limit(Asked& asked) {
  const Amending& wanted = asked.wanted;
  const auto kind = limit_kind(wanted.subject);
  if (!kind) {
    return pass(kind.error());
  }
  const std::int64_t value = read_value(**kind, wanted.value);
  if (value < 0) {
    return pass(Error{ErrorKind::invalid,
                      fmt::format("\"{}\" is no value of {}", shorten(wanted.value), (*kind)->name),
                      value_words(**kind)});
  }
  const Account account = asked.account();
  if (const model::Qos* qos = qos_that_limits(asked.now, *account.department, wanted.subject)) {
    return pass(
        Error{ErrorKind::conflict,
              fmt::format("QoS {} limits {} (campus.toml:{}), and Slurm takes the QoS's alone",
                          qos->name, wanted.subject, qos->limits.at(wanted.subject).line),
              "an administrator moves that limit to departments"});
  }
  const auto most = file_limit(asked, wanted.subject);
  if (most && value > most->second.value) {
    return pass(Error{ErrorKind::denied,
                      fmt::format("{} has {} of {} ({}): a supervisor sets less, not more",
                                  most->first, model::limit_words(**kind, most->second.value),
                                  (*kind)->words, model::place_words(most->second.line)),
                      "an administrator raises it in campus.toml"});
  }
  const auto& limits = account.limits();
  if (const auto now = limits.find(wanted.subject);
      now != limits.end() && now->second.value == value) {
    return fail(ErrorKind::conflict, "{} has {} of {} already ({})", wanted.account,
                model::limit_words(**kind, value), (*kind)->words,
                model::place_words(now->second.line));
  }
  asked.erase(Amendment::Kind::limit);
  const bool is_files = most && most->first == wanted.account && most->second.value == value;
  if (!is_files) {
    asked.push(Amendment::Kind::limit).value = value;
  }
  return fmt::format("{} is limited to {} {}", wanted.account, model::limit_words(**kind, value),
                     (*kind)->words);
}

Result<std::string> ask_no_limit(Asked& asked) {
  const Amending& wanted = asked.wanted;
  const auto kind = limit_kind(wanted.subject);
  if (!kind) {
    return pass(kind.error());
  }
  if (!asked.erase(Amendment::Kind::limit)) {
    const auto file = file_limit(asked, wanted.subject);
    return pass(Error{ErrorKind::not_found,
                      fmt::format("no supervisor limits {} of {}", wanted.subject, wanted.account),
                      file ? fmt::format("{} has one in {}: an administrator changes it",
                                         file->first, model::place_words(file->second.line))
                           : std::string()});
  }
  return fmt::format("{} of {} are limited by campus.toml alone", (*kind)->words, wanted.account);
}

using Ask = Result<std::string> (*)(Asked&);

Ask asking_for(Verb verb) {
  switch (verb) {
    case Verb::add_member:
      return ask_member_in;
    case Verb::remove_member:
      return ask_member_out;
    case Verb::add_project:
      return ask_project_in;
    case Verb::remove_project:
      return ask_project_out;
    case Verb::limit:
      return ask_limit;
    case Verb::no_limit:
      return ask_no_limit;
  }
  return ask_member_in;
}

}  // namespace

std::vector<VoidAmendment> apply_overlay(model::Campus& campus, const model::Overlay& overlay) {
  std::vector<VoidAmendment> without_effect;
  for (const Amendment& each : overlay.amendments) {
    if (std::string why = apply_one(campus, each); !why.empty()) {
      without_effect.push_back({each.id, std::move(why)});
    }
  }
  return without_effect;
}

std::string words(const model::Amendment& amendment) {
  const Amendment& one = amendment;
  switch (one.kind) {
    case Amendment::Kind::add_member:
      return fmt::format("{} is a member of {}", one.subject, one.account);
    case Amendment::Kind::remove_member:
      return fmt::format("{} is no member of {}", one.subject, one.account);
    case Amendment::Kind::add_project:
      return fmt::format("{} has a project {}{}", one.account, one.subject,
                         one.lead.empty() ? "" : ", led by " + one.lead);
    case Amendment::Kind::limit: {
      const model::LimitKind* kind = model::find_limit_kind(one.subject);
      return kind == nullptr ? fmt::format("{} has {} {}", one.account, one.value, one.subject)
                             : fmt::format("{} is limited to {} {}", one.account,
                                           model::limit_words(*kind, one.value), kind->words);
    }
  }
  return {};
}

Result<Amended> amend(const model::Campus& file, const model::Overlay& overlay,
                      const Amender& amender, const Amending& wanted) {
  Asked asked{file, file, amender, wanted, overlay};
  apply_overlay(asked.now, overlay);
  const bool about_project = wanted.verb == Verb::remove_project;
  const bool only_members = wanted.verb == Verb::add_member || wanted.verb == Verb::remove_member;
  const std::string& account = about_project ? wanted.subject : wanted.account;
  if (about_project && asked.now.find_account(account).project == nullptr) {
    return pass(unknown("project", account, names_of_accounts(asked.now)));
  }
  auto right = right_of(asked.now, amender, account, only_members);
  if (!right) {
    return pass(right.error());
  }
  auto said = asking_for(wanted.verb)(asked);
  if (!said) {
    return pass(said.error());
  }
  return Amended{std::move(asked.overlay), std::move(*said), std::move(*right)};
}

Result<Amended> take_back(const model::Campus& file, const model::Overlay& overlay,
                          const Amender& amender, int id) {
  const auto& all = overlay.amendments;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Amendment& each) { return each.id == id; });
  if (found == all.end()) {
    return pass(Error{ErrorKind::not_found, fmt::format("there is no overlay {}", id),
                      "those there are: provost overlay"});
  }
  Campus now = file;
  apply_overlay(now, overlay);
  std::string because = fmt::format("{} administers the cluster", amender.name);
  if (!amender.administrator) {
    const bool members =
        found->kind == Amendment::Kind::add_member || found->kind == Amendment::Kind::remove_member;
    auto right = right_of(now, amender, found->account, members);
    if (!right) {
      return pass(right.error());
    }
    because = std::move(*right);
  }
  Amended made{overlay, fmt::format("taken back: {}", words(*found)), std::move(because)};
  if (found->kind == Amendment::Kind::add_project) {
    erase_project(made.overlay, found->subject);
  } else {
    std::erase_if(made.overlay.amendments, [&](const Amendment& each) { return each.id == id; });
  }
  return made;
}

bool supervises(const model::Campus& campus, const std::string& person,
                const std::string& account) {
  const Campus::Found found = campus.find_account(account);
  return has(campus.administrators, person) ||
         (found.department != nullptr && has(found.department->supervisors, person));
}

}  // namespace provost::scheduling
