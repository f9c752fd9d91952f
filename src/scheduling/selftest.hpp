// The policy tried for real, by a user of its own: what is tried (chosen from the campus and from
// what Slurm has free), by which scripts, and what their output proves. Pure but for the texts of
// the scripts.
//
// The tries use nodes without any job, so that no one's job waits for them or is put back by them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/cluster.hpp"
#include "model/layout.hpp"
#include "scheduling/partitions.hpp"
#include "slurm/client.hpp"

namespace provost::scheduling {

enum class Proof { held, failed, not_tried };
std::string_view name(Proof proof);  ///< "held", "failed", "not tried"

/// A line of the table.
struct Check {
  std::string name;   ///< "compute-closed"
  std::string words;  ///< "a compute node refuses who has no job there"
  int line = 0;       ///< of campus.toml; 0: always so, whatever it says
  Proof proof = Proof::not_tried;
  std::string found;  ///< why it failed or was not tried; what was seen
};

/// Where jobs of the test run.
struct SelftestPlace {
  std::string account;  ///< a department
  std::string partition;
  std::string node;  ///< without jobs
  int gpus = 0;      ///< devices of the node
  int line = 0;      ///< of the department
};

/// A submission that must be refused.
struct Forbidden {
  std::vector<std::string> options;  ///< of sbatch
  std::string words;                 ///< "5 days in partition cpu, whose limit is 30 minutes"
  int line = 0;
};

/// What is to be tried. What cannot be is absent, with the reason in `why_not_...`.
struct Trials {
  std::string from;   ///< where the user's commands run: a login node, else the controller
  std::string login;  ///< that is logged in on, if there are several another one; empty: none is
  std::optional<SelftestPlace> place;
  std::string why_not_place;
  bool whole_gpu = false;  ///< the place has GPUs that can be asked for as such
  int gpus_line = 0;       ///< how they are shared
  std::optional<Forbidden> limit;
  std::string why_not_limit;
  std::optional<Forbidden> partition;
  std::string why_not_partition;
  std::vector<std::string> accounts;  ///< the user is needed in these
};

/// `today`: "2027-03-01"; departments that have ended by then are left out.
Trials choose_trials(const model::Cluster& cluster, const model::Layout& layout,
                     const slurm::View& view, const std::string& today);

/// All lines of the table before anything is tried.
std::vector<Check> checks_of(const Trials& trials);

// ---- Scripts. Each is {program, arguments...}.

/// On the controller: the test's user in these accounts. Again it does nothing.
std::vector<std::string> enrol_command(const std::vector<std::string>& accounts);
/// On the controller: ends the test's jobs, waits until they are gone, takes its user away.
std::vector<std::string> dismiss_command();
/// Where its commands run: makes the key; prints the public one.
std::vector<std::string> make_key_command();
/// On a node: the home, with the public key from standard input.
std::vector<std::string> admit_command();
/// On a node: takes all of that away.
std::vector<std::string> clean_command();

/// As the test's user: `ssh NODE` with a command that shows where it runs and
/// which devices open.
std::vector<std::string> visit_command(const std::string& node);
/// The same within the job.
std::vector<std::string> step_command(const std::string& job);
/// Submits a job that waits for its end and waits a minute until it runs; prints its number. Status
/// 3: there was no room for it.
std::vector<std::string> start_job_command(const SelftestPlace& place, bool gpu);
std::vector<std::string> end_job_command(const std::string& job);
/// A session on the node while the job is cancelled; prints "ended after N ms", or "still there".
std::vector<std::string> outlive_command(const SelftestPlace& place, const std::string& job);
/// Submits what must be refused. Status 0: it was taken (and is cancelled).
std::vector<std::string> forbidden_command(const Forbidden& forbidden);

// ---- What they prove. `ran` is what the script printed and its status.

struct Tried {
  int status = 0;
  std::string out;
  std::string err;
};
/// What a visit saw.
struct Sight {
  std::vector<std::string> steps;  ///< "job_17/step_extern"; empty: outside any job
  std::vector<std::string> open;   ///< devices
  std::vector<std::string> closed;
};
Sight parse_sight(std::string_view text);

void judge_login(Check& check, const Tried& tried);
void judge_closed(Check& check, const Tried& tried);
void judge_open(Check& check, const Tried& tried);
void judge_adopted(Check& check, const Tried& tried, const std::string& job);
/// `session` and `step` are of a job with `wanted` GPUs of `all` on the node.
void judge_gpus(Check& check, const Tried& session, const Tried& step, int wanted, int all);
void judge_outlive(Check& check, const Tried& tried);
void judge_forbidden(Check& check, const Tried& tried);

/// One text for the store, and back: lines that are none are left out.
std::string to_text(const std::vector<Check>& checks);
std::vector<Check> checks_from(std::string_view text);

}  // namespace provost::scheduling
