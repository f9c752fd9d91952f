#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <thread>

#include "base/guarded.hpp"
#include "base/text.hpp"
#include "os/files.hpp"
#include "os/http_client.hpp"
#include "os/http_server.hpp"
#include "os/process.hpp"
#include "os/tls.hpp"
#include "os/websocket_client.hpp"

namespace provost::os {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) {
      return true;
    }
    std::this_thread::sleep_for(milliseconds(10));
  }
  return condition();
}

// A server that echoes what it understood, and streams, waits or stays silent on request.
class Served : public testing::Test {
 protected:
  Served()
      : directory_(std::filesystem::temp_directory_path() / ("http-" + to_hex(random_bytes(6)))),
        authority_(make_authority("Provost test").value()) {
    std::filesystem::create_directories(directory_);
    ServerHandlers handlers;
    handlers.on_request = [this](HttpRequest request, const Responder& responder) {
      respond(std::move(request), responder);
    };
    handlers.may_open = [](const HttpRequest& request) { return request.path == "/socket"; };
    handlers.on_open = [this](const std::shared_ptr<WebSocket>& socket, const HttpRequest&) {
      open(socket);
    };
    server_ = std::make_unique<HttpServer>(std::move(handlers));
    EXPECT_TRUE(server_->listen_unix(socket(), 0600));
    EXPECT_TRUE(write_file(file("ca.pem"), authority_.certificate));
  }
  ~Served() override {
    stop();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  void stop() {
    server_.reset();
    workers_.with([](auto& workers) { workers.clear(); });
  }

  [[nodiscard]] std::string file(const std::string& name) const { return directory_ / name; }
  [[nodiscard]] std::string socket() const { return file("sock"); }
  [[nodiscard]] HttpTarget local() const { return {socket(), {}, {}, {}}; }

  std::uint16_t listen_tls() {
    CertificateRequest request;
    request.common_name = "server";
    request.names = {"provost", "localhost"};
    request.addresses = {"127.0.0.1"};
    request.server = true;
    TlsListen listen{"127.0.0.1", 0, issue(authority_, request).value(), authority_.certificate};
    const auto port = server_->listen_tls(listen);
    EXPECT_TRUE(port) << port.error().message;
    return port.value_or(0);
  }

  [[nodiscard]] WebSocketTarget agent(std::uint16_t port, const Identity& authority) const {
    CertificateRequest request;
    request.common_name = "agent";
    request.uris = {"provost:node:tiny/cpu-1/2"};
    request.client = true;
    return {"127.0.0.1",           port, "provost", "/socket", issue(authority, request).value(),
            authority_.certificate};
  }

  void respond(HttpRequest request, const Responder& responder) {
    ++requests_;
    if (request.path == "/stream") {
      in_background([responder] { stream(responder); });
    } else if (request.path == "/endless") {
      in_background([this, responder] {
        responder.begin(200, "text/plain");
        while (!responder.gone()) {
          responder.write("tick\n");
          std::this_thread::sleep_for(milliseconds(5));
        }
        saw_gone_ = true;
      });
    } else if (request.path == "/flood") {
      responder.begin(200, "text/plain");
      for (int i = 0; i < 100; ++i) {
        responder.write(std::string(1U << 20U, 'x'));
      }
    } else if (request.path == "/hold") {
      held_.with([&](auto& held) { held.push_back(responder); });
    } else if (request.path == "/forget") {
    } else if (request.path == "/throw") {
      throw std::runtime_error("a test's");
    } else if (request.path == "/empty") {
      responder.send({204, "", "", {{"X-Broken", "a\r\nInjected: b"}}});
    } else {
      std::string text = request.method + " " + request.path;
      for (const auto& [name, value] : request.query) {
        text += fmt::format(" {}={}", name, value);
      }
      text += " " + std::to_string(request.body.size()) + " " + request.headers["authorization"];
      text += request.peer.local ? " uid=" + std::to_string(request.peer.uid)
                                 : " from=" + request.peer.address + request.peer.certificate_uri;
      responder.send({200, "text/plain", text});
    }
  }

  static void stream(const Responder& responder) {
    responder.begin(200, "text/plain");
    for (int i = 0; i < 5; ++i) {
      responder.write(std::to_string(i) + "\n");
      std::this_thread::sleep_for(milliseconds(10));
    }
    responder.end();
  }

  void open(const std::shared_ptr<WebSocket>& opened) {
    uri_.with([&](auto& uri) { uri = opened->peer().certificate_uri; });
    opened->on_message = [weak = std::weak_ptr(opened)](const std::string& text) {
      if (const auto here = weak.lock()) {
        if (text == "bye") {
          here->send("goodbye");
          here->close();
        } else {
          here->send("echo " + text);
        }
      }
    };
    opened->on_close = [this] { ++closed_; };
    opened->send("welcome");
  }

  void in_background(std::function<void()> work) {
    workers_.with([&](auto& workers) { workers.emplace_back(std::move(work)); });
  }

  std::filesystem::path directory_;
  Identity authority_;
  std::atomic<int> requests_ = 0;
  std::atomic<int> closed_ = 0;
  std::atomic<bool> saw_gone_ = false;
  Guarded<std::vector<Responder>> held_;
  Guarded<std::string> uri_;
  Guarded<std::vector<std::jthread>> workers_;
  std::unique_ptr<HttpServer> server_;
};

// A connection without any protocol, to be rude with.
class Raw {
 public:
  explicit Raw(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  explicit Raw(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  void send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return;
      }
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void finish_sending() const { ::shutdown(fd_.get(), SHUT_WR); }
  void abort() {
    const linger hard{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    fd_.reset();
  }
  // What comes until `ending` was seen, the end, or 5 s.
  [[nodiscard]] std::string receive_until(std::string_view ending) const {
    std::string text;
    std::array<char, 65536> piece{};
    pollfd watched{fd_.get(), POLLIN, 0};
    while (ending.empty() || text.find(ending) == std::string::npos) {
      const ssize_t got =
          ::poll(&watched, 1, 5000) == 1 ? ::recv(fd_.get(), piece.data(), piece.size(), 0) : -1;
      if (got <= 0) {
        return text;
      }
      text.append(piece.data(), static_cast<std::size_t>(got));
    }
    return text;
  }
  [[nodiscard]] std::string receive_all() const { return receive_until(""); }

 private:
  void connect(const sockaddr* address, socklen_t size) const {
    EXPECT_EQ(::connect(fd_.get(), address, size), 0);
  }
  Fd fd_;
};

// A client that notes what it hears.
struct Heard {
  Guarded<std::vector<std::string>> messages;
  Guarded<std::string> why;

  WebSocketClient::Callbacks callbacks() {
    return {[this](std::string text) {
              messages.with([&](auto& all) { all.push_back(std::move(text)); });
            },
            [this](std::string text) { why.with([&](auto& old) { old = std::move(text); }); }};
  }
  std::vector<std::string> all() {
    return messages.with([](auto& kept) { return kept; });
  }
  std::string closed() {
    return why.with([](auto& kept) { return kept; });
  }
};

HttpCall call(const std::string& method, const std::string& path, std::string body = {}) {
  HttpCall made;
  made.method = method;
  made.path = path;
  made.body = std::move(body);
  return made;
}

std::string own_uid() { return " uid=" + std::to_string(::getuid()); }

// ---- Unix sockets

TEST_F(Served, AnswersOverAUnixSocketAndKnowsWhoAsks) {
  HttpTarget target = local();
  target.token = "secret";
  const auto answer = http(target, call("POST", "/a%20b/c?x=1%2B2&y=a+b&z", "body"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "POST /a b/c x=1+2 y=a b z= 4 Bearer secret" + own_uid());
  EXPECT_EQ(http(local(), call("DELETE", "/"))->body, "DELETE / 0 " + own_uid());
  EXPECT_EQ(http(local(), call("HEAD", "/"))->status, 200);
}

TEST_F(Served, GivesTheSocketItsMode) {
  struct stat status {};
  ASSERT_EQ(::stat(socket().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(Served, LeavesALivingServersSocketAndOtherFiles) {
  HttpServer second({[](const HttpRequest&, const Responder& to) { to.send({}); }, {}, {}});
  ASSERT_TRUE(write_file(file("plain"), "kept"));
  EXPECT_EQ(second.listen_unix(socket(), 0600).error().kind, ErrorKind::conflict);
  EXPECT_EQ(second.listen_unix(file("plain"), 0600).error().kind, ErrorKind::conflict);
  EXPECT_EQ(*read_file(file("plain")), "kept");
  const std::string long_path = file(std::string(200, 'a'));
  EXPECT_EQ(second.listen_unix(long_path, 0600).error().kind, ErrorKind::invalid);
}

TEST_F(Served, ReplacesADeadServersSocket) {
  // As a killed server leaves it: bound, and nobody listens.
  const Fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  file("dead").copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_TRUE(server_->listen_unix(file("dead"), 0600));
  EXPECT_EQ(http({file("dead"), {}, {}, {}}, call("GET", "/"))->status, 200);
}

TEST_F(Served, StopsListeningWhereItIsToldAndCleansUp) {
  EXPECT_TRUE(server_->listen_unix(file("other"), 0600));
  server_->stop_listening(file("other"), 0);
  EXPECT_FALSE(exists(file("other")));
  EXPECT_EQ(http(local(), call("GET", "/"))->status, 200);
  stop();
  EXPECT_FALSE(exists(socket()));
}

TEST_F(Served, TakesPipelinedRequestsInOrder) {
  const Raw raw(socket());
  raw.send(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: "
      "3\r\n\r\nabc"
      "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string all = raw.receive_all();
  const std::size_t first = all.find("GET /1 0");
  const std::size_t second = all.find("POST /2 3");
  const std::size_t third = all.find("GET /3 0");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
}

TEST_F(Served, AnswersAClientThatHasFinishedSending) {
  const Raw raw(socket());
  raw.send("GET /half HTTP/1.1\r\nHost: x\r\n\r\n");
  raw.finish_sending();
  EXPECT_THAT(raw.receive_all(), HasSubstr("GET /half"));
}

TEST_F(Served, ServesAnOldClientWithoutChunks) {
  const Raw raw(socket());
  raw.send("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_THAT(raw.receive_all(), testing::EndsWith("\r\n\r\n0\n1\n2\n3\n4\n"));
}

TEST_F(Served, ContinuesWhenAsked) {
  const Raw raw(socket());
  raw.send("POST /c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_THAT(raw.receive_until("\r\n\r\n"), StartsWith("HTTP/1.1 100 Continue"));
  raw.send("ab");
  EXPECT_THAT(raw.receive_until("POST /c 2"), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(Served, RefusesWhatIsNotHttp) {
  for (const std::string_view text :
       {"garbage\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n"}) {
    const Raw raw(socket());
    raw.send(text);
    raw.finish_sending();
    EXPECT_THAT(raw.receive_all(), StartsWith("HTTP/1.1 400 Bad Request\r\n")) << text;
  }
  const Raw raw(socket());
  raw.send("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(raw.receive_until("message"), StartsWith("HTTP/1.1 431"));
  EXPECT_EQ(http(local(), call("GET", "/"))->status, 200);
}

TEST_F(Served, RefusesABodyOver64MiBAndTakesOneBelow) {
  const auto large = http(local(), call("POST", "/", std::string((64U << 20U) + 1, 'x')));
  ASSERT_TRUE(large) << large.error().message;
  EXPECT_EQ(large->status, 413);
  const int before = requests_;
  const auto fits = http(local(), call("POST", "/", std::string(64U << 20U, 'x')));
  ASSERT_TRUE(fits) << fits.error().message;
  EXPECT_THAT(fits->body, HasSubstr(" 67108864 "));
  EXPECT_EQ(requests_, before + 1);
}

TEST_F(Served, AnswersForAHandlerThatForgetsOrThrows) {
  EXPECT_EQ(http(local(), call("GET", "/forget"))->status, 500);
  EXPECT_EQ(http(local(), call("GET", "/throw"))->status, 500);
}

TEST_F(Served, LetsNoHeaderBreakOutOfItsLine) {
  const Raw raw(socket());
  raw.send("GET /empty HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string all = raw.receive_all();
  EXPECT_THAT(all, StartsWith("HTTP/1.1 204"));
  EXPECT_THAT(all, HasSubstr("X-Broken: aInjected: b\r\n"));
}

TEST_F(Served, ServesANewRequestBesideAHundredIdleConnections) {
  std::vector<std::unique_ptr<Raw>> idle;
  for (int i = 0; i < 100; ++i) {
    idle.push_back(std::make_unique<Raw>(socket()));
    idle.back()->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_THAT(idle.back()->receive_until("uid="), StartsWith("HTTP/1.1 200"));
  }
  HttpCall quick = call("GET", "/");
  quick.timeout = milliseconds(2000);
  EXPECT_EQ(http(local(), quick)->status, 200);
  idle.back()->send("GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(idle.back()->receive_until("uid="), HasSubstr("/again"));
}

TEST_F(Served, StreamsFromAnotherThread) {
  std::string all;
  int pieces = 0;
  HttpCall streaming = call("GET", "/stream");
  streaming.on_chunk = [&](std::string_view bytes) {
    all += bytes;
    ++pieces;
    return true;
  };
  const auto answer = http(local(), streaming);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(all, "0\n1\n2\n3\n4\n");
  EXPECT_GT(pieces, 1);
  EXPECT_THAT(answer->body, IsEmpty());
}

TEST_F(Served, TellsTheProducerThatTheClientHasGone) {
  HttpCall streaming = call("GET", "/endless");
  int pieces = 0;
  streaming.on_chunk = [&](std::string_view) { return ++pieces < 3; };
  const auto answer = http(local(), streaming);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_TRUE(eventually([&] { return saw_gone_.load(); }));
}

TEST_F(Served, TellsOfAClientThatLeavesWhileItsAnswerIsMade) {
  Raw raw(socket());
  raw.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto held = [&] { return held_.with([](auto& all) { return all; }); };
  ASSERT_TRUE(eventually([&] { return held().size() == 1; }));
  EXPECT_FALSE(held()[0].gone());
  raw.abort();
  EXPECT_TRUE(eventually([&] { return held()[0].gone(); }));
  held()[0].send({});  // dropped
  EXPECT_EQ(http(local(), call("GET", "/"))->status, 200);
}

TEST_F(Served, DropsAClientThatDoesNotRead) {
  const Raw raw(socket());
  raw.send("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n");
  std::this_thread::sleep_for(milliseconds(500));
  EXPECT_LT(raw.receive_all().size(), 64U << 20U);
}

TEST_F(Served, SurvivesClientsThatVanish) {
  for (int i = 0; i < 50; ++i) {
    Raw raw(socket());
    raw.send(i % 2 == 0 ? "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n" : "POST / HTTP/1.1\r\nConte");
    raw.abort();
  }
  EXPECT_EQ(http(local(), call("GET", "/"))->status, 200);
}

TEST_F(Served, EndsWithConnectionsAndRespondersOpen) {
  const Raw idle(socket());
  const Raw held(socket());
  held.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  const Raw streaming(socket());
  streaming.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return requests_ == 2; }));
  Heard heard;
  const auto client = WebSocketClient::connect(agent(listen_tls(), authority_), heard.callbacks());
  ASSERT_TRUE(client);
  ASSERT_TRUE(eventually([&] { return heard.all().size() == 1; }));
  stop();
  EXPECT_TRUE(eventually([&] { return !heard.closed().empty(); }));
  EXPECT_EQ(closed_, 1);
  const auto left = held_.with([](auto& all) { return std::exchange(all, {}); });
  EXPECT_TRUE(left.at(0).gone());
  left.at(0).send({});
}

// ---- The client's own errors

TEST_F(Served, ClientSaysWhatItCannotReach) {
  const auto nobody = http({"/nowhere/sock", {}, {}, {}}, call("GET", "/"));
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(nobody.error().message, StartsWith("cannot connect to /nowhere/sock: "));
  HttpCall slow = call("GET", "/hold");
  slow.timeout = milliseconds(200);
  EXPECT_EQ(http(local(), slow).error().kind, ErrorKind::timeout);
  held_.with([](auto& all) { all.clear(); });
}

// What the server at the other end may say that is not an answer.
TEST_F(Served, ClientIsNotHarmedByWhatIsNotAnAnswer) {
  for (const std::string text :
       {"", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    const Fd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = file("rude-" + to_hex(random_bytes(4)));
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              0);
    ASSERT_EQ(::listen(listening.get(), 1), 0);
    const std::jthread rude([&] {
      const Fd client(::accept(listening.get(), nullptr, nullptr));
      std::array<char, 4096> request{};
      (void)::recv(client.get(), request.data(), request.size(), 0);
      (void)::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
    });
    const auto answer = http({path, {}, {}, {}}, call("GET", "/"));
    ASSERT_FALSE(answer) << text;
    EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(answer.error().message, StartsWith("lost the connection to " + path));
  }
}

TEST_F(Served, ClientTakesOnlyAddressesWithTls) {
  for (const std::string url : {"http://localhost:1", "localhost:1", "https://", "https://:7",
                                "https://h:0", "https://h:65536", "https://h:7x", "https://h/path",
                                "https://u@h", "https://[::1", "https://a b"}) {
    const auto answer = http({{}, url, {}, {}}, call("GET", "/"));
    ASSERT_FALSE(answer) << url;
    EXPECT_EQ(answer.error().kind, ErrorKind::invalid) << url;
  }
  for (const std::string url : {"https://127.0.0.1:1", "https://[::1]:1/", "https://localhost:1"}) {
    const auto answer = http({{}, url, {}, {}}, call("GET", "/"));
    ASSERT_FALSE(answer) << url;
    EXPECT_EQ(answer.error().kind, ErrorKind::unavailable) << answer.error().message;
  }
  const auto no_file = http({{}, "https://localhost:1", "/nowhere.pem", {}}, call("GET", "/"));
  ASSERT_FALSE(no_file);
  EXPECT_EQ(no_file.error().kind, ErrorKind::invalid);
}

TEST(UrlEncode, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(url_encode("a-b_c.d~e/f g%\xC3\xA9"), "a-b_c.d~e%2Ff%20g%25%C3%A9");
}

// ---- TLS

TEST_F(Served, AnswersOverTlsToThoseWhoTrustIt) {
  const std::string url = "https://localhost:" + std::to_string(listen_tls());
  const auto answer = http({{}, url, file("ca.pem"), {}}, call("GET", "/tls"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "GET /tls 0  from=127.0.0.1");
  const auto distrusted = http({{}, url, {}, {}}, call("GET", "/"));
  ASSERT_FALSE(distrusted);
  EXPECT_EQ(distrusted.error().kind, ErrorKind::denied);
  HttpCall streaming = call("GET", "/stream");
  std::string all;
  streaming.on_chunk = [&](std::string_view bytes) {
    all += bytes;
    return true;
  };
  EXPECT_EQ(http({{}, url, file("ca.pem"), {}}, streaming)->status, 200);
  EXPECT_EQ(all, "0\n1\n2\n3\n4\n");
}

TEST_F(Served, RefusesALargeBodyOverTlsWithAnAnswer) {
  const std::string url = "https://localhost:" + std::to_string(listen_tls());
  const auto large =
      http({{}, url, file("ca.pem"), {}}, call("POST", "/", std::string((64U << 20U) + 1, 'x')));
  ASSERT_TRUE(large) << large.error().message;
  EXPECT_EQ(large->status, 413);
}

TEST_F(Served, IsNotHarmedByGarbageOnItsTlsPort) {
  const std::uint16_t port = listen_tls();
  for (const std::string& text :
       {std::string("GET / HTTP/1.1\r\n\r\n"), random_bytes(5000),
        std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)}) {
    Raw raw(port);
    raw.send(text);
    raw.abort();
  }
  const std::string url = "https://localhost:" + std::to_string(port);
  EXPECT_EQ(http({{}, url, file("ca.pem"), {}}, call("GET", "/"))->status, 200);
}

TEST_F(Served, SpeaksNoTlsBefore12) {
  const std::string address = "127.0.0.1:" + std::to_string(listen_tls());
  Command command;
  command.argv = {"openssl", "s_client", "-connect",       address,
                  "-tls1_1", "-cipher",  "ALL:@SECLEVEL=0"};
  EXPECT_NE(run(command)->status, 0);
  command.argv = {"openssl", "s_client", "-connect", address, "-tls1_2"};
  EXPECT_EQ(run(command)->status, 0);
}

TEST_F(Served, SaysWhyItCannotListen) {
  const std::uint16_t port = listen_tls();
  const auto try_on = [&](const std::string& address, std::uint16_t on, const Identity& identity) {
    return server_->listen_tls({address, on, identity, {}}).error().kind;
  };
  const Identity identity = issue(authority_, {.common_name = "x", .server = true}).value();
  EXPECT_EQ(try_on("127.0.0.1", port, identity), ErrorKind::conflict);
  EXPECT_EQ(try_on("192.0.2.1", 0, identity), ErrorKind::unavailable);
  EXPECT_EQ(try_on("localhost", 0, identity), ErrorKind::invalid);
  EXPECT_EQ(try_on("127.0.0.1", 0, {"no", "pem"}), ErrorKind::invalid);
  server_->stop_listening("127.0.0.1", port);
  const auto again = server_->listen_tls({"127.0.0.1", port, identity, {}});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, port);
}

// ---- WebSockets

TEST_F(Served, EchoesOverAMutuallyVerifiedWebSocket) {
  Heard heard;
  const auto client = WebSocketClient::connect(agent(listen_tls(), authority_), heard.callbacks());
  ASSERT_TRUE(client) << client.error().message;
  const std::string large(5'000'000, 'x');
  (*client)->send("one");
  (*client)->send(large);
  (*client)->send("not \xFF utf-8");
  ASSERT_TRUE(eventually([&] { return heard.all().size() == 4; }));
  EXPECT_THAT(heard.all(),
              ElementsAre("welcome", "echo one", "echo " + large, "echo not \xFF utf-8"));
  EXPECT_EQ(uri_.with([](auto& uri) { return uri; }), "provost:node:tiny/cpu-1/2");
  EXPECT_EQ(closed_, 0);
}

TEST_F(Served, NoticesThatTheClientCloses) {
  Heard heard;
  {
    const auto client =
        WebSocketClient::connect(agent(listen_tls(), authority_), heard.callbacks());
    ASSERT_TRUE(client) << client.error().message;
  }
  EXPECT_TRUE(eventually([&] { return closed_ == 1; }));
  EXPECT_THAT(heard.closed(), IsEmpty());  // it closed itself
}

TEST_F(Served, ClosesAfterItsLastMessage) {
  Heard heard;
  const auto client = WebSocketClient::connect(agent(listen_tls(), authority_), heard.callbacks());
  ASSERT_TRUE(client) << client.error().message;
  (*client)->send("bye");
  ASSERT_TRUE(eventually([&] { return !heard.closed().empty(); }));
  EXPECT_THAT(heard.all(), ElementsAre("welcome", "goodbye"));
  EXPECT_EQ(heard.closed(), "closed by the other side");
  EXPECT_TRUE(eventually([&] { return closed_ == 1; }));
  (*client)->send("into the void");
}

TEST_F(Served, RefusesAClientOfAnotherAuthority) {
  const std::uint16_t port = listen_tls();
  const Identity stranger = make_authority("Stranger").value();
  Heard heard;
  const auto refused = WebSocketClient::connect(agent(port, stranger), heard.callbacks());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::denied) << refused.error().message;
  EXPECT_EQ(requests_ + closed_, 0);
}

TEST_F(Served, IsRefusedByAClientThatTrustsAnother) {
  const std::uint16_t port = listen_tls();
  Heard heard;
  WebSocketTarget target = agent(port, authority_);
  target.authority = make_authority("Stranger").value().certificate;
  EXPECT_EQ(WebSocketClient::connect(target, heard.callbacks()).error().kind, ErrorKind::denied);
  target = agent(port, authority_);
  target.server_name = "somebody-else";
  EXPECT_EQ(WebSocketClient::connect(target, heard.callbacks()).error().kind, ErrorKind::denied);
}

TEST_F(Served, OpensNoWebSocketThatItMayNot) {
  Heard heard;
  WebSocketTarget target = agent(listen_tls(), authority_);
  target.path = "/other";
  const auto refused = WebSocketClient::connect(target, heard.callbacks());
  EXPECT_EQ(refused.error().kind, ErrorKind::denied) << refused.error().message;
  target.port = 1;
  EXPECT_EQ(WebSocketClient::connect(target, heard.callbacks()).error().kind,
            ErrorKind::unavailable);
}

TEST_F(Served, UpgradesOverAUnixSocketToo) {
  const Raw raw(socket());
  raw.send(
      "GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  const std::string answer = raw.receive_until("welcome");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(answer, HasSubstr("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  EXPECT_THAT(answer, testing::Not(HasSubstr("permessage-deflate")));
}

TEST_F(Served, SurvivesAWebSocketThatVanishesOrTalksNonsense) {
  for (int i = 0; i < 10; ++i) {
    Raw raw(socket());
    raw.send(
        "GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    EXPECT_THAT(raw.receive_until("welcome"), HasSubstr("101"));
    raw.send(random_bytes(200));
    raw.abort();
  }
  EXPECT_TRUE(eventually([&] { return closed_ == 10; }));
  EXPECT_EQ(http(local(), call("GET", "/"))->status, 200);
}

TEST_F(Served, GivesUpOnAServerThatDoesNotShakeHands) {
  const Fd deaf(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(deaf.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(deaf.get(), 1), 0);
  ASSERT_EQ(::getsockname(deaf.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::jthread closer([&] {
    const Fd accepted(::accept(deaf.get(), nullptr, nullptr));
    std::this_thread::sleep_for(milliseconds(200));
  });
  Heard heard;
  const auto refused =
      WebSocketClient::connect(agent(ntohs(address.sin_port), authority_), heard.callbacks());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, StartsWith("cannot connect to 127.0.0.1:"));
}

}  // namespace
}  // namespace provost::os
