// What the node is made of.
#pragma once

#include "protocol/messages.hpp"

namespace provost::agent {

protocol::Inventory take_inventory();

/// 1-minute load average; 0 when it cannot be read.
double load_average();

/// Changes with each boot. Errors are an empty text.
std::string boot_id();

}  // namespace provost::agent
