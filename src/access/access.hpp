// Who is a user on the nodes, and who may come in by SSH. Pure: identities as values and files.
//
// Users of the campus file stand in /var/lib/extrausers (libnss-extrausers), apart from the
// system's own in /etc/passwd, which packages and lifecycle scripts edit. They are the same on
// every node.
#pragma once

#include <string>
#include <vector>

#include "model/cluster.hpp"
#include "model/layout.hpp"
#include "model/node_part.hpp"

namespace provost::access {

/// The POSIX group of campus administrators: root by sudo, no job needed on compute nodes, and
/// Slurm's partition `dev`.
inline constexpr const char* kAdministrators = "provost-admins";

struct Identity {
  std::string name;
  std::int64_t uid = 0;  ///< of the private group too
  std::string title;
  std::string home;  ///< "/fsx/home/minh"
};

struct Group {
  std::string name;
  std::int64_t gid = 0;
  std::vector<std::string> members;  ///< sorted; empty for private groups
};

/// `ubuntu` (1000), then the people of the campus file by name.
std::vector<Identity> identities(const model::Cluster& cluster);

/// Private groups, then departments and the administrators' group, each by name. A group's number
/// comes from its name (50000 to 59999) and stays when others come and go, unless two names meet
/// on a number: then the later in the alphabet moves on. A department named as a person has no
/// group of its own.
std::vector<Group> groups(const model::Cluster& cluster);

/// Users, groups, sshd, root's key, known hosts, sudo; on compute nodes the rule that who has no
/// job there does not come in.
model::NodePart part(const model::Cluster& cluster, const model::Layout& layout,
                     const model::ClusterSecrets& secrets, model::Role role);

}  // namespace provost::access
