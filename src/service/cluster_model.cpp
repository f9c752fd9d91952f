#include "service/cluster_model.hpp"

#include <algorithm>
#include <unordered_map>

#include "access/access.hpp"
#include "base/text.hpp"
#include "cluster/node_files.hpp"
#include "os/tls.hpp"
#include "scheduling/scheduling.hpp"
#include "service/overlay_text.hpp"
#include "storage/storage.hpp"

namespace provost::service {
namespace {

spec::SourceText to_text(const store::GivenFile& file) { return {file.name, file.text}; }

// A node is given GPUs of the host that no other node of the cluster has, as long as there are
// enough. Partitions of MIG are emulated one device each: those of a real GPU are not handed in.
void give_gpus(model::NodePlace& place, const model::InstanceType& type,
               const model::GpuSharing& sharing, std::vector<std::string>& free) {
  const auto wanted = static_cast<std::size_t>(model::schedulable_gpus(type, sharing));
  place.gpus_are_real = wanted > 0 && free.size() >= wanted && sharing.mode != model::Sharing::mig;
  if (place.gpus_are_real) {
    const auto end = free.begin() + static_cast<std::ptrdiff_t>(wanted);
    place.gpu_files.assign(free.begin(), end);
    free.erase(free.begin(), end);
    return;
  }
  for (std::size_t i = 0; i < wanted; ++i) {
    place.gpu_files.push_back(fmt::format("/dev/provost-gpu{}", i));
  }
}

model::ClusterSecrets secrets_of(const store::Cluster& row) {
  return {.munge_key = row.munge_key,
          .admin_key_public = row.admin_key_public,
          .login_host_key = row.host_key,
          .login_host_key_public = row.host_key_public};
}

// Every node waits for the controller, at the start and whenever a job does; jobs on other nodes of
// the same host must not starve it.
constexpr int kControllerWeight = 1000;

/// Texts, each with its length, so that no two lists of texts are one text.
class Marks {
 public:
  Marks& operator<<(std::string_view text) {
    all_ += fmt::format("{}:", text.size());
    all_ += text;
    return *this;
  }
  Marks& operator<<(const std::vector<std::string>& texts) {
    all_ += fmt::format("[{}]", texts.size());
    for (const std::string& text : texts) {
      *this << text;
    }
    return *this;
  }
  Marks& operator<<(std::int64_t number) {
    all_ += fmt::format("{},", number);
    return *this;
  }
  [[nodiscard]] std::string digest() const { return to_hex(os::sha256(all_)).substr(0, 32); }

 private:
  std::string all_;
};

// The bindings name every member: one that is added does not compile until it counts here.
std::string revision_of(const model::NodePart& part,
                        const std::optional<model::LifecycleScript>& script) {
  const auto& [room, directories, files, units] = part;
  Marks marks;
  marks << static_cast<std::int64_t>(directories.size());
  for (const auto& [path, mode, owner, group] : directories) {
    marks << path << mode << owner << group;
  }
  marks << static_cast<std::int64_t>(files.size());
  for (const auto& [path, content, mode, owner, group] : files) {
    marks << path << content << mode << owner << group;
  }
  marks << static_cast<std::int64_t>(units.size());
  for (const auto& [name, stage, ready, then, restart_on] : units) {
    marks << name << static_cast<std::int64_t>(stage) << ready << restart_on;
    marks << static_cast<std::int64_t>(then.size());
    for (const std::vector<std::string>& command : then) {
      marks << command;
    }
  }
  if (script) {
    marks << script->bucket << script->prefix << script->script;
    marks << static_cast<std::int64_t>(script->when);
  }
  return marks.digest();
}

/// What all nodes of a role are given, made once: a room knows the role of a node and no more.
class Parts {
 public:
  explicit Parts(const ClusterModel& whole)
      : whole_(whole),
        secrets_(secrets_of(whole.row)),
        of_all_(cluster::part(whole.cluster, whole.layout)) {}

  Result<std::shared_ptr<const model::NodePart>> of(model::Role role) {
    std::shared_ptr<const model::NodePart>& known = known_[role];
    if (!known) {
      std::vector<model::NodePart> parts;
      parts.push_back(of_all_);
      parts.push_back(access::part(whole_.cluster, whole_.layout, secrets_, role));
      parts.push_back(storage::part(whole_.cluster, whole_.layout, role));
      parts.push_back(
          scheduling::part(whole_.cluster, whole_.layout, secrets_, role, whole_.kept_edits));
      auto joined = model::join(std::move(parts));
      if (!joined) {
        return pass(joined.error());
      }
      known = std::make_shared<const model::NodePart>(std::move(*joined));
    }
    return known;
  }

  /// After `of`. Groups with the same script share it.
  std::string revision(model::Role role, const std::optional<model::LifecycleScript>& script) {
    std::string mark = std::string(model::name(role));
    if (script) {
      mark.append("|").append(script->bucket).append("|").append(script->prefix);
      mark.append("|").append(script->script);
      mark.append(script->when == model::LifecycleScript::When::on_create ? "|" : "|late");
    }
    std::string& known = revisions_[mark];
    if (known.empty()) {
      known = revision_of(*known_.at(role), script);
    }
    return known;
  }

 private:
  const ClusterModel& whole_;
  model::ClusterSecrets secrets_;
  model::NodePart of_all_;
  std::map<std::string, std::string> revisions_;
  std::map<model::Role, std::shared_ptr<const model::NodePart>> known_;
};

NodeModel make_node(const ClusterModel& whole, const model::InstanceGroup& group,
                    const model::NodePlace& place, const Settings& settings) {
  return {.place = place,
          .part = nullptr,
          .revision = {},
          .machine = {.cluster = whole.row.name,
                      .network_id = whole.row.network_id,
                      .node = place.name,
                      .incarnation = place.incarnation,
                      .address = place.address,
                      .prefix_length = cluster::kClusterPrefix,
                      .type = group.type,
                      .cpu_weight = group.role == model::Role::controller ? kControllerWeight : 100,
                      .binds = {{settings.data_directory(whole.row.name) + "/fsx", "/fsx"}},
                      .seed = {},
                      .gpu_files = place.gpu_files,
                      .gpus_are_real = place.gpus_are_real}};
}

/// Nodes in the order of the layout: those of a group, which differ in their places alone,
/// together.
Status make_nodes(ClusterModel& whole, const Settings& settings) {
  Parts parts(whole);
  const model::InstanceGroup* group = nullptr;
  std::shared_ptr<const model::NodePart> part;
  std::string revision;
  for (const model::NodePlace& place : whole.layout.nodes) {
    if (group == nullptr || group->name != place.group) {
      group = whole.cluster.find_group(place.group);
      auto made = parts.of(place.role);
      if (!made) {
        return pass(made.error());
      }
      part = *made;
      revision = parts.revision(place.role, group->lifecycle);
    }
    NodeModel node = make_node(whole, *group, place, settings);
    node.part = part;
    node.revision = revision;
    whole.order.push_back(place.name);
    whole.nodes.emplace(place.name, std::move(node));
  }
  return {};
}

}  // namespace

spec::Sources sources_of(const store::Cluster& row) {
  spec::Sources sources{.cluster_config = to_text(row.cluster_config),
                        .provisioning_parameters = std::nullopt,
                        .campus = std::nullopt,
                        .name = row.name,
                        .allow_unknown = true};  // it was accepted once
  if (row.provisioning_parameters) {
    sources.provisioning_parameters = to_text(*row.provisioning_parameters);
  }
  if (row.campus) {
    sources.campus = to_text(*row.campus);
  }
  return sources;
}

Result<spec::Catalogue> catalogue_of(const store::Cluster& row) {
  return row.types.empty() ? spec::builtin_catalogue()
                           : spec::extend_catalogue(spec::builtin_catalogue(),
                                                    {"types of " + row.name, row.types});
}

model::Layout layout_of(const store::Cluster& row, const model::Cluster& cluster,
                        const std::vector<store::Node>& nodes,
                        const std::vector<std::string>& host_gpus) {
  model::Layout layout{.cluster = row.name,
                       .cluster_id = row.id,
                       .arn = row.arn,
                       .gateway = cluster::gateway_of(row.subnet).value_or(""),
                       .nodes = {}};
  std::unordered_map<std::string_view, std::vector<const store::Node*>> by_group;
  for (const store::Node& node : nodes) {
    by_group[node.group].push_back(&node);
  }
  layout.nodes.reserve(nodes.size());
  std::vector<std::string> free_gpus = host_gpus;
  for (const model::InstanceGroup& group : cluster.groups) {
    for (const store::Node* node : by_group[group.name]) {
      model::NodePlace place{.name = node->name,
                             .group = node->group,
                             .number = node->number,
                             .role = group.role,
                             .address = node->address,
                             .instance_id = node->instance_id,
                             .incarnation = node->incarnation};
      give_gpus(place, group.type, cluster.sharing_of(group.name), free_gpus);
      layout.nodes.push_back(std::move(place));
    }
  }
  return layout;
}

std::vector<scheduling::VoidAmendment> apply_overlay(const store::Cluster& row,
                                                     model::Cluster& cluster) {
  if (!cluster.campus || row.overlay.empty()) {
    return {};
  }
  return scheduling::apply_overlay(*cluster.campus, read_overlay(row.overlay));
}

Result<std::shared_ptr<const ClusterModel>> make_model(const store::Cluster& row,
                                                       const std::vector<store::Node>& nodes,
                                                       const Settings& settings,
                                                       const std::vector<std::string>& host_gpus) {
  const auto catalogue = catalogue_of(row);
  if (!catalogue) {
    return pass(catalogue.error());
  }
  const spec::Checked checked = spec::check(sources_of(row), *catalogue);
  if (!checked.cluster) {
    return fail(ErrorKind::invalid, "the files of cluster {} are not sound: {}", row.name,
                checked.findings.empty() ? "" : to_text(checked.findings.front()));
  }
  auto whole = std::make_shared<ClusterModel>();
  whole->row = row;
  whole->cluster = *checked.cluster;
  whole->cluster.name = row.name;
  apply_overlay(row, whole->cluster);
  whole->kept_edits = slurm::decode_edits(row.slurm_edits);
  whole->layout = layout_of(row, whole->cluster, nodes, host_gpus);
  whole->scheduling = scheduling::wanted(whole->cluster, whole->layout, whole->kept_edits);
  if (Status made = make_nodes(*whole, settings); !made) {
    return pass(made.error());
  }
  std::stable_partition(whole->order.begin(), whole->order.end(), [&](const std::string& name) {
    return whole->nodes.at(name).place.role == model::Role::controller;
  });
  return std::shared_ptr<const ClusterModel>(std::move(whole));
}

}  // namespace provost::service
