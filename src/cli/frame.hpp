// What both programs named `provost` share: global options, how commands are declared and run, help
// and what is said about wrong arguments.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/context.hpp"

namespace provost::cli {

struct GlobalArguments {
  std::string socket = "/run/provost/provostd.sock";
  std::string server;
  std::string token_file;
  std::string authority;
  bool json = false;
  bool no_colour = false;
};

class Frame {
 public:
  using Run = std::function<int(const Context&)>;

  /// `where`: the program on a node has no manual pages beside it, and asks at the agent's socket.
  explicit Frame(Where where, const std::string& summary, const std::string& footer);
  virtual ~Frame() = default;
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  CLI::App* command(const std::string& name, const std::string& summary,
                    const std::string& examples, Run run);
  CLI::App* command_below(CLI::App* parent, const std::string& name, const std::string& summary,
                          Run run);
  [[nodiscard]] Where where() const { return where_; }

  /// Parses and runs; the exit status.
  int run(int argc, const char* const* argv);

  /// Parses only: "" or what is wrong with the arguments. For tests.
  std::string parse(std::vector<std::string> arguments);

  [[nodiscard]] CLI::App& app() { return *app_; }
  [[nodiscard]] const GlobalArguments& global() const { return global_; }

 protected:
  CLI::App* find_command(const std::string& name);
  /// `help` and `completion`.
  void declare_help();
  static int show(const Result<std::string>& words);

 private:
  void declare_global();
  int explain(const CLI::ParseError& problem, int argc, const char* const* argv);
  [[nodiscard]] Result<Context> context() const;

  Where where_;
  std::unique_ptr<CLI::App> app_;
  GlobalArguments global_;
  std::string shell_;
  std::vector<std::string> words_;
  Run run_;
};

}  // namespace provost::cli
