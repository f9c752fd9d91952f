// The files that `cluster/` itself puts on every node: host names, and what HyperPod gives
// lifecycle scripts. Pure.
#pragma once

#include "model/cluster.hpp"
#include "model/layout.hpp"
#include "model/node_part.hpp"

namespace provost::cluster {

/// /etc/hosts with every node under its name and its AWS name, /opt/ml/config/resource_config.json
/// and provisioning_parameters.json (root only), the marker directory /opt/sagemaker_cluster.
/// Source: HyperPod's lifecycle scripts, which read these.
model::NodePart part(const model::Cluster& cluster, const model::Layout& layout);

/// Addresses of a subnet "10.77.4.0/22": the first is the gateway's, nodes follow.
/// Errors: invalid (not such a subnet), limit (more nodes than addresses).
Result<std::vector<std::string>> node_addresses(const std::string& subnet, std::size_t count);
Result<std::string> gateway_of(const std::string& subnet);

/// The `n`th /22 of a range such as "10.77.0.0/16". Errors: limit when there are not so many.
Result<std::string> subnet_of(const std::string& range, std::size_t n);
constexpr int kClusterPrefix = 22;

}  // namespace provost::cluster
