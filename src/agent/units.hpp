// systemd's units on the node, by its own tool.
#pragma once

#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/node_part.hpp"

namespace provost::agent {

/// Which of `units` are active now.
Result<std::set<std::string>> active_units(const std::vector<model::UnitPart>& units);

/// systemd reads its files again.
Status reload_systemd();

/// Starts (or restarts) a unit and waits until it is ready: systemd's word, then its own check,
/// asked again until it holds or the time is over. Errors: unavailable, with the unit's last log
/// lines.
enum class Bring { start, restart };
Status bring_up(const model::UnitPart& unit, Bring how, const std::stop_token& stop);

/// What the unit asks for once it is up, one command after another. Errors: internal, with the
/// command's own words.
Status run_then(const model::UnitPart& unit, const std::stop_token& stop);

/// Waits until `stop` is requested, at most `limit`. True: it was requested.
bool wait_for_stop(const std::stop_token& stop, std::chrono::milliseconds limit);

}  // namespace provost::agent
