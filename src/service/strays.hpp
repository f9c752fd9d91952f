// Which clusters are on the host and not in the store. Pure.
#pragma once

#include <string>
#include <vector>

#include "provider/provider.hpp"
#include "service/desk.hpp"
#include "store/rows.hpp"

namespace provost::service {

/// In the order of their names.
std::vector<Stray> strays_of(const std::vector<store::Cluster>& known,
                             const std::vector<provider::MachineSeen>& machines,
                             const std::vector<std::string>& networks);

}  // namespace provost::service
