// The daemon's faces on the network: the native API and the agents' endpoint, over one server.
// Takes requests off the server's thread at once; a pool of threads answers them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "os/http_server.hpp"
#include "service/desk.hpp"
#include "service/world.hpp"

namespace provost::api {

class Endpoint {
 public:
  Endpoint(service::World& world, service::Desk& desk);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  Status listen_unix(const std::string& path);
  Result<std::uint16_t> listen_tls(const std::string& address, std::uint16_t port);
  /// Agents of a cluster reach provostd at its network's gateway address. Idempotent.
  Status listen_for_agents(const std::string& address);
  /// From now on /v1/ready answers 200.
  void set_ready() { ready_ = true; }

 private:
  using Query = std::map<std::string, std::string>;
  /// A request on its way through the routes.
  struct Asked {
    os::HttpRequest request;
    os::Responder responder;
    service::Caller caller;
    std::vector<std::string> path;  ///< parts after "/v1/"
    [[nodiscard]] std::string query(const std::string& name) const;
  };
  void take(os::HttpRequest request, os::Responder responder);
  void answer(Asked asked);
  /// Of what is asked from a node: the one list of what is open to its users.
  static bool is_for_people(const Asked& asked);
  static bool is_of_supervisors(const Asked& asked);
  void answer_supervisor(const Asked& asked);
  void answer_clusters(const Asked& asked);
  void answer_nodes(const Asked& asked);
  void answer_node_action(const Asked& asked, const service::NodeReport& node);
  void answer_events(const Asked& asked);
  void answer_tokens(const Asked& asked);
  void answer_ready(const os::Responder& responder);
  void create(const Asked& asked);
  void change(const Asked& asked);
  void validate(const Asked& asked);
  /// Calls about the policy; false: it is none of them.
  bool answer_policy(const Asked& asked);
  void answer_mail(const Asked& asked);
  void report(const Asked& asked);
  void exec(const Asked& asked, const service::NodeReport& node);
  void logs(const Asked& asked, const service::NodeReport& node);
  void follow_events(const Asked& asked, store::EventFilter filter);
  Result<service::Caller> authenticate(const os::HttpRequest& request);

  bool may_open(const os::HttpRequest& request);
  void open_agent(const std::shared_ptr<os::WebSocket>& socket);

  void worker(const std::stop_token& stop);

  service::World& world_;
  service::Desk& desk_;
  std::atomic<bool> ready_{false};
  UtcTime started_ = now_utc();
  std::mutex listen_mutex_;
  std::set<std::string> agent_addresses_;

  std::mutex mutex_;
  std::condition_variable_any queued_;
  std::deque<std::function<void(const std::stop_token&)>> queue_;
  int idle_ = 0;
  std::vector<std::jthread> threads_;
  std::unique_ptr<os::HttpServer> server_;  // last: its thread calls into all of the above
};

}  // namespace provost::api
