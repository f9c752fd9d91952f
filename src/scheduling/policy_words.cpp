#include "scheduling/policy_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "base/text.hpp"
#include "model/limits.hpp"
#include "model/overlay.hpp"
#include "scheduling/calendar.hpp"

namespace provost::scheduling {
namespace {

using slurm::JobSeen;

std::string jobs_words(std::size_t count, std::string_view what) {
  return fmt::format("{} {} job{}", count, what, count == 1 ? "" : "s");
}

std::vector<std::string> difference(const std::vector<std::string>& from,
                                    const std::vector<std::string>& in) {
  std::vector<std::string> left;
  for (const std::string& each : from) {
    const bool known = std::find(in.begin(), in.end(), each) != in.end() ||
                       std::find(left.begin(), left.end(), each) != left.end();
    if (!known) {
      left.push_back(each);
    }
  }
  return left;
}

/// Collects the changes of one campus to another.
class Changes {
 public:
  Changes(const model::Campus& before, const model::Campus& after, const std::vector<JobSeen>& jobs)
      : before_(before), after_(after), jobs_(jobs) {}

  std::vector<PolicyChange> all() {
    scheduler();
    for (const model::Qos& qos : after_.qos) {
      quality(before_.find_qos(qos.name), qos);
    }
    for (const model::Qos& qos : before_.qos) {
      if (after_.find_qos(qos.name) == nullptr) {
        say(fmt::format("QoS {} goes", qos.name), 0);
      }
    }
    for (const model::Department& each : after_.departments) {
      department(before_.find_department(each.name), each);
    }
    for (const model::Department& each : before_.departments) {
      if (after_.find_department(each.name) == nullptr) {
        gone("department", each.name);
      }
    }
    idle();
    calendar();
    people("an administrator", "administers the cluster", before_.administrators,
           after_.administrators, "campus.administrators");
    return std::move(found_);
  }

 private:
  using Concerns = std::function<bool(const JobSeen&)>;

  PolicyChange& say(std::string sentence, int line) {
    found_.push_back({std::move(sentence), model::place_words(line), {}, {}});
    return found_.back();
  }

  // Where the file as it will be says it; what it says no more has no line.
  [[nodiscard]] int line(const std::string& what, int otherwise = 0) const {
    const int is = after_.line_of(what);
    return is != 0 ? is : otherwise;
  }

  template <class Value>
  void value(const Value& was, const Value& is, std::string_view what, int line,
             const std::function<std::string(const Value&)>& words) {
    if (was != is) {
      say(fmt::format("{} is {} instead of {}", what, words(is), words(was)), line);
    }
  }

  void number(std::int64_t was, std::int64_t is, std::string_view what, int line) {
    value<std::int64_t>(was, is, what, line,
                        [](const std::int64_t& each) { return std::to_string(each); });
  }

  void minutes(std::int64_t was, std::int64_t is, std::string_view what, const char* field) {
    value<std::int64_t>(was, is, what, line(fmt::format("scheduler.{}", field)),
                        [](const std::int64_t& each) { return model::duration_words(each); });
  }

  void names(const std::vector<std::string>& was, const std::vector<std::string>& is,
             std::string_view what, int line) {
    value<std::vector<std::string>>(was, is, what, line, [](const std::vector<std::string>& each) {
      return each.empty() ? std::string("not said") : join(each, ", ");
    });
  }

  void scheduler() {
    const model::Scheduler& was = before_.scheduler;
    const model::Scheduler& is = after_.scheduler;
    const auto at = [&](const std::string& what) { return line("scheduler." + what); };
    minutes(was.half_life_minutes, is.half_life_minutes, "half life of use for fair-share",
            "half_life");
    minutes(was.max_age_minutes, is.max_age_minutes, "longest age that counts", "max_age");
    minutes(was.default_time_minutes, is.default_time_minutes, "time of a job that does not ask",
            "defaults.time");
    minutes(was.max_time_minutes, is.max_time_minutes, "longest time of a job", "max_time");
    number(was.weight_age, is.weight_age, "weight of age", at("weights.age"));
    number(was.weight_fairshare, is.weight_fairshare, "weight of fair-share",
           at("weights.fairshare"));
    number(was.weight_qos, is.weight_qos, "weight of QoS", at("weights.qos"));
    number(was.weight_project, is.weight_project, "weight of projects", at("weights.project"));
    number(was.weight_partition, is.weight_partition, "weight of partitions",
           at("weights.partition"));
    number(was.weight_size, is.weight_size, "weight of size", at("weights.size"));
    number(was.cpus_per_gpu, is.cpus_per_gpu, "CPUs for each GPU of a job that does not ask",
           at("defaults.cpus_per_gpu"));
    number(was.memory_per_cpu_mib.value_or(0), is.memory_per_cpu_mib.value_or(0),
           "MiB of memory for each CPU of a job that does not ask", at("defaults.memory_per_cpu"));
  }

  void idle() {
    const auto& was = before_.idle;
    const auto& is = after_.idle;
    if (was && !is) {
      say("interactive allocations that nobody uses are kept", 0);
    } else if (is && !was) {
      say(fmt::format("interactive allocations unused for {} are released, their owners warned {} "
                      "before",
                      model::duration_words(is->after_minutes),
                      model::duration_words(is->warn_minutes)),
          is->line);
    } else if (is) {
      value<std::int64_t>(was->after_minutes, is->after_minutes, "an unused allocation's time",
                          is->line, &model::duration_words);
      value<std::int64_t>(was->warn_minutes, is->warn_minutes,
                          "the time between warning and release", is->line, &model::duration_words);
      value<double>(was->cpu_below, is->cpu_below, "the part of a CPU that is no use", is->line,
                    [](const double& each) { return fmt::format("{:.0f} %", each * 100); });
      names(was->exempt, is->exempt, "what is exempt from release", is->line);
    }
  }

  void calendar() {
    const auto find = [](const model::Campus& campus, const std::string& name) {
      const auto& all = campus.reservations;
      const auto found = std::find_if(all.begin(), all.end(), [&](const model::Reservation& each) {
        return each.name == name;
      });
      return found == all.end() ? nullptr : &*found;
    };
    for (const model::Reservation& each : after_.reservations) {
      const model::Reservation* was = find(before_, each.name);
      const std::string words = reservation_words(each);
      if (was == nullptr) {
        say(fmt::format("reserves {}: {}", each.name, words), each.line);
      } else if (reservation_words(*was) != words || was->from != each.from) {
        say(fmt::format("reservation {} is {} instead of {}", each.name, words,
                        reservation_words(*was)),
            each.line);
      }
    }
    for (const model::Reservation& each : before_.reservations) {
      if (find(after_, each.name) == nullptr) {
        say(fmt::format("reservation {} goes", each.name), 0);
      }
    }
  }

  // Jobs that wait for a limit that is raised or taken away.
  std::vector<std::string> held_back(const Concerns& concerns) {
    std::vector<std::string> ids;
    for (const JobSeen& job : jobs_) {
      const bool by_limit = job.reason.starts_with("QOS") || job.reason.starts_with("Assoc");
      if (slurm::is_waiting(job) && by_limit && concerns(job)) {
        ids.push_back(job.id);
      }
    }
    return ids;
  }

  void limits(const std::string& whose, const model::Limits& was, const model::Limits& is,
              const Concerns& concerns) {
    for (const model::LimitKind& kind : model::kLimitKinds) {
      const auto old_one = was.find(std::string(kind.name));
      const auto new_one = is.find(std::string(kind.name));
      if (old_one == was.end() && new_one == is.end()) {
        continue;
      }
      if (old_one == was.end()) {
        say(fmt::format("limits {} to {} {}", whose,
                        model::limit_words(kind, new_one->second.value), kind.words),
            new_one->second.line);
        continue;
      }
      const std::string before = model::limit_words(kind, old_one->second.value);
      if (new_one == is.end()) {
        eased(say(fmt::format("takes away the limit of {}, {} {}", whose, before, kind.words), 0),
              concerns);
      } else if (new_one->second.value != old_one->second.value) {
        const bool raises = new_one->second.value > old_one->second.value;
        PolicyChange& change = say(
            fmt::format("{} the limit of {} from {} to {} {}", raises ? "raises" : "lowers", whose,
                        before, model::limit_words(kind, new_one->second.value), kind.words),
            new_one->second.line);
        if (raises != (kind.scope == model::LimitScope::least)) {
          eased(change, concerns);
        }
      }
    }
  }

  void eased(PolicyChange& change, const Concerns& concerns) {
    change.waiting = held_back(concerns);
    if (!change.waiting.empty()) {
      change.sentence +=
          fmt::format("; {} could start", jobs_words(change.waiting.size(), "waiting"));
    }
  }

  void quality(const model::Qos* was, const model::Qos& is) {
    if (was == nullptr) {
      say(fmt::format("QoS {} is new", is.name), is.line);
      return;
    }
    const std::string name = "QoS " + is.name;
    limits(name, was->limits, is.limits, [&](const JobSeen& job) { return job.qos == is.name; });
    number(was->priority, is.priority, "priority of " + name,
           line("qos " + is.name + ".priority", is.line));
    names(was->preempted_by, is.preempted_by, "what preempts " + name,
          line("qos " + is.name + ".preempted_by", is.line));
    if (was->charge != is.charge) {
      say(fmt::format("use in {} counts {:g} % instead of {:g} %", name, is.charge * 100,
                      was->charge * 100),
          line("qos " + is.name + ".charge", is.line));
    }
    if (was->refuses != is.refuses) {
      say(fmt::format("a job beyond a limit of {} {}", name,
                      is.refuses ? "is refused at once" : "waits instead of being refused"),
          line("qos " + is.name + ".refuse", is.line));
    }
  }

  [[nodiscard]] bool is_below(const std::string& account, const std::string& above) const {
    const model::Campus::Found found = before_.find_account(account);
    return account == above || (found.department != nullptr && found.department->name == above);
  }

  void department(const model::Department* was, const model::Department& is) {
    const std::string name = "department " + is.name;
    if (was == nullptr) {
      say(fmt::format("{} is new: {} people, {} projects", name,
                      is.members.size() + is.supervisors.size(), is.projects.size()),
          is.line);
      return;
    }
    const auto at = [&](const char* field) {
      return line(fmt::format("{}.{}", is.name, field), is.line);
    };
    people("supervisor of " + is.name, "supervises " + is.name, was->supervisors, is.supervisors,
           is.name + ".supervisors");
    members(is.name, all_of(*was), all_of(is));
    number(was->share, is.share, "share of " + name, at("share"));
    limits(name, was->limits, is.limits,
           [&](const JobSeen& job) { return is_below(job.account, is.name); });
    names(was->owns, is.owns, "groups of " + name + "'s own", at("owns"));
    names(was->partitions, is.partitions, "partitions of " + name, at("partitions"));
    names(was->qos, is.qos, "QoS of " + name, at("qos"));
    value<std::string>(was->until, is.until, "last day of " + name, at("until"), day);
    for (const model::Project& project : is.projects) {
      const model::Campus::Found before = before_.find_account(project.name);
      this->project(before.project, project, is.name);
    }
    for (const model::Project& project : was->projects) {
      if (after_.find_account(project.name).project == nullptr) {
        gone("project", project.name);
      }
    }
  }

  static std::string day(const std::string& text) { return text.empty() ? "not said" : text; }

  static std::vector<std::string> all_of(const model::Department& department) {
    std::vector<std::string> names = department.supervisors;
    names.insert(names.end(), department.members.begin(), department.members.end());
    return names;
  }

  static std::vector<std::string> all_of(const model::Project& project) {
    std::vector<std::string> names = project.members;
    if (!project.lead.empty()) {
      names.push_back(project.lead);
    }
    return names;
  }

  void project(const model::Project* was, const model::Project& is, const std::string& department) {
    const std::string name = "project " + is.name;
    if (was == nullptr) {
      say(fmt::format("{} of {} is new: {} people", name, department, all_of(is).size()), is.line);
      return;
    }
    const auto at = [&](const char* field) {
      return line(fmt::format("{}.{}", is.name, field), is.line);
    };
    value<std::string>(was->lead, is.lead, "lead of " + name, at("lead"), day);
    value<std::string>(was->parent, is.parent, "project above " + is.name, at("parent"), day);
    value<std::string>(was->until, is.until, "last day of " + name, at("until"), day);
    members(is.name, all_of(*was), all_of(is));
    number(was->share, is.share, "share of " + name, at("share"));
    number(was->priority, is.priority, "priority of " + name, at("priority"));
    limits(name, was->limits, is.limits,
           [&](const JobSeen& job) { return job.account == is.name; });
  }

  void people(const std::string& role, const std::string& does, const std::vector<std::string>& was,
              const std::vector<std::string>& is, const std::string& list) {
    for (const std::string& each : difference(is, was)) {
      say(fmt::format("{} {} from now on", each, does), line(fmt::format("{}/{}", list, each)));
    }
    for (const std::string& each : difference(was, is)) {
      say(fmt::format("{} is no longer {}", each, role), 0);
    }
  }

  void members(const std::string& account, const std::vector<std::string>& was,
               const std::vector<std::string>& is) {
    for (const std::string& each : difference(is, was)) {
      int where = line(fmt::format("{}.members/{}", account, each));
      where = line(fmt::format("{}.supervisors/{}", account, each), where);
      say(fmt::format("{} joins {}", each, account), where != 0 ? where : line(account + ".lead"));
    }
    for (const std::string& each : difference(was, is)) {
      leaves(fmt::format("{} leaves {}", each, account),
             [&](const JobSeen& job) { return job.user == each && job.account == account; });
    }
  }

  void leaves(const std::string& who, const Concerns& concerns) {
    PolicyChange& change = say(who + ": no new jobs", 0);
    for (const JobSeen& job : jobs_) {
      if (concerns(job)) {
        (slurm::is_waiting(job) ? change.waiting : change.awaits).push_back(job.id);
      }
    }
    if (!change.awaits.empty()) {
      change.sentence +=
          fmt::format("; {} first", change.awaits.size() == 1
                                        ? "1 running job ends"
                                        : fmt::format("{} running jobs end", change.awaits.size()));
    }
    if (!change.waiting.empty()) {
      change.sentence += fmt::format(
          "; {} cancelled", change.waiting.size() == 1
                                ? "1 waiting job is"
                                : fmt::format("{} waiting jobs are", change.waiting.size()));
    }
  }

  void gone(const std::string& what, const std::string& name) {
    leaves(fmt::format("{} {} goes", what, name),
           [&](const JobSeen& job) { return is_below(job.account, name); });
  }

  const model::Campus& before_;
  const model::Campus& after_;
  const std::vector<JobSeen>& jobs_;
  std::vector<PolicyChange> found_;
};

}  // namespace

std::vector<PolicyChange> policy_changes(const model::Campus& before, const model::Campus& after,
                                         const std::vector<JobSeen>& jobs) {
  return Changes(before, after, jobs).all();
}

}  // namespace provost::scheduling
