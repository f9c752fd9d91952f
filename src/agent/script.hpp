// The lifecycle script: unpacked where HyperPod puts it, run as HyperPod runs it, once.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "protocol/messages.hpp"

namespace provost::agent {

/// Names an order: same scripts and settings, same digest.
std::string digest_of(const protocol::ScriptOrder& order);

/// Whether the order is to be run, given what was run before in this incarnation. A script that
/// succeeded is never run again; one that failed is, once its bucket holds something else; one
/// that was interrupted is.
bool is_due(const protocol::ScriptOrder& order, const std::string& digest_before,
            protocol::ScriptState state_before);

/// Runs the order and returns how it ended. `say` gets what is for the log, as it comes: markers
/// and output. Output goes to /var/log/provision/provisioning.log too. Blocks.
protocol::ScriptReport run_script(const protocol::ScriptOrder& order,
                                  const std::function<void(std::string_view)>& say,
                                  const std::stop_token& stop);

/// The last whole lines of `text` within `limit` bytes.
std::string tail_of(std::string_view text, std::size_t limit);

}  // namespace provost::agent
