// Makes the node what the newest specification says, and keeps it so: files, units by stage, the
// lifecycle script between base and service units (OnCreate) or after all of them (OnInitComplete).
// One thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>

#include "agent/files.hpp"
#include "agent/memory.hpp"
#include "protocol/messages.hpp"

namespace provost::agent {

/// Thread-safe.
class Worker {
 public:
  struct Callbacks {
    std::function<void()> changed;                 ///< the report says something new
    std::function<void(std::string_view)> on_log;  ///< output of the lifecycle script
  };
  /// `root` stands before every path it writes (tests).
  Worker(Memory& memory, std::string root, Callbacks callbacks);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// The newest specification; what is being done for an older one is finished first, unit by unit.
  void offer(protocol::Spec spec);
  [[nodiscard]] protocol::Report report() const;

 private:
  void work(const std::stop_token& stop);
  void apply(const protocol::Spec& spec, const std::stop_token& stop);
  bool apply_files(const protocol::Spec& spec);
  Status note_owed(const protocol::Spec& spec, const std::set<std::string>& about_to_change);
  bool apply_stage(const protocol::Spec& spec, model::Stage stage, const std::stop_token& stop);
  bool apply_unit(const model::UnitPart& unit, const std::set<std::string>& active,
                  const std::stop_token& stop);
  bool apply_script(const protocol::Spec& spec, const std::stop_token& stop);
  void settle(const std::string& unit);
  void set_unit(const std::string& unit, protocol::UnitState state,
                const std::string& message = {});
  void change(const std::function<void(protocol::Report&)>& how);
  [[nodiscard]] bool superseded() const;

  Memory& memory_;
  std::string root_;
  Callbacks callbacks_;
  mutable std::mutex mutex_;
  std::condition_variable_any woken_;
  std::optional<protocol::Spec> offered_;
  protocol::Report report_;
  std::set<std::string> then_done_;  ///< units whose `then` ran for the present revision
  std::string then_revision_;
  std::jthread thread_;
};

}  // namespace provost::agent
