// What supervisors do: the overlay on campus.toml, and the jobs of their departments.
#include <algorithm>

#include "base/text.hpp"
#include "service/asking.hpp"
#include "service/overlay_text.hpp"
#include "service/policy.hpp"
#include "service/world.hpp"

namespace provost::service {
namespace {

using model::Campus;

// Supervisors see all of their department's, who leads a project what is about it.
bool sees(const Campus& campus, const std::string& person, const model::Amendment& amendment) {
  return has(campus.administrators, person) || oversees(&campus, person, amendment.account);
}

bool leads_or_supervises(const Campus& campus, const std::string& person) {
  return has(campus.administrators, person) ||
         std::any_of(campus.departments.begin(), campus.departments.end(),
                     [&](const model::Department& each) {
                       return has(each.supervisors, person) ||
                              std::any_of(each.projects.begin(), each.projects.end(),
                                          [&](const model::Project& project) {
                                            return project.lead == person;
                                          });
                     });
}

std::string because(const Caller& caller, const Campus& campus, const std::string& account) {
  const Campus::Found found = campus.find_account(account);
  const bool theirs =
      found.department != nullptr && has(found.department->supervisors, caller.name);
  return is_person(caller) && theirs
             ? fmt::format("{} supervises {}", caller.name, found.department->name)
             : fmt::format("{} administers the cluster", caller.name);
}

// Numbers of a job, or of a task of an array.
bool is_job_number(const std::string& job) {
  const std::vector<std::string> parts = split(job, '_');
  constexpr std::size_t kDigits = 10;
  return parts.size() <= 2 && std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
           return !part.empty() && part.size() <= kDigits &&
                  part.find_first_not_of("0123456789") == std::string::npos;
         });
}

struct Doing {
  std::vector<std::string> argv;
  std::string words;  ///< "job 12 of minh is held"
};

Doing doing(JobAct act, const std::string& job, const std::string& user) {
  switch (act) {
    case JobAct::hold:
      return {{"scontrol", "hold", job}, fmt::format("job {} of {} is held", job, user)};
    case JobAct::release:
      return {{"scontrol", "release", job}, fmt::format("job {} of {} is released", job, user)};
    case JobAct::cancel:
      return {{"scancel", job}, fmt::format("job {} of {} is cancelled", job, user)};
  }
  return {};
}

// What an act cannot do to a job as it is.
Status check_state(const scheduling::Job& found, const std::string& job, JobAct act) {
  const bool waits = found.state == "PENDING";
  if (found.state == "COMPLETING") {
    return fail(ErrorKind::conflict, "job {} is ending already", job);
  }
  if (act == JobAct::hold && !waits) {
    return pass(Error{ErrorKind::conflict,
                      fmt::format("job {} has begun: only one that waits can be held", job),
                      "to end it: provost job cancel " + job});
  }
  constexpr std::string_view kHeld = "Held";
  const bool held = waits && (found.reason.find(kHeld) != std::string::npos ||
                              found.reason.find("held") != std::string::npos);
  if (act == JobAct::release && !held) {
    return pass(Error{ErrorKind::conflict, fmt::format("job {} is not held", job),
                      waits ? "why it waits: provost why " + job : std::string()});
  }
  return {};
}

Status check_right(const Caller& caller, const Campus& campus, const scheduling::Job& found,
                   JobAct act) {
  if (!is_person(caller) || scheduling::supervises(campus, caller.name, found.account)) {
    return {};
  }
  if (found.user == caller.name) {
    const char* own = act == JobAct::cancel ? "scancel"
                      : act == JobAct::hold ? "scontrol hold"
                                            : "scontrol release";
    return pass(Error{ErrorKind::denied, fmt::format("job {} is your own", found.id),
                      fmt::format("Slurm does that for you: {} {}", own, found.id)});
  }
  const Campus::Found account = campus.find_account(found.account);
  return pass(Error{ErrorKind::denied,
                    fmt::format("{} does not supervise {}", caller.name, found.account),
                    account.department == nullptr || account.department->supervisors.empty()
                        ? std::string("ask an administrator")
                        : fmt::format("ask {}, who supervises it",
                                      join(account.department->supervisors, " or "))});
}

}  // namespace

std::vector<OverlayLine> overlay_lines(const model::Overlay& overlay, const Campus& file) {
  Campus campus = file;
  const auto without_effect = scheduling::apply_overlay(campus, overlay);
  std::vector<OverlayLine> lines;
  for (const model::Amendment& each : overlay.amendments) {
    const auto found =
        std::find_if(without_effect.begin(), without_effect.end(),
                     [&](const scheduling::VoidAmendment& one) { return one.id == each.id; });
    lines.push_back({each, scheduling::words(each),
                     found == without_effect.end() ? std::string() : found->why});
  }
  return lines;
}

Result<Campus> file_campus(const store::Cluster& row) {
  const auto catalogue = catalogue_of(row);
  if (!catalogue) {
    return pass(catalogue.error());
  }
  const spec::Checked checked = spec::check(sources_of(row), *catalogue);
  if (!checked.cluster || !checked.cluster->campus) {
    return pass(no_campus(row.name));
  }
  return *checked.cluster->campus;
}

Result<OverlayReport> Desk::overlay(const Caller& caller, const std::string& name) {
  const auto asking = ask(caller, name);
  if (!asking) {
    return pass(asking.error());
  }
  if (asking->campus == nullptr) {
    return pass(no_campus(name));
  }
  if (is_person(caller) && !leads_or_supervises(*asking->campus, caller.name)) {
    return pass(Error{ErrorKind::denied,
                      fmt::format("{} supervises no department and leads no project", caller.name),
                      "what is yours: provost my"});
  }
  const auto file = file_campus(asking->reading.row);
  if (!file) {
    return pass(file.error());
  }
  OverlayReport report{overlay_lines(read_overlay(asking->reading.row.overlay), *file)};
  if (is_person(caller)) {
    std::erase_if(report.lines, [&](const OverlayLine& each) {
      return !sees(*asking->campus, caller.name, each.amendment);
    });
  }
  return report;
}

Result<AmendedReport> Desk::change_overlay(const Caller& caller, const std::string& name,
                                           const Amend& amend) {
  if (const auto allowed = ask(caller, name); !allowed) {
    return pass(allowed.error());
  }
  const std::scoped_lock lock(world_.change_mutex());
  const auto row = row_named(name);
  if (!row) {
    return pass(row.error());
  }
  if (row->deleting) {
    return fail(ErrorKind::conflict, "{} is being deleted", name);
  }
  const auto file = file_campus(*row);
  if (!file) {
    return pass(file.error());
  }
  const bool administrator = !is_person(caller) || has(file->administrators, caller.name);
  const auto made =
      amend(*file, read_overlay(row->overlay), {caller.name, administrator, now_utc()});
  if (!made) {
    return pass(made.error());
  }
  const Status written = world_.store().write("overlay", [&](store::Writer& writer) {
    writer.set_overlay(row->id, to_text(made->overlay));
    writer.add_event(
        {.cluster = name, .actor = caller.name, .what = made->words, .because = made->because});
  });
  if (!written) {
    return pass(written.error());
  }
  return AmendedReport{made->words, made->because};
}

Result<AmendedReport> Desk::amend(const Caller& caller, const std::string& name,
                                  const scheduling::Amending& wanted) {
  return change_overlay(
      caller, name,
      [&](const Campus& file, const model::Overlay& overlay, const scheduling::Amender& amender) {
        return scheduling::amend(file, overlay, amender, wanted);
      });
}

Result<AmendedReport> Desk::take_back(const Caller& caller, const std::string& name, int id) {
  return change_overlay(
      caller, name,
      [&](const Campus& file, const model::Overlay& overlay, const scheduling::Amender& amender) {
        return scheduling::take_back(file, overlay, amender, id);
      });
}

Result<AmendedReport> Desk::act_on_job(const Caller& caller, const std::string& name,
                                       const std::string& job, JobAct act) {
  if (!is_job_number(job)) {
    return pass(Error{ErrorKind::invalid, fmt::format("\"{}\" is no job's number", shorten(job)),
                      "as squeue shows it: 17, or 17_4 of an array"});
  }
  const auto asking = ask(caller, name);
  if (!asking) {
    return pass(asking.error());
  }
  if (asking->campus == nullptr) {
    return pass(no_campus(name));
  }
  const auto list = jobs_of(asking->run, {.user = {}, .job = job, .accounts = {}});
  if (!list) {
    return pass(list.error());
  }
  const scheduling::Job* found = find_job(list->jobs, job);
  if (found == nullptr) {
    return pass(no_such_job(name, job));
  }
  for (const Status& checked :
       {check_right(caller, *asking->campus, *found, act), check_state(*found, job, act)}) {
    if (!checked) {
      return pass(checked.error());
    }
  }
  const Doing what = doing(act, job, found->user);
  const AmendedReport report{what.words, because(caller, *asking->campus, found->account)};
  const auto ran = asking->run(what.argv, "");
  if (!ran || ran->status != 0) {
    return pass(Error{ErrorKind::unavailable,
                      fmt::format("Slurm does not do it: {}",
                                  ran ? slurm::last_words(ran->err) : ran.error().message),
                      "provost why " + job});
  }
  const Status written = world_.store().write("act on job", [&](store::Writer& writer) {
    writer.add_event(
        {.cluster = name, .actor = caller.name, .what = report.words, .because = report.because});
  });
  if (!written) {
    return pass(written.error());
  }
  return report;
}

}  // namespace provost::service
