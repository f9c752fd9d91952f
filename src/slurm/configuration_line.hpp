// One line of a Slurm configuration file as a value: "PartitionName=main Nodes=cpu-[1-3]". Pure.
// Private to this room.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace provost::slurm {

/// A name and its value; a word without "=" is a name alone.
using Field = std::pair<std::string, std::string>;

struct ConfigurationLine {
  std::vector<Field> fields;  ///< in order; never empty
  std::size_t begin = 0;      ///< where its text stands in the file
  std::size_t end = 0;        ///< behind its line break

  [[nodiscard]] const std::string* find(std::string_view name) const;  ///< case does not count
  [[nodiscard]] std::string text() const;
  /// What it is about. Lines that may occur more than once are told apart by their values.
  [[nodiscard]] std::string key() const;
  [[nodiscard]] bool is_about(std::string_view name) const;  ///< its first field is that
};

bool same_name(std::string_view left, std::string_view right);

/// One line, without comment.
ConfigurationLine read_line(std::string_view text);

/// All lines that say something: comments and blank ones are left out, continued ones joined.
std::vector<ConfigurationLine> read_lines(const std::string& text);

}  // namespace provost::slurm
