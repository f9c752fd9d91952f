#include "cli/client.hpp"

#include <iostream>

namespace provost::cli {
namespace {

ErrorKind kind_named(const std::string& text) {
  for (const ErrorKind kind :
       {ErrorKind::invalid, ErrorKind::not_found, ErrorKind::conflict, ErrorKind::denied,
        ErrorKind::limit, ErrorKind::unavailable, ErrorKind::timeout}) {
    if (name(kind) == text) {
      return kind;
    }
  }
  return ErrorKind::internal;
}

CallError to_error(const json::object& object) {
  return {{kind_named(text(object, "kind")), text(object, "message"), text(object, "hint")},
          false,
          list(object, "findings")};
}

Called<json::object> read(const os::HttpAnswer& answer) {
  boost::system::error_code problem;
  json::value value = json::parse(answer.body, problem);
  if (problem || !value.is_object()) {
    return tl::unexpected<CallError>(
        {{ErrorKind::internal,
          fmt::format("the answer (status {}) is not what provostd sends", answer.status),
          {}},
         false,
         {}});
  }
  json::object object = std::move(value.get_object());
  if (answer.status >= 400) {
    CallError error = to_error(child(object, "error"));
    if (error.error.message.empty()) {
      error.error = {ErrorKind::unavailable, "provostd is starting", "provost status"};
    }
    return tl::unexpected<CallError>(std::move(error));
  }
  return object;
}

}  // namespace

Exit CallError::exit() const {
  if (unreachable) {
    return error.kind == ErrorKind::denied ? kDenied : kUnreachable;
  }
  return error.kind == ErrorKind::denied ? kDenied : kFailed;
}

CallError Client::unreachable(Error error) const {
  if (where_ == Where::node) {
    error.hint = "on a login node; where that is one, an administrator sees to provost-agent there";
  } else if (error.kind == ErrorKind::denied) {
    error.hint = "run it as root, or with --server and --token-file";
  } else if (is_local()) {
    error.hint = "systemctl start provostd, or ./provost-up";
  }
  return {std::move(error), true, {}};
}

Called<json::object> Client::call(const std::string& method, const std::string& path,
                                  const std::string& body) const {
  os::HttpCall call;
  call.method = method;
  call.path = path;
  call.body = body;
  call.timeout = patience_;
  const auto answer = os::http(target_, call);
  if (!answer) {
    return tl::unexpected<CallError>(unreachable(answer.error()));
  }
  return read(*answer);
}

Called<json::object> Client::post(const std::string& path, const json::object& body) const {
  return call("POST", path, json::serialize(body));
}

Called<void> Client::stream(const std::string& method, const std::string& path,
                            const std::string& body, const OnLine& on_line) const {
  std::string rest;
  std::optional<CallError> failed;
  os::HttpCall call;
  call.method = method;
  call.path = path;
  call.body = body;
  call.timeout = std::chrono::milliseconds(0);
  call.on_chunk = [&](std::string_view chunk) {
    rest += chunk;
    std::size_t end = 0;
    while ((end = rest.find('\n')) != std::string::npos) {
      boost::system::error_code problem;
      const json::value value = json::parse(rest.substr(0, end), problem);
      rest.erase(0, end + 1);
      if (problem || !value.is_object()) {
        continue;
      }
      const json::object& object = value.get_object();
      if (object.contains("error")) {
        failed = to_error(child(object, "error"));
        return false;
      }
      if (!on_line(object)) {
        return false;
      }
    }
    return true;
  };
  const auto answer = os::http(target_, call);
  if (failed) {
    return tl::unexpected<CallError>(std::move(*failed));
  }
  if (!answer) {
    return tl::unexpected<CallError>(unreachable(answer.error()));
  }
  if (answer->status >= 400) {
    return tl::unexpected<CallError>(read(*answer).error());
  }
  return {};
}

Exit report(const CallError& error) {
  report(error.error);
  return error.exit();
}

Exit report(const Error& error) {
  std::cerr << "provost: " << error.message << "\n";
  if (!error.hint.empty()) {
    std::cerr << "  try: " << error.hint << "\n";
  }
  return error.kind == ErrorKind::denied ? kDenied : kFailed;
}

}  // namespace provost::cli
