#include "manual/completion.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "manual/manual.hpp"

namespace provost::manual {
namespace {

constexpr const char* kBash = R"bash(# Completion for PROGRAM. Made by: PROGRAM completion bash
_PROGRAM() {
  local line word=${COMP_WORDS[COMP_CWORD]}
  [[ $word == '=' ]] && word=''
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word") ;;
      :directories) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$word") ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _PROGRAM PROGRAM
)bash";

constexpr const char* kZsh = R"zsh(#compdef PROGRAM
# Completion for PROGRAM. Made by: PROGRAM completion zsh
_PROGRAM() {
  local line files=''
  local -a offers
  while IFS= read -r line; do
    case $line in
      :files) files=file ;;
      :directories) files=directory ;;
      *) offers+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
    esac
  done < <("$words[1]" __complete "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)
  (( $#offers )) && _describe PROGRAM offers
  if [[ -n $files ]]; then
    compset -P '--*='
    if [[ $files == directory ]]; then _files -/; else _files; fi
  fi
}
if [[ $funcstack[1] == _PROGRAM ]]; then _PROGRAM "$@"; else compdef _PROGRAM PROGRAM; fi
)zsh";

constexpr const char* kFish = R"fish(# Completion for PROGRAM. Made by: PROGRAM completion fish
function __PROGRAM_complete
  for line in (PROGRAM __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
    switch $line
      case :files
        __fish_complete_path (commandline -ct)
      case :directories
        __fish_complete_directories (commandline -ct)
      case '*'
        echo $line
    end
  end
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
)fish";

bool takes_value(const CLI::Option& option) { return option.get_items_expected_min() > 0; }

// The option of that name, of the command or of one above it.
const CLI::Option* find_option(const CLI::App* app, const std::string& word) {
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      if (option->check_name(word)) {
        return option;
      }
    }
  }
  return nullptr;
}

const CLI::App* find_command(const CLI::App& app, const std::string& name) {
  for (const CLI::App* each : commands_of(app)) {
    if (each->get_name() == name) {
      return each;
    }
  }
  return nullptr;
}

std::vector<const CLI::Option*> positionals_of(const CLI::App& app) {
  std::vector<const CLI::Option*> found;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      found.push_back(option);
    }
  }
  return found;
}

void offer(Wanted& wanted, const std::string& word, const std::string& summary) {
  if (word.starts_with(wanted.before + wanted.begun)) {
    wanted.offers.push_back({word, summary});
  }
}

// A value: one of a set ("TEXT:{InService,deleted}"), or of a type that somebody else knows.
void offer_values(Wanted& wanted, const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t open = type.find('{');
  const std::size_t close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) {
    wanted.type = type.substr(0, type.find(':'));
    return;
  }
  for (const std::string& each : split(type.substr(open + 1, close - open - 1), ',')) {
    offer(wanted, wanted.before + each, option.get_description());
  }
}

void offer_options(Wanted& wanted, const CLI::App* app) {
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_group().empty()) {
        continue;
      }
      for (const std::string& name : option->get_lnames()) {
        offer(wanted, "--" + name, option->get_description());
      }
    }
  }
}

// The words before the cursor, one after the other.
struct Walk {
  const CLI::App* command;
  const CLI::Option* pending = nullptr;  ///< its value comes next
  std::size_t positionals = 0;
  bool only_arguments = false;  ///< after "--"
  std::map<std::string, std::string> given;

  void step(const std::string& word) {
    if (word == "=" && pending != nullptr) {
      return;  // bash parts "--for=deleted"
    }
    if (pending != nullptr) {
      note(*pending, word);
      pending = nullptr;
    } else if (only_arguments) {
      ++positionals;
    } else if (word == "--") {
      only_arguments = true;
    } else if (word.starts_with("-")) {
      step_option(word);
    } else if (const CLI::App* below = find_command(*command, word); below != nullptr) {
      command = below;
      positionals = 0;
    } else {
      const auto all = positionals_of(*command);
      if (positionals < all.size()) {
        note(*all[positionals], word);
      }
      ++positionals;
    }
  }

 private:
  void note(const CLI::Option& option, const std::string& value) {
    for (const std::string& name : option.get_lnames()) {
      given[name] = value;
    }
  }
  void step_option(const std::string& word) {
    const std::size_t sign = word.find('=');
    const CLI::Option* option = find_option(command, word.substr(0, sign));
    if (option == nullptr || !takes_value(*option)) {
      return;
    }
    if (sign == std::string::npos) {
      pending = option;
    } else {
      note(*option, word.substr(sign + 1));
    }
  }
};

}  // namespace

Wanted complete(const CLI::App& app, const std::vector<std::string>& words) {
  Walk walk{.command = &app, .given = {}};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    walk.step(words[i]);
  }
  Wanted wanted;
  wanted.begun = words.empty() ? "" : words.back();
  wanted.given = walk.given;
  if (walk.pending != nullptr) {
    if (wanted.begun == "=") {
      wanted.begun.clear();
    }
    offer_values(wanted, *walk.pending);
    return wanted;
  }
  if (!walk.only_arguments && wanted.begun.starts_with("-")) {
    const std::size_t sign = wanted.begun.find('=');
    const CLI::Option* option = sign == std::string::npos
                                    ? nullptr
                                    : find_option(walk.command, wanted.begun.substr(0, sign));
    if (option != nullptr && takes_value(*option)) {
      wanted.before = wanted.begun.substr(0, sign + 1);
      wanted.begun.erase(0, sign + 1);
      offer_values(wanted, *option);
    } else {
      offer_options(wanted, walk.command);
    }
    return wanted;
  }
  if (walk.only_arguments) {
    return wanted;  // a command of somebody else's
  }
  for (const CLI::App* each : commands_of(*walk.command)) {
    if (walk.positionals > 0) {
      break;  // a command that nobody knows stands before
    }
    offer(wanted, each->get_name(), each->get_description());
  }
  const auto positionals = positionals_of(*walk.command);
  if (!positionals.empty()) {
    const bool more = walk.positionals < positionals.size();
    const CLI::Option* option = more ? positionals[walk.positionals] : positionals.back();
    if (more || option->get_expected_max() > 1) {
      offer_values(wanted, *option);
    }
  }
  return wanted;
}

std::string script(const std::string& program, const std::string& shell) {
  std::string text = shell == "bash" ? kBash : shell == "zsh" ? kZsh : shell == "fish" ? kFish : "";
  constexpr std::string_view kName = "PROGRAM";
  for (std::size_t at = 0; (at = text.find(kName, at)) != std::string::npos; at += program.size()) {
    text.replace(at, kName.size(), program);
  }
  return text;
}

}  // namespace provost::manual
