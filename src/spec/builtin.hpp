// The files of models/ as they were compiled in.
#pragma once

#include <string_view>

namespace provost::spec::builtin {

std::string_view instance_types();
std::string_view cluster_config_shapes();
std::string_view provisioning_parameters_shapes();
std::string_view campus_shapes();

}  // namespace provost::spec::builtin
