#include "daemon/notify.hpp"

#include <systemd/sd-daemon.h>

namespace provost::daemon {

void notify(const std::string& state) { sd_notify(0, state.c_str()); }

}  // namespace provost::daemon
