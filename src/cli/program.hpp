// The program `provost`: its arguments, and which command they mean.
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

/// The declared program. `run` of the command that was asked for is set by parsing.
class Program {
 public:
  Program();

  /// Parses and runs; the exit status.
  int run(int argc, const char* const* argv);

  /// Parses only: "" or what is wrong with the arguments. For tests.
  std::string parse(std::vector<std::string> arguments);

  [[nodiscard]] CLI::App& app() { return *app_; }
  [[nodiscard]] const GlobalArguments& global() const { return global_; }
  [[nodiscard]] const NodeArguments& node() const { return node_; }

 private:
  using Run = std::function<int(const Context&)>;
  CLI::App* command(const std::string& name, const std::string& summary,
                    const std::string& examples, Run run);
  CLI::App* command_below(CLI::App* parent, const std::string& name, const std::string& summary,
                          Run run);
  void declare_global();
  void declare_making();
  void declare_changing();
  void declare_writing();
  void declare_looking();
  void declare_policy();
  void declare_idle();
  void declare_reaching();
  void declare_host();
  void declare_keeping();
  void declare_help();
  static int show(const Result<std::string>& words);
  CLI::App* find_command(const std::string& name);
  int explain_files_or_field(const Context& context);
  int explain(const CLI::ParseError& problem, int argc, const char* const* argv);
  Result<Context> context() const;

  std::unique_ptr<CLI::App> app_;
  GlobalArguments global_;
  CreateArguments create_;
  ChangeArguments change_;
  FileArguments validate_;
  ExplainArguments explain_;
  InitArguments init_;
  EventArguments events_;
  NodeArguments node_;
  LogArguments logs_;
  DeleteArguments delete_;
  WaitArguments wait_;
  BucketArguments bucket_;
  DoctorArguments doctor_;
  ReportArguments report_;
  BackupArguments backup_;
  PolicyArguments policy_;
  UsageArguments usage_;
  MailArguments mail_;
  SelftestArguments selftest_;
  std::string name_;
  std::string directory_;
  std::vector<std::string> words_;
  Run run_;
};

}  // namespace provost::cli
