#include "cli/frame.hpp"

#include <iostream>

#include "base/text.hpp"
#include "cli/documents.hpp"
#include "manual/completion.hpp"
#include "os/files.hpp"

namespace provost::cli {

Frame::Frame(Where where, const std::string& summary, const std::string& footer)
    : where_(where), app_(std::make_unique<CLI::App>(summary, "provost")) {
  app_->require_subcommand(1);
  app_->fallthrough();
  app_->set_version_flag("--version", std::string("provost ") + PROVOST_VERSION);
  app_->footer(footer);
  declare_global();
}

CLI::App* Frame::command(const std::string& name, const std::string& summary,
                         const std::string& examples, Run run) {
  CLI::App* made = command_below(app_.get(), name, summary, std::move(run));
  made->footer("Examples:\n" + examples +
               (where_ == Where::host ? "\nMore: man provost-" + name : ""));
  return made;
}

CLI::App* Frame::command_below(CLI::App* parent, const std::string& name,
                               const std::string& summary, Run run) {
  CLI::App* made = parent->add_subcommand(name, summary);
  made->fallthrough();
  if (run) {
    made->callback([this, run = std::move(run)] { run_ = run; });
  }
  return made;
}

void Frame::declare_global() {
  app_->add_flag("--json", global_.json, "Print what the API answers");
  app_->add_flag("--no-color,--no-colour", global_.no_colour, "No colours");
  app_->add_option("--socket", global_.socket, "Socket of provostd")
      ->type_name("FILE")
      ->envname("PROVOST_SOCKET")
      ->capture_default_str();
  app_->add_option("--server", global_.server, "https://HOST:PORT of a provostd elsewhere")
      ->type_name("URL");
  app_->add_option("--token-file", global_.token_file, "File with the token for --server")
      ->type_name("FILE");
  app_->add_option("--authority", global_.authority,
                   "File with the certificate that the server's must verify against")
      ->type_name("FILE");
}

int Frame::show(const Result<std::string>& words) {
  if (!words) {
    report(words.error());
    return kUsage;
  }
  std::cout << *words << std::flush;
  return std::cout.good() ? kDone : kFailed;
}

void Frame::declare_help() {
  const bool on_host = where_ == Where::host;
  command("help", "Help for a command",
          on_host ? "  provost help create\n  provost help token create"
                  : "  provost help my\n  provost help member add",
          [this](const Context&) { return show(help_of(*app_, words_)); })
      ->add_option("command", words_, "Name of the command")
      ->type_name("COMMAND");
  command("completion", "Completion for a shell",
          on_host
              ? "  provost completion bash >/usr/local/share/bash-completion/completions/provost\n"
                "  provost completion zsh >/usr/local/share/zsh/site-functions/_provost"
              : "  source <(provost completion bash)        in ~/.bashrc",
          [this](const Context&) { return show(manual::script("provost", shell_)); })
      ->add_option("shell", shell_, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

Result<Context> Frame::context() const {
  os::HttpTarget target;
  if (global_.server.empty()) {
    target.unix_socket = global_.socket;
  } else {
    target.url = global_.server;
    target.authority_file = global_.authority;
    if (!global_.token_file.empty()) {
      auto token = os::read_file(global_.token_file, 4096);
      if (!token) {
        return pass(token.error());
      }
      target.token = trim(*token);
    }
  }
  return Context{Client(target, os::HttpCall().timeout, where_),
                 look_at_terminal(global_.no_colour), global_.json};
}

CLI::App* Frame::find_command(const std::string& name) {
  const auto found =
      app_->get_subcommands([&](CLI::App* each) { return each->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

int Frame::explain(const CLI::ParseError& problem, int argc, const char* const* argv) {
  if (problem.get_exit_code() == 0) {
    return app_->exit(problem);
  }
  std::vector<std::string> commands;
  for (const CLI::App* each : app_->get_subcommands([](CLI::App*) { return true; })) {
    commands.push_back(each->get_name());
  }
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool is_value = i > 1 && std::string_view(argv[i - 1]).starts_with("--");
    if (word.starts_with("-") || is_value) {
      continue;
    }
    if (std::find(commands.begin(), commands.end(), word) == commands.end()) {
      const auto meant = nearest(word, commands);
      std::cerr << "provost: there is no command \"" << shorten(word) << "\""
                << (meant ? "; did you mean \"" + *meant + "\"?" : "") << "\n  try: provost help\n";
      return kUsage;
    }
    std::cerr << "provost " << word << ": " << problem.what() << "\n  try: provost help " << word
              << "\n";
    return kUsage;
  }
  std::cerr << "provost: " << problem.what() << "\n  try: provost help\n";
  return kUsage;
}

std::string Frame::parse(std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app_->parse(std::move(arguments));
  } catch (const CLI::ParseError& problem) {
    return problem.what();
  }
  return {};
}

int Frame::run(int argc, const char* const* argv) {
  if (argc == 1) {
    std::cout << app_->help();
    return kUsage;
  }
  if (std::string_view(argv[1]) == manual::kComplete) {
    const char* socket = std::getenv("PROVOST_SOCKET");  // NOLINT(concurrency-mt-unsafe)
    std::cout << completion_answer(*app_, {argv + 2, argv + argc},
                                   socket == nullptr ? global_.socket : socket);
    return kDone;
  }
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return explain(problem, argc, argv);
  }
  const auto made = context();
  return made ? run_(*made) : report(made.error());
}

}  // namespace provost::cli
