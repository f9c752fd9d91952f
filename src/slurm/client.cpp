#include "slurm/client.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "base/text.hpp"
#include "os/files.hpp"
#include "slurm/hostlist.hpp"

namespace provost::slurm {
namespace {

constexpr char kSeparator = '\x1f';

bool is_key(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char each) {
    return std::isalnum(each) != 0 || each == '_';
  });
}

// The value of the first " key=" in a line of scontrol. First, because free text (Reason, Comment,
// Extra) stands at the end and may hold anything.
std::string_view value_of(std::string_view line, std::string_view key) {
  const std::string wanted = std::string(key) + "=";
  std::size_t at = line.substr(0, wanted.size()) == wanted ? 0 : line.find(" " + wanted);
  if (at == std::string_view::npos) {
    return {};
  }
  at += wanted.size() + (at == 0 ? 0 : 1);
  const std::string_view rest = line.substr(at);
  return rest.substr(0, rest.find(' '));
}

int to_int(std::string_view text) {
  const auto number = to_number(text);
  return number ? static_cast<int>(std::min<std::int64_t>(*number, 1'000'000'000)) : 0;
}

// "bad disk [root@2027-03-01T10:00:00] Comment=..." -> both parts. The stamp is the last bracket
// that looks like one: a reason may hold brackets of its own.
void read_reason(NodeSeen& node, std::string_view line) {
  const std::size_t at = line.find(" Reason=");
  if (at == std::string_view::npos) {
    return;
  }
  const std::string_view text = line.substr(at + 8);
  std::size_t open = std::string_view::npos;
  for (std::size_t from = text.find(" ["); from != std::string_view::npos;
       from = text.find(" [", from + 1)) {
    const std::size_t close = text.find(']', from);
    const bool ends = close != std::string_view::npos &&
                      (close + 1 == text.size() || text.substr(close, 2) == "] ");
    if (ends && text.substr(from, close - from).find('@') != std::string_view::npos) {
      open = from;
    }
  }
  if (open == std::string_view::npos) {
    node.reason = trim(text);
    return;
  }
  node.reason = trim(text.substr(0, open));
  node.reason_by = text.substr(open + 2, text.find(']', open) - open - 2);
}

// "IDLE+DRAIN+NOT_RESPONDING", and "IDLE*" as older clients put it.
void read_state(NodeSeen& node, std::string_view text) {
  const std::size_t end = text.find_last_not_of("*~#!%$@^-");
  if (end == std::string_view::npos) {
    node.state = "UNKNOWN";
    return;
  }
  if (text.find('*', end) != std::string_view::npos) {
    node.flags.emplace_back("NOT_RESPONDING");
  }
  const std::vector<std::string> words = split(text.substr(0, end + 1), '+');
  node.state = words.front();
  node.flags.insert(node.flags.end(), words.begin() + 1, words.end());
}

NodeSeen read_node(std::string_view line) {
  NodeSeen node;
  node.name = value_of(line, "NodeName");
  read_state(node, value_of(line, "State"));
  read_reason(node, line);
  node.cpus = to_int(value_of(line, "CPUTot"));
  node.cpus_allocated = to_int(value_of(line, "CPUAlloc"));
  node.memory_mib = to_int(value_of(line, "RealMemory"));
  node.memory_allocated_mib = to_int(value_of(line, "AllocMem"));
  const std::string_view gres = value_of(line, "Gres");
  node.gres = gres == "(null)" ? "" : gres;
  const std::string_view partitions = value_of(line, "Partitions");
  if (!partitions.empty()) {
    node.partitions = split(partitions, ',');
  }
  node.version = value_of(line, "Version");
  return node;
}

bool state_is(const NodeSeen& node, std::initializer_list<std::string_view> states) {
  return std::find(states.begin(), states.end(), node.state) != states.end();
}

constexpr std::array<std::string_view, 13> kJobFields = {"%i", "%u", "%a", "%P", "%q", "%T", "%r",
                                                         "%N", "%C", "%b", "%M", "%l", "%V"};

JobSeen read_job(const std::vector<std::string>& fields, std::string name) {
  JobSeen job;
  job.id = fields[0];
  job.user = fields[1];
  job.account = fields[2];
  job.partition = fields[3];
  job.qos = fields[4];
  job.state = fields[5];
  job.reason = fields[6];
  job.nodes = expand(fields[7]).value_or(std::vector<std::string>{});
  job.cpus = to_int(fields[8]);
  job.gres = fields[9];
  job.elapsed = fields[10];
  job.time_limit = fields[11];
  job.submitted = fields[12];
  job.name = std::move(name);
  return job;
}

bool is_silence(const os::Ran& ran) {
  return ran.status != 0 && ran.err.find("Unable to contact slurm controller") != std::string::npos;
}

}  // namespace

bool has_flag(const NodeSeen& node, std::string_view flag) {
  return std::find(node.flags.begin(), node.flags.end(), flag) != node.flags.end();
}

bool is_responding(const NodeSeen& node) {
  return !has_flag(node, "NOT_RESPONDING") && !is_unknown(node) && node.state != "FUTURE";
}

bool is_unknown(const NodeSeen& node) { return node.state == "UNKNOWN"; }

bool is_down(const NodeSeen& node) {
  return state_is(node, {"DOWN", "ERROR"}) || has_flag(node, "FAIL");
}

bool is_draining_or_drained(const NodeSeen& node) { return has_flag(node, "DRAIN"); }

bool is_busy(const NodeSeen& node) {
  return state_is(node, {"ALLOCATED", "MIXED"}) || has_flag(node, "COMPLETING");
}

bool is_draining(const NodeSeen& node) { return is_draining_or_drained(node) && is_busy(node); }

bool is_drained(const NodeSeen& node) { return is_draining_or_drained(node) && !is_busy(node); }

bool is_up(const NodeSeen& node) {
  const bool away = has_flag(node, "POWERED_DOWN") || has_flag(node, "POWERING_DOWN") ||
                    has_flag(node, "REBOOT_ISSUED");
  return is_responding(node) && !is_down(node) && !is_draining_or_drained(node) && !away;
}

bool is_idle(const NodeSeen& node) { return is_up(node) && node.state == "IDLE" && !is_busy(node); }

std::string state_words(const NodeSeen& node) {
  std::string words = node.state;
  for (const std::string& flag : node.flags) {
    words += "+" + flag;
  }
  std::transform(words.begin(), words.end(), words.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return words;
}

bool is_running(const JobSeen& job) {
  return job.state == "RUNNING" || job.state == "COMPLETING" || job.state == "SUSPENDED" ||
         job.state == "CONFIGURING" || job.state == "STAGE_OUT" || job.state == "STOPPED" ||
         job.state == "SIGNALING";
}

bool is_waiting(const JobSeen& job) {
  return job.state == "PENDING" || job.state == "REQUEUED" || job.state == "REQUEUE_HOLD" ||
         job.state == "SPECIAL_EXIT" || job.state == "RESV_DEL_HOLD";
}

const NodeSeen* View::find(std::string_view node) const {
  const auto found = std::find_if(nodes.begin(), nodes.end(),
                                  [&](const NodeSeen& each) { return each.name == node; });
  return found == nodes.end() ? nullptr : &*found;
}

std::vector<const JobSeen*> View::jobs_on(std::string_view node) const {
  std::vector<const JobSeen*> on;
  for (const JobSeen& job : jobs) {
    if (is_running(job) && std::find(job.nodes.begin(), job.nodes.end(), node) != job.nodes.end()) {
      on.push_back(&job);
    }
  }
  return on;
}

std::unordered_map<std::string_view, const NodeSeen*> View::by_name() const {
  std::unordered_map<std::string_view, const NodeSeen*> found;
  found.reserve(nodes.size());
  for (const NodeSeen& node : nodes) {
    found.emplace(node.name, &node);
  }
  return found;
}

std::unordered_map<std::string_view, std::vector<const JobSeen*>> View::running_by_node() const {
  std::unordered_map<std::string_view, std::vector<const JobSeen*>> found;
  for (const JobSeen& job : jobs) {
    if (is_running(job)) {
      for (const std::string& node : job.nodes) {
        found[node].push_back(&job);
      }
    }
  }
  return found;
}

std::vector<NodeSeen> parse_nodes(std::string_view text) {
  std::vector<NodeSeen> nodes;
  for (const std::string& line : split(text, '\n')) {
    if (line.rfind("NodeName=", 0) == 0) {
      nodes.push_back(read_node(line));
    }
  }
  return nodes;
}

std::string job_format(std::string_view mark) {
  std::string format(mark);
  for (const std::string_view field : kJobFields) {
    format += kSeparator;
    format += field;
  }
  return format + kSeparator + "%j";
}

std::vector<JobSeen> parse_jobs(std::string_view text, std::string_view mark) {
  const std::string begin = std::string(mark) + kSeparator;
  std::vector<JobSeen> jobs;
  std::size_t at = text.substr(0, begin.size()) == begin ? 0 : std::string_view::npos;
  while (at != std::string_view::npos) {
    const std::size_t next = text.find("\n" + begin, at);
    std::string_view record =
        text.substr(at + begin.size(), next == std::string_view::npos ? std::string_view::npos
                                                                      : next - at - begin.size());
    if (next == std::string_view::npos && !record.empty() && record.back() == '\n') {
      record.remove_suffix(1);
    }
    std::vector<std::string> fields;
    while (fields.size() < kJobFields.size()) {
      const std::size_t end = record.find(kSeparator);
      if (end == std::string_view::npos) {
        break;
      }
      fields.emplace_back(record.substr(0, end));
      record.remove_prefix(end + 1);
    }
    if (fields.size() == kJobFields.size()) {
      jobs.push_back(read_job(fields, std::string(record)));
    }
    at = next == std::string_view::npos ? next : next + 1;
  }
  return jobs;
}

Result<View> observe(const Run& run) {
  View view;
  const auto nodes = run({"scontrol", "-o", "show", "nodes"}, "");
  if (!nodes) {
    return pass(nodes.error(), "while asking slurmctld for its nodes");
  }
  if (nodes->status != 0) {
    view.silence = nodes->timed_out ? "scontrol did not end in time" : last_words(nodes->err);
    return view;
  }
  const std::string mark = to_hex(os::random_bytes(8));
  const auto jobs = run({"squeue", "--noheader", "--all", "--format", job_format(mark)}, "");
  if (!jobs) {
    return pass(jobs.error(), "while asking slurmctld for its jobs");
  }
  if (jobs->status != 0) {
    view.silence = jobs->timed_out ? "squeue did not end in time" : last_words(jobs->err);
    return view;
  }
  view.answering = true;
  view.nodes = parse_nodes(nodes->out);
  view.jobs = parse_jobs(jobs->out, mark);
  return view;
}

Status reconfigure(const Run& run) {
  const auto ran = run({"scontrol", "reconfigure"}, "");
  if (!ran) {
    return pass(ran.error(), "while reconfiguring slurmctld");
  }
  if (is_silence(*ran)) {
    return fail(ErrorKind::unavailable, "slurmctld does not answer: {}", last_words(ran->err));
  }
  if (ran->status != 0) {
    return fail(ErrorKind::conflict, "slurmctld refuses its configuration: {}",
                last_words(ran->err));
  }
  return {};
}

std::string last_words(std::string_view text) {
  std::string words;
  for (const std::string& line : split(text, '\n')) {
    const std::string_view trimmed = trim(line);
    if (!trimmed.empty()) {
      words = trimmed;
    }
  }
  const std::size_t colon = words.find(": ");
  if (colon != std::string::npos && is_key(std::string_view(words).substr(0, colon))) {
    words.erase(0, colon + 2);
  }
  return words.empty() ? "it said nothing" : shorten(words, 300);
}

}  // namespace provost::slurm
