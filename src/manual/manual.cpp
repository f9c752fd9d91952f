#include "manual/manual.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace provost::manual {
namespace {

// One line of text as roff takes it: nothing in it is a request or an escape.
std::string escape(std::string_view line) {
  std::string safe;
  if (!line.empty() && (line.front() == '.' || line.front() == '\'')) {
    safe += "\\&";
  }
  bool bold = false;
  for (const char each : line) {
    if (each == '\\') {
      safe += "\\e";
    } else if (each == '-') {
      safe += "\\-";
    } else if (each == '`') {
      safe += bold ? "\\fR" : "\\fB";
      bold = !bold;
    } else {
      safe += each;
    }
  }
  return safe;
}

// Without marks for bold: a headline or a literal block.
std::string plain(std::string_view line) {
  std::string safe;
  for (const std::string& part : split(line, '`')) {
    const std::string escaped = escape(part);
    safe += (safe.empty() ? "" : "\\`") +
            (safe.empty() || !escaped.starts_with("\\&") ? escaped : escaped.substr(2));
  }
  return safe;
}

std::string paragraphs(std::string_view text) {
  std::string roff;
  bool parted = false;
  for (const std::string& line : split(trim(text), '\n')) {
    if (trim(line).empty()) {
      parted = true;
      continue;
    }
    roff += (parted ? ".PP\n" : "") + escape(trim(line)) + "\n";
    parted = false;
  }
  return roff;
}

// "TERM TAB what" a line.
std::string terms(std::string_view text) {
  std::string roff;
  for (const std::string& line : split(trim(text), '\n')) {
    const std::size_t tab = line.find('\t');
    roff += fmt::format(".TP\n\\fB{}\\fR\n{}\n", plain(line.substr(0, tab)),
                        tab == std::string::npos ? "" : escape(trim(line.substr(tab + 1))));
  }
  return roff;
}

std::string section(std::string_view title, const std::string& content) {
  return content.empty() ? std::string() : fmt::format(".SH {}\n{}", title, content);
}

std::string literal(std::string_view text) {
  std::string roff = ".PP\n.nf\n";
  for (const std::string& line : split(text, '\n')) {
    roff += plain(line) + "\n";
  }
  return roff + ".fi\n";
}

std::string term_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) {
    names.push_back("-" + name);
  }
  for (const std::string& name : option.get_lnames()) {
    names.push_back("--" + name);
  }
  std::string term =
      option.get_positional() && names.empty() ? option.get_name(true, false) : join(names, ", ");
  if (option.get_positional() && !names.empty()) {
    term = option.get_name(true, false) + ", " + join(names, ", ");
  }
  if (option.get_items_expected_min() > 0 && !names.empty()) {
    term += " " + option.get_type_name();
  }
  return term;
}

std::string options_of(const CLI::App& app) {
  std::string roff;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) {
      continue;
    }
    std::string what = option->get_description();
    if (!option->get_default_str().empty()) {
      what += fmt::format(" (default: {})", option->get_default_str());
    }
    if (!option->get_envname().empty()) {
      what += fmt::format("; also from the environment: {}", option->get_envname());
    }
    roff += fmt::format(".TP\n\\fB{}\\fR\n{}\n", plain(term_of(*option)), plain(what));
  }
  return roff;
}

std::string synopsis(const CLI::App& app, const std::string& usage) {
  std::string roff = fmt::format("\\fB{}\\fR [\\fIoptions\\fR]", plain(usage));
  if (!commands_of(app).empty()) {
    return roff + " \\fIcommand\\fR ...\n";
  }
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) {
      continue;
    }
    const std::string name =
        plain(option->get_name(true, false)) + (option->get_expected_max() > 1 ? " ..." : "");
    roff += option->get_required() ? fmt::format(" \\fI{}\\fR", name)
                                   : fmt::format(" [\\fI{}\\fR]", name);
  }
  return roff + "\n";
}

std::string commands_section(const CLI::App& app, const std::string& usage, bool listed) {
  std::string roff;
  for (const CLI::App* command : commands_of(app)) {
    if (listed) {
      roff += fmt::format(".TP\n\\fB{}\\-{}\\fR(1)\n{}\n", plain(usage), plain(command->get_name()),
                          plain(command->get_description()));
    } else {
      roff +=
          fmt::format(".SS {}\n{}.PP\n{}{}", plain(usage + " " + command->get_name()),
                      plain(command->get_description()) + "\n",
                      synopsis(*command, usage + " " + command->get_name()), options_of(*command));
    }
  }
  return roff;
}

// "Examples:\n  ..." and, after it, lines that are not examples.
std::string examples(const CLI::App& app) {
  const std::string text = app.get_footer();
  constexpr std::string_view kBegin = "Examples:\n";
  const std::size_t begin = text.find(kBegin);
  if (begin == std::string::npos) {
    return {};
  }
  std::vector<std::string> lines;
  for (std::string& line : split(text.substr(begin + kBegin.size()), '\n')) {
    if (line.starts_with("  ")) {
      lines.push_back(std::move(line));
    }
  }
  return literal(join(lines, "\n"));
}

}  // namespace

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands(
      [](const CLI::App* each) { return !each->get_name().empty() && !each->get_group().empty(); });
}

std::string render(const CLI::App& app, const std::string& usage, const Page& page, bool listed) {
  std::string upper(page.name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char each) { return static_cast<char>(std::toupper(each)); });
  std::string see_also;
  for (const std::string& each : page.see_also) {
    const std::size_t bracket = each.find('(');
    see_also += fmt::format("{}\\fB{}\\fR{}", see_also.empty() ? "" : ", ",
                            plain(each.substr(0, bracket)), each.substr(bracket));
  }
  const std::string summary(page.summary.empty() ? std::string_view(app.get_description())
                                                 : page.summary);
  return fmt::format(
             ".\\\" Made by the program itself; written beside its commands.\n"
             ".TH {} {} \"\" \"Provost {}\" \"Provost\"\n.nh\n.ad l\n",
             plain(upper), page.section, PROVOST_VERSION) +
         section("NAME", fmt::format("{} \\- {}\n", plain(page.name), plain(summary))) +
         section("SYNOPSIS", synopsis(app, usage)) + section("DESCRIPTION", paragraphs(page.text)) +
         section("COMMANDS", commands_section(app, usage, listed)) +
         section("OPTIONS", options_of(app)) + section("EXAMPLES", examples(app)) +
         section("EXIT STATUS", page.exits.empty() ? "" : terms(page.exits)) +
         section("ENVIRONMENT", page.environment.empty() ? "" : terms(page.environment)) +
         section("FILES", page.files.empty() ? "" : terms(page.files)) +
         section("SEE ALSO", see_also.empty() ? "" : see_also + "\n");
}

}  // namespace provost::manual
