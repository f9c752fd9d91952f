#include "scheduling/jobs.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "base/text.hpp"
#include "model/limits.hpp"

namespace provost::scheduling {
namespace {

constexpr std::size_t kColumns = 11;

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

const char* const kListJobs =
    "export SLURM_TIME_FORMAT=%s; squeue -h -a -r -O "
    "'JobArrayID:|,UserName:|,Account:|,Partition:|,QOS:|,State:|,Reason:|,StartTime:|,EndTime:|,"
    "PriorityLong:|,tres-alloc:|'";

std::vector<Job> parse_jobs(std::string_view text) {
  std::vector<Job> jobs;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() < kColumns) {
      continue;
    }
    jobs.push_back({.id = fields[0],
                    .user = fields[1],
                    .account = fields[2],
                    .partition = fields[3],
                    .qos = fields[4],
                    .state = fields[5],
                    .reason = fields[6],
                    .start = seconds(fields[7]),
                    .end = seconds(fields[8]),
                    .priority = to_number(fields[9]).value_or(0),
                    .amounts = parse_amounts(fields[10])});
  }
  return jobs;
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
