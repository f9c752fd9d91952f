// The program `provost`: its arguments, and which command they mean.
#pragma once

#include <string>

#include "cli/frame.hpp"
#include "cli/people.hpp"

namespace provost::cli {

/// The declared program. `run` of the command that was asked for is set by parsing.
class Program : public Frame {
 public:
  Program();

  [[nodiscard]] const NodeArguments& node() const { return node_; }

 private:
  void declare_making();
  void declare_changing();
  void declare_writing();
  void declare_looking();
  void declare_policy();
  void declare_reaching();
  void declare_host();
  void declare_keeping();
  void declare_manual();
  int explain_files_or_field(const Context& context);

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
  MailArguments mail_;
  SelftestArguments selftest_;
  std::string name_;
  std::string directory_;
  PeopleCommands people_;
};

}  // namespace provost::cli
