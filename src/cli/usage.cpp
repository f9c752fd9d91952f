// provost usage: hours, waits and efficiency over a period.
#include <array>
#include <iostream>

#include "base/text.hpp"
#include "base/time.hpp"
#include "cli/context.hpp"
#include "cli/watch.hpp"

namespace provost::cli {
namespace {

using Days = std::chrono::sys_days;

/// "2027-03-01" as a day that there is.
Result<Days> read_day(const std::string& given, const char* option) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  char rest = 0;
  const bool read = std::sscanf(given.c_str(), "%4d-%2u-%2u%c", &year, &month, &day, &rest) == 3;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!read || !date.ok() || given.size() != 10) {
    return pass(Error{ErrorKind::invalid, fmt::format("{} is \"{}\"", option, given),
                      "a day as in 2027-03-01"});
  }
  return Days(date);
}

struct Period {
  UtcTime from;
  UtcTime to;
};

Result<Period> period_of(const UsageArguments& arguments) {
  const UtcTime now = now_utc();
  Period period{now - std::chrono::days(30), now};
  if (arguments.last == "day") {
    period.from = now - std::chrono::days(1);
  } else if (arguments.last == "week") {
    period.from = now - std::chrono::days(7);
  } else if (arguments.last == "year") {
    period.from = now - std::chrono::days(365);
  }
  if (!arguments.last.empty() && !(arguments.from.empty() && arguments.to.empty())) {
    return pass(Error{ErrorKind::invalid, "--last and --from or --to say the period twice",
                      "leave one out"});
  }
  if (!arguments.from.empty()) {
    const auto day = read_day(arguments.from, "--from");
    if (!day) {
      return pass(day.error());
    }
    period.from = *day;
  }
  if (!arguments.to.empty()) {
    const auto day = read_day(arguments.to, "--to");
    if (!day) {
      return pass(day.error());
    }
    period.to = *day + std::chrono::days(1);
  }
  if (!(period.from < period.to)) {
    return pass(Error{ErrorKind::invalid, "the period ends before it begins",
                      "--from the earlier day, --to the later one"});
  }
  return period;
}

double real(const json::object& row, const char* name) {
  const json::value* found = row.if_contains(name);
  return found != nullptr && found->is_number() ? found->to_number<double>() : 0;
}

std::string hours(const json::object& row, const char* name) {
  return fmt::format("{:.2f}", real(row, name));
}

std::string percent(const json::object& row, const char* name) {
  const json::value* found = row.if_contains(name);
  return found == nullptr || found->is_null() ? "-"
                                              : fmt::format("{:.0f} %", 100 * real(row, name));
}

std::string wait(const json::object& row, const char* name) {
  return to_words(std::chrono::milliseconds(static_cast<std::int64_t>(1000 * real(row, name))));
}

// Numbers stand at the right of their columns.
void print_rows(const Context& context, const std::vector<std::vector<std::string>>& rows,
                std::vector<std::string> headings) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < headings.size(); ++i) {
    widths.push_back(headings[i].size());
    for (const auto& row : rows) {
      widths[i] = std::max(widths[i], columns(row[i]));
    }
  }
  const auto right = [&](std::vector<std::string> cells) {
    for (std::size_t i = 1; i + 1 < cells.size(); ++i) {
      cells[i].insert(0, widths[i] - std::min(widths[i], columns(cells[i])), ' ');
    }
    return cells;
  };
  Table table(right(std::move(headings)));
  for (const auto& row : rows) {
    table.add(right(row));
  }
  std::cout << table.text(context.terminal);
}

std::vector<std::string> cells(const json::object& row) {
  return {text(row, "name"),
          std::to_string(number(row, "jobs")),
          hours(row, "cpu_hours"),
          hours(row, "gpu_hours"),
          hours(row, "shard_hours"),
          hours(row, "memory_gib_hours"),
          wait(row, "mean_wait_seconds"),
          wait(row, "longest_wait_seconds"),
          percent(row, "cpu_efficiency"),
          percent(row, "memory_efficiency"),
          text(row, "title")};
}

constexpr std::array kFields = {"name",
                                "title",
                                "jobs",
                                "cpu_hours",
                                "gpu_hours",
                                "shard_hours",
                                "memory_gib_hours",
                                "mean_wait_seconds",
                                "longest_wait_seconds",
                                "cpu_efficiency",
                                "memory_efficiency"};

// RFC 4180: quotes around what needs them, doubled within.
std::string csv_cell(const json::object& row, const char* field) {
  const json::value* found = row.if_contains(field);
  if (found == nullptr || found->is_null()) {
    return {};
  }
  if (!found->is_string()) {
    return found->is_int64() ? std::to_string(found->get_int64())
                             : fmt::format("{:.6g}", real(row, field));
  }
  std::string value(found->get_string());
  if (value.find_first_of(",\"\r\n") == std::string::npos) {
    return value;
  }
  std::string quoted = "\"";
  for (const char each : value) {
    quoted += each == '"' ? std::string("\"\"") : std::string(1, each);
  }
  return quoted + "\"";
}

void print_csv(const json::array& rows) {
  std::cout << join({kFields.begin(), kFields.end()}, ",") << "\r\n";
  for (const json::value& each : rows) {
    std::vector<std::string> line;
    line.reserve(kFields.size());
    for (const char* field : kFields) {
      line.push_back(csv_cell(each.get_object(), field));
    }
    std::cout << join(line, ",") << "\r\n";
  }
}

}  // namespace

int usage(const Context& context, const UsageArguments& arguments) {
  const auto period = period_of(arguments);
  if (!period) {
    report(period.error());
    return kUsage;
  }
  const auto name = the_cluster(context, arguments.cluster);
  if (!name) {
    return report(name.error());
  }
  const auto answer = context.client.get(
      fmt::format("/v1/clusters/{}/usage?by={}&from={}&to={}", os::url_encode(*name), arguments.by,
                  to_millis(period->from), to_millis(period->to)));
  if (!answer) {
    return report(answer.error());
  }
  const json::object& found = child(*answer, "usage");
  if (context.json) {
    return print(*answer);
  }
  if (arguments.csv) {
    print_csv(list(found, "rows"));
    return kDone;
  }
  std::cout << fmt::format("{} from {} to {} UTC\n", *name, to_iso(period->from).substr(0, 16),
                           to_iso(period->to).substr(0, 16));
  std::vector<std::vector<std::string>> rows;
  for (const json::value& each : list(found, "rows")) {
    rows.push_back(cells(each.get_object()));
  }
  if (rows.empty()) {
    std::cout << "no job ran\n";
    return kDone;
  }
  rows.push_back(cells(child(found, "total")));
  std::string heading = arguments.by;
  for (char& each : heading) {
    each = static_cast<char>(std::toupper(static_cast<unsigned char>(each)));
  }
  print_rows(context, rows,
             {heading, "JOBS", "CPU H", "GPU H", "SHARD H", "MEMORY GIB H", "MEAN WAIT",
              "LONGEST WAIT", "CPU USED", "MEMORY USED", "TITLE"});
  return kDone;
}

}  // namespace provost::cli
