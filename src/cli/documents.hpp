// What is generated from the declared arguments: help, manual pages, and what a shell offers.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace provost::cli {

/// The help of the command that `words` name ("token", "create"); of the program for none.
/// Errors: not_found.
Result<std::string> help_of(const CLI::App& app, const std::vector<std::string>& words);

/// provost(1), or provost-COMMAND(1), in roff. Errors: not_found.
Result<std::string> manual_of(const CLI::App& app, const std::string& command);

/// Writes all pages into `directory`: "provost.1", "provost-create.1", ...
Status write_manual(const CLI::App& app, const std::string& directory);

/// What a shell's script asks: one offer a line, "WORD TAB summary", then ":files" or
/// ":directories" where such are wanted. Names come from provostd; where it does not answer at once
/// there are none.
std::string completion_answer(const CLI::App& app, const std::vector<std::string>& words,
                              const std::string& socket);

}  // namespace provost::cli
