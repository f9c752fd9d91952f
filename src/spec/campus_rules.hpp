// Rules of campus.toml across its fields, and the campus it means.
#pragma once

#include "model/cluster.hpp"
#include "spec/document.hpp"
#include "spec/report.hpp"

namespace provost::spec {

/// Reports what is wrong with a campus file whose shape may be wrong anywhere.
void apply_campus_rules(const Document& document, Report& report);

/// The campus meant, of a document in which nothing is wrong.
model::Campus read_campus(const Document& document);

}  // namespace provost::spec
