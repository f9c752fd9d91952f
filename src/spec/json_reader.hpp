// JSON (RFC 8259) with places, read strictly: every value is looked at, a name given twice, bad
// UTF-8, too deep nesting and a file too long are errors.
#pragma once

#include "spec/document.hpp"
#include "spec/report.hpp"
#include "spec/spec.hpp"

namespace provost::spec {

/// The longest file that is read. CreateCluster's 100 groups with everything take about 300 KB.
inline constexpr std::size_t kJsonBytes = 4U << 20U;
inline constexpr int kJsonDepth = 64;

/// Reads `source` and reports what is wrong; `sound` says whether the syntax was right. Of several
/// syntax errors the first is reported.
Document read_json(const SourceText& source, Report& report);

}  // namespace provost::spec
