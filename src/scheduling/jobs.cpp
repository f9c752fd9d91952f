#include "scheduling/jobs.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "base/text.hpp"
#include "model/limits.hpp"

namespace provost::scheduling {
namespace {

constexpr std::size_t kColumns = 11;

// Arguments: user, job, ",account,account,". Of the jobs that wait those that match are printed, a
// hundred at most, each with how many of its partition go before it.
constexpr const char* kListJobs = R"sh(set -u -o pipefail
export SLURM_TIME_FORMAT=%s
squeue -h -a -r -O 'JobArrayID:|,UserName:|,Account:|,Partition:|,QOS:|,State:|,Reason:|,StartTime:|,EndTime:|,PriorityLong:|,tres-alloc:|' |
awk -F'|' -v user="$1" -v job="$2" -v accounts="$3" '
  $6 != "PENDING" { print; next }
  { ++waiting[$4]; order[$4, waiting[$4]] = $10 }
  $2 == user || (job != "" && ($1 == job || index($1, job "_") == 1)) || (accounts != "" && index(accounts, "," $3 ",")) {
    if (kept < 100) { line[++kept] = $0; queue[kept] = $4; priority[kept] = $10; turn[kept] = $7 == "Priority" }
    else ++left_out
  }
  END {
    for (i = 1; i <= kept; ++i) {
      before = 0
      if (turn[i]) for (j = 1; j <= waiting[queue[i]]; ++j) if (order[queue[i], j] + 0 > priority[i] + 0) ++before
      print line[i] before "|"
    }
    for (each in waiting) print "waiting|" each "|" waiting[each]
    if (left_out) print "left-out|" left_out
  }'
)sh";

UtcTime seconds(const std::string& text) {
  return UtcTime(std::chrono::seconds(to_number(text).value_or(0)));
}

// MiB of "7850M", "1.50G", "512K", "123".
std::int64_t to_mib(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const std::string_view unit(end);
  constexpr double kStep = 1024;
  const double factor = unit.starts_with("K")   ? 1 / kStep
                        : unit.starts_with("G") ? kStep
                        : unit.starts_with("T") ? kStep * kStep
                        : unit.starts_with("P") ? kStep * kStep * kStep
                                                : 1;
  return static_cast<std::int64_t>(std::llround(number * factor));
}

}  // namespace

std::vector<std::string> list_jobs_command(const JobFilter& filter) {
  return {"/bin/bash",
          "-c",
          kListJobs,
          "list-jobs",
          filter.user,
          filter.job,
          filter.accounts.empty() ? "" : "," + join(filter.accounts, ",") + ","};
}

JobList parse_jobs(std::string_view text) {
  JobList list;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() == 3 && fields[0] == "waiting") {
      list.waiting[fields[1]] = static_cast<int>(to_number(fields[2]).value_or(0));
    } else if (fields.size() == 2 && fields[0] == "left-out") {
      list.left_out = static_cast<int>(to_number(fields[1]).value_or(0));
    } else if (fields.size() >= kColumns) {
      list.jobs.push_back({.id = fields[0],
                           .user = fields[1],
                           .account = fields[2],
                           .partition = fields[3],
                           .qos = fields[4],
                           .state = fields[5],
                           .reason = fields[6],
                           .start = seconds(fields[7]),
                           .end = seconds(fields[8]),
                           .priority = to_number(fields[9]).value_or(0),
                           .amounts = parse_amounts(fields[10]),
                           .before = fields.size() > kColumns
                                         ? static_cast<int>(to_number(fields[11]).value_or(0))
                                         : 0});
    }
  }
  return list;
}

Amounts parse_amounts(std::string_view text) {
  Amounts amounts;
  for (const std::string& each : split(text, ',')) {
    const std::size_t equals = each.find('=');
    if (equals == std::string::npos || equals == 0) {
      continue;
    }
    const std::string name = each.substr(0, equals);
    amounts[name] = name == "mem" ? to_mib(each.substr(equals + 1))
                                  : to_number(each.substr(equals + 1)).value_or(0);
  }
  return amounts;
}

std::string amounts_words(const Amounts& amounts) {
  std::vector<std::string> words;
  const auto add = [&](const char* tres, const char* what) {
    const auto found = amounts.find(tres);
    if (found != amounts.end() && found->second > 0) {
      words.push_back(fmt::format("{} {}{}", found->second, what, found->second == 1 ? "" : "s"));
    }
  };
  add("cpu", "CPU");
  if (const auto memory = amounts.find("mem"); memory != amounts.end() && memory->second > 0) {
    words.push_back(model::memory_words(memory->second));
  }
  add("gres/gpu", "GPU");
  add("gres/shard", "GPU shard");
  return words.empty() ? "nothing" : join(words, ", ");
}

}  // namespace provost::scheduling
