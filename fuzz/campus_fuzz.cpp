// libFuzzer: any bytes as campus.toml are people or errors.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "spec/spec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string kConfig =
      R"({"ClusterName": "c", "Orchestrator": {"Slurm": {}}, "InstanceGroups": [
      {"InstanceGroupName": "head", "InstanceType": "ml.t3.medium", "InstanceCount": 1,
       "ExecutionRole": "arn:aws:iam::111122223333:role/R", "SlurmConfig": {"NodeType": "Controller"}}]})";
  provost::spec::Sources sources;
  sources.cluster_config = {"config.json", kConfig};
  sources.campus = {"campus.toml", std::string(reinterpret_cast<const char*>(data), size)};
  const auto checked = provost::spec::check(sources, provost::spec::builtin_catalogue());
  if (checked.cluster.has_value() == provost::has_errors(checked.findings)) {
    std::abort();
  }
  return 0;
}
