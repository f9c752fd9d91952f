// Where the readers, the checker and the rules put what they find.
#pragma once

#include <string>
#include <utility>

#include "base/finding.hpp"
#include "spec/document.hpp"

namespace provost::spec {

/// What a finding is about: a place of a file and the path of the field there.
struct Spot {
  Position where;
  std::string path;
  std::string value;  ///< as it was written
};

Spot spot(const Document& document, const Value& value, std::string path);
Spot spot(const Document& document, Place place, std::string path);

/// Collects findings. A file of garbage must not fill the memory: after `kMost` the rest is
/// counted only, and `take` says how many there were.
class Report {
 public:
  static constexpr std::size_t kMost = 1000;

  void error(Spot spot, std::string rule, std::string what, std::string better = {}) {
    add(Severity::error, std::move(spot), std::move(rule), std::move(what), std::move(better));
  }
  void warning(Spot spot, std::string rule, std::string what, std::string better = {}) {
    add(Severity::warning, std::move(spot), std::move(rule), std::move(what), std::move(better));
  }
  void note(Spot spot, std::string rule, std::string what, std::string better = {}) {
    add(Severity::note, std::move(spot), std::move(rule), std::move(what), std::move(better));
  }
  [[nodiscard]] bool has_errors() const { return errors_ > 0; }
  [[nodiscard]] std::size_t errors() const { return errors_; }

  /// All findings, sorted for reading.
  Findings take();

 private:
  void add(Severity severity, Spot spot, std::string rule, std::string what, std::string better);

  Findings findings_;
  std::size_t errors_ = 0;
  std::size_t left_out_ = 0;
};

}  // namespace provost::spec
