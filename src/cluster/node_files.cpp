#include "cluster/node_files.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/text.hpp"

namespace provost::cluster {
namespace {

struct Range {
  std::uint32_t first = 0;
  int prefix = 0;
};

Result<Range> read_range(const std::string& text) {
  const auto parts = split(text, '/');
  in_addr address{};
  const auto prefix = parts.size() == 2 ? to_number(parts[1]) : std::nullopt;
  if (!prefix || *prefix < 8 || *prefix > 30 ||
      ::inet_pton(AF_INET, parts[0].c_str(), &address) != 1) {
    return fail(ErrorKind::invalid, "\"{}\" is not a range of addresses such as 10.77.0.0/16",
                text);
  }
  const std::uint32_t mask = ~0U << (32 - static_cast<int>(*prefix));
  return Range{ntohl(address.s_addr) & mask, static_cast<int>(*prefix)};
}

std::string to_text(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24U, address >> 16U & 255U, address >> 8U & 255U,
                     address & 255U);
}

std::string hosts_file(const model::Layout& layout) {
  std::string text = fmt::format(
      "# Made by Provost for cluster {}; changes are overwritten.\n127.0.0.1 localhost\n"
      "::1 localhost ip6-localhost\n{} provost\n",
      layout.cluster, layout.gateway);
  for (const model::NodePlace& node : layout.nodes) {
    text += fmt::format("{} {} {}\n", node.address, node.name, model::aws_host_name(node.address));
  }
  return text;
}

boost::json::object instance_of(const model::NodePlace& node) {
  return {{"InstanceName", node.name},
          {"InstanceId", node.instance_id},
          {"AgentIpAddress", node.address},
          {"CustomerIpAddress", node.address}};
}

std::string resource_config(const model::Cluster& cluster, const model::Layout& layout) {
  boost::json::array groups;
  for (const model::InstanceGroup& group : cluster.groups) {
    boost::json::array instances;
    for (const model::NodePlace& node : layout.nodes) {
      if (node.group == group.name) {
        instances.push_back(instance_of(node));
      }
    }
    groups.push_back(boost::json::object{{"Name", group.name},
                                         {"InstanceType", group.type.name},
                                         {"Instances", std::move(instances)}});
  }
  const boost::json::object config = {
      {"ClusterConfig",
       boost::json::object{{"ClusterName", layout.cluster}, {"ClusterArn", layout.arn}}},
      {"ClusterType", "Slurm"},
      {"SlurmConfig", boost::json::object{{"PrimaryControllerIp", layout.controller().address},
                                          {"SecondaryControllerIps", boost::json::array{}}}},
      {"InstanceGroups", std::move(groups)}};
  return boost::json::serialize(config) + "\n";
}

}  // namespace

model::NodePart part(const model::Cluster& cluster, const model::Layout& layout) {
  model::NodePart part{.room = "cluster", .directories = {}, .files = {}, .units = {}};
  part.directories = {{"/opt/ml/config", 0700}, {"/opt/sagemaker_cluster", 0755}};
  part.files.push_back({"/etc/hosts", hosts_file(layout)});
  part.files.push_back(
      {"/opt/ml/config/resource_config.json", resource_config(cluster, layout), 0600});
  if (!cluster.provisioning_parameters.empty()) {
    part.files.push_back(
        {"/opt/ml/config/provisioning_parameters.json", cluster.provisioning_parameters, 0600});
  }
  return part;
}

Result<std::vector<std::string>> node_addresses(const std::string& subnet, std::size_t count) {
  const auto range = read_range(subnet);
  if (!range) {
    return pass(range.error());
  }
  const std::size_t room = (std::size_t{1} << static_cast<unsigned>(32 - range->prefix)) - 3;
  if (count > room) {
    return fail(ErrorKind::limit, "{} nodes do not fit into {}, which has {} addresses for nodes",
                count, subnet, room);
  }
  std::vector<std::string> addresses;
  addresses.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    addresses.push_back(to_text(range->first + 2 + static_cast<std::uint32_t>(i)));
  }
  return addresses;
}

Result<std::string> gateway_of(const std::string& subnet) {
  const auto range = read_range(subnet);
  if (!range) {
    return pass(range.error());
  }
  return to_text(range->first + 1);
}

Result<std::string> subnet_of(const std::string& range_text, std::size_t n) {
  const auto range = read_range(range_text);
  if (!range) {
    return pass(range.error());
  }
  if (range->prefix > kClusterPrefix) {
    return fail(ErrorKind::invalid, "the range {} is too small: a cluster needs a /{} of it",
                range_text, kClusterPrefix);
  }
  const std::size_t room = std::size_t{1} << static_cast<unsigned>(kClusterPrefix - range->prefix);
  if (n >= room) {
    return fail(ErrorKind::limit, "all {} subnets of {} are in use", room, range_text);
  }
  const auto step = static_cast<std::uint32_t>(1U << static_cast<unsigned>(32 - kClusterPrefix));
  return fmt::format("{}/{}", to_text(range->first + static_cast<std::uint32_t>(n) * step),
                     kClusterPrefix);
}

}  // namespace provost::cluster
