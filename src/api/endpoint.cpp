#include "api/endpoint.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "api/json.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "protocol/messages.hpp"

namespace provost::api {
namespace {

namespace json = boost::json;

constexpr int kThreadsMost = 64;  // streams hold one each
constexpr std::string_view kRoom = "api";
constexpr const char* kUserHeader = "x-provost-uid";  // as agent/door.hpp has it

os::HttpResponse to_response(int status, const json::object& body) {
  return {.status = status, .body = json::serialize(body) + "\n"};
}

os::HttpResponse to_response(const Error& error) {
  return to_response(http_status(error.kind), {{"error", to_json(error)}});
}

template <class T>
json::array to_array(const std::vector<T>& values) {
  json::array array;
  for (const T& value : values) {
    array.push_back(to_json(value));
  }
  return array;
}

std::string to_line(const json::object& object) { return json::serialize(object) + "\n"; }

/// Requests a stop when the client goes away, looked at often while something runs.
class StopWhenGone {
 public:
  StopWhenGone(os::Responder responder, const std::stop_token& outer)
      : thread_([this, responder = std::move(responder), outer](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          while (!stop.stop_requested()) {
            if (responder.gone() || outer.stop_requested()) {
              source_.request_stop();
              return;
            }
            changed_.wait_for(lock, stop, std::chrono::milliseconds(200), [] { return false; });
          }
        }) {}
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;
};

}  // namespace

std::string Endpoint::Asked::query(const std::string& name) const {
  const auto found = request.query.find(name);
  return found == request.query.end() ? "" : found->second;
}

Endpoint::Endpoint(service::World& world, service::Desk& desk) : world_(world), desk_(desk) {
  server_ = std::make_unique<os::HttpServer>(os::ServerHandlers{
      .on_request =
          [this](os::HttpRequest request, os::Responder responder) {
            take(std::move(request), std::move(responder));
          },
      .may_open = [this](const os::HttpRequest& request) { return may_open(request); },
      .on_open = [this](const std::shared_ptr<os::WebSocket>& socket,
                        const os::HttpRequest&) { open_agent(socket); }});
}

Endpoint::~Endpoint() {
  for (std::jthread& thread : threads_) {
    thread.request_stop();
  }
  server_.reset();
  threads_.clear();
}

Status Endpoint::listen_unix(const std::string& path) { return server_->listen_unix(path, 0600); }

Result<std::uint16_t> Endpoint::listen_tls(const std::string& address, std::uint16_t port) {
  return server_->listen_tls({.address = address,
                              .port = port,
                              .identity = world_.keys().server,
                              .client_authority = world_.keys().authority.certificate});
}

Status Endpoint::listen_for_agents(const std::string& address) {
  const std::scoped_lock lock(listen_mutex_);
  if (agent_addresses_.contains(address)) {
    return {};
  }
  const auto port = listen_tls(address, world_.settings().agent_port);
  if (!port) {
    return pass(port.error());
  }
  agent_addresses_.insert(address);
  return {};
}

void Endpoint::take(os::HttpRequest request, os::Responder responder) {
  if (request.path == "/v1/ready") {
    answer_ready(responder);
    return;
  }
  const std::scoped_lock lock(mutex_);
  if (idle_ <= static_cast<int>(queue_.size()) &&
      static_cast<int>(threads_.size()) < kThreadsMost) {
    threads_.emplace_back([this](const std::stop_token& stop) { worker(stop); });
  }
  queue_.push_back([this, request = std::move(request),
                    responder = std::move(responder)](const std::stop_token&) mutable {
    auto caller = authenticate(request);
    if (!caller) {
      responder.send(to_response(caller.error()));
      return;
    }
    Asked asked{std::move(request), std::move(responder), *caller, {}};
    answer(std::move(asked));
  });
  queued_.notify_one();
}

void Endpoint::worker(const std::stop_token& stop) {
  while (true) {
    std::function<void(const std::stop_token&)> job;
    {
      std::unique_lock lock(mutex_);
      ++idle_;
      const bool found = queued_.wait(lock, stop, [this] { return !queue_.empty(); });
      --idle_;
      if (!found) {
        return;
      }
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    try {
      job(stop);
    } catch (const std::exception& problem) {
      // The Responder answers 500 when it is destroyed unanswered.
      log::error(kRoom, "a request failed: {}", problem.what());
    }
  }
}

Result<service::Caller> Endpoint::authenticate(const os::HttpRequest& request) {
  if (request.peer.local) {
    if (request.peer.uid == 0) {
      return service::Caller{.name = "root", .local = true};
    }
    return fail(ErrorKind::denied, "the socket is for root only");
  }
  const auto uid = request.headers.find(kUserHeader);
  if (uid != request.headers.end()) {  // a node's agent, for one of its users
    const auto node = service::read_agent_uri(request.peer.certificate_uri);
    return node ? desk_.person_at(*node, to_number(uid->second).value_or(-1)) : pass(node.error());
  }
  const auto header = request.headers.find("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  if (header == request.headers.end() || header->second.rfind(kBearer, 0) != 0) {
    return fail(ErrorKind::denied, "a token is needed: Authorization: Bearer TOKEN");
  }
  return desk_.caller_of(header->second.substr(kBearer.size()));
}

void Endpoint::answer_ready(const os::Responder& responder) {
  responder.send(to_response(ready_ ? 200 : 503, {{"ready", ready_.load()},
                                                  {"version", PROVOST_VERSION},
                                                  {"pid", static_cast<std::int64_t>(::getpid())},
                                                  {"started", to_iso(started_)},
                                                  {"state_directory", world_.settings().state},
                                                  {"clusters", world_.store().clusters().size()}}));
}

bool Endpoint::is_for_people(const Asked& asked) {
  const auto& path = asked.path;
  if (path.size() < 3 || path[1] != "v1" || path[2] != "clusters") {
    return false;
  }
  if (is_of_supervisors(asked)) {
    return true;
  }
  if (asked.request.method != "GET") {
    return false;
  }
  if (path.size() == 3) {
    return true;
  }
  constexpr std::array kAlone{"my", "usage", "calendar", "idle"};
  constexpr std::array kAbout{"why", "department"};
  const auto has = [&](const auto& names) {
    return std::find(names.begin(), names.end(), path[4]) != names.end();
  };
  return (path.size() == 5 && has(kAlone)) || (path.size() == 6 && has(kAbout));
}

void Endpoint::answer(Asked asked) {
  asked.path = split(asked.request.path, '/');  // "", "v1", "clusters", ...
  const auto& path = asked.path;
  const std::string method = asked.request.method;
  if (!asked.caller.from_cluster.empty() && !is_for_people(asked)) {
    asked.responder.send(
        to_response(Error{ErrorKind::denied,
                          fmt::format("{} {} is for administrators, on provostd's own host", method,
                                      asked.request.path),
                          {}}));
  } else if (path.size() < 3 || path[1] != "v1") {
    asked.responder.send(to_response(Error{ErrorKind::not_found, "no such call", {}}));
  } else if (path[2] == "clusters") {
    answer_clusters(asked);
  } else if (path[2] == "validate" && method == "POST") {
    validate(asked);
  } else if (path[2] == "types" && method == "GET") {
    const auto types = desk_.catalogue();
    asked.responder.send(types ? to_response(200, {{"types", spec::to_json(*types)}})
                               : to_response(types.error()));
  } else if (path[2] == "nodes") {
    answer_nodes(asked);
  } else if (path[2] == "events" && method == "GET") {
    answer_events(asked);
  } else if (path[2] == "tokens") {
    answer_tokens(asked);
  } else if (path[2] == "mail" && path.size() == 3 && method == "GET") {
    answer_mail(asked);
  } else if (path[2] == "doctor" && method == "GET") {
    asked.responder.send(to_response(200, {{"doctor", to_json(desk_.health())}}));
  } else if (path[2] == "host" && method == "GET") {
    const auto host = desk_.host();
    asked.responder.send(host ? to_response(200, {{"host", to_json(*host)}})
                              : to_response(host.error()));
  } else {
    asked.responder.send(to_response(Error{
        ErrorKind::not_found, fmt::format("no such call: {} {}", method, asked.request.path), {}}));
  }
}

void Endpoint::validate(const Asked& asked) {
  const auto body = read_body(asked.request.body);
  const auto sources = body ? read_sources(*body) : pass(body.error());
  if (!sources) {
    asked.responder.send(to_response(sources.error()));
    return;
  }
  const service::Validated validated = desk_.validate(*sources);
  json::array overlay;
  for (const service::OverlayLine& each : validated.overlay) {
    overlay.push_back(to_json(each));
  }
  asked.responder.send(to_response(
      200,
      {{"findings", spec::to_json(validated.findings)},
       {"explanation",
        validated.explanation ? json::value(spec::to_json(*validated.explanation)) : json::value()},
       {"overlay", std::move(overlay)}}));
}

void Endpoint::create(const Asked& asked) {
  const auto body = read_body(asked.request.body);
  const auto sources = body ? read_sources(*body) : pass(body.error());
  if (!sources) {
    asked.responder.send(to_response(sources.error()));
    return;
  }
  const json::value* keep = body->if_contains("keep_failed");
  const auto created =
      desk_.create(asked.caller, *sources, keep != nullptr && keep->is_bool() && keep->get_bool());
  if (!created) {
    asked.responder.send(to_response(created.error()));
    return;
  }
  if (!created->cluster) {
    json::object error =
        to_json(Error{ErrorKind::invalid, "the files are not sound; nothing was made", {}});
    error["findings"] = spec::to_json(created->findings);
    asked.responder.send(to_response(400, {{"error", std::move(error)}}));
    return;
  }
  asked.responder.send(to_response(202, {{"cluster", to_json(*created->cluster)},
                                         {"findings", spec::to_json(created->findings)}}));
}

void Endpoint::change(const Asked& asked) {
  const auto body = read_body(asked.request.body);
  const auto order = body ? read_order(*body) : pass(body.error());
  if (!order) {
    asked.responder.send(to_response(order.error()));
    return;
  }
  const json::value* fingerprint = body->if_contains("fingerprint");
  const bool apply = asked.path[4] == "apply";
  const auto planned = apply ? desk_.apply(asked.caller, asked.path[3], *order,
                                           fingerprint != nullptr && fingerprint->is_string()
                                               ? std::string(fingerprint->get_string())
                                               : std::string())
                             : desk_.plan(asked.path[3], *order);
  if (!planned) {
    asked.responder.send(to_response(planned.error()));
    return;
  }
  if (has_errors(planned->findings)) {
    json::object error =
        to_json(Error{ErrorKind::invalid, "this cannot be done; nothing was changed", {}});
    error["findings"] = spec::to_json(planned->findings);
    asked.responder.send(to_response(400, {{"error", std::move(error)}}));
    return;
  }
  asked.responder.send(to_response(apply ? 202 : 200, {{"plan", to_json(*planned)}}));
}

void Endpoint::answer_clusters(const Asked& asked) {
  const auto& path = asked.path;
  const std::string& method = asked.request.method;
  const auto send = [&](const auto& result, int status, auto&& shape) {
    asked.responder.send(result ? to_response(status, shape(*result))
                                : to_response(result.error()));
  };
  if (path.size() == 3 && method == "GET") {
    asked.responder.send(to_response(200, {{"clusters", to_array(desk_.list(asked.caller))}}));
  } else if (path.size() == 3 && method == "POST") {
    create(asked);
  } else if (path.size() == 4 && method == "GET") {
    send(desk_.describe(path[3]), 200, [](const auto& found) { return to_json(found); });
  } else if (path.size() == 4 && method == "DELETE" && asked.query("stray") == "1") {
    send(desk_.remove_stray(asked.caller, path[3]), 200, [](const auto& gone) {
      return json::object{{"stray", to_json(gone)}};
    });
  } else if (path.size() == 4 && method == "DELETE") {
    send(desk_.remove(asked.caller, path[3], asked.query("with_data") == "1"), 202,
         [](const auto& found) {
           return json::object{{"cluster", to_json(found)}};
         });
  } else if (path.size() == 5 && (path[4] == "plan" || path[4] == "apply") && method == "POST") {
    change(asked);
  } else if (path.size() == 5 && path[4] == "files" && method == "GET") {
    send(desk_.files(path[3]), 200, [](const auto& found) {
      return json::object{{"files", to_json(found)}};
    });
  } else if (path.size() == 5 && path[4] == "report" && method == "GET") {
    report(asked);
  } else if (is_of_supervisors(asked)) {
    answer_supervisor(asked);
  } else if (path.size() >= 5 && answer_policy(asked)) {
    return;
  } else if (path.size() == 5 && path[4] == "removal" && method == "GET") {
    send(desk_.removal(path[3]), 200, [](const auto& found) {
      return json::object{{"removal", to_json(found)}};
    });
  } else {
    asked.responder.send(to_response(Error{ErrorKind::not_found, "no such call", {}}));
  }
}

void Endpoint::report(const Asked& asked) {
  asked.responder.begin(200, "application/x-ndjson");
  const StopWhenGone gone(asked.responder, {});
  const Status made = desk_.report(
      asked.caller, asked.path[3],
      [&](const service::ReportPart& part) { asked.responder.write(to_line(to_json(part))); },
      gone.token());
  if (!made) {
    asked.responder.write(to_line({{"error", to_json(made.error())}}));
  }
  asked.responder.end();
}

void Endpoint::answer_nodes(const Asked& asked) {
  if (asked.path.size() == 3) {
    const auto nodes = desk_.nodes(asked.query("cluster"));
    asked.responder.send(nodes ? to_response(200, {{"nodes", to_array(*nodes)}})
                               : to_response(nodes.error()));
    return;
  }
  const auto node = desk_.node(asked.query("cluster"), asked.path[3]);
  if (!node) {
    asked.responder.send(to_response(node.error()));
    return;
  }
  if (asked.path.size() == 4) {
    asked.responder.send(to_response(200, {{"node", to_json(*node)}}));
    return;
  }
  answer_node_action(asked, *node);
}

void Endpoint::answer_node_action(const Asked& asked, const service::NodeReport& node) {
  const std::string& action = asked.path[4];
  if (action == "logs" && asked.request.method == "GET") {
    logs(asked, node);
  } else if (action == "exec" && asked.request.method == "POST") {
    exec(asked, node);
  } else if (action == "ssh" && asked.request.method == "GET") {
    const auto way = desk_.ssh(asked.caller, node);
    asked.responder.send(way ? to_response(200, {{"address", way->address},
                                                 {"port", 22},
                                                 {"user", "root"},
                                                 {"key_file", way->key_file},
                                                 {"known_hosts_file", way->known_hosts_file}})
                             : to_response(way.error()));
  } else {
    asked.responder.send(to_response(Error{ErrorKind::not_found, "no such call", {}}));
  }
}

void Endpoint::exec(const Asked& asked, const service::NodeReport& node) {
  const auto body = read_body(asked.request.body);
  const auto command = body ? read_command(*body) : pass(body.error());
  if (!command) {
    asked.responder.send(to_response(command.error()));
    return;
  }
  asked.responder.begin(200, "application/x-ndjson");
  const StopWhenGone gone(asked.responder, {});
  const auto status = desk_.exec(
      asked.caller, node, *command,
      [&](os::Channel channel, std::string_view bytes) {
        asked.responder.write(to_line({{"channel", channel == os::Channel::out ? "out" : "err"},
                                       {"bytes", to_base64(bytes)}}));
      },
      gone.token());
  asked.responder.write(status ? to_line({{"status", *status}})
                               : to_line({{"error", to_json(status.error())}}));
  asked.responder.end();
}

void Endpoint::logs(const Asked& asked, const service::NodeReport& node) {
  service::Desk::LogQuery query{
      .unit = asked.query("unit"),
      .lines = static_cast<int>(to_number(asked.query("lines")).value_or(100)),
      .follow = asked.query("follow") == "1"};
  asked.responder.begin(200, "application/x-ndjson");
  const StopWhenGone gone(asked.responder, {});
  std::string rest;  // bytes of a line that is not whole yet: a JSON text must be whole UTF-8
  const auto hand_on = [&](std::string_view text) {
    rest += text;
    const std::size_t end = rest.rfind('\n');
    if (end != std::string::npos) {
      asked.responder.write(to_line({{"text", rest.substr(0, end + 1)}}));
      rest.erase(0, end + 1);
    }
  };
  const Status read = desk_.logs(node, query, hand_on, gone.token());
  if (!rest.empty()) {
    asked.responder.write(to_line({{"text", rest}}));
  }
  if (!read) {
    asked.responder.write(to_line({{"error", to_json(read.error())}}));
  }
  asked.responder.end();
}

void Endpoint::answer_events(const Asked& asked) {
  store::EventFilter filter{
      .cluster = asked.query("cluster"),
      .after = to_number(asked.query("after")).value_or(0),
      .limit = static_cast<int>(to_number(asked.query("limit")).value_or(1000))};
  if (asked.query("follow") == "1") {
    follow_events(asked, filter);
    return;
  }
  asked.responder.send(to_response(200, {{"events", to_array(desk_.events(filter))}}));
}

void Endpoint::follow_events(const Asked& asked, store::EventFilter filter) {
  asked.responder.begin(200, "application/x-ndjson");
  while (!asked.responder.gone()) {
    for (const store::Event& event : desk_.events(filter)) {
      filter.after = event.id;
      asked.responder.write(to_line(to_json(event)));
    }
    filter.limit = 1000;
    desk_.wait_for_event(filter.after, std::chrono::milliseconds(500));
    const std::scoped_lock lock(mutex_);
    if (!threads_.empty() && threads_.front().get_stop_token().stop_requested()) {
      break;
    }
  }
  asked.responder.end();
}

void Endpoint::answer_tokens(const Asked& asked) {
  const std::string& method = asked.request.method;
  if (method == "GET") {
    const auto tokens = desk_.tokens(asked.caller);
    if (!tokens) {
      asked.responder.send(to_response(tokens.error()));
      return;
    }
    json::array array;
    for (const store::Token& token : *tokens) {
      array.push_back(json::object{{"name", token.name}, {"created", to_iso(token.created)}});
    }
    asked.responder.send(to_response(200, {{"tokens", std::move(array)}}));
  } else if (method == "POST") {
    const auto body = read_body(asked.request.body);
    const auto* name = body ? body->if_contains("name") : nullptr;
    const auto secret = desk_.make_token(
        asked.caller, name != nullptr && name->is_string() ? std::string(name->as_string()) : "");
    asked.responder.send(
        secret ? to_response(200, {{"token", json::object{{"name", *name}, {"secret", *secret}}}})
               : to_response(secret.error()));
  } else if (method == "DELETE" && asked.path.size() == 4) {
    const Status deleted = desk_.delete_token(asked.caller, asked.path[3]);
    asked.responder.send(deleted ? to_response(200, {{"deleted", asked.path[3]}})
                                 : to_response(deleted.error()));
  } else {
    asked.responder.send(to_response(Error{ErrorKind::not_found, "no such call", {}}));
  }
}

bool Endpoint::may_open(const os::HttpRequest& request) {
  return request.path == "/v1/agent" && service::read_agent_uri(request.peer.certificate_uri);
}

void Endpoint::open_agent(const std::shared_ptr<os::WebSocket>& socket) {
  const auto name = service::read_agent_uri(socket->peer().certificate_uri);
  if (!name) {
    socket->close();
    return;
  }
  const cluster::NodeKey key{name->cluster_id, name->node};
  const auto connection = std::make_shared<std::int64_t>(0);
  const std::weak_ptr<os::WebSocket> weak = socket;
  const auto refuse = [weak, key](const std::string& why) {
    log::warning(kRoom, "node={} agent refused: {}", key.node, why);
    if (const auto open = weak.lock()) {
      open->close();
    }
  };
  socket->on_message = [this, weak, key, connection, refuse,
                        incarnation = name->incarnation](const std::string& frame) {
    const auto message = protocol::decode(frame);
    if (!message) {
      refuse(message.error().message);
      return;
    }
    if (*connection != 0) {
      world_.agents().heard(key, *connection, *message);
      return;
    }
    const auto* hello = std::get_if<protocol::Hello>(&*message);
    if (hello == nullptr || hello->node != key.node || hello->incarnation != incarnation) {
      refuse("its first words do not fit its certificate");
      return;
    }
    const auto row = world_.store().node(key.cluster_id, key.node);
    if (!row || row->incarnation != incarnation) {
      refuse("no such node is wanted any more");
      return;
    }
    *connection = world_.agents().connected(key, *hello, [weak](std::string text) {
      if (const auto open = weak.lock()) {
        open->send(std::move(text));
      }
    });
  };
  // The server keeps the socket alive while it is open.
  socket->on_close = [this, key, connection] {
    if (*connection != 0) {
      world_.agents().disconnected(key, *connection);
    }
  };
}

}  // namespace provost::api
