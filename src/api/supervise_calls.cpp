// Calls by which supervisors act: the overlay on campus.toml, jobs of a department.
#include "api/endpoint.hpp"
#include "api/json.hpp"
#include "base/text.hpp"

namespace provost::api {
namespace {

namespace json = boost::json;

template <class T>
void respond(const os::Responder& responder, const Result<T>& result, const char* name) {
  const json::object body = result ? json::object{{name, to_json(*result)}}
                                   : json::object{{"error", to_json(result.error())}};
  responder.send({.status = result ? 200 : http_status(result.error().kind),
                  .body = json::serialize(body) + "\n"});
}

std::optional<service::JobAct> job_act(const std::string& name) {
  if (name == "hold") {
    return service::JobAct::hold;
  }
  if (name == "release") {
    return service::JobAct::release;
  }
  return name == "cancel" ? std::optional(service::JobAct::cancel) : std::nullopt;
}

}  // namespace

bool Endpoint::is_of_supervisors(const Asked& asked) {
  const auto& path = asked.path;
  const std::string& method = asked.request.method;
  if (path.size() >= 5 && path[4] == "overlay") {
    return (path.size() == 5 && (method == "GET" || method == "POST")) ||
           (path.size() == 6 && method == "DELETE");
  }
  return path.size() == 7 && path[4] == "jobs" && method == "POST" && job_act(path[6]).has_value();
}

void Endpoint::answer_supervisor(const Asked& asked) {
  const auto& path = asked.path;
  const std::string& cluster = path[3];
  if (path[4] == "jobs") {
    respond(asked.responder, desk_.act_on_job(asked.caller, cluster, path[5], *job_act(path[6])),
            "done");
  } else if (asked.request.method == "GET") {
    respond(asked.responder, desk_.overlay(asked.caller, cluster), "overlay");
  } else if (asked.request.method == "DELETE") {
    const auto id = to_number(path[5]);
    respond(asked.responder,
            desk_.take_back(asked.caller, cluster, static_cast<int>(id.value_or(0))), "done");
  } else {
    const auto body = read_body(asked.request.body);
    const auto wanted = body ? read_amending(*body) : pass(body.error());
    respond(asked.responder,
            wanted ? desk_.amend(asked.caller, cluster, *wanted) : pass(wanted.error()), "done");
  }
}

}  // namespace provost::api
