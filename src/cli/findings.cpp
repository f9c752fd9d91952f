#include "cli/findings.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace provost::cli {
namespace {

std::string_view line_of(std::string_view text, std::int64_t line) {
  std::size_t begin = 0;
  for (std::int64_t i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) {
      return {};
    }
    begin = end + 1;
  }
  std::string_view found = text.substr(begin, text.find('\n', begin) - begin);
  if (found.ends_with('\r')) {
    found.remove_suffix(1);
  }
  return found;
}

bool begins_character(char each) { return (static_cast<unsigned char>(each) & 0xC0U) != 0x80U; }

// Nothing of a stranger's file moves our terminal's cursor.
char shown(char each) { return static_cast<unsigned char>(each) < 0x20 ? ' ' : each; }

}  // namespace

std::string excerpt(std::string_view text, std::int64_t line, std::int64_t column,
                    std::size_t width) {
  const std::string_view whole = line_of(text, line);
  if (line < 1 || column < 1 || whole.empty()) {
    return {};
  }
  constexpr std::size_t kBefore = 60;
  const std::size_t at = std::min(static_cast<std::size_t>(column - 1), whole.size());
  std::size_t begin = at > kBefore ? at - kBefore : 0;
  while (begin > 0 && !begins_character(whole[begin])) {
    --begin;
  }
  std::string source;
  std::size_t mark = 0;
  std::size_t taken = 0;
  for (std::size_t i = begin; i < whole.size(); ++i) {
    if (begins_character(whole[i])) {
      if (taken + 8 > width && i > at) {
        break;
      }
      mark += i < at ? 1 : 0;
      ++taken;
    }
    source += shown(whole[i]);
  }
  return fmt::format("    {}\n    {}^\n", source, std::string(mark, ' '));
}

std::string findings_text(const json::array& findings, const Texts& texts,
                          const Terminal& terminal) {
  std::string all;
  for (const json::value& each : findings) {
    if (!each.is_object()) {
      continue;
    }
    const json::object& finding = each.get_object();
    const std::string file = text(finding, "file");
    const std::string severity = text(finding, "severity");
    const std::string better = text(finding, "better");
    std::string where = file;
    if (number(finding, "line") > 0) {
      where += fmt::format(":{}:{}", number(finding, "line"), number(finding, "column"));
    }
    all += fmt::format("{}{}{}: {}{}{}\n", paint(terminal, Paint::bold, where),
                       where.empty() ? "" : ": ", paint(terminal, paint_of(severity), severity),
                       text(finding, "what"), better.empty() ? "" : "; ", better);
    const auto source = texts.find(file);
    if (terminal.interactive && source != texts.end()) {
      all += excerpt(source->second, number(finding, "line"), number(finding, "column"),
                     static_cast<std::size_t>(terminal.width));
    }
  }
  return all;
}

std::size_t errors_in(const json::array& findings) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(), [](const json::value& each) {
        return each.is_object() && text(each.get_object(), "severity") == "error";
      }));
}

}  // namespace provost::cli
