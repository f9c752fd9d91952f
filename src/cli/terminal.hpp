// What a person sees: tables, colours where they help, the same text without them elsewhere.
#pragma once

#include <string>
#include <vector>

namespace provost::cli {

struct Terminal {
  bool interactive = false;  ///< standard output is a terminal
  bool colour = false;
  int width = 80;
};

/// By what standard output is, `no_colour` and the environment's NO_COLOR.
Terminal look_at_terminal(bool no_colour);

enum class Paint { plain, bold, dim, good, busy, bad };
/// `text` in a colour, or as it is.
std::string paint(const Terminal& terminal, Paint paint, std::string_view text);

/// The colour of a status or a Slurm state.
Paint paint_of(std::string_view state);

/// Columns of a text as a terminal counts them (UTF-8, one a code point).
std::size_t columns(std::string_view text);

/// Says on standard error what goes on while somebody waits, when that is a terminal; the line is
/// gone in the end.
class Working {
 public:
  Working();
  ~Working() { say({}); }
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;

  /// An empty text takes the line away.
  void say(std::string_view text);

 private:
  bool shown_ = false;
};

/// Lines of at most `width` columns, broken between words where that is possible.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// Rows under headings; columns as wide as need be, two spaces between them. The last column is cut
/// at the terminal's width when it is interactive. Empty columns are left out.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// Lines end with '\n'. `indent` spaces before each.
  [[nodiscard]] std::string text(const Terminal& terminal, std::size_t indent = 0) const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace provost::cli
