// Calls about a cluster's policy: drift, why, my, department, usage.
#include "api/endpoint.hpp"
#include "api/json.hpp"
#include "base/text.hpp"

namespace provost::api {
namespace {

namespace json = boost::json;

os::HttpResponse respond(int status, const json::object& body) {
  return {.status = status, .body = json::serialize(body) + "\n"};
}

template <class T>
os::HttpResponse reply(const Result<T>& result, const char* name) {
  return result ? respond(200, {{name, to_json(*result)}})
                : respond(http_status(result.error().kind), {{"error", to_json(result.error())}});
}

}  // namespace

void Endpoint::answer_mail(const Asked& asked) {
  constexpr int kUsual = 100;
  const auto most = to_number(asked.query("limit"));
  asked.responder.send(
      reply(desk_.mail(asked.caller, static_cast<int>(most.value_or(kUsual))), "mail"));
}

bool Endpoint::answer_policy(const Asked& asked) {
  const auto& path = asked.path;
  const std::string& cluster = path[3];
  const std::string& what = path[4];
  const bool get = asked.request.method == "GET";
  if (what == "drift" && path.size() == 5 && get) {
    asked.responder.send(reply(desk_.drift(asked.caller, cluster), "drift"));
  } else if (what == "drift" && path.size() == 6 && path[5] == "mend" && !get) {
    const Status mended = desk_.mend_drift(asked.caller, cluster);
    asked.responder.send(
        mended ? respond(202, {{"mending", true}})
               : respond(http_status(mended.error().kind), {{"error", to_json(mended.error())}}));
  } else if (what == "why" && path.size() == 6 && get) {
    asked.responder.send(reply(desk_.why(asked.caller, cluster, path[5]), "job"));
  } else if (what == "my" && path.size() == 5 && get) {
    asked.responder.send(reply(desk_.my(asked.caller, cluster, asked.query("as")), "my"));
  } else if (what == "department" && path.size() == 6 && get) {
    asked.responder.send(reply(desk_.department(asked.caller, cluster, path[5]), "department"));
  } else if (what == "calendar" && path.size() == 5 && get) {
    asked.responder.send(reply(desk_.calendar(asked.caller, cluster), "calendar"));
  } else if (what == "idle" && path.size() == 5 && get) {
    asked.responder.send(reply(desk_.idle(asked.caller, cluster), "idle"));
  } else if (what == "selftest" && path.size() == 5) {
    asked.responder.send(
        reply(get ? desk_.selftest(asked.caller, cluster) : desk_.try_policy(asked.caller, cluster),
              "selftest"));
  } else if (what == "usage" && path.size() == 5 && get) {
    const auto order = read_usage_order(asked.query("by"), asked.query("from"), asked.query("to"));
    asked.responder.send(order ? reply(desk_.usage(asked.caller, cluster, *order), "usage")
                               : respond(400, {{"error", to_json(order.error())}}));
  } else {
    return false;
  }
  return true;
}

}  // namespace provost::api
