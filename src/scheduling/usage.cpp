#include "scheduling/usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.hpp"

namespace provost::scheduling {
namespace {

constexpr std::size_t kColumns = 9;
constexpr double kHour = 3600;

UtcTime seconds(const std::string& text) {
  return UtcTime(std::chrono::seconds(to_number(text).value_or(0)));
}

// "1-02:03:04", "03:04.567", "02:03:04" as seconds.
double duration(const std::string& text) {
  constexpr double kMinute = 60;
  constexpr double kDay = 24 * kHour;
  const std::size_t dash = text.find('-');
  const double days = dash == std::string::npos ? 0 : std::strtod(text.c_str(), nullptr);
  double rest = 0;
  for (const std::string& part :
       split(dash == std::string::npos ? text : text.substr(dash + 1), ':')) {
    rest = rest * kMinute + std::strtod(part.c_str(), nullptr);
  }
  return days * kDay + rest;
}

// MiB of sacct's "12345K", "1.5M", "2G"; bytes without a unit.
std::int64_t memory(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  constexpr double kStep = 1024;
  const std::string_view unit(end);
  const double mib = unit.starts_with("K")   ? number / kStep
                     : unit.starts_with("M") ? number
                     : unit.starts_with("G") ? number * kStep
                     : unit.starts_with("T") ? number * kStep * kStep
                                             : number / kStep / kStep;
  return static_cast<std::int64_t>(mib);
}

std::int64_t amount(const JobRecord& record, const char* tres) {
  const auto found = record.amounts.find(tres);
  return found == record.amounts.end() ? 0 : found->second;
}

/// Sums of one row.
class Sum {
 public:
  void add(const JobRecord& record, const Period& period, UtcTime now) {
    if (record.begun == UtcTime{}) {
      return;
    }
    const UtcTime end = record.ended == UtcTime{} ? now : record.ended;
    const UtcTime from = std::max(record.begun, period.from);
    const UtcTime to = std::min(end, period.to);
    const bool was_before = record.begun < period.from && end <= period.from;
    if (was_before || to < from || record.begun >= period.to) {
      return;
    }
    const double hours = std::chrono::duration<double>(to - from).count() / kHour;
    ++usage_.jobs;
    usage_.cpu_hours += hours * static_cast<double>(amount(record, "cpu"));
    usage_.memory_gib_hours += hours * static_cast<double>(amount(record, "mem")) / 1024;
    usage_.gpu_hours += hours * static_cast<double>(amount(record, "gres/gpu"));
    usage_.shard_hours += hours * static_cast<double>(amount(record, "gres/shard"));
    add_wait(record, period);
    add_efficiency(record, period, end);
  }

  Usage take(std::string name, std::string title) {
    usage_.name = std::move(name);
    usage_.title = std::move(title);
    usage_.mean_wait_seconds = began_ > 0 ? waited_ / began_ : 0;
    usage_.cpu_efficiency = cpu_given_ > 0 ? cpu_used_ / cpu_given_ : -1;
    usage_.memory_efficiency = memory_given_ > 0 ? memory_used_ / memory_given_ : -1;
    return std::move(usage_);
  }

 private:
  void add_wait(const JobRecord& record, const Period& period) {
    if (record.begun < period.from || record.begun >= period.to) {
      return;
    }
    const double wait = std::chrono::duration<double>(record.begun - record.submitted).count();
    ++began_;
    waited_ += wait;
    usage_.longest_wait_seconds = std::max(usage_.longest_wait_seconds, wait);
  }

  // Of the whole job: what was used of it in the period alone nobody recorded.
  void add_efficiency(const JobRecord& record, const Period& period, UtcTime end) {
    if (record.ended == UtcTime{} || record.ended > period.to) {
      return;
    }
    const double ran = std::chrono::duration<double>(end - record.begun).count();
    cpu_given_ += ran * static_cast<double>(amount(record, "cpu"));
    cpu_used_ += record.cpu_seconds;
    if (record.memory_mib > 0) {
      memory_given_ += ran * static_cast<double>(amount(record, "mem"));
      memory_used_ += ran * static_cast<double>(record.memory_mib);
    }
  }

  Usage usage_;
  int began_ = 0;
  double waited_ = 0;
  double cpu_given_ = 0;
  double cpu_used_ = 0;
  double memory_given_ = 0;
  double memory_used_ = 0;
};

// Whose a record is: of a supervisor there may be several, or nobody.
std::vector<std::string> owners(const JobRecord& record, const model::Campus* campus, UsageBy by) {
  if (by == UsageBy::user) {
    return {record.user};
  }
  const model::Campus::Found found =
      campus == nullptr ? model::Campus::Found{} : campus->find_account(record.account);
  if (found.department == nullptr || by == UsageBy::project) {
    return {record.account};
  }
  if (by == UsageBy::supervisor && !found.department->supervisors.empty()) {
    return found.department->supervisors;
  }
  return {found.department->name};
}

std::string title_of(const std::string& name, const model::Campus* campus, UsageBy by) {
  if (campus == nullptr) {
    return {};
  }
  if (by == UsageBy::user || by == UsageBy::supervisor) {
    const model::Person* person = campus->find_person(name);
    return person == nullptr ? std::string() : person->title;
  }
  const model::Campus::Found found = campus->find_account(name);
  return found.project != nullptr      ? found.project->title
         : found.department != nullptr ? found.department->title
                                       : std::string();
}

}  // namespace

std::vector<std::string> sacct_arguments(UtcTime from, UtcTime to) {
  const auto stamp = [](UtcTime time) { return to_iso(time).substr(0, 19); };
  return {"env",
          "TZ=UTC",
          "SLURM_TIME_FORMAT=%s",
          "sacct",
          "-nPa",
          "-S",
          stamp(from),
          "-E",
          stamp(to),
          "-o",
          "JobID,User,Account,Submit,Start,End,AllocTRES,TotalCPU,MaxRSS"};
}

std::vector<JobRecord> parse_records(std::string_view text) {
  std::vector<JobRecord> records;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() < kColumns || fields[0].empty()) {
      continue;
    }
    // A step stands below its job, and has no user.
    if (fields[0].find('.') != std::string::npos) {
      if (!records.empty() && fields[0].starts_with(records.back().id + ".")) {
        records.back().memory_mib = std::max(records.back().memory_mib, memory(fields[8]));
      }
      continue;
    }
    records.push_back({.id = fields[0],
                       .user = fields[1],
                       .account = fields[2],
                       .submitted = seconds(fields[3]),
                       .begun = seconds(fields[4]),
                       .ended = seconds(fields[5]),
                       .amounts = parse_amounts(fields[6]),
                       .cpu_seconds = duration(fields[7])});
  }
  return records;
}

std::vector<Usage> usage_of(const std::vector<JobRecord>& records, const model::Campus* campus,
                            UsageBy by, const Period& period, UtcTime now) {
  std::map<std::string, Sum> sums;
  for (const JobRecord& record : records) {
    for (const std::string& owner : owners(record, campus, by)) {
      sums[owner].add(record, period, now);
    }
  }
  std::vector<Usage> rows;
  for (auto& [name, sum] : sums) {
    Usage usage = sum.take(name, title_of(name, campus, by));
    if (usage.jobs > 0) {
      rows.push_back(std::move(usage));
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Usage& left, const Usage& right) {
    return std::pair(left.gpu_hours, left.cpu_hours) > std::pair(right.gpu_hours, right.cpu_hours);
  });
  return rows;
}

Usage total_of(const std::vector<JobRecord>& records, const Period& period, UtcTime now) {
  Sum sum;
  for (const JobRecord& record : records) {
    sum.add(record, period, now);
  }
  return sum.take("total", {});
}

}  // namespace provost::scheduling
