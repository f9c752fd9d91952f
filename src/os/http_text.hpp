// HTTP between Beast's messages and the program's, and the text of an answer's head. Pure. Private
// to this room: it includes Beast.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <map>
#include <optional>
#include <string>

#include "os/http_server.hpp"

namespace provost::os {

using ParsedRequest = boost::beast::http::request<boost::beast::http::string_body>;

/// Takes `parsed` apart (its body is moved out). Nothing when its target is not well formed.
std::optional<HttpRequest> to_request(ParsedRequest& parsed, const Peer& peer);

struct AnswerHead {
  int status = 200;
  std::string content_type;
  std::map<std::string, std::string> headers;
  std::optional<std::size_t> length;  ///< none: chunked, or until the end of the connection
  bool chunked = false;
  bool keep_alive = true;
};

/// Status line and headers with the empty line that ends them.
std::string to_text(const AnswerHead& head);

}  // namespace provost::os
