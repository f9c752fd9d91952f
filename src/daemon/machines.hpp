// Where this program's machines come from: the one thing in which provostd and the benchmarks'
// simulated_provostd (bench/) differ. Each program links one definition.
#pragma once

#include <memory>
#include <string>

#include "provider/provider.hpp"

namespace provost::daemon {

struct MachineOptions {
  std::string state;        ///< directory of what must last
  std::string run;          ///< directory of what may go at a restart of the host
  std::string images;       ///< folder that makes node images
  std::string image_cache;  ///< folder that they are kept in
  std::string agent;        ///< program file of the nodes' agent
  std::string people;       ///< `provost` of nodes; a file that is not there: none
};

std::unique_ptr<provider::Provider> make_provider(const MachineOptions& options);

}  // namespace provost::daemon
