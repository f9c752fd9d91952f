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
  std::string name;            ///< takes the place of ClusterName when not empty
  bool allow_unknown = false;  ///< an unknown field is a warning, not an error
};

/// Where a site gives types and prices of its own (`provostd --types` names another place).
inline constexpr const char* kOwnTypesFile = "/etc/provost/instance-types.csv";

/// The instance types that exist, by name.
using Catalogue = std::map<std::string, model::InstanceType>;

/// `base` with the types of a CSV file whose first line names its columns: type, vcpus, memory_mib,
/// accelerator, accelerators, accelerator_memory_mib, network_mbps, price_per_hour, in any order;
/// all but type may be absent, others are ignored. What a row leaves empty stays as in `base`; a
/// type without vCPUs or memory is known but cannot be used. Errors: invalid, with the line.
Result<Catalogue> extend_catalogue(const Catalogue& base, const SourceText& csv);

/// Rows for `extend_catalogue` that give these types again.
std::string to_csv(const std::vector<model::InstanceType>& types);

/// The types of `ml.*` that HyperPod offers, with EC2's prices in USD (models/instance-types.csv).
const Catalogue& builtin_catalogue();

/// What a cluster costs while its nodes run.
struct Cost {
  double per_hour = 0;
  double per_month = 0;               ///< of 730 hours, as AWS counts
  int own_nodes = 0;                  ///< at the site's prices; the others at EC2's
  int priced_nodes = 0;               ///< of known price
  std::vector<std::string> unpriced;  ///< types whose price is not known
};
Cost cost_of(const model::Cluster& cluster);

/// A field that was left out and has a value all the same.
struct DefaultUsed {
  std::string path;  ///< of the first place
  int times = 0;
  std::string value;
  std::string rule;
};

/// What a check found, and the cluster meant when nothing is wrong.
struct Checked {
  std::optional<model::Cluster> cluster;  ///< absent when a finding is an error
  Findings findings;                      ///< all of them, sorted for reading
  /// Where each field stands, by path: "InstanceGroups[1].LifeCycleConfig.SourceS3Uri".
  std::map<std::string, Position> positions;
  std::vector<DefaultUsed> defaults;  ///< of all files
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

/// What a check is for: a bucket that nobody has made yet is an error only when it is needed now.
enum class Purpose { validate, create };

/// Findings of a sound cluster against the world: name taken, bucket or script missing, memory or
/// addresses that do not suffice.
Findings check_surroundings(const Checked& checked, const Sources& sources,
                            const Surroundings& surroundings, Purpose purpose);

/// `config` with other InstanceCounts, by group; every other byte stays as the user wrote it.
/// Errors: not_found (no such group; the hint names those there are), invalid (the file, or no
/// count there).
Result<std::string> with_instance_counts(const SourceText& config,
                                         const std::map<std::string, int>& counts);

/// The same with MinInstanceCount, of groups that have one.
Result<std::string> with_least_counts(const SourceText& config,
                                      const std::map<std::string, int>& counts);

}  // namespace provost::spec
