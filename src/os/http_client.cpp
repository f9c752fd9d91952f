#include "os/http_client.hpp"

#include <curl/curl.h>
#include <system_error>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <mutex>

namespace provost::os {
namespace {

using Curl = std::unique_ptr<CURL, decltype([](CURL* curl) { curl_easy_cleanup(curl); })>;

// Headers to send, a list of curl's.
class HeaderList {
 public:
  HeaderList() = default;
  ~HeaderList() { curl_slist_free_all(list_); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;

  void add(const std::string& header) {
    if (curl_slist* longer = curl_slist_append(list_, header.c_str()); longer != nullptr) {
      list_ = longer;
    }
  }
  [[nodiscard]] curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

// Where an answer's bytes go.
struct Receiver {
  CURL* curl = nullptr;
  const HttpCall& call;
  std::string body;
  bool stopped = false;
};

std::size_t receive(const char* data, std::size_t size, std::size_t count, void* to) {
  auto& receiver = *static_cast<Receiver*>(to);
  const std::string_view bytes(data, size * count);
  long status = 0;
  curl_easy_getinfo(receiver.curl, CURLINFO_RESPONSE_CODE, &status);
  if (!receiver.call.on_chunk || status >= 400) {
    receiver.body.append(bytes);
    return bytes.size();
  }
  if (receiver.call.on_chunk(bytes)) {
    return bytes.size();
  }
  receiver.stopped = true;
  return 0;
}

void set_target(CURL* curl, const HttpTarget& target, const HttpCall& call) {
  const bool local = !target.unix_socket.empty();
  curl_easy_setopt(curl, CURLOPT_URL,
                   fmt::format("{}{}", local ? "http://localhost" : target.url, call.path).c_str());
  if (local) {
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, target.unix_socket.c_str());
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
  }
  if (!target.authority_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, target.authority_file.c_str());
    curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  }
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
}

void set_call(CURL* curl, const HttpCall& call) {
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(call.timeout.count()));
  if (call.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    return;
  }
  if (!call.body.empty() || call.method == "POST" || call.method == "PUT") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call.body.data());
  }
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call.method.c_str());
}

ErrorKind kind_of(CURLcode code, long system_error) {
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return ErrorKind::timeout;
  }
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
      code == CURLE_SSL_CACERT_BADFILE) {
    return ErrorKind::invalid;
  }
  if (code == CURLE_OUT_OF_MEMORY || code == CURLE_FAILED_INIT) {
    return ErrorKind::internal;
  }
  const bool refused =
      code == CURLE_PEER_FAILED_VERIFICATION || system_error == EACCES || system_error == EPERM;
  return refused ? ErrorKind::denied : ErrorKind::unavailable;
}

tl::unexpected<Error> failure(CURL* curl, CURLcode code, std::string_view detail, long status,
                              const HttpTarget& target) {
  long system_error = 0;
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &system_error);
  const ErrorKind kind = kind_of(code, system_error);
  const std::string& place = target.unix_socket.empty() ? target.url : target.unix_socket;
  const std::string_view text = detail.empty() ? curl_easy_strerror(code) : detail;
  if (kind == ErrorKind::timeout) {
    return fail(kind, "no answer from {}: {}", place, text);
  }
  if (status == 0 && !target.unix_socket.empty() && system_error != 0) {
    // libcurl speaks of "localhost port 80" here.
    return fail(kind, "cannot connect to {}: {}", place,
                std::system_category().message(static_cast<int>(system_error)));
  }
  return fail(kind, "{} {}: {}", status == 0 ? "cannot connect to" : "lost the connection to",
              place, text);
}

void initialize_once() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

Result<HttpAnswer> http(const HttpTarget& target, const HttpCall& call) {
  initialize_once();
  const Curl curl(curl_easy_init());
  if (!curl) {
    return fail(ErrorKind::internal, "cannot start libcurl");
  }
  set_target(curl.get(), target, call);
  set_call(curl.get(), call);
  HeaderList headers;
  headers.add("Expect:");  // the server answers an over-long body without being asked
  headers.add("Content-Type: application/json");
  if (!target.token.empty()) {
    headers.add(fmt::format("Authorization: Bearer {}", target.token));
  }
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  Receiver receiver{curl.get(), call, {}, false};
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &receive);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &receiver);
  std::string detail(CURL_ERROR_SIZE, '\0');
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, detail.data());
  const CURLcode code = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  // A server that refuses a body may answer and close before it has read all of it.
  const bool refused_early =
      (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR) && status >= 400;
  if (code != CURLE_OK && !receiver.stopped && !refused_early) {
    return failure(curl.get(), code, detail.c_str(), status, target);
  }
  return HttpAnswer{static_cast<int>(status), std::move(receiver.body)};
}

std::string url_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' ||
                       byte == '~';
    if (plain) {
      encoded += character;
    } else {
      encoded += '%';
      encoded += kHex[byte >> 4U];
      encoded += kHex[byte & 15U];
    }
  }
  return encoded;
}

}  // namespace provost::os
