#include "scheduling/why.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/text.hpp"
#include "model/overlay.hpp"

namespace provost::scheduling {
namespace {

using model::LimitKind;
using model::LimitScope;

bool is_running(const Job& job) { return job.state == "RUNNING" || job.state == "COMPLETING"; }
bool is_waiting(const Job& job) { return job.state == "PENDING"; }

/// What Slurm calls a limit that holds a job back. Source: job_reason_codes.html and
/// slurm_errno/job_state_reason of 24.11.
struct LimitReason {
  std::string_view reason;
  bool by_qos = false;
  std::array<std::string_view, 4> limits;  ///< names in campus.toml, the likelier first
};

constexpr std::array kLimitReasons = {
    LimitReason{"QOSMaxGRESPerUser", true, {"gpus_per_user", "shards_per_user"}},
    LimitReason{"QOSMaxCpuPerUserLimit", true, {"cpus_per_user"}},
    LimitReason{"QOSMaxMemoryPerUser", true, {"memory_per_user"}},
    LimitReason{"QOSMaxNodePerUserLimit", true, {"nodes_per_user"}},
    LimitReason{"QOSMaxJobsPerUserLimit", true, {"jobs_per_user"}},
    LimitReason{"QOSMaxSubmitJobPerUserLimit", true, {"submitted_per_user"}},
    LimitReason{"QOSGrpGRES", true, {"gpus", "shards"}},
    LimitReason{"QOSGrpCpuLimit", true, {"cpus"}},
    LimitReason{"QOSGrpMemLimit", true, {"memory"}},
    LimitReason{"QOSGrpNodeLimit", true, {"nodes"}},
    LimitReason{"QOSGrpJobsLimit", true, {"jobs"}},
    LimitReason{"QOSGrpSubmitJobsLimit", true, {"submitted"}},
    LimitReason{"QOSMaxGRESPerJob", true, {"gpus_per_job", "shards_per_job"}},
    LimitReason{"QOSMaxCpuPerJobLimit", true, {"cpus_per_job"}},
    LimitReason{"QOSMaxMemoryPerJob", true, {"memory_per_job"}},
    LimitReason{"QOSMaxNodePerJobLimit", true, {"nodes_per_job"}},
    LimitReason{"QOSMaxWallDurationPerJobLimit", true, {"wall"}},
    LimitReason{"QOSMinGRES", true, {"least_gpus_per_job"}},
    LimitReason{"QOSMinCpuNotSatisfied", true, {"least_cpus_per_job"}},
    LimitReason{"AssocGrpGRES", false, {"gpus_per_user", "gpus", "shards_per_user", "shards"}},
    LimitReason{"AssocGrpCpuLimit", false, {"cpus_per_user", "cpus"}},
    LimitReason{"AssocGrpMemLimit", false, {"memory_per_user", "memory"}},
    LimitReason{"AssocGrpNodeLimit", false, {"nodes_per_user", "nodes"}},
    LimitReason{"AssocGrpJobsLimit", false, {"jobs"}},
    LimitReason{"AssocGrpSubmitJobsLimit", false, {"submitted"}},
    LimitReason{"AssocMaxJobsLimit", false, {"jobs_per_user"}},
    LimitReason{"AssocMaxSubmitJobLimit", false, {"submitted_per_user"}},
    LimitReason{"AssocMaxWallDurationPerJobLimit", false, {"wall"}},
    LimitReason{"AssocMaxGRESPerJob", false, {"gpus_per_job", "shards_per_job"}},
    LimitReason{"AssocMaxCpuPerJobLimit", false, {"cpus_per_job"}},
    LimitReason{"AssocMaxMemPerJob", false, {"memory_per_job"}},
    LimitReason{"AssocMaxNodePerJobLimit", false, {"nodes_per_job"}},
};

/// Reasons that have no number.
struct PlainReason {
  std::string_view reason;
  std::string_view words;
};

constexpr std::array kPlainReasons = {
    PlainReason{"Dependency",
                "another job that it depends on has not ended: scontrol show job "
                "names it (Dependency)"},
    PlainReason{
        "DependencyNeverSatisfied",
        "the job that it depends on failed, so that it never starts: cancel it, or take the "
        "dependency away (scontrol update JobId={id} Dependency=)"},
    PlainReason{"BeginTime",
                "it was submitted for a later time (--begin), or was put back into the "
                "queue two minutes ago at most"},
    PlainReason{"JobHeldUser", "its owner holds it: scontrol release {id}"},
    PlainReason{"JobHeldAdmin",
                "an administrator or supervisor holds it: ask them, they release "
                "it by provost job release {id}"},
    PlainReason{"PartitionTimeLimit",
                "it asks for more time than its partition allows: "
                "scontrol update JobId={id} TimeLimit=..."},
    PlainReason{"PartitionNodeLimit", "it asks for more nodes than its partition gives to one job"},
    PlainReason{"PartitionDown", "its partition takes no jobs now"},
    PlainReason{"PartitionInactive", "its partition is closed now"},
    PlainReason{"ReqNodeNotAvail, Reserved for maintenance",
                "its nodes are reserved for maintenance before it would end: provost calendar"},
    PlainReason{"ReqNodeNotAvail, May be reserved",
                "a node that it asks for is reserved for other jobs: provost calendar"},
    PlainReason{"ReqNodeNotAvail", "a node that it asks for is down, drained or reserved"},
    PlainReason{"Reservation", "it waits for its reservation to begin"},
    PlainReason{"ReservationDeleted",
                "the reservation that it asks for is no more: "
                "scontrol update JobId={id} ReservationName="},
    PlainReason{"InvalidAccount", "its account is no more: submit it in another"},
    PlainReason{"InvalidQOS",
                "its QoS is no more, or is not for its account: "
                "scontrol update JobId={id} QOS=..."},
    PlainReason{"QOSNotAllowed", "its QoS is not allowed in its partition"},
    PlainReason{"AccountNotAllowed", "its account is not allowed in its partition"},
    PlainReason{"NodeDown", "a node that it needs is down"},
    PlainReason{"BadConstraints", "no node can ever fulfil what it asks for"},
    PlainReason{"Licenses", "a license that it asks for is in use"},
    PlainReason{"JobArrayTaskLimit", "so many tasks of its array run as it allows itself (%)"},
    PlainReason{"launch failed requeued held",
                "it could not be started on its node and is held: scontrol release {id}"},
    PlainReason{"Prolog", "its nodes are being prepared"},
    PlainReason{"Cleaning", "it was put back into the queue and its last run is being cleaned up"},
    PlainReason{"None", "Slurm has not looked at it yet"},
};

std::string place(int line) {
  return line == 0 ? "" : fmt::format(" ({})", model::place_words(line));
}

// "14:30", with the day when it is not today's.
std::string clock(UtcTime time, UtcTime now) {
  const std::string iso = to_iso(time);
  return (iso.substr(0, 10) == to_iso(now).substr(0, 10) ? "" : iso.substr(0, 10) + " ") +
         iso.substr(11, 5) + " UTC";
}

std::int64_t amount(const Job& job, const LimitKind& kind) {
  if (kind.tres.empty()) {
    return kind.name == "wall" ? 0 : 1;
  }
  const auto found = job.amounts.find(std::string(kind.tres));
  return found == job.amounts.end() ? 0 : found->second;
}

// Accounts from `account` up to its department.
std::vector<std::string> way_up(const model::Campus& campus, const std::string& account) {
  std::vector<std::string> way;
  std::string at = account;
  while (way.size() < 64) {
    const model::Campus::Found found = campus.find_account(at);
    if (found.department == nullptr) {
      break;
    }
    way.push_back(at);
    if (found.project == nullptr) {
      break;
    }
    at = found.project->parent.empty() ? found.department->name : found.project->parent;
  }
  return way;
}

using Counts = std::function<bool(const Job&)>;

// A limit where it stands: whose jobs count.
struct Standing {
  std::string where;
  const LimitKind* kind = nullptr;
  model::Limit limit;
  Counts counts;
};

bool is_submitted(const LimitKind& kind) { return kind.name.starts_with("submitted"); }

void add_standing(std::vector<Standing>& all, const std::string& where, const model::Limits& limits,
                  const std::string& user, const Counts& counts) {
  for (const LimitKind& kind : model::kLimitKinds) {
    const auto limit = limits.find(std::string(kind.name));
    if (limit == limits.end() || (kind.scope == LimitScope::user && user.empty())) {
      continue;
    }
    const bool only_user = kind.scope == LimitScope::user;
    all.push_back({where, &kind, limit->second, [=](const Job& job) {
                     return counts(job) && (!only_user || job.user == user) &&
                            (is_running(job) || is_submitted(kind));
                   }});
  }
}

std::vector<Standing> standings(const model::Campus& campus, const std::string& user,
                                const std::string& account, const std::string& qos) {
  std::vector<Standing> all;
  if (const model::Qos* rules = campus.find_qos(qos)) {
    add_standing(all, "QoS " + qos, rules->limits, user,
                 [qos](const Job& job) { return job.qos == qos; });
  }
  for (const std::string& each : way_up(campus, account)) {
    const model::Campus::Found found = campus.find_account(each);
    const auto below = [&campus, each](const Job& job) {
      const auto way = way_up(campus, job.account);
      return std::find(way.begin(), way.end(), each) != way.end();
    };
    const bool is_project = found.project != nullptr;
    const model::Limits& limits = is_project ? found.project->limits : found.department->limits;
    // A limit per user of an account counts that user's jobs in that very account.
    for (const auto& [name, limit] : limits) {
      const LimitKind* kind = model::find_limit_kind(name);
      const bool own = kind != nullptr && kind->scope == LimitScope::user;
      if (own && each != account) {
        continue;
      }
      const auto counts =
          own ? Counts([each](const Job& job) { return job.account == each; }) : Counts(below);
      add_standing(all, fmt::format("{} {}", is_project ? "project" : "department", each),
                   {{name, limit}}, user, counts);
    }
  }
  return all;
}

std::int64_t used_of(const Standing& standing, const std::vector<Job>& jobs) {
  std::int64_t used = 0;
  for (const Job& job : jobs) {
    used += standing.counts(job) ? amount(job, *standing.kind) : 0;
  }
  return used;
}

bool is_for_one_job(const LimitKind& kind) {
  return kind.scope == LimitScope::job || kind.scope == LimitScope::least;
}

std::string number_words(const LimitKind& kind, std::int64_t value) {
  return model::limit_words(kind, value);
}

// Who has it: the largest first, at most three.
std::string who_has(const WhyFacts& facts, const Standing& standing) {
  std::vector<std::pair<std::int64_t, const Job*>> holders;
  for (const Job& job : facts.jobs) {
    if (job.id != facts.job.id && standing.counts(job) && amount(job, *standing.kind) > 0) {
      holders.emplace_back(amount(job, *standing.kind), &job);
    }
  }
  std::sort(holders.begin(), holders.end(),
            [](const auto& left, const auto& right) { return left.first > right.first; });
  constexpr std::size_t kNamed = 3;
  std::vector<std::string> words;
  for (std::size_t i = 0; i < std::min(holders.size(), kNamed); ++i) {
    const Job& job = *holders[i].second;
    const std::string has = standing.kind->tres.empty()
                                ? std::string()
                                : " with " + number_words(*standing.kind, holders[i].first);
    words.push_back(fmt::format("job {}{}{}", job.id,
                                job.user == facts.job.user ? "" : " of " + job.user, has));
  }
  if (holders.size() > kNamed) {
    words.push_back(fmt::format("{} more", holders.size() - kNamed));
  }
  return join(words, ", ");
}

// The first end among those who have it.
UtcTime first_end(const WhyFacts& facts, const Standing& standing) {
  UtcTime first{};
  for (const Job& job : facts.jobs) {
    const bool has = job.id != facts.job.id && is_running(job) && standing.counts(job);
    if (has && job.end != UtcTime{} && (first == UtcTime{} || job.end < first)) {
      first = job.end;
    }
  }
  return first;
}

std::string own_job(const WhyFacts& facts, const Standing& standing) {
  for (const Job& job : facts.jobs) {
    if (job.id != facts.job.id && job.user == facts.job.user && standing.counts(job)) {
      return job.id;
    }
  }
  return {};
}

std::string limit_sentence(const WhyFacts& facts, const Standing& standing) {
  const Job& job = facts.job;
  const LimitKind& kind = *standing.kind;
  const std::string most = number_words(kind, standing.limit.value);
  if (is_for_one_job(kind)) {
    return fmt::format(
        "Job {} waits for ever: it asks for {} than the {} {} that {} allows{}. "
        "Change it (scontrol update JobId={}) or submit it anew.",
        job.id, kind.scope == LimitScope::least ? "less" : "more", most, kind.words, standing.where,
        place(standing.limit.line), job.id);
  }
  const std::int64_t used = used_of(standing, facts.jobs);
  const std::string who = who_has(facts, standing);
  std::string text = fmt::format("Job {} waits because {} of {} {} of {} are in use{}{}", job.id,
                                 number_words(kind, used), most, kind.words, standing.where,
                                 place(standing.limit.line), who.empty() ? "" : ": " + who);
  const std::int64_t asked = amount(job, kind);
  if (!kind.tres.empty() && asked > 0) {
    text += fmt::format("; it asks for {}", number_words(kind, asked));
    if (asked > standing.limit.value) {
      return text + ", more than it can ever have: ask for less.";
    }
  }
  text += ".";
  const UtcTime end = first_end(facts, standing);
  if (end != UtcTime{}) {
    text += fmt::format(" The first of them ends by {}", clock(end, facts.now));
    const std::string own = own_job(facts, standing);
    const std::int64_t left = standing.limit.value - used;
    text +=
        !kind.tres.empty() && left > 0 && asked > left
            ? fmt::format("; it starts sooner if it asks for {} or less.", number_words(kind, left))
        : !own.empty() ? fmt::format("; sooner if one of your own ends: scancel {}.", own)
                       : ".";
  }
  return text;
}

// The standing limit that a reason means: of those that it may, the one that is used up.
std::optional<Standing> meant(const WhyFacts& facts, const LimitReason& reason) {
  if (facts.campus == nullptr) {
    return std::nullopt;
  }
  const auto all = standings(*facts.campus, facts.job.user, facts.job.account, facts.job.qos);
  std::optional<Standing> likely;
  for (const std::string_view name : reason.limits) {
    for (const Standing& each : all) {
      if (name.empty() || each.kind->name != name ||
          each.where.starts_with("QoS ") != reason.by_qos) {
        continue;
      }
      likely = likely ? likely : each;
      const std::int64_t asked = std::max<std::int64_t>(amount(facts.job, *each.kind), 1);
      if (is_for_one_job(*each.kind) || used_of(each, facts.jobs) + asked > each.limit.value) {
        return each;
      }
    }
  }
  return likely;
}

std::string starts(const Job& job, UtcTime now) {
  return job.start > now ? fmt::format(" Slurm expects it to start at {}.", clock(job.start, now))
                         : std::string();
}

// Another partition that the account may use and where nobody waits.
std::string other_partition(const WhyFacts& facts) {
  for (const PartitionRights& each : facts.partitions) {
    const bool allowed =
        each.accounts.empty() ||
        std::any_of(each.accounts.begin(), each.accounts.end(), [&](const std::string& account) {
          const auto way = facts.campus == nullptr ? std::vector<std::string>{facts.job.account}
                                                   : way_up(*facts.campus, facts.job.account);
          return std::find(way.begin(), way.end(), account) != way.end();
        });
    const bool waits = facts.waiting.contains(each.name);
    const bool same = std::any_of(
        facts.partitions.begin(), facts.partitions.end(), [&](const PartitionRights& own) {
          return own.name == facts.job.partition && own.groups == each.groups;
        });
    if (allowed && !waits && !same && each.qos.empty() && !each.administrators_only &&
        each.name != facts.job.partition && !each.groups.empty()) {
      return each.name;
    }
  }
  return {};
}

std::string queue_sentence(const WhyFacts& facts) {
  const Job& job = facts.job;
  const int before = job.before;
  std::string text =
      job.reason == "Priority"
          ? fmt::format(
                "Job {} waits its turn in partition {}: {} job{} with a higher priority "
                "wait{} before it.",
                job.id, job.partition, before, before == 1 ? "" : "s", before == 1 ? "s" : "")
          : fmt::format("Job {} is next in partition {} and waits until {} are free together.",
                        job.id, job.partition, amounts_words(job.amounts));
  text += starts(job, facts.now);
  const std::string other = other_partition(facts);
  text += " A shorter time (--time) lets Slurm fit it in between others";
  return text + (other.empty() ? "." : fmt::format("; nobody waits in partition {}.", other));
}

std::string with_id(std::string_view words, const std::string& id) {
  std::string text(words);
  for (std::size_t mark = text.find("{id}"); mark != std::string::npos; mark = text.find("{id}")) {
    text.replace(mark, 4, id);
  }
  return text;
}

}  // namespace

std::vector<LimitUse> limits_with_use(const model::Campus& campus, const std::string& user,
                                      const std::string& account, const std::string& qos,
                                      const std::vector<Job>& jobs) {
  std::vector<LimitUse> all;
  for (const Standing& each : standings(campus, user, account, qos)) {
    const bool one = is_for_one_job(*each.kind);
    const std::int64_t used = one ? 0 : used_of(each, jobs);
    const std::string most = number_words(*each.kind, each.limit.value);
    all.push_back(
        {.where = each.where,
         .words = std::string(each.kind->words),
         .used = used,
         .limit = each.limit.value,
         .shown = one ? most : fmt::format("{} of {}", number_words(*each.kind, used), most),
         .line = each.limit.line,
         .for_one_job = one});
  }
  return all;
}

std::string why(const WhyFacts& facts) {
  const Job& job = facts.job;
  if (is_running(job)) {
    return fmt::format(
        "Job {} runs since {} with {}{}.", job.id, clock(job.start, facts.now),
        amounts_words(job.amounts),
        job.end == UtcTime{} ? "" : ", by its limit until " + clock(job.end, facts.now));
  }
  if (!is_waiting(job)) {
    return fmt::format("Job {} does not wait: it is {}.", job.id, job.state);
  }
  if (job.reason == "Priority" || job.reason == "Resources") {
    return queue_sentence(facts);
  }
  for (const LimitReason& each : kLimitReasons) {
    if (each.reason == job.reason) {
      if (const auto standing = meant(facts, each)) {
        return limit_sentence(facts, *standing);
      }
      return fmt::format(
          "Job {} waits because of a limit that is not in campus.toml: Slurm says "
          "{}. See it by: provost drift",
          job.id, job.reason);
    }
  }
  for (const PlainReason& each : kPlainReasons) {
    if (job.reason.starts_with(each.reason)) {
      return fmt::format("Job {} waits: {}.", job.id, with_id(each.words, job.id)) +
             starts(job, facts.now);
    }
  }
  return fmt::format("Job {} waits; Slurm says: {}.", job.id, job.reason) + starts(job, facts.now);
}

std::vector<std::string> known_reasons() {
  std::vector<std::string> names = {"Priority", "Resources"};
  for (const LimitReason& each : kLimitReasons) {
    names.emplace_back(each.reason);
  }
  for (const PlainReason& each : kPlainReasons) {
    names.emplace_back(each.reason);
  }
  return names;
}

}  // namespace provost::scheduling
