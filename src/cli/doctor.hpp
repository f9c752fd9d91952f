// The host's check-up, for `provost doctor` and as a part of `provost report`.
#pragma once

#include <string>
#include <vector>

#include "cli/context.hpp"
#include "support/checks.hpp"
#include "support/mend.hpp"

namespace provost::cli {

struct CheckUp {
  support::HostFacts facts;
  std::vector<support::Line> lines;
};

/// Looks at this host; what only provostd knows is asked at the context's socket. `state`: of which
/// state directory; empty: provostd's.
CheckUp check_up(const Context& context, const std::string& state, Working& working);

json::object to_json(const CheckUp& check_up, const std::vector<support::Mended>& mended);

/// One line a check; on a terminal cells are wrapped.
std::string to_text(const std::vector<support::Line>& lines, const Terminal& terminal);

/// The daemon's facts from what GET /v1/ready and /v1/doctor answered. For tests.
support::Daemon read_daemon(const json::object& ready, const json::object& doctor);

}  // namespace provost::cli
