#include "agent/door.hpp"

#include <filesystem>

#include "base/log.hpp"
#include "os/files.hpp"

namespace provost::agent {
namespace {

constexpr const char* kRoom = "agent";
// Who floods the door waits, and fills neither the node's memory nor provostd's threads.
constexpr int kThreads = 4;
constexpr std::size_t kWaiting = 64;
constexpr std::uint64_t kBody = 64U << 10U;
constexpr std::chrono::milliseconds kPatience{90'000};
constexpr unsigned kEverybody = 0666;

os::HttpResponse refusal(int status, const std::string& kind, const std::string& message) {
  return {.status = status,
          .body = fmt::format(R"({{"error":{{"kind":"{}","message":"{}"}}}})"
                              "\n",
                              kind, message)};
}

std::string target_of(const os::HttpRequest& request) {
  std::string target;
  std::size_t begin = 0;
  while (begin < request.path.size()) {
    const std::size_t end = std::min(request.path.find('/', begin + 1), request.path.size());
    target += "/" + os::url_encode(request.path.substr(begin + 1, end - begin - 1));
    begin = end;
  }
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    target += separator + os::url_encode(name) + "=" + os::url_encode(value);
    separator = '&';
  }
  return target;
}

}  // namespace

Door::Door(const Settings& settings)
    : target_{.unix_socket = {},
              .url = fmt::format("https://{}:{}", settings.daemon_address, settings.daemon_port),
              .authority_file = settings.authority,
              .token = {},
              .server_name = settings.server_name,
              .certificate_file = settings.certificate,
              .key_file = settings.key} {}

Door::~Door() {
  server_.reset();
  for (std::jthread& thread : threads_) {
    thread.request_stop();
  }
  threads_.clear();
}

Status Door::open(const std::string& socket) {
  if (Status made = os::make_directories(std::filesystem::path(socket).parent_path(), 0755);
      !made) {
    return made;
  }
  for (int i = 0; i < kThreads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
  server_ = std::make_unique<os::HttpServer>(
      os::ServerHandlers{.on_request =
                             [this](os::HttpRequest request, os::Responder responder) {
                               take(std::move(request), std::move(responder));
                             },
                         .may_open = [](const os::HttpRequest&) { return false; },
                         .on_open = {},
                         .body_limit = kBody});
  return server_->listen_unix(socket, kEverybody);
}

void Door::take(os::HttpRequest request, os::Responder responder) {
  const std::scoped_lock lock(mutex_);
  if (queue_.size() >= kWaiting) {
    responder.send(refusal(503, "unavailable", "too many ask at once on this node: try again"));
    return;
  }
  queue_.push_back([this, request = std::move(request), responder = std::move(responder)] {
    hand_on(request, responder);
  });
  queued_.notify_one();
}

void Door::work(const std::stop_token& stop) {
  while (true) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      if (!queued_.wait(lock, stop, [this] { return !queue_.empty(); })) {
        return;
      }
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job();
  }
}

void Door::hand_on(const os::HttpRequest& request, const os::Responder& responder) const {
  os::HttpCall call{.method = request.method,
                    .path = target_of(request),
                    .body = request.body,
                    .headers = {{kUserHeader, std::to_string(request.peer.uid)}},
                    .timeout = kPatience,
                    .on_chunk = {}};
  const auto answer = os::http(target_, call);
  if (!answer) {
    log::warning(kRoom, "a question of uid {} did not reach provostd: {}", request.peer.uid,
                 answer.error().message);
    responder.send(refusal(503, "unavailable", "provostd cannot be reached from this node"));
    return;
  }
  responder.send({.status = answer->status, .body = answer->body});
}

}  // namespace provost::agent
