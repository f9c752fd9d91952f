// What the tests of this room share: sound files, and findings as lines.
#pragma once

#include <fstream>
#include <sstream>
#include <string>

#include "spec/spec.hpp"

namespace provost::spec::tests {

inline std::string read_example(const std::string& name) {
  std::ifstream file(std::string(PROVOST_SOURCE_DIR) + "/examples/university/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The example university, sound.
inline Sources university() {
  return {.cluster_config = {"config.json", read_example("cluster-config.json")},
          .provisioning_parameters =
              SourceText{"params.json", read_example("provisioning-parameters.json")},
          .campus = SourceText{"campus.toml", read_example("campus.toml")},
          .name = {}};
}

/// A cluster described the newer way; `groups` go into InstanceGroups.
inline Sources api_driven(const std::string& groups, const std::string& more = "") {
  return {.cluster_config = {"config.json",
                             "{\"ClusterName\": \"small\", \"Orchestrator\": {\"Slurm\": {}},\n"
                             "\"InstanceGroups\": [" +
                                 groups + "]" + more + "}"},
          .provisioning_parameters = std::nullopt,
          .campus = std::nullopt,
          .name = {}};
}

inline std::string group(const std::string& name, const std::string& kind,
                         const std::string& count = "1", const std::string& type = "ml.t3.medium",
                         const std::string& more = "") {
  return "\n{\"InstanceGroupName\": \"" + name + "\", \"InstanceType\": \"" + type +
         "\", \"InstanceCount\": " + count +
         ", \"ExecutionRole\": \"arn:aws:iam::111122223333:role/R\", "
         "\"SlurmConfig\": {\"NodeType\": \"" +
         kind + "\"" + (kind == "Compute" ? ", \"PartitionNames\": [\"main\"]" : "") + "}" + more +
         "}";
}

inline Checked check_all(const Sources& sources) { return check(sources, builtin_catalogue()); }

/// Errors and warnings, one a line.
inline std::string lines(const Checked& checked) {
  std::string all;
  for (const Finding& finding : checked.findings) {
    if (finding.severity != Severity::note) {
      all += to_text(finding) + "\n";
    }
  }
  return all;
}

/// `text` with the first `from` replaced by `to`.
inline std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  return at == std::string::npos ? "(not found: " + from + ")" : text.replace(at, from.size(), to);
}

}  // namespace provost::spec::tests
