// Findings of a check as a person reads them: one line each, and on a terminal the line of the file
// with a mark under the place.
#pragma once

#include <map>
#include <string>

#include "cli/access.hpp"
#include "cli/terminal.hpp"

namespace provost::cli {

/// Contents of the files that were checked, by the name that findings call them.
using Texts = std::map<std::string, std::string>;

/// "file:line:column: error: what; better", then (interactive) the line and a caret.
std::string findings_text(const json::array& findings, const Texts& texts,
                          const Terminal& terminal);

/// The line of `text` that holds byte `column` of line `line`, cut to `width` columns around it,
/// and a line with a caret under it. Tabs become spaces. Empty when there is no such line.
std::string excerpt(std::string_view text, std::int64_t line, std::int64_t column,
                    std::size_t width);

/// How many are errors.
std::size_t errors_in(const json::array& findings);

}  // namespace provost::cli
