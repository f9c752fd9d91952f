// What Slurm's commands on a controller would print, of nodes and jobs that are not there: enough
// of scontrol, squeue, sacctmgr and Provost's own script for everything that provostd asks.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "model/node_part.hpp"

namespace provost::bench {

/// Thread-safe.
class SimulatedSlurm {
 public:
  /// Every cluster has that many jobs: a fifth of them run, one node each.
  explicit SimulatedSlurm(int jobs) : jobs_(jobs) {}

  /// A node's slurmd has registered.
  void register_node(const std::string& cluster, const std::string& node);
  /// A node was given its files; the controller's say what Slurm is to be.
  void deliver(const std::string& cluster, const model::NodePart& part);
  /// What a command on the controller prints; its status is always 0.
  std::string answer(const std::string& cluster, const std::vector<std::string>& argv,
                     const std::string& input);

 private:
  struct Account {
    std::string organization;
    std::set<std::string> users;
  };
  struct User {
    std::string default_account;
    std::string level = "None";
  };
  struct Cluster {
    std::map<std::string, bool> nodes;  // to whether it is drained
    std::string delivered;              // digest of Slurm's files
    std::string in_force;
    std::map<std::string, Account> accounts;
    std::map<std::string, User> users;
    bool cancelled = false;
  };
  [[nodiscard]] std::string show_nodes(const Cluster& cluster) const;
  [[nodiscard]] std::string show_jobs(const Cluster& cluster, const std::string& format) const;
  static std::string show_accounts(const std::string& name, const Cluster& cluster);
  static std::string show_users(const Cluster& cluster);
  static void change_accounts(Cluster& cluster, const std::string& lines);
  static void update_node(Cluster& cluster, const std::vector<std::string>& argv);

  int jobs_;
  std::mutex mutex_;
  std::map<std::string, Cluster> clusters_;
};

}  // namespace provost::bench
