// The files of a cluster as one text, to go back to when a change fails. Pure.
#pragma once

#include <string>

#include "spec/spec.hpp"
#include "store/rows.hpp"

namespace provost::service {

/// The user's files of a row.
std::string keep_files(const store::Cluster& row);

/// Back. Errors: invalid (not such a text).
Result<spec::Sources> kept_files(const std::string& text);

}  // namespace provost::service
