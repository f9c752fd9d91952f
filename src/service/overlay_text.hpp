// A cluster's overlay as the store keeps it.
#pragma once

#include <string>

#include "model/overlay.hpp"

namespace provost::service {

/// JSON; empty of an overlay that says nothing and never did.
std::string to_text(const model::Overlay& overlay);

/// The same back; what cannot be read is left out. Ids are never given anew.
model::Overlay read_overlay(const std::string& text);

}  // namespace provost::service
