#include "base/finding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace provost {

std::string_view name(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::note:
      return "note";
  }
  return "error";
}

bool has_errors(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.severity == Severity::error; });
}

std::string to_text(const Finding& finding) {
  std::string where;
  if (!finding.where.file.empty()) {
    where = finding.where.file + ":";
    if (finding.where.line > 0) {
      where += fmt::format("{}:", finding.where.line);
    }
    if (finding.where.column > 0) {
      where += fmt::format("{}:", finding.where.column);
    }
    where += " ";
  }
  const std::string better = finding.better.empty() ? "" : "; " + finding.better;
  return fmt::format("{}{}: {}{}", where, name(finding.severity), finding.what, better);
}

void sort_for_reading(Findings& findings) {
  const auto key = [](const Finding& finding) {
    return std::tie(finding.severity, finding.where.file, finding.where.line, finding.where.column);
  };
  std::stable_sort(
      findings.begin(), findings.end(),
      [&](const Finding& left, const Finding& right) { return key(left) < key(right); });
}

}  // namespace provost
