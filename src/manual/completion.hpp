// What a shell offers while a command line is typed, from the program's declared arguments. The
// shells' scripts ask the program itself (`provost __complete WORD...`), so nothing can drift.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace provost::manual {

struct Offer {
  std::string word;
  std::string summary;
};

/// What stands where the cursor is.
struct Wanted {
  std::vector<Offer> offers;  ///< those that begin with what is typed
  std::string type;           ///< of the value that is typed: "FILE", "CLUSTER"; empty: none
  std::string begun;          ///< what is typed of it
  std::string before;         ///< what stands before it in the same word: "--cluster="
  std::map<std::string, std::string> given;  ///< values of options that are given: "socket"
};

/// `words`: those after the program's name up to the cursor; the last is being typed and may be
/// empty. As bash parts them, too: "--for" "=" "deleted". Pure.
Wanted complete(const CLI::App& app, const std::vector<std::string>& words);

/// The script for "bash", "zsh" or "fish"; empty for another shell.
std::string script(const std::string& program, const std::string& shell);

/// The word that makes the program answer a script.
inline constexpr const char* kComplete = "__complete";

}  // namespace provost::manual
