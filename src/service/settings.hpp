// What the operator of provostd chose. Values only.
#pragma once

#include <cstdint>
#include <string>

namespace provost::service {

struct Settings {
  std::string state = "/var/lib/provost";
  std::string run = "/run/provost";
  std::string network = "10.77.0.0/16";  ///< clusters get a /22 each of it
  std::uint16_t agent_port = 7444;
  std::string buckets;                      ///< empty: "<state>/buckets"
  std::string api_url;                      ///< "https://127.0.0.1:7443"; empty: no TLS listener
  std::int64_t script_timeout_s = 3600;     ///< for a lifecycle script
  std::int64_t minimum_timeout_s = 10'800;  ///< to reach MinInstanceCount, as HyperPod has it
  std::string types_file =
      "/etc/provost/instance-types.csv";  ///< CSV of the site's own instance types and prices
  std::string region = "local";
  std::string account_id = "000000000000";

  [[nodiscard]] std::string bucket_root() const {
    return buckets.empty() ? state + "/buckets" : buckets;
  }
  /// A Maildir of what people are told.
  [[nodiscard]] std::string outbox() const { return state + "/mail"; }
  /// What a cluster's users keep: survives the cluster unless it is deleted with its data. By name,
  /// so that a cluster made again under its name finds its /fsx again.
  [[nodiscard]] std::string data_directory(const std::string& cluster) const {
    return state + "/data/" + cluster;
  }
};

}  // namespace provost::service
