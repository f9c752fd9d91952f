// Telling systemd how the service stands (sd_notify(3)).
#pragma once

#include <string>

namespace provost::daemon {

/// Sends `state`, e.g. "READY=1"; does nothing where nobody asked for it.
void notify(const std::string& state);

}  // namespace provost::daemon
