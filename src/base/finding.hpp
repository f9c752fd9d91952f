// What a check of a user's file has to say. Data, worded at the edge: the command line prints
// file:line:column, an API answers with a path.
#pragma once

#include <string>
#include <vector>

namespace provost {

enum class Severity { error, warning, note };
std::string_view name(Severity severity);

/// A place in a file. Lines and columns count from 1; 0 means "not known". Columns count bytes.
struct Position {
  std::string file;
  int line = 0;
  int column = 0;

  friend bool operator==(const Position&, const Position&) = default;
};

/// One thing a check found. `what` says what is wrong, `better` what would be right; both lower
/// case without a full stop.
struct Finding {
  Severity severity = Severity::error;
  std::string rule;   ///< stable name of the rule, e.g. "instance-group.name.duplicate"
  std::string path;   ///< field, e.g. "InstanceGroups[2].InstanceCount"
  std::string value;  ///< what stood there, shortened; may be empty
  std::string what;
  std::string better;
  Position where;
};

using Findings = std::vector<Finding>;

/// True when any finding is an error.
bool has_errors(const Findings& findings);

/// "file:line:column: error: what; better" (parts that are not known are left out).
std::string to_text(const Finding& finding);

/// Errors before warnings before notes, then by file, line and column; stable.
void sort_for_reading(Findings& findings);

}  // namespace provost
