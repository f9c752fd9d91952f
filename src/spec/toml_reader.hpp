// TOML with places.
#pragma once

#include "spec/document.hpp"
#include "spec/report.hpp"
#include "spec/spec.hpp"

namespace provost::spec {

/// The longest file that is read; 20,000 people with a key each take 2.8 MB.
inline constexpr std::size_t kTomlBytes = 16U << 20U;

/// Reads `source` and reports what is wrong; `sound` says whether the syntax was right.
Document read_toml(const SourceText& source, Report& report);

}  // namespace provost::spec
