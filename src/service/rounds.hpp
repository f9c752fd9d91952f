// A round for all clusters: what is wanted and seen of each, put to every room's facts and plan.
// Runs on the engine's thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "cluster/cluster.hpp"
#include "control/engine.hpp"
#include "scheduling/scheduling.hpp"
#include "service/cluster_model.hpp"
#include "service/collector.hpp"
#include "store/store.hpp"

namespace provost::service {

class World;

class Rounds {
 public:
  explicit Rounds(World& world) : world_(world) {}

  control::Round look();

 private:
  /// One cluster of this round.
  struct Case {
    store::Cluster row;
    std::vector<store::Node> rows;
    std::shared_ptr<const ClusterModel> model;
    cluster::Wanted wanted;
    cluster::Seen seen;
    cluster::Facts facts;
    std::size_t works = 0;  ///< steps planned for it
  };
  /// What the provider sees, once for all clusters.
  struct Host {
    std::vector<provider::MachineSeen> machines;
    std::set<std::string> networks;
    std::set<std::string> network_traces;
  };

  void look_at(const store::Cluster& row, const Host& host, control::Round& round,
               std::vector<Controller>& controllers);
  bool make_case(const store::Cluster& row, const Host& host, Case& one);
  void add_cluster_steps(Case& one, control::Round& round);
  void add_scheduling_steps(Case& one, control::Round& round);
  void tell_of_account_drift(const Case& one, const scheduling::Wanted& wanted,
                             const scheduling::Seen& seen);
  void take_hand_edits(const Case& one, const scheduling::Wanted& wanted,
                       const scheduling::FilesSeen& seen);
  void record_transitions(const Case& one);
  void record_transition(const Case& one, const store::Node& row,
                         const model::NodeTransition& transition);
  void record_arrival(const Case& one);
  /// What of a failed operation is taken back, and what is tried again (operations.cpp).
  void fail_creation(const Case& one);
  void finish_undoing(const Case& one);
  void add_rollback_steps(Case& one, control::Round& round);
  void add_rollback(Case& one, const std::string& group, const std::string& why,
                    control::Round& round);
  void replace_failed(const Case& one, control::Round& round);
  [[nodiscard]] static std::optional<store::Event> minimum_reached(const Case& one,
                                                                   const store::Node& changed);
  [[nodiscard]] std::string failure_of(const Case& one, UtcTime since) const;
  [[nodiscard]] bool can_arrive(const Case& one) const;
  void finish_leaving(const Case& one);
  void finish_change(const Case& one);
  void finish_removal(const Case& one);
  /// Nothing is left to do and everything runs.
  [[nodiscard]] bool is_whole(const Case& one) const;
  [[nodiscard]] bool is_worked_on(const std::string& cluster_id, const std::string& node) const;
  [[nodiscard]] std::string change_of_cause(const Case& one, const store::Node& node) const;
  [[nodiscard]] bool refused(const std::string& cluster_id, const std::string& node) const;
  /// An event about the cluster, or about a node of it.
  static store::Event about(const store::Cluster& row, const store::Node* node);
  /// Reads the engine's steps for this round. Before anything is observed: a step that does not run
  /// now begins after the round, so that what is seen of its node stays so until then.
  void note_steps();
  [[nodiscard]] const std::vector<control::StepView>& steps_of(const std::string& cluster_id,
                                                               const std::string& node) const;
  /// Kernel limits that were raised for a network's machines are an event.
  void tell_of_limits(const store::Cluster& row, const std::vector<std::string>& before);
  cluster::Outside outside_of(const std::shared_ptr<const ClusterModel>& model);

  void note_strays(const Host& host, const std::vector<store::Cluster>& known);

  World& world_;
  std::map<std::string, std::string> told_;  ///< by cluster id, digest of hand-edited files told of
  std::set<std::string> strays_noted_;
  std::map<cluster::NodeKey, std::vector<control::StepView>> steps_;  // of this round, by node
};

}  // namespace provost::service
