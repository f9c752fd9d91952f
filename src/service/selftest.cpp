#include "service/selftest.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "service/desk.hpp"
#include "service/world.hpp"

namespace provost::service {
namespace {

using scheduling::Check;
using scheduling::Proof;
using scheduling::Tried;

constexpr const char* kRoom = "service";
constexpr std::size_t kDate = sizeof("2027-03-01") - 1;
constexpr std::chrono::seconds kLooks{30};
// The store says of a run that has begun why it was asked for; this: it is over, not all of what it
// made could be taken away.
constexpr const char* kRemains = "remains";
constexpr std::chrono::seconds kLongest{150};  // a command; waiting for a job takes a minute

std::string begun_key(const std::string& id) { return id + "/selftest-begun"; }
std::string last_key(const std::string& id) { return id + "/selftest"; }

}  // namespace

std::string selftest_due_key(const std::string& cluster_id) { return cluster_id + "/selftest-due"; }

// One run on one cluster.
class Selftest::Run {
 public:
  Run(World& world, const store::Cluster& row, std::shared_ptr<const ClusterModel> model,
      const std::stop_token& stop)
      : world_(world), row_(row), model_(std::move(model)), stop_(stop) {}

  [[nodiscard]] std::string controller() const { return model_->layout.controller().name; }
  [[nodiscard]] const std::string& cluster_id() const { return row_.id; }
  [[nodiscard]] bool stopped() const { return stop_.stop_requested(); }

  /// Runs it as root there; what kept it from being run is its error text.
  Tried on(const std::string& node, std::vector<std::string> argv, std::string input = "") {
    const auto ran = world_.agents().run(
        {row_.id, node}, {.argv = std::move(argv), .input = std::move(input), .timeout = kLongest},
        {}, stop_);
    constexpr int kNotRun = 255;
    return ran ? Tried{ran->status, ran->out, ran->err} : Tried{kNotRun, "", ran.error().message};
  }

  // Every node where the user may have a home: a change may have come between.
  [[nodiscard]] std::vector<std::string> homes() const {
    std::vector<std::string> names;
    for (const model::NodePlace& node : model_->layout.nodes) {
      if (world_.agents().seen({row_.id, node.name}).connected) {
        names.push_back(node.name);
      }
    }
    return names;
  }

  std::vector<Check> checks;
  Check& check(std::string_view name) {
    return *std::find_if(checks.begin(), checks.end(),
                         [&](const Check& each) { return each.name == name; });
  }

  void choose(const slurm::View& view) {
    trials_ = scheduling::choose_trials(model_->cluster, model_->layout, view,
                                        to_iso(now_utc()).substr(0, kDate));
    checks = scheduling::checks_of(trials_);
  }

  /// The user, its key and its homes. False: `checks` say why nothing can be tried.
  bool prepare() {
    std::vector<std::string> homes;
    if (!trials_.login.empty()) {
      homes.push_back(trials_.login);
    }
    if (trials_.place) {
      homes.push_back(trials_.place->node);
    }
    const Tried key = on(trials_.from, scheduling::make_key_command());
    bool ready = key.status == 0 || nothing_tried("the test's key cannot be made", key);
    for (const std::string& node : homes) {
      if (ready) {
        const Tried admitted = on(node, scheduling::admit_command(), key.out);
        ready = admitted.status == 0 || nothing_tried("no home on " + node, admitted);
      }
    }
    if (ready && !trials_.accounts.empty()) {
      // As the accounts' deeds: slurmctld must not begin anew while sacctmgr writes.
      const std::scoped_lock one_at_a_time(*world_.slurm_mutex_of(row_.id));
      const Tried enrolled = on(controller(), scheduling::enrol_command(trials_.accounts));
      ready = enrolled.status == 0 || nothing_tried("the test's user has no account", enrolled);
    }
    return ready;
  }

  void try_all(const std::function<void(const std::string&)>& show) {
    if (!trials_.login.empty()) {
      show("logging in on " + trials_.login);
      scheduling::judge_login(check("login-open"), visit(trials_.login));
    }
    if (trials_.place && !stopped()) {
      show("logging in on " + trials_.place->node + " without a job");
      scheduling::judge_closed(check("compute-closed"), visit(trials_.place->node));
      try_job(false, show);
      if (trials_.whole_gpu && !stopped()) {
        try_job(true, show);
      }
    }
    for (const auto& [forbidden, name] :
         {std::pair(&trials_.limit, "limit"), std::pair(&trials_.partition, "partition")}) {
      if (*forbidden && !stopped()) {
        show("submitting what must be refused");
        scheduling::judge_forbidden(check(name), user(scheduling::forbidden_command(**forbidden)));
      }
    }
  }

 private:
  Tried user(std::vector<std::string> argv) { return on(trials_.from, std::move(argv)); }
  Tried visit(const std::string& node) { return user(scheduling::visit_command(node)); }

  bool nothing_tried(const std::string& what, const Tried& tried) {
    const std::string words = shorten(trim(tried.err.empty() ? tried.out : tried.err), 200);
    for (Check& each : checks) {
      each.found = each.found.empty() ? fmt::format("{}: {}", what, words) : each.found;
    }
    return false;
  }

  // The first job has no GPU: what is true of every job is tried with it. The second has one.
  void try_job(bool gpu, const std::function<void(const std::string&)>& show) {
    const scheduling::SelftestPlace& place = *trials_.place;
    const std::vector<std::string> names =
        gpu ? std::vector<std::string>{"gpus-own"}
            : std::vector<std::string>{"compute-open", "session-adopted", "session-ends",
                                       "gpus-closed"};
    show(fmt::format("running a job {}a GPU on {}", gpu ? "with " : "without ", place.node));
    const Tried started = user(scheduling::start_job_command(place, gpu));
    if (started.status != 0) {
      for (const std::string& each : names) {
        Check& of = check(each);
        of.found = of.found.empty() ? fmt::format("no job in partition {}: {}", place.partition,
                                                  shorten(trim(started.err), 200))
                                    : of.found;
      }
      return;
    }
    const std::string job(trim(started.out));
    show("logging in on " + place.node + " with job " + job);
    const Tried session = visit(place.node);
    const Tried step = place.gpus > 0 ? user(scheduling::step_command(job)) : Tried{};
    if (gpu) {
      scheduling::judge_gpus(check("gpus-own"), session, step, 1, place.gpus);
      user(scheduling::end_job_command(job));
      return;
    }
    scheduling::judge_open(check("compute-open"), session);
    scheduling::judge_adopted(check("session-adopted"), session, job);
    if (place.gpus > 0) {
      scheduling::judge_gpus(check("gpus-closed"), session, step, 0, place.gpus);
    }
    show("cancelling job " + job + " under a session");
    scheduling::judge_outlive(check("session-ends"), user(scheduling::outlive_command(place, job)));
    user(scheduling::end_job_command(job));
  }

  World& world_;
  const store::Cluster& row_;
  std::shared_ptr<const ClusterModel> model_;
  std::stop_token stop_;
  scheduling::Trials trials_;
};

Selftest::Selftest(World& world) : world_(world) {
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

Selftest::~Selftest() { stop(); }

void Selftest::stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
}

void Selftest::wake() {
  {
    const std::scoped_lock lock(mutex_);
    news_ = true;
  }
  woken_.notify_all();
}

Status Selftest::ask(const std::string& cluster_id, const std::string& because) {
  Status written = world_.store().write("selftest", [&](store::Writer& writer) {
    writer.set(selftest_due_key(cluster_id), because);
  });
  if (written) {
    wake();
  }
  return written;
}

SelftestReport Selftest::report(const std::string& cluster_id) const {
  SelftestReport report;
  const auto setting = [&](const std::string& key) {
    return world_.store().setting(key).value_or("");
  };
  const std::string due = setting(selftest_due_key(cluster_id));
  const std::string begun = setting(begun_key(cluster_id));
  const std::string wanted = !due.empty() || begun == kRemains ? due : begun;
  report.waiting = !wanted.empty();
  {
    const std::scoped_lock lock(mutex_);
    const auto trying = trying_.find(cluster_id);
    report.trying = trying == trying_.end() ? "" : trying->second;
  }
  // The first line is the time and the reason.
  const std::string kept = setting(last_key(cluster_id));
  const std::string head = kept.substr(0, kept.find('\n'));
  const std::size_t space = head.find(' ');
  if (space != std::string::npos) {
    report.ended = from_millis(to_number(head.substr(0, space)).value_or(0));
    report.because = head.substr(space + 1);
    report.checks = scheduling::checks_from(kept.substr(head.size()));
  }
  report.because = report.waiting ? wanted : report.because;
  return report;
}

void Selftest::show(const std::string& cluster_id, const std::string& trying) {
  const std::scoped_lock lock(mutex_);
  trying_[cluster_id] = trying;
}

void Selftest::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    for (const store::Cluster& row : world_.store().clusters()) {
      if (row.arrived && !row.deleting && !stop.stop_requested()) {
        look_at(row, stop);
        show(row.id, "");
      }
    }
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, stop, kLooks, [this] { return news_; });
    news_ = false;
  }
}

// In Slurm and on every node. What cannot be asked now is tried again with the next look.
bool Selftest::take_away(Run& run) {
  bool gone = true;
  for (const std::string& node : run.homes()) {
    gone = run.on(node, scheduling::clean_command()).status == 0 && gone;
  }
  const std::scoped_lock one_at_a_time(*world_.slurm_mutex_of(run.cluster_id()));
  return run.on(run.controller(), scheduling::dismiss_command()).status == 0 && gone;
}

void Selftest::look_at(const store::Cluster& row, const std::stop_token& stop) {
  const auto setting = [&](const std::string& key) {
    return world_.store().setting(key).value_or("");
  };
  const std::string due = setting(selftest_due_key(row.id));
  const std::string begun = setting(begun_key(row.id));
  if (due.empty() && begun.empty()) {
    return;
  }
  const auto model = world_.model_of(row, world_.store().nodes(row.id));
  const auto picture = world_.collector().picture(row.id);
  if (!model || !(*model)->cluster.campus || !picture || !picture->view.answering) {
    show(row.id, "waiting for slurmctld");
    return;
  }
  Run run(world_, row, *model, stop);
  if (!begun.empty()) {
    show(row.id, "taking away what an earlier run left");
    if (!take_away(run)) {
      return;
    }
  }
  const std::string because = !due.empty() ? due : (begun == kRemains ? "" : begun);
  // In one go: who asks from now on is given a run of their own.
  const Status marked = world_.store().write("selftest", [&](store::Writer& writer) {
    writer.set(begun_key(row.id), because);
    writer.set(selftest_due_key(row.id), "");
  });
  if (!marked || because.empty() || stop.stop_requested()) {
    return;
  }
  run.choose(picture->view);
  if (run.prepare()) {
    run.try_all([&](const std::string& trying) { show(row.id, trying); });
  }
  if (stop.stop_requested()) {
    return;  // the next provostd begins anew
  }
  show(row.id, "taking everything away");
  const bool left = !take_away(run);
  const auto clusters = world_.store().clusters();
  if (std::none_of(clusters.begin(), clusters.end(),
                   [&](const store::Cluster& each) { return each.id == row.id; })) {
    return;  // deleted meanwhile, and its settings with it
  }
  keep(row, because, run.checks, left ? kRemains : "");
}

void Selftest::keep(const store::Cluster& row, const std::string& because,
                    const std::vector<Check>& checks, const std::string& left) {
  const auto count = [&](Proof proof) {
    return std::count_if(checks.begin(), checks.end(),
                         [&](const Check& each) { return each.proof == proof; });
  };
  std::vector<std::string> failed;
  for (const Check& each : checks) {
    if (each.proof == Proof::failed) {
      failed.push_back(fmt::format("{}: {}", each.words, each.found));
    }
  }
  store::Event event{.level = failed.empty() ? store::Level::info : store::Level::warn,
                     .cluster = row.name};
  event.what = fmt::format("the policy was tried: {} held, {} failed, {} not tried",
                           count(Proof::held), failed.size(), count(Proof::not_tried));
  event.because = failed.empty() ? because : fmt::format("{}; {}", because, join(failed, "; "));
  const Status written = world_.store().write("selftest", [&](store::Writer& writer) {
    writer.set(last_key(row.id), fmt::format("{} {}\n{}", to_millis(now_utc()), because,
                                             scheduling::to_text(checks)));
    writer.set(begun_key(row.id), left);
    writer.add_event(event);
  });
  if (!written) {
    log::error(kRoom, "cluster={} what the selftest found is lost: {}", row.name,
               written.error().message);
  }
}

}  // namespace provost::service
