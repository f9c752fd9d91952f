// Reading what the user wrote. Pure: texts in, a value and findings out; what must be known of the
// world comes in as `Surroundings`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/finding.hpp"
#include "base/result.hpp"
#include "model/cluster.hpp"

namespace provost::spec {

/// A file as the user gave it; `name` is what findings call it.
struct SourceText {
  std::string name;
  std::string text;
};

struct Sources {
  SourceText cluster_config;                          ///< HyperPod's cluster-config.json
  std::optional<SourceText> provisioning_parameters;  ///< HyperPod's provisioning-parameters.json
  std::optional<SourceText> campus;                   ///< campus.toml
  std::string name;  ///< takes the place of ClusterName when not empty
};

/// The instance types that exist, by name.
using Catalogue = std::map<std::string, model::InstanceType>;

/// Reads `type,vcpus,memory_mib,architecture,accelerator,accelerators,...` (first line: names).
/// Types without vCPUs or memory are left out. Errors: invalid, with the line.
Result<Catalogue> read_catalogue(const SourceText& csv);

/// The types of `ml.*` that were compiled in (models/instance-types.csv).
const Catalogue& builtin_catalogue();

/// What a check found, and the cluster meant when nothing is wrong.
struct Checked {
  std::optional<model::Cluster> cluster;  ///< absent when a finding is an error
  Findings findings;                      ///< all of them, sorted for reading
  /// Where each field stands, by path: "InstanceGroups[1].LifeCycleConfig.SourceS3Uri".
  std::map<std::string, Position> positions;
};

/// Reads and checks all files together, each finding at its place. Never throws, whatever the text.
Checked check(const Sources& sources, const Catalogue& catalogue);

/// What the world says to a cluster whose files are sound.
struct Surroundings {
  std::vector<std::string> names_taken;  ///< clusters that exist
  /// What stands under a lifecycle script's place: by "bucket/prefix/script".
  enum class Script { present, no_bucket, no_script, carriage_returns };
  std::map<std::string, Script> scripts;
  std::int64_t memory_available_mib = 0;  ///< for the idle state of nodes
  int nodes_possible = 0;                 ///< addresses left in the provider's range
  std::string bucket_root;                ///< where buckets stand, for hints
};

/// The key of a script in `Surroundings::scripts`.
std::string script_key(const model::LifecycleScript& script);

/// Memory an idle node of a role needs, in MiB: what capacity is counted by.
std::int64_t idle_memory_mib(model::Role role);

/// Findings of a sound cluster against the world: name taken, bucket or script missing, memory or
/// addresses that do not suffice.
Findings check_surroundings(const Checked& checked, const Sources& sources,
                            const Surroundings& surroundings);

}  // namespace provost::spec
