#include "cli/documents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/text.hpp"

namespace provost::cli {
namespace {

std::vector<std::string> options_of(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

std::vector<CLI::App*> commands_of(CLI::App& app) {
  return app.get_subcommands([](CLI::App* each) { return !each->get_name().empty(); });
}

std::vector<std::string> names_of(const std::vector<CLI::App*>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (CLI::App* command : commands) {
    names.push_back(command->get_name());
  }
  return names;
}

// One function serves bash, and zsh by its bash compatibility.
std::string bash_completion(CLI::App& app) {
  std::string cases;
  for (CLI::App* command : commands_of(app)) {
    auto words = options_of(*command);
    const auto below = names_of(commands_of(*command));
    words.insert(words.begin(), below.begin(), below.end());
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command->get_name(), join(words, " "));
  }
  return fmt::format(
      "# Completion for provost. Made by: provost completion bash\n"
      "_provost() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} command='' each words=''\n"
      "  for each in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    case $each in -*) ;; *) command=$each; break ;; esac\n"
      "  done\n"
      "  case $command in\n"
      "    '') words=\"{} {}\" ;;\n{}"
      "  esac\n"
      "  case $command in\n"
      "    describe|delete|wait|nodes|events) words+=\" $(provost names clusters 2>/dev/null)\" "
      ";;\n"
      "    logs|ssh|exec) words+=\" $(provost names nodes 2>/dev/null)\" ;;\n"
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "  if [[ ${{#COMPREPLY[@]}} -eq 0 ]]; then COMPREPLY=($(compgen -f -- \"$word\")); fi\n"
      "}}\n"
      "complete -o filenames -F _provost provost\n",
      join(names_of(commands_of(app)), " "), join(options_of(app), " "), cases);
}

std::string fish_completion(CLI::App& app) {
  std::string text = "# Completion for provost. Made by: provost completion fish\n";
  for (CLI::App* command : commands_of(app)) {
    text += fmt::format("complete -c provost -n __fish_use_subcommand -a {} -d '{}'\n",
                        command->get_name(), command->get_description());
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        text += fmt::format("complete -c provost -n '__fish_seen_subcommand_from {}' -l {}\n",
                            command->get_name(), name);
      }
    }
  }
  return text;
}

std::string roff(std::string_view text) {
  std::string safe;
  bool line_begins = true;
  for (const char each : text) {
    if (line_begins && (each == '.' || each == '\'')) {
      safe += "\\&";
    }
    if (each == '\\') {
      safe += "\\e";
    } else if (each == '-') {
      safe += "\\-";
    } else {
      safe += each;
    }
    line_begins = each == '\n';
  }
  return safe;
}

std::string options_section(CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_lnames().empty() || option->get_positional()) {
      text += fmt::format(".TP\n.B {}\n{}\n", roff(option->get_name(true)),
                          roff(option->get_description()));
    }
  }
  return text;
}

}  // namespace

std::string completion(CLI::App& app, const std::string& shell) {
  if (shell == "bash") {
    return bash_completion(app);
  }
  if (shell == "zsh") {
    return "autoload -U +X bashcompinit && bashcompinit\n" + bash_completion(app);
  }
  return shell == "fish" ? fish_completion(app) : "";
}

std::string manual(CLI::App& app) {
  std::string text = fmt::format(
      ".TH PROVOST 1 \"\" \"provost {}\" \"Provost\"\n"
      ".SH NAME\nprovost \\- Slurm clusters from HyperPod's files\n"
      ".SH SYNOPSIS\n.B provost\n[options] command [arguments]\n"
      ".SH DESCRIPTION\n{}\n.SH OPTIONS\n{}.SH COMMANDS\n",
      PROVOST_VERSION, roff(app.get_description()), options_section(app));
  const std::function<void(CLI::App&, const std::string&)> add = [&](CLI::App& command,
                                                                     const std::string& name) {
    text += fmt::format(".SS {}\n{}\n{}", roff(name), roff(command.get_description()),
                        options_section(command));
    if (!command.get_footer().empty()) {
      text += fmt::format(".PP\n.nf\n{}\n.fi\n", roff(command.get_footer()));
    }
    for (CLI::App* below : commands_of(command)) {
      add(*below, name + " " + below->get_name());
    }
  };
  for (CLI::App* command : commands_of(app)) {
    add(*command, command->get_name());
  }
  text +=
      ".SH EXIT STATUS\n0 done; 1 failed; 2 wrong usage; 3 plan: something to do; 4 denied; "
      "5 provostd does not answer; 6 doctor: warnings only; "
      "exec and ssh pass on that of the command.\n"
      ".SH ENVIRONMENT\n.TP\n.B PROVOST_SOCKET\nsocket of provostd\n.TP\n.B NO_COLOR\nno colours\n"
      ".SH FILES\n.TP\n.B /run/provost/provostd.sock\nsocket of the API, for root\n"
      ".TP\n.B /var/lib/provost\nstate\n";
  return text;
}

}  // namespace provost::cli
