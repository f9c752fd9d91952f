// Fault points: named places where a test can make the program die as by kill -9.
//
// PROVOST_FAULT="name" or "name:3" (the third passage) in the environment makes `pass` end the
// process by SIGKILL; the name may be a shell pattern, where part of it differs from run to run.
// PROVOST_FAULT_LIST=FILE ends it at the first passage of any name of the file, one pattern a line.
// PROVOST_FAULT_LOG=FILE appends each point passed, numbered, one a line.
#pragma once

#include <string_view>

namespace provost::os::fault {

/// Passes the point `name`, e.g. "commit.before", "act.after:university/cpu-1/1/create".
void pass(std::string_view name);

}  // namespace provost::os::fault
