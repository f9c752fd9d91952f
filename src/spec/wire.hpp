// What this room says, as the native API's JSON (docs/protocols/api.md); the command line makes the
// same of files that it checks without provostd.
#pragma once

#include <boost/json.hpp>

#include "spec/explain.hpp"
#include "spec/spec.hpp"

namespace provost::spec {

boost::json::array to_json(const Findings& findings);
boost::json::object to_json(const model::InstanceType& type);
boost::json::array to_json(const Catalogue& catalogue);
boost::json::object to_json(const Explanation& explanation);
boost::json::object to_json(const FieldHelp& field);

}  // namespace provost::spec
