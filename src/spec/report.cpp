#include "spec/report.hpp"

#include <fmt/format.h>

namespace provost::spec {

Spot spot(const Document& document, const Value& value, std::string path) {
  return {{document.file, value.place.line, value.place.column}, std::move(path), quoted(value)};
}

Spot spot(const Document& document, Place place, std::string path) {
  return {{document.file, place.line, place.column}, std::move(path), {}};
}

void Report::add(Severity severity, Spot spot, std::string rule, std::string what,
                 std::string better) {
  errors_ += severity == Severity::error ? 1 : 0;
  if (findings_.size() >= kMost) {
    ++left_out_;
    return;
  }
  findings_.push_back({severity, std::move(rule), std::move(spot.path), std::move(spot.value),
                       std::move(what), std::move(better), std::move(spot.where)});
}

Findings Report::take() {
  sort_for_reading(findings_);
  if (left_out_ > 0) {
    findings_.push_back({.severity = errors_ > 0 ? Severity::error : Severity::warning,
                         .rule = "report.length",
                         .path = {},
                         .value = {},
                         .what = fmt::format("{} more findings are not shown", left_out_),
                         .better = "mend those above first",
                         .where = {}});
  }
  return std::move(findings_);
}

}  // namespace provost::spec
