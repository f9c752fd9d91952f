// What must be known of a TOML text before toml++ 3.0 reads it.
#pragma once

#include <string_view>

namespace provost::spec {

/// Where the first byte beyond ASCII stands outside texts and comments, or npos. TOML 1.0 allows
/// none there, and toml++ 3.0 runs into undefined behaviour over it.
std::size_t non_ascii_outside_text(std::string_view text);

}  // namespace provost::spec
