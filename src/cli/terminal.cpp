#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <set>

namespace provost::cli {
namespace {

constexpr int kFallbackWidth = 80;

// Cuts at `limit` columns, whole characters only.
std::string cut(std::string_view text, std::size_t limit) {
  if (columns(text) <= limit) {
    return std::string(text);
  }
  std::string kept;
  std::size_t taken = 0;
  for (const char each : text) {
    const bool begins = (static_cast<unsigned char>(each) & 0xC0U) != 0x80U;
    if (begins && ++taken >= limit) {
      break;
    }
    kept += each;
  }
  return kept + "…";
}

}  // namespace

Terminal look_at_terminal(bool no_colour) {
  Terminal terminal;
  terminal.interactive = ::isatty(STDOUT_FILENO) == 1;
  const char* forbidden = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): one thread
  terminal.colour =
      terminal.interactive && !no_colour && (forbidden == nullptr || *forbidden == '\0');
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  terminal.width = known ? size.ws_col : kFallbackWidth;
  return terminal;
}

std::string paint(const Terminal& terminal, Paint paint, std::string_view text) {
  if (!terminal.colour || paint == Paint::plain) {
    return std::string(text);
  }
  const char* code = "";
  switch (paint) {
    case Paint::bold:
      code = "\033[1m";
      break;
    case Paint::dim:
      code = "\033[2m";
      break;
    case Paint::good:
      code = "\033[32m";
      break;
    case Paint::busy:
      code = "\033[33m";
      break;
    case Paint::bad:
      code = "\033[31m";
      break;
    case Paint::plain:
      break;
  }
  return code + std::string(text) + "\033[0m";
}

Paint paint_of(std::string_view state) {
  static const std::set<std::string_view> kGood = {"Running",   "InService", "idle", "mixed",
                                                   "allocated", "connected", "yes",  "PASS"};
  static const std::set<std::string_view> kBusy = {"Pending",  "Creating",     "Updating",
                                                   "Deleting", "ShuttingDown", "Degraded",
                                                   "Warn",     "warning",      "WARN"};
  static const std::set<std::string_view> kBad = {"Failed", "Failure", "silent", "Error",
                                                  "error",  "down",    "FAIL"};
  if (kGood.contains(state)) {
    return Paint::good;
  }
  if (kBusy.contains(state)) {
    return Paint::busy;
  }
  if (kBad.contains(state) || state.starts_with("down")) {
    return Paint::bad;
  }
  return Paint::plain;
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char each) {
    return (static_cast<unsigned char>(each) & 0xC0U) != 0x80U;
  }));
}

Working::Working() : shown_(::isatty(STDERR_FILENO) == 1) {}

void Working::say(std::string_view text) {
  if (shown_) {
    std::cerr << "\r\033[K" << cut(text, kFallbackWidth - 1) << std::flush;
  }
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (columns(text) > width) {
    std::size_t end = cut(text, width + 1).size() - std::string_view("…").size();
    const std::size_t blank = text.substr(0, end + 1).rfind(' ');
    const bool between_words = blank != std::string_view::npos && blank > 0;
    end = between_words ? blank : end;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + (between_words ? 1 : 0));
  }
  lines.emplace_back(text);
  return lines;
}

std::string Table::text(const Terminal& terminal, std::size_t indent) const {
  std::vector<std::size_t> widths(headings_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], columns(row[i]));
    }
  }
  std::size_t last = 0;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] > 0) {
      widths[i] = std::max(widths[i], columns(headings_[i]));
      last = i;
    }
  }
  const auto line = [&](const std::vector<std::string>& cells, bool heading) {
    std::string made(indent, ' ');
    std::size_t used = indent;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] == 0) {
        continue;
      }
      std::string cell = cells[i];
      const auto width = static_cast<std::size_t>(terminal.width);
      if (i == last && terminal.interactive && width > used + 4) {
        cell = cut(cell, width - used);
      }
      used += widths[i] + 2;
      const std::size_t padding = i == last ? 0 : widths[i] - columns(cell) + 2;
      made += paint(terminal, heading ? Paint::dim : paint_of(cell), cell);
      made.append(padding, ' ');
    }
    while (made.ends_with(' ')) {
      made.pop_back();
    }
    return made + "\n";
  };
  std::string all = line(headings_, true);
  for (const auto& row : rows_) {
    all += line(row, false);
  }
  return all;
}

}  // namespace provost::cli
