// Durable things: buckets, which are directories of the host in this version, and homes on the
// shared file system /fsx.
#pragma once

#include <string>

#include "base/result.hpp"
#include "model/cluster.hpp"
#include "model/layout.hpp"
#include "model/node_part.hpp"
#include "spec/spec.hpp"

namespace provost::storage {

/// What stands under a lifecycle script's place. Reads the disk.
spec::Surroundings::Script locate(const std::string& bucket_root,
                                  const model::LifecycleScript& script);

/// All under the script's prefix as an uncompressed tar archive: same content, same bytes. Links
/// are kept as links. Errors: not_found (names the directory and how to fill it), limit (over 32
/// MiB: a lifecycle bundle is scripts and settings, data belongs on /fsx).
Result<std::string> bundle(const std::string& bucket_root, const model::LifecycleScript& script);

/// Homes on /fsx, made on the controller; other nodes need nothing of their own.
model::NodePart part(const model::Cluster& cluster, const model::Layout& layout, model::Role role);

}  // namespace provost::storage
