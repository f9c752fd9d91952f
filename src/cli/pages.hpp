// What the manual says of each command beyond its arguments: written here, beside the commands. A
// command without its words fails a test.
#pragma once

#include <optional>

#include "manual/manual.hpp"

namespace provost::cli {

/// provost(1).
manual::Page program_page();

/// provost-COMMAND(1); nothing: nobody has written it.
std::optional<manual::Page> command_page(std::string_view command);

/// The commands that have words here.
std::vector<std::string_view> commands_with_pages();

}  // namespace provost::cli
