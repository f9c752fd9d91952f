// Manual pages in roff, made of a program's declared arguments and of words written beside them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace provost::manual {

/// What a page says that the arguments do not. In texts an empty line begins a paragraph, and
/// `words` between backquotes are set in bold.
struct Page {
  std::string_view name;  ///< "provost-create"
  int section = 1;
  std::string_view summary;                ///< a phrase; empty: the program's own description
  std::string_view text;                   ///< DESCRIPTION
  std::string_view exits = {};             ///< EXIT STATUS, "0 TAB done" a line
  std::string_view environment = {};       ///< ENVIRONMENT, "NAME TAB what" a line
  std::string_view files = {};             ///< FILES, "PATH TAB what" a line
  std::vector<std::string> see_also = {};  ///< "provost(1)"
};

/// The page of `app`: its options, its commands below it (with theirs), its footer's examples. A
/// `listed` program's commands are only named, each having a page of its own.
std::string render(const CLI::App& app, const std::string& usage, const Page& page,
                   bool listed = false);

/// The commands of `app` that are meant for people, in their order.
std::vector<const CLI::App*> commands_of(const CLI::App& app);

}  // namespace provost::manual
