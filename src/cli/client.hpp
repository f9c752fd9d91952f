// The daemon's API as commands use it, and how an error of it ends the program.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "cli/access.hpp"
#include "os/files.hpp"
#include "os/http_client.hpp"

namespace provost::cli {

/// Exit statuses, for every command.
enum Exit : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kToDo = 3,  ///< of plan: there is something to change
  kDenied = 4,
  kUnreachable = 5,
  kWarnings = 6,  ///< of doctor: nothing failed, but something is to be looked at
  kInterrupted = 130
};

/// An error as the API or the way to it gives it.
struct CallError {
  Error error;
  bool unreachable = false;  ///< nobody answered at all
  json::array findings;

  [[nodiscard]] Exit exit() const;
};
template <class T>
using Called = tl::expected<T, CallError>;

/// Where the program runs: on provostd's host, or on a node for its users.
enum class Where { host, node };

class Client {
 public:
  explicit Client(os::HttpTarget target,
                  std::chrono::milliseconds patience = os::HttpCall().timeout,
                  Where where = Where::host)
      : target_(std::move(target)), patience_(patience), where_(where) {}

  Called<json::object> get(const std::string& path) const { return call("GET", path, {}); }
  Called<json::object> post(const std::string& path, const json::object& body) const;
  Called<json::object> remove(const std::string& path) const { return call("DELETE", path, {}); }

  /// Each line of a stream; return false to stop.
  using OnLine = std::function<bool(const json::object&)>;
  Called<void> stream(const std::string& method, const std::string& path, const std::string& body,
                      const OnLine& on_line) const;

  /// Of a local one: its socket.
  [[nodiscard]] const std::string& socket() const { return target_.unix_socket; }
  [[nodiscard]] bool is_local() const { return !target_.unix_socket.empty(); }
  /// False: there is not even a socket to ask at.
  [[nodiscard]] bool may_be_there() const { return !is_local() || os::exists(target_.unix_socket); }

 private:
  Called<json::object> call(const std::string& method, const std::string& path,
                            const std::string& body) const;
  [[nodiscard]] CallError unreachable(Error error) const;

  os::HttpTarget target_;
  std::chrono::milliseconds patience_;
  Where where_ = Where::host;
};

/// Writes "provost: message" and what to try next to standard error; the exit status to end with.
Exit report(const CallError& error);
Exit report(const Error& error);

}  // namespace provost::cli
