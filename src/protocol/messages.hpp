// What provostd and the agent on a node say to each other, over one WebSocket with mutual TLS.
// JSON, one message a frame, {"kind": "...", ...}. Version 1; unknown kinds are an error that is
// answered by closing, unknown members are ignored (a newer peer).
//
// The agent connects, says `Hello`, and is sent a `Spec`. It works the specification off (files,
// base units, lifecycle script, service units, and worker units once they are opened) and sends a
// `Report` whenever something changed and as a heartbeat. Everything may be sent again: an agent
// that already is what a Spec asks for only reports so.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "model/node_part.hpp"

namespace provost::protocol {

constexpr int kVersion = 1;
constexpr int kHeartbeatSeconds = 5;
constexpr std::size_t kMessageLimit = 64U << 20U;

/// agent -> daemon, first message on a connection.
struct Hello {
  int version = kVersion;
  std::string cluster;
  std::string node;
  int incarnation = 0;
  std::string boot_id;     ///< changes when the node was restarted
  std::int64_t epoch = 0;  ///< highest epoch of a daemon it has obeyed; it refuses lower ones
};

/// A lifecycle script to run once in the life of this incarnation.
struct ScriptOrder {
  std::string bucket;
  std::string prefix;
  std::string script;
  std::string bundle;  ///< content of the prefix as an uncompressed tar archive
  std::int64_t timeout_s = 3600;
  std::map<std::string, std::string> environment;
  bool late =
      false;  ///< OnInitComplete: after all units are up, not between base and service units
};

/// daemon -> agent: what the node should be.
struct Spec {
  std::int64_t epoch = 0;
  std::string revision;  ///< content hash; the agent reports it back once applied
  model::NodePart part;
  std::optional<ScriptOrder> script;
  model::Stage opened = model::Stage::service;  ///< units of later stages wait
};

enum class ScriptState { none, running, succeeded, failed };
enum class UnitState { waiting, starting, up, failed };

struct ScriptReport {
  ScriptState state = ScriptState::none;
  int status = 0;    ///< exit status once ended; 124 when it ran past its time
  std::string step;  ///< "on_create.sh"
  std::string tail;  ///< last lines of its output (at most 4 KiB)
  std::int64_t seconds = 0;
};

struct UnitReport {
  std::string name;
  UnitState state = UnitState::waiting;
  std::string message;  ///< why it failed: the unit's last log lines
};

/// What the node is made of, as the agent sees it.
struct Inventory {
  int cpus = 0;
  std::int64_t memory_mib = 0;
  std::string kernel;
  std::vector<std::string> gpus;  ///< device paths, e.g. "/dev/nvidia0", "/dev/provost-gpu0"
};

/// What a job uses on the node.
struct JobUse {
  std::int64_t job = 0;         ///< number, of an array's element its own
  std::int64_t cpu_millis = 0;  ///< CPU time its processes took since the agent began to look
  bool batch = false;           ///< its script runs here
};

/// What a GPU of the node did.
struct GpuUse {
  std::string file;              ///< "/dev/nvidia0"
  std::int64_t busy_millis = 0;  ///< time in which it computed, since the agent began to look
};

/// agent -> daemon.
struct Report {
  std::string revision;  ///< of the Spec whose files are in place; empty: none yet
  std::string failure;   ///< why the Spec could not be applied; empty: it could
  ScriptReport script;
  std::vector<UnitReport> units;
  std::optional<Inventory> inventory;  ///< on connecting and once a minute
  double load = 0;                     ///< 1-minute load average
  /// Of every job with a process here, each 15 seconds; absent otherwise, and of an older agent.
  std::optional<std::vector<JobUse>> jobs;
  /// Of every GPU whose driver tells, together with `jobs`.
  std::optional<std::vector<GpuUse>> gpus;
};

/// agent -> daemon: output of the lifecycle script as it comes, and other lines for the node's log.
struct LogChunk {
  std::string source;  ///< "lifecycle"
  std::string text;
};

/// daemon -> agent: run a command as root on the node. Ended by `RunEnd`.
struct RunOrder {
  std::int64_t id = 0;
  std::vector<std::string> argv;
  std::string input;
  std::int64_t timeout_s = 60;  ///< 0: none
};
/// daemon -> agent: end that command (its whole process group).
struct RunCancel {
  std::int64_t id = 0;
};
/// agent -> daemon.
struct RunOutput {
  std::int64_t id = 0;
  bool error_channel = false;
  std::string bytes;
};
struct RunEnd {
  std::int64_t id = 0;
  int status = 0;
  std::string failure;  ///< why it could not be run at all; empty: it ran
};

using Message = std::variant<Hello, Spec, Report, LogChunk, RunOrder, RunCancel, RunOutput, RunEnd>;

/// One frame. Byte strings (bundle, bytes, input) travel as base64.
std::string encode(const Message& message);

/// Errors: invalid, with what is wrong. Never throws; depth and sizes are limited.
Result<Message> decode(std::string_view frame);

}  // namespace provost::protocol
