// What is generated from the declared arguments: completion and the manual page.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace provost::cli {

/// For `shell` "bash", "zsh" or "fish"; empty for another.
std::string completion(CLI::App& app, const std::string& shell);

/// provost(1) in roff.
std::string manual(CLI::App& app);

}  // namespace provost::cli
