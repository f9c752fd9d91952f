// For tests only: clusters as `spec/` and `cluster/` would hand them over.
#pragma once

#include <fmt/format.h>

#include "model/cluster.hpp"
#include "model/layout.hpp"

namespace provost::scheduling::samples {

inline model::InstanceGroup group(const std::string& name, model::Role role,
                                  model::InstanceType type, int count) {
  model::InstanceGroup made;
  made.name = name;
  made.role = role;
  made.type = std::move(type);
  made.count = count;
  return made;
}

inline model::InstanceGroup compute(const std::string& name, model::InstanceType type, int count,
                                    std::vector<std::string> partitions, int threads_per_core = 1) {
  model::InstanceGroup made = group(name, model::Role::compute, std::move(type), count);
  made.partitions = std::move(partitions);
  made.threads_per_core = threads_per_core;
  return made;
}

inline const model::InstanceType kSmall{"ml.c5.xlarge", 4, 8192, "", 0};
inline const model::InstanceType kGpu{"ml.g5.xlarge", 4, 16384, "a10g", 1};
inline const model::InstanceType kBig{"ml.p5.48xlarge", 192, 2097152, "h100", 8};

inline model::Campus campus() {
  model::Campus made;
  made.name = "Example University";
  made.administrators = {"ada"};
  made.departments = {{"nlp", "Natural Language Processing", {"linh"}, {"minh", "linh"}},
                      {"Vision", "Computer \"Vision\"", {"an"}, {"minh"}}};
  made.people = {{"ada", 2000, "Ada", {"ssh-ed25519 AAAAada ada@desk"}},
                 {"linh", 2001, "Linh Tran", {"ssh-ed25519 AAAAlinh"}},
                 {"an", 2002, "An Nguyen", {}},
                 {"minh", 2003, "Minh", {"ssh-ed25519 AAAAminh", "ssh-rsa AAAAminh2"}}};
  return made;
}

/// The example university: controller, two logins, two CPU nodes, one GPU node, a campus file.
inline model::Cluster university() {
  model::Cluster made;
  made.name = "university";
  made.groups = {group("controller", model::Role::controller, kSmall, 1),
                 group("login", model::Role::login, kSmall, 2),
                 compute("cpu", kSmall, 2, {"nlp", "cpu"}, 2), compute("gpu", kGpu, 1, {"gpu"})};
  made.campus = campus();
  made.provisioning_parameters = "{}";
  return made;
}

inline model::Cluster without_campus() {
  model::Cluster made = university();
  made.name = "tiny";
  made.campus.reset();
  made.provisioning_parameters.clear();
  return made;
}

/// Two groups of 300 nodes; one partition over both kinds of GPU.
inline model::Cluster large() {
  model::Cluster made;
  made.name = "large";
  made.groups = {group("head", model::Role::controller, kSmall, 1),
                 compute("big", kSmall, 300, {"batch"}),
                 compute("p5", kBig, 300, {"h100", "gpu"}, 2), compute("g5", kGpu, 40, {"gpu"})};
  made.campus = campus();
  return made;
}

inline model::Layout layout_of(const model::Cluster& cluster) {
  model::Layout layout{cluster.name, "abcdefgh1234", "arn", "10.77.4.1", {}};
  int next = 2;
  for (const model::InstanceGroup& each : cluster.groups) {
    for (int number = 1; number <= each.count; ++number, ++next) {
      model::NodePlace node;
      node.name = model::node_name(each.name, number);
      node.group = each.name;
      node.number = number;
      node.role = each.role;
      node.address = fmt::format("10.77.{}.{}", 4 + next / 250, next % 250);
      for (int gpu = 0; gpu < each.type.accelerators; ++gpu) {
        node.gpu_files.push_back(fmt::format("/dev/provost-gpu{}", gpu));
      }
      layout.nodes.push_back(node);
    }
  }
  return layout;
}

inline model::ClusterSecrets secrets() {
  return {std::string(128, '\x7f'), "ssh-ed25519 AAAAadmin provost", "PRIVATE KEY\n",
          "ssh-ed25519 AAAAhost"};
}

}  // namespace provost::scheduling::samples
