// The desk's answers about a cluster's policy.
#include "service/policy.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "scheduling/accounts.hpp"
#include "service/asking.hpp"
#include "service/world.hpp"

namespace provost::service {
namespace {

using model::Campus;

Result<std::string> output_of(const slurm::Run& run, const std::vector<std::string>& argv,
                              std::string_view what) {
  const auto ran = run(argv, "");
  if (!ran) {
    return pass(ran.error(), fmt::format("while asking for {}", what));
  }
  if (ran->status != 0) {
    return fail(ErrorKind::unavailable, "Slurm does not tell {}: {}", what,
                slurm::last_words(ran->err));
  }
  return ran->out;
}

// A waiting job's amounts are those it asks for, which squeue does not show.
void fill_in(scheduling::Job& job, const slurm::Run& run) {
  const auto shown = run({"scontrol", "-o", "show", "job", job.id}, "");
  if (!shown || shown->status != 0) {
    return;
  }
  for (const std::string& word : split(shown->out, ' ')) {
    constexpr std::string_view kAsked = "ReqTRES=";
    if (word.starts_with(kAsked) && job.state == "PENDING") {
      job.amounts = scheduling::parse_amounts(word.substr(kAsked.size()));
    }
  }
}

std::vector<std::string> qos_names(const Campus& campus, const model::Department& department) {
  if (!department.qos.empty()) {
    return department.qos;
  }
  std::vector<std::string> names;
  for (const model::Qos& each : campus.qos) {
    names.push_back(each.name);
  }
  return names;
}

std::vector<std::string> open_partitions(const std::vector<scheduling::PartitionRights>& all,
                                         const std::string& department) {
  std::vector<std::string> names;
  for (const scheduling::PartitionRights& each : all) {
    if (!each.administrators_only && (each.accounts.empty() || has(each.accounts, department))) {
      names.push_back(each.name);
    }
  }
  return names;
}

// What concerns a person: reservations that they may use, and maintenance.
std::vector<scheduling::Announced> announced_to(const Campus& campus,
                                                const scheduling::Calendar& calendar,
                                                const scheduling::CalendarSeen& seen,
                                                const std::string& person) {
  scheduling::Calendar theirs;
  for (const scheduling::Calendar::Entry& each : calendar.entries) {
    const Campus::Found found = campus.find_account(each.said.department);
    bool member = has(each.users, person);
    if (found.project != nullptr) {
      member = member || has(found.project->members, person) || found.project->lead == person;
    } else if (found.department != nullptr) {
      member = member || has(found.department->members, person) ||
               has(found.department->supervisors, person);
      for (const model::Project& project : found.department->projects) {
        member = member || has(project.members, person);
      }
    }
    if (member || each.said.maintenance) {
      theirs.entries.push_back(each);
    }
  }
  return scheduling::announced(theirs, seen);
}

// The day two weeks after a local time.
std::string announced_until(const std::string& now) {
  constexpr std::chrono::days kAhead{14};
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (std::sscanf(now.c_str(), "%4d-%2u-%2u", &year, &month, &day) != 3) {
    return {};
  }
  const std::chrono::sys_days today(std::chrono::year(year) / static_cast<int>(month) /
                                    static_cast<int>(day));
  return to_iso(today + kAhead).substr(0, now.size());
}

}  // namespace

Result<scheduling::JobList> jobs_of(const slurm::Run& run, const scheduling::JobFilter& filter) {
  const auto text = output_of(run, scheduling::list_jobs_command(filter), "its jobs");
  if (!text) {
    return pass(text.error());
  }
  return scheduling::parse_jobs(*text);
}

bool oversees(const Campus* campus, const std::string& person, const std::string& account) {
  const Campus::Found found = campus == nullptr ? Campus::Found{} : campus->find_account(account);
  return found.department != nullptr &&
         (has(found.department->supervisors, person) ||
          (found.project != nullptr && found.project->lead == person));
}

const scheduling::Job* find_job(const std::vector<scheduling::Job>& jobs, const std::string& job) {
  const auto found = std::find_if(jobs.begin(), jobs.end(), [&](const scheduling::Job& each) {
    return each.id == job || each.id.starts_with(job + "_");
  });
  return found == jobs.end() ? nullptr : &*found;
}

Error no_such_job(const std::string& cluster, const std::string& job) {
  return {ErrorKind::not_found, fmt::format("no job {} runs or waits in {}", shorten(job), cluster),
          fmt::format("what ended is in: sacct -j {}", shorten(job))};
}

Error no_campus(const std::string& cluster) {
  return {ErrorKind::conflict,
          fmt::format("{} has no campus file, so no departments and no policy", cluster),
          "write one (provost init shows how) and apply it: provost apply " + cluster +
              " --campus campus.toml"};
}

Result<Desk::Asking> Desk::ask(const Caller& caller, const std::string& name) {
  if (is_person(caller) && caller.from_cluster != name) {
    return fail(ErrorKind::denied, "from a node of {} there are answers about {} alone",
                caller.from_cluster, caller.from_cluster);
  }
  const auto row = row_named(name);
  if (!row) {
    return pass(row.error());
  }
  auto reading = read(*row);
  if (!reading) {
    return pass(reading.error());
  }
  Asking asking{.reading = std::move(*reading), .run = {}};
  asking.run = run_on(world_.agents(), {row->id, asking.reading.model->layout.controller().name});
  const auto& campus = asking.reading.model->cluster.campus;
  asking.campus = campus ? &*campus : nullptr;
  return asking;
}

Result<DriftReport> Desk::drift(const Caller& caller, const std::string& name) {
  if (is_person(caller)) {
    return fail(ErrorKind::denied, "drift is an administrator's matter");
  }
  const auto asking = ask(caller, name);
  if (!asking) {
    return pass(asking.error());
  }
  const cluster::NodeKey controller{asking->reading.row.id,
                                    asking->reading.model->layout.controller().name};
  for (const Status& looked :
       {world_.inspect(controller), world_.inspect_accounts(controller, true)}) {
    if (!looked) {
      return pass(looked.error());
    }
  }
  const scheduling::Seen seen = world_.scheduling_seen(controller.cluster_id);
  const scheduling::Wanted& wanted = asking->reading.model->scheduling;
  DriftReport report{.mends = wanted.mends_drift};
  if (seen.accounts) {
    report.accounts = scheduling::differences(wanted.accounts, *seen.accounts);
  }
  if (seen.files) {
    report.files = slurm::to_words(seen.files->by_hand);
  }
  const auto since = world_.accounts_agreed_at(controller.cluster_id);
  if (since && !report.accounts.empty()) {
    report.acts = acts_since(*since, asking->run);
  }
  return report;
}

// Provost's own were before: it notes the time when it has read back what it wrote.
std::vector<DriftAct> Desk::acts_since(UtcTime since, const slurm::Run& run) {
  std::vector<DriftAct> acts;
  const auto text = output_of(run,
                              {"env", "TZ=UTC", "sacctmgr", "-nP", "list", "transactions",
                               "start=" + to_iso(since + std::chrono::seconds(1)).substr(0, 19),
                               "format=time,actor,action,where,info"},
                              "who did it");
  if (!text) {
    return acts;
  }
  for (const std::string& line : split(*text, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() >= 5) {
      acts.push_back({fields[0], fields[1], fields[2], fields[3] + " " + fields[4]});
    }
  }
  return acts;
}

Status Desk::mend_drift(const Caller& caller, const std::string& name) {
  if (is_person(caller)) {
    return fail(ErrorKind::denied, "drift is an administrator's matter");
  }
  const auto row = row_named(name);
  if (!row) {
    return pass(row.error());
  }
  Status written = world_.store().write("mend", [&](store::Writer& writer) {
    writer.add_event({.cluster = name,
                      .actor = caller.name,
                      .what = name + ": accounts changed by hand are put right",
                      .because = caller.name + " asked for it"});
  });
  return written ? world_.forget_agreed_accounts(row->id) : written;
}

Result<JobAndWhy> Desk::why(const Caller& caller, const std::string& name, const std::string& job) {
  const auto asking = ask(caller, name);
  if (!asking) {
    return pass(asking.error());
  }
  const auto list = jobs_of(asking->run, {.user = {}, .job = job, .accounts = {}});
  if (!list) {
    return pass(list.error());
  }
  const scheduling::Job* found = find_job(list->jobs, job);
  if (found == nullptr) {
    return pass(no_such_job(name, job));
  }
  if (is_person(caller) && found->user != caller.name &&
      !oversees(asking->campus, caller.name, found->account)) {
    return fail(ErrorKind::denied, "job {} is {}'s: they, or who supervises {}, may ask why", job,
                found->user, found->account);
  }
  JobAndWhy answer{
      .job = *found, .why = {}, .unused = unused_words(asking->reading.row.id)[found->id]};
  fill_in(answer.job, asking->run);
  answer.why =
      scheduling::why({.job = answer.job,
                       .jobs = list->jobs,
                       .waiting = list->waiting,
                       .campus = asking->campus,
                       .partitions = scheduling::partition_rights(asking->reading.model->cluster),
                       .now = now_utc()});
  return answer;
}

// Of jobs whose owners have been warned.
std::map<std::string, std::string> Desk::unused_words(const std::string& cluster_id) {
  std::map<std::string, std::string> words;
  for (const IdleJob& each : world_.idle_watch().jobs(cluster_id)) {
    if (each.unused && each.unused->warned != UtcTime{}) {
      words[each.job.id] = fmt::format("unused since {} UTC, released at {} UTC unless it is used",
                                       to_clock(each.unused->since), to_clock(each.release));
    }
  }
  return words;
}

Result<SelftestReport> Desk::selftest(const Caller& caller, const std::string& name) {
  if (is_person(caller)) {
    return fail(ErrorKind::denied, "trying the policy is an administrator's matter");
  }
  const auto row = row_named(name);
  if (!row) {
    return pass(row.error());
  }
  if (!row->campus) {
    return pass(Error{ErrorKind::conflict, name + " has no campus.toml: there is no policy to try",
                      "provost explain campus, provost apply --campus campus.toml"});
  }
  return world_.selftest().report(row->id);
}

Result<SelftestReport> Desk::try_policy(const Caller& caller, const std::string& name) {
  auto before = selftest(caller, name);
  if (!before) {
    return before;
  }
  const auto row = row_named(name);
  if (!row || !row->arrived || row->deleting) {
    return pass(Error{ErrorKind::conflict, name + " is not in service yet",
                      "provost wait " + name + ", then again"});
  }
  const Status asked = world_.selftest().ask(row->id, caller.name + " asked for it");
  if (!asked) {
    return pass(asked.error());
  }
  return world_.selftest().report(row->id);
}

Result<IdleReport> Desk::idle(const Caller& caller, const std::string& name) {
  const auto asking = ask(caller, name);
  if (!asking) {
    return pass(asking.error());
  }
  if (asking->campus == nullptr || !asking->campus->idle) {
    return pass(Error{ErrorKind::conflict,
                      name + " has no rule about unused allocations: none is released",
                      "in campus.toml: [idle] after = \"1h\", warn = \"15m\""});
  }
  IdleReport report{.rule = *asking->campus->idle,
                    .jobs = world_.idle_watch().jobs(asking->reading.row.id)};
  if (is_person(caller)) {
    std::erase_if(report.jobs, [&](const IdleJob& each) {
      return each.job.user != caller.name &&
             !oversees(asking->campus, caller.name, each.job.account);
    });
  }
  return report;
}

Result<CalendarReport> Desk::calendar(const Caller& caller, const std::string& name) {
  const auto asking = ask(caller, name);
  if (!asking) {
    return pass(asking.error());
  }
  const auto seen = world_.scheduling_seen(asking->reading.row.id).calendar;
  if (!seen) {
    return fail(ErrorKind::unavailable, "the reservations of {} are not known yet", name);
  }
  const scheduling::Calendar& wanted = asking->reading.model->scheduling.calendar;
  CalendarReport report{.announced = is_person(caller)
                                         ? announced_to(*asking->campus, wanted, *seen, caller.name)
                                         : scheduling::announced(wanted, *seen),
                        .by_hand = {}};
  for (const scheduling::SlurmReservation& each : seen->reservations) {
    if (!each.ours && !is_person(caller)) {
      report.by_hand.push_back(each);
    }
  }
  return report;
}

Result<std::vector<os::Letter>> Desk::mail(const Caller& caller, int most) {
  if (is_person(caller)) {
    return fail(ErrorKind::denied, "the outbox is an administrator's matter");
  }
  return os::letters(world_.settings().outbox(), static_cast<std::size_t>(std::max(0, most)));
}

std::vector<JobAndWhy> Desk::with_reasons(
    const Asking& asking, const scheduling::JobList& list,
    const std::function<bool(const scheduling::Job&)>& concerns) {
  constexpr std::size_t kMost = 100;
  const auto partitions = scheduling::partition_rights(asking.reading.model->cluster);
  auto unused = unused_words(asking.reading.row.id);
  std::vector<JobAndWhy> answers;
  for (const scheduling::Job& each : list.jobs) {
    if (concerns(each) && answers.size() < kMost) {
      answers.push_back({each,
                         scheduling::why({.job = each,
                                          .jobs = list.jobs,
                                          .waiting = list.waiting,
                                          .campus = asking.campus,
                                          .partitions = partitions,
                                          .now = now_utc()}),
                         unused[each.id]});
    }
  }
  return answers;
}

Result<PersonReport> Desk::my(const Caller& caller, const std::string& name,
                              const std::string& as) {
  const std::string person = as.empty() ? caller.name : as;
  const auto asking = ask(caller, name);
  if (!asking) {
    return pass(asking.error());
  }
  if (asking->campus == nullptr) {
    return pass(no_campus(name));
  }
  const Campus& campus = *asking->campus;
  const model::Person* known = campus.find_person(person);
  if (known == nullptr) {
    return pass(Error{ErrorKind::not_found, fmt::format("{} is no person of campus.toml", person),
                      "of somebody else: provost my --as NAME"});
  }
  if (is_person(caller) && person != caller.name) {
    return fail(ErrorKind::denied, "you are {}, and {}'s page is theirs", caller.name, person);
  }
  const auto list = jobs_of(asking->run, {.user = person, .job = {}, .accounts = {}});
  if (!list) {
    return pass(list.error());
  }
  const scheduling::Accounts& accounts = asking->reading.model->scheduling.accounts;
  const auto shares = shares_of(person, asking->run);
  PersonReport report{
      .name = person, .title = known->title, .administrator = has(campus.administrators, person)};
  for (const auto& [account, details] : accounts.accounts) {
    if (details.users.contains(person)) {
      report.accounts.push_back(membership(*asking, person, account, list->jobs));
      const auto share = shares.find(account);
      report.accounts.back().fair_share = share == shares.end() ? "" : share->second;
    }
  }
  report.left_out = list->left_out;
  report.jobs =
      with_reasons(*asking, *list, [&](const scheduling::Job& job) { return job.user == person; });
  if (const auto seen = world_.scheduling_seen(asking->reading.row.id).calendar) {
    report.calendar =
        announced_to(campus, asking->reading.model->scheduling.calendar, *seen, person);
    const std::string until = announced_until(seen->now);
    std::erase_if(report.calendar,
                  [&](const scheduling::Announced& each) { return each.next > until; });
  }
  return report;
}

std::map<std::string, std::string> Desk::shares_of(const std::string& person,
                                                   const slurm::Run& run) {
  std::map<std::string, std::string> shares;
  const auto text =
      output_of(run, {"sshare", "-nP", "-u", person, "-o", "Account,User,FairShare"}, "shares");
  for (const std::string& line : split(text ? *text : std::string(), '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() >= 3 && fields[1] == person) {
      shares[std::string(trim(fields[0]))] = fields[2];
    }
  }
  return shares;
}

Membership Desk::membership(const Asking& asking, const std::string& person,
                            const std::string& account, const std::vector<scheduling::Job>& jobs) {
  const Campus& campus = *asking.campus;
  const Campus::Found found = campus.find_account(account);
  Membership made{.account = account, .title = {}, .department = account};
  const auto& users = asking.reading.model->scheduling.accounts.users;
  const auto user = users.find(person);
  made.is_default = user != users.end() && user->second.default_account == account;
  if (found.department == nullptr) {
    return made;
  }
  const model::Department& department = *found.department;
  made.department = department.name;
  made.title = found.project == nullptr ? department.title : found.project->title;
  made.share = found.project == nullptr ? department.share : found.project->share;
  made.until = found.project == nullptr ? department.until : found.project->until;
  made.supervisors = department.supervisors;
  made.supervises = oversees(&campus, person, account);
  made.qos = qos_names(campus, department);
  made.partitions =
      open_partitions(scheduling::partition_rights(asking.reading.model->cluster), department.name);
  made.limits = scheduling::limits_with_use(campus, person, account,
                                            made.qos.empty() ? "" : made.qos.front(), jobs);
  return made;
}

Result<DepartmentReport> Desk::department(const Caller& caller, const std::string& name,
                                          const std::string& department) {
  const auto asking = ask(caller, name);
  if (!asking) {
    return pass(asking.error());
  }
  if (asking->campus == nullptr) {
    return pass(no_campus(name));
  }
  const Campus& campus = *asking->campus;
  const model::Department* known = campus.find_department(department);
  if (known == nullptr) {
    std::vector<std::string> names;
    for (const model::Department& each : campus.departments) {
      names.push_back(each.name);
    }
    return pass(Error{ErrorKind::not_found, fmt::format("there is no department {}", department),
                      "there are: " + join(names, ", ")});
  }
  if (is_person(caller) && !has(known->supervisors, caller.name) &&
      !has(campus.administrators, caller.name)) {
    return pass(Error{ErrorKind::denied,
                      fmt::format("{} does not supervise {}", caller.name, department),
                      "your own: provost my"});
  }
  scheduling::JobFilter filter{.user = {}, .job = {}, .accounts = {known->name}};
  for (const model::Project& each : known->projects) {
    filter.accounts.push_back(each.name);
  }
  const auto list = jobs_of(asking->run, filter);
  if (!list) {
    return pass(list.error());
  }
  DepartmentReport report{
      .name = known->name,
      .title = known->title,
      .supervisors = known->supervisors,
      .members = known->members,
      .partitions = open_partitions(scheduling::partition_rights(asking->reading.model->cluster),
                                    known->name),
      .share = known->share,
      .limits = scheduling::limits_with_use(campus, "", known->name, "", list->jobs)};
  for (const model::Project& each : known->projects) {
    report.projects.push_back(
        {.name = each.name,
         .title = each.title,
         .lead = each.lead,
         .members = each.members,
         .share = each.share,
         .priority = each.priority,
         .until = each.until,
         .limits = scheduling::limits_with_use(campus, "", each.name, "", list->jobs)});
  }
  report.left_out = list->left_out;
  report.jobs = with_reasons(*asking, *list, [&](const scheduling::Job& job) {
    const Campus::Found found = campus.find_account(job.account);
    return found.department == known;
  });
  return report;
}

Result<UsageReport> Desk::usage(const Caller& caller, const std::string& name,
                                const UsageOrder& order) {
  const auto asking = ask(caller, name);
  if (!asking) {
    return pass(asking.error());
  }
  if (!(order.period.from < order.period.to)) {
    return fail(ErrorKind::invalid, "the period ends before it begins");
  }
  const auto text = output_of(
      asking->run, scheduling::sacct_arguments(order.period.from, order.period.to), "its jobs");
  if (!text) {
    return pass(text.error());
  }
  std::vector<scheduling::JobRecord> records = scheduling::parse_records(*text);
  if (is_person(caller)) {  // their own, and those of whom they supervise
    std::erase_if(records, [&](const scheduling::JobRecord& record) {
      return record.user != caller.name && !oversees(asking->campus, caller.name, record.account);
    });
  }
  const UtcTime now = now_utc();
  return UsageReport{
      .rows = scheduling::usage_of(records, asking->campus, order.by, order.period, now),
      .total = scheduling::total_of(records, order.period, now)};
}

}  // namespace provost::service
