// libFuzzer: any bytes as cluster-config.json and, after a 0x01, as provisioning-parameters.json
// are a cluster or errors.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "spec/spec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string all(reinterpret_cast<const char*>(data), size);
  const std::size_t border = all.find('\x01');
  provost::spec::Sources sources;
  sources.cluster_config = {"config.json", all.substr(0, border)};
  if (border != std::string::npos) {
    sources.provisioning_parameters = {"parameters.json", all.substr(border + 1)};
  }
  const auto checked = provost::spec::check(sources, provost::spec::builtin_catalogue());
  if (checked.cluster.has_value() == provost::has_errors(checked.findings)) {
    std::abort();
  }
  return 0;
}
