// Whose the machines of this host are. Several provostd may share a host, each with a state
// directory of its own; one that is stopped still owns what its directory's records name. So each
// notes its directory under /run, which goes, as its machines do, when the host restarts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace provost::provider::local {

/// The one name of a state directory: absolute, links resolved.
std::string absolute_state(const std::string& state);

/// Notes that `state` may have machines on this host. Before the first of them is made.
Status note_state(const std::string& state);
/// It has none any more.
void forget_state(const std::string& state);

/// Every state directory that may own something here: those noted, those of provostd and nodes that
/// run, and those that mounts name. Absolute, sorted.
std::vector<std::string> states_of_host();

/// Network id -> cluster's directory, of all that the records below `state` name.
std::map<std::string, std::string> networks_of_state(const std::string& state);

/// The state directory that the command line of a provostd, or of a node's systemd-nspawn, names;
/// "" for others. Pure.
std::string state_of_command(const std::vector<std::string>& argv);

/// "/srv/p" of "/srv/p/machines/tiny/cpu-1/root", or "". Pure.
std::string state_of_mount(const std::string& point);

}  // namespace provost::provider::local
