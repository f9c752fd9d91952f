#include "service/idle_watch.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "model/limits.hpp"
#include "service/letters.hpp"
#include "service/world.hpp"

namespace provost::service {
namespace {

using scheduling::IdleAct;
using scheduling::RunningJob;
using scheduling::Unused;

constexpr const char* kRoom = "service";
constexpr std::chrono::seconds kLooks{15};
constexpr std::chrono::seconds kLately{45};  // an agent tells each 15 s

std::string key_of(const std::string& cluster_id) { return cluster_id + "/idle"; }

bool has_gpus(const RunningJob& job) {
  return std::any_of(job.amounts.begin(), job.amounts.end(), [](const auto& amount) {
    return amount.second > 0 &&
           (amount.first.starts_with("gres/gpu") || amount.first.starts_with("gres/shard"));
  });
}

std::string left_alone_words(const scheduling::SeenUse& use, const std::string& exempt) {
  if (use.batch) {
    return "it has a batch script";
  }
  if (!exempt.empty()) {
    return exempt + " is exempt";
  }
  if (!use.known) {
    return "not every node of it has told of its use yet";
  }
  return use.gpus_hidden ? "the use of its GPUs cannot be seen" : "";
}

std::string line_words(const model::IdleRule& rule) {
  return rule.line > 0 ? fmt::format("campus.toml:{}", rule.line) : std::string("campus.toml");
}

}  // namespace

struct IdleWatch::Case {
  store::Cluster row;
  std::shared_ptr<const ClusterModel> model;
  const model::Campus* campus = nullptr;
  const model::IdleRule* rule = nullptr;
  slurm::Run run;
  std::vector<Unused> before;
  std::vector<IdleJob> jobs;
  std::vector<store::Event> events;
  std::map<std::int64_t, scheduling::SeenUse> uses;    // by job
  std::map<std::int64_t, scheduling::GpuPlaces> gpus;  // by job, of those with real ones
  std::vector<std::pair<std::size_t, IdleAct>> acts;   // places in `jobs`
  UtcTime now{};
};

IdleWatch::IdleWatch(World& world) : world_(world) {
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

IdleWatch::~IdleWatch() { stop(); }

void IdleWatch::stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
}

std::vector<IdleJob> IdleWatch::jobs(const std::string& cluster_id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = jobs_.find(cluster_id);
  return found == jobs_.end() ? std::vector<IdleJob>() : found->second;
}

void IdleWatch::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    for (const store::Cluster& row : world_.store().clusters()) {
      if (row.arrived && !row.deleting && !stop.stop_requested()) {
        look_at(row);
      }
    }
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, stop, kLooks, [] { return false; });
  }
}

void IdleWatch::look_at(const store::Cluster& row) {
  Case one{.row = row, .run = {}};
  const auto model = world_.model_of(row, world_.store().nodes(row.id));
  const bool ruled = model && (*model)->cluster.campus && (*model)->cluster.campus->idle;
  if (!ruled) {
    const std::scoped_lock lock(mutex_);
    jobs_.erase(row.id);
    looks_.erase(row.id);
    return;
  }
  if (!world_.collector().picture(row.id)) {
    return;  // slurmctld does not answer: nothing is known, and nothing is done
  }
  one.model = *model;
  one.campus = &*one.model->cluster.campus;
  one.rule = &*one.campus->idle;
  one.run = run_on(world_.agents(), {row.id, one.model->layout.controller().name});
  const auto ran = one.run(scheduling::list_running_command(), "");
  if (!ran || ran->status != 0) {
    return;
  }
  one.before = scheduling::unused_from(world_.store().setting(key_of(row.id)).value_or(""));
  for (RunningJob& job : scheduling::parse_running(ran->out)) {
    one.jobs.push_back({.job = std::move(job), .left_alone = {}, .unused = {}});
  }
  find_gpus(one);
  one.now = now_utc();
  judge(one);
  if (const Status kept = keep(one); !kept) {
    log::error(kRoom, "cluster={} unused allocations are left alone: {}", row.name,
               kept.error().message);
    return;
  }
  for (const auto& [place, what] : one.acts) {
    const IdleJob& idle = one.jobs[place];
    if (what == IdleAct::warn) {
      warn(one, idle.job, *idle.unused);
    } else {
      release(one, idle.job, *idle.unused);
    }
  }
  ignore(keep(one), "what was told is told again");
  const std::scoped_lock lock(mutex_);
  jobs_[row.id] = std::move(one.jobs);
}

scheduling::SeenUse IdleWatch::use_of(const Case& one, const RunningJob& job) {
  scheduling::SeenUse use{.known = !job.nodes.empty()};
  for (const std::string& name : job.nodes) {
    const cluster::AgentSeen seen = world_.agents().seen({one.row.id, name});
    const bool lately = seen.connected && seen.jobs && one.now - seen.jobs_heard < kLately;
    use.known = use.known && lately;
    for (const protocol::JobUse& each : seen.jobs.value_or(std::vector<protocol::JobUse>())) {
      if (each.job == job.number) {
        use.cpu_millis += each.cpu_millis;
        use.batch = use.batch || each.batch;
      }
    }
    const auto node = one.model->nodes.find(name);
    if (has_gpus(job) && node != one.model->nodes.end() && node->second.place.gpus_are_real) {
      add_gpus(one, job, node->second.place, seen, use);
    }
  }
  return use;
}

// What the node's driver says of those GPUs that the job was given there.
void IdleWatch::add_gpus(const Case& one, const RunningJob& job, const model::NodePlace& place,
                         const cluster::AgentSeen& seen, scheduling::SeenUse& use) {
  const auto given = one.gpus.find(job.number);
  const auto here = given == one.gpus.end() ? scheduling::GpuPlaces::const_iterator{}
                                            : given->second.find(place.name);
  if (given == one.gpus.end() || here == given->second.end() || !seen.gpus) {
    use.gpus_hidden = true;
    return;
  }
  for (const std::size_t index : here->second) {
    const auto told =
        std::find_if(seen.gpus->begin(), seen.gpus->end(), [&](const protocol::GpuUse& each) {
          return index < place.gpu_files.size() && each.file == place.gpu_files[index];
        });
    if (told == seen.gpus->end()) {
      use.gpus_hidden = true;
      return;
    }
    use.gpu_millis += told->busy_millis;
  }
}

// slurmctld is asked only where a job has GPUs that can be seen.
void IdleWatch::find_gpus(Case& one) {
  std::vector<std::int64_t> jobs;
  for (const IdleJob& each : one.jobs) {
    const bool real =
        std::any_of(each.job.nodes.begin(), each.job.nodes.end(), [&](const std::string& name) {
          const auto node = one.model->nodes.find(name);
          return node != one.model->nodes.end() && node->second.place.gpus_are_real;
        });
    if (real && has_gpus(each.job)) {
      jobs.push_back(each.job.number);
    }
  }
  if (jobs.empty()) {
    return;
  }
  const auto ran = one.run(scheduling::list_gpus_command(jobs), "");
  if (ran && ran->status == 0) {
    one.gpus = scheduling::parse_gpus(ran->out);
  }
}

void IdleWatch::judge(Case& one) {
  Looks looks;
  for (std::size_t place = 0; place < one.jobs.size(); ++place) {
    const IdleAct act = judge(one, one.jobs[place], looks);
    if (act != IdleAct::none) {
      one.acts.emplace_back(place, act);
    }
  }
  looks_[one.row.id] = std::move(looks);
}

IdleAct IdleWatch::judge(Case& one, IdleJob& idle, Looks& looks) {
  const RunningJob& job = idle.job;
  const scheduling::SeenUse use = use_of(one, job);
  const std::string exempt = scheduling::exempt_by(*one.rule, *one.campus, job);
  idle.left_alone = left_alone_words(use, exempt);
  if (!exempt.empty()) {
    return IdleAct::none;
  }
  std::optional<scheduling::LastLook> last;
  if (const auto known = looks_[one.row.id].find(job.number); known != looks_[one.row.id].end()) {
    last = known->second;
  }
  std::optional<Unused> before;
  for (const Unused& each : one.before) {
    before = each.job == job.number ? std::optional(each) : before;
  }
  const scheduling::IdleStep step = scheduling::look_at(*one.rule, job, use, before, last, one.now);
  if (use.known) {
    looks[job.number] = {.at = one.now, .cpu_millis = use.cpu_millis, .gpu_millis = use.gpu_millis};
  } else if (last) {
    looks[job.number] = *last;
  }
  one.uses[job.number] = use;
  idle.unused = step.unused;
  if (idle.unused) {
    idle.release = scheduling::release_at(*one.rule, *idle.unused);
    note(one, job, *idle.unused);
  }
  return step.act;
}

// The event of what has just been decided.
void IdleWatch::note(Case& one, const RunningJob& job, const Unused& unused) {
  const std::string words = scheduling::idle_words(job, unused, one.uses[job.number], one.now);
  const auto add = [&](store::Level level, const std::string& what) {
    one.events.push_back({.level = level,
                          .cluster = one.row.name,
                          .what = what,
                          .because = words + "; " + line_words(*one.rule)});
  };
  if (unused.released == one.now) {
    add(store::Level::warn, fmt::format("job {} of {} is released", job.id, job.user));
  } else if (unused.warned == one.now) {
    add(store::Level::info,
        fmt::format("{} is warned: job {} is released at {} UTC unless it is used", job.user,
                    job.id, to_clock(scheduling::release_at(*one.rule, unused))));
  }
}

Status IdleWatch::keep(Case& one) {
  std::vector<Unused> unused;
  for (const IdleJob& each : one.jobs) {
    if (each.unused) {
      unused.push_back(*each.unused);
    }
  }
  const std::string text = scheduling::to_text(unused);
  if (text == world_.store().setting(key_of(one.row.id)).value_or("")) {
    return {};
  }
  Status written = world_.store().write("idle", [&](store::Writer& writer) {
    writer.set(key_of(one.row.id), text);
    for (const store::Event& event : one.events) {
      writer.add_event(event);
    }
  });
  if (written) {
    one.events.clear();
  }
  return written;
}

void IdleWatch::warn(Case& one, const RunningJob& job, const Unused& unused) {
  const std::string words = scheduling::warning_words(*one.rule, job, unused, one.now);
  const auto told = one.run(scheduling::notify_command(job, words), "");
  if (!told) {
    return;  // the controller is away: the next look tells
  }
  for (const std::string& node : job.nodes) {
    const auto sessions = world_.agents().run(
        {one.row.id, node},
        {.argv = scheduling::tell_sessions_command(job), .input = words, .timeout = kLooks});
    if (!sessions) {
      log::warning(kRoom, "cluster={} node={} sessions of job {} are not told: {}", one.row.name,
                   node, job.id, sessions.error().message);
    }
  }
  const model::Person* person = one.campus->find_person(job.user);
  write_letter(world_, job.user, person == nullptr ? "" : person->title,
               {.name = fmt::format("{}.job-{}.warned", one.row.name, job.number),
                .subject = fmt::format("Job {} on {} is not used", job.id, one.row.name),
                .time = unused.warned,
                .text = fmt::format(
                    "{}\n\nSeen: {}.\nThe rule: unused for {} it is released, {} after this "
                    "letter at the earliest ({}).\nTo give it back now: scancel {}\n",
                    words, scheduling::idle_words(job, unused, one.uses[job.number], one.now),
                    model::duration_words(one.rule->after_minutes),
                    model::duration_words(one.rule->warn_minutes), line_words(*one.rule), job.id)});
  for (IdleJob& each : one.jobs) {
    if (each.unused && each.job.number == job.number) {
      each.unused->told = true;
    }
  }
}

void IdleWatch::release(Case& one, const RunningJob& job, const Unused& unused) {
  const std::string words =
      scheduling::idle_words(job, unused, one.uses[job.number], unused.released);
  const auto released =
      one.run(scheduling::release_command(job, "released by provost: " + words), "");
  if (!released || released->status != 0) {
    log::warning(kRoom, "cluster={} job {} is not released yet: {}", one.row.name, job.id,
                 released ? slurm::last_words(released->err) : released.error().message);
    return;
  }
  const model::Person* person = one.campus->find_person(job.user);
  write_letter(
      world_, job.user, person == nullptr ? "" : person->title,
      {.name = fmt::format("{}.job-{}.released", one.row.name, job.number),
       .subject = fmt::format("Job {} on {} was released", job.id, one.row.name),
       .time = unused.released,
       .text = fmt::format("Nobody used it: {}.\nThe rule: {}.\n", words, line_words(*one.rule))});
}

}  // namespace provost::service
