// Outgoing HTTP, by Boost.Beast: the command line's way to the daemon. Blocking.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace provost::os {

struct HttpTarget {
  std::string unix_socket;  ///< path; empty: use `url`
  std::string url;          ///< "https://host:7443" (https only); with a socket: ignored
  std::string
      authority_file;       ///< CA file that a TLS server must verify against; empty: the system's
  std::string token;        ///< sent as "Authorization: Bearer"; may be empty
  std::string server_name;  ///< that a TLS server's certificate must have; empty: the URL's host
  std::string certificate_file;  ///< PEM: ours; empty: none
  std::string key_file;          ///< PEM: of that certificate
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

struct HttpCall {
  std::string method = "GET";
  std::string path;  ///< with query, encoded
  std::string body;
  std::map<std::string, std::string> headers = {};  ///< further ones
  std::chrono::milliseconds timeout{60'000};        ///< 0: none (streams)
  /// Called with each piece as it arrives; return false to stop. `HttpAnswer::body` is empty then,
  /// but for an answer of status 400 or more: that is not a stream's and comes in `body`.
  std::function<bool(std::string_view)> on_chunk;
};

/// Errors: unavailable (nobody listens; the message names the socket or URL), denied (socket
/// permissions), timeout, internal. An HTTP status is not an error here.
Result<HttpAnswer> http(const HttpTarget& target, const HttpCall& call);

/// Percent-encodes one component of a path or query.
std::string url_encode(std::string_view text);

}  // namespace provost::os
