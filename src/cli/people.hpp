// The commands that are for people: what is theirs, and what supervisors do. On provostd's host
// they are part of `provost`; on login nodes they are all of it.
#pragma once

#include <string>

#include "cli/frame.hpp"

namespace provost::cli {

class PeopleCommands {
 public:
  /// Declares them; must live as long as the frame.
  void declare(Frame& frame);

 private:
  void declare_answers(Frame& frame);
  void declare_dates(Frame& frame);
  void declare_members(Frame& frame);
  void declare_limits(Frame& frame);
  void declare_jobs(Frame& frame);

  PolicyArguments policy_;
  UsageArguments usage_;
  SuperviseArguments supervise_;
};

/// `provost` on a login node.
class PeopleProgram : public Frame {
 public:
  PeopleProgram();

 private:
  PeopleCommands people_;
};

}  // namespace provost::cli
