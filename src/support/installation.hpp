// How the provostd of this host was started: noted by it at each start, so that `provost doctor`
// and `provost report` find everything of it when it does not run.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace provost::support {

struct Installation {
  std::string state = "/var/lib/provost";
  std::string run = "/run/provost";
  std::string buckets = "/var/lib/provost/buckets";
  std::string images = "/usr/local/lib/provost/images";
  std::string image_cache = "/var/lib/provost";
  std::string agent = "/usr/local/lib/provost/provost-agent";
  std::string listen = "127.0.0.1:7443";  ///< of the API over TLS; "none"
  std::string network = "10.77.0.0/16";
  std::int64_t agent_port = 7444;
  std::string log;        ///< the file that its log goes to; empty: the journal, or nobody knows
  bool is_noted = false;  ///< read from a note; else the defaults of the programs
};

/// Writes the note into the state and the run directory. No secrets in it.
Status note(const Installation& installation);

/// The note in `run`, else that in `state`, else the defaults for `state` and `run`. Either may be
/// empty: then it is not asked for.
Installation find_installation(const std::string& state, const std::string& run);

}  // namespace provost::support
