// The native API as its callers meet it: a real store and desk behind a real socket and TLS port.
// No cluster is made here; tests/scenario does that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>

#include "api/endpoint.hpp"
#include "api/json.hpp"
#include "base/text.hpp"
#include "os/files.hpp"
#include "os/http_client.hpp"
#include "provider/local/local_provider.hpp"
#include "service/desk.hpp"
#include "service/keys.hpp"
#include "service/world.hpp"

namespace provost::api {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

struct Answer {
  int status = 0;
  json::object body;
  [[nodiscard]] std::string message() const {
    return std::string(body.at("error").at("message").as_string());
  }
};

class Api : public testing::Test {
 protected:
  Api()
      : directory_(std::filesystem::temp_directory_path() /
                   ("api-" + to_hex(os::random_bytes(6)))) {
    settings_.state = directory_ / "state";
    settings_.run = directory_ / "run";
    std::filesystem::create_directories(settings_.state);
    std::filesystem::create_directories(settings_.run);
    auto store = store::Store::open(settings_.state).value();
    auto keys = service::load_keys(*store, settings_).value();
    auto provider = std::make_unique<provider::local::LocalProvider>(
        provider::local::LocalOptions{.places = {.state = settings_.state, .run = settings_.run},
                                      .images = "/nonexistent",
                                      .image_cache = settings_.state,
                                      .programs = {.agent = "/nonexistent", .people = {}}});
    world_ = std::make_unique<service::World>(settings_, std::move(store), std::move(provider),
                                              std::move(keys), 1);
    desk_ = std::make_unique<service::Desk>(*world_);
    endpoint_ = std::make_unique<Endpoint>(*world_, *desk_);
    EXPECT_TRUE(endpoint_->listen_unix(socket()));
    port_ = endpoint_->listen_tls("127.0.0.1", 0).value();
  }
  ~Api() override {
    endpoint_.reset();
    desk_.reset();
    world_.reset();
    std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] std::string socket() const { return settings_.run + "/provostd.sock"; }

  static Answer read(const Result<os::HttpAnswer>& answer) {
    if (!answer) {
      ADD_FAILURE() << answer.error().message;
      return {};
    }
    return {answer->status, json::parse(answer->body).as_object()};
  }
  Answer as_root(const std::string& method, const std::string& path, const std::string& body = "") {
    return read(
        os::http({.unix_socket = socket()}, {.method = method, .path = path, .body = body}));
  }
  Answer with_token(const std::string& token, const std::string& method, const std::string& path,
                    const std::string& body = "") {
    return read(os::http({.url = "https://127.0.0.1:" + std::to_string(port_),
                          .authority_file = settings_.state + "/authority.pem",
                          .token = token},
                         {.method = method, .path = path, .body = body}));
  }
  std::string new_token(const std::string& name) {
    const Answer made = as_root("POST", "/v1/tokens", R"({"name": ")" + name + R"("})");
    return std::string(made.body.at("token").at("secret").as_string());
  }

  service::Settings settings_;
  std::filesystem::path directory_;
  std::unique_ptr<service::World> world_;
  std::unique_ptr<service::Desk> desk_;
  std::unique_ptr<Endpoint> endpoint_;
  std::uint16_t port_ = 0;
};

TEST_F(Api, SaysWhenItIsReadyToAnybody) {
  EXPECT_EQ(as_root("GET", "/v1/ready").status, 503);
  endpoint_->set_ready();
  EXPECT_EQ(as_root("GET", "/v1/ready").status, 200);
  EXPECT_EQ(with_token("", "GET", "/v1/ready").status, 200);
}

TEST_F(Api, RemoteCallersNeedAToken) {
  for (const char* path : {"/v1/clusters", "/v1/nodes", "/v1/events", "/v1/tokens", "/v1/host",
                           "/v1/doctor", "/v1/clusters/a/report", "/v1/clusters/a/files"}) {
    EXPECT_EQ(with_token("", "GET", path).status, 403) << path;
    EXPECT_EQ(with_token("guessed", "GET", path).status, 403) << path;
  }
  EXPECT_EQ(with_token("", "POST", "/v1/clusters", "{}").status, 403);
}

TEST_F(Api, ATokenOpensUntilItIsDeleted) {
  const std::string token = new_token("ci");
  EXPECT_EQ(with_token(token, "GET", "/v1/clusters").status, 200);
  EXPECT_EQ(as_root("DELETE", "/v1/tokens/ci").status, 200);
  EXPECT_EQ(with_token(token, "GET", "/v1/clusters").status, 403);
}

TEST_F(Api, ATokenMakesNoTokens) {
  const std::string token = new_token("ci");
  EXPECT_EQ(with_token(token, "POST", "/v1/tokens", R"({"name": "more"})").status, 403);
  EXPECT_EQ(with_token(token, "DELETE", "/v1/tokens/ci").status, 403);
}

TEST_F(Api, NobodyIsAPersonWithoutANodesCertificate) {
  const std::string token = new_token("ci");
  const auto answer = os::http({.url = "https://127.0.0.1:" + std::to_string(port_),
                                .authority_file = settings_.state + "/authority.pem",
                                .token = token},
                               {.method = "GET",
                                .path = "/v1/clusters",
                                .body = {},
                                .headers = {{"x-provost-uid", "2001"}}});
  EXPECT_EQ(read(answer).status, 403);
}

TEST_F(Api, ATokenIsShownOnceAndListedWithoutItsSecret) {
  const std::string token = new_token("ci");
  const Answer listed = as_root("GET", "/v1/tokens");
  EXPECT_THAT(json::serialize(listed.body), HasSubstr("\"ci\""));
  EXPECT_THAT(json::serialize(listed.body), Not(HasSubstr(token)));
}

TEST_F(Api, TokensNeedANameOfTheirOwn) {
  for (const char* body :
       {"", "{}", "[]", R"({"name": 3})", R"({"name": ""})", R"({"name": "a/b"})"}) {
    EXPECT_EQ(as_root("POST", "/v1/tokens", body).status, 400) << body;
  }
  new_token("ci");
  EXPECT_EQ(as_root("POST", "/v1/tokens", R"({"name": "ci"})").status, 409);
}

TEST_F(Api, CallsThatDoNotExistAreSaid) {
  for (const char* path : {"/", "/v1", "/v2/clusters", "/v1/nothing", "/v1/clusters/a/b/c"}) {
    EXPECT_EQ(as_root("GET", path).status, 404) << path;
  }
  EXPECT_EQ(as_root("PUT", "/v1/clusters").status, 404);
}

TEST_F(Api, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(as_root("GET", "/v1/clusters/none").status, 404);
  EXPECT_EQ(as_root("DELETE", "/v1/clusters/none").status, 404);
  EXPECT_EQ(as_root("GET", "/v1/clusters/none/removal").status, 404);
  EXPECT_EQ(as_root("GET", "/v1/clusters/none/files").status, 404);
  const auto report =
      os::http({.unix_socket = socket()}, {.method = "GET", .path = "/v1/clusters/none/report"});
  EXPECT_THAT(report->body, HasSubstr("there is no cluster named none"));
  EXPECT_EQ(as_root("GET", "/v1/nodes/cpu-1").status, 404);
  EXPECT_EQ(as_root("GET", "/v1/nodes/cpu-1/logs").status, 404);
  EXPECT_EQ(as_root("POST", "/v1/nodes/cpu-1/exec", R"({"argv": ["true"]})").status, 404);
  EXPECT_EQ(as_root("DELETE", "/v1/tokens/none").status, 404);
}

TEST_F(Api, BodiesThatAreNoRequestNameTheirFault) {
  for (const char* call : {"/v1/validate", "/v1/clusters"}) {
    EXPECT_EQ(as_root("POST", call, "not JSON").status, 400) << call;
    EXPECT_EQ(as_root("POST", call, "[]").status, 400) << call;
    EXPECT_THAT(as_root("POST", call, "{}").message(), HasSubstr("cluster_config"));
    EXPECT_THAT(as_root("POST", call, R"({"cluster_config": 4})").message(),
                HasSubstr("cluster_config"));
  }
}

TEST_F(Api, UnsoundFilesMakeNothingAndComeBackWithTheirFindings) {
  const std::string body =
      R"({"cluster_config": {"name": "c.json", "text": "{\"InstanceGroups\": 3}"}})";
  const Answer refused = as_root("POST", "/v1/clusters", body);
  EXPECT_EQ(refused.status, 400);
  EXPECT_FALSE(refused.body.at("error").at("findings").as_array().empty());
  EXPECT_TRUE(as_root("GET", "/v1/clusters").body.at("clusters").as_array().empty());
  const Answer checked = as_root("POST", "/v1/validate", body);
  EXPECT_EQ(checked.status, 200);
  EXPECT_FALSE(checked.body.at("findings").as_array().empty());
}

TEST_F(Api, SaysHowItIs) {
  const Answer said = as_root("GET", "/v1/doctor");
  EXPECT_EQ(said.status, 200);
  EXPECT_GT(said.body.at("doctor").at("certificate_ends_ms").as_int64(), to_millis(now_utc()));
  EXPECT_TRUE(said.body.at("doctor").at("clusters").as_array().empty());
}

TEST(ReadCommand, WantsAListOfTexts) {
  const auto read = [](const char* text) { return read_command(json::parse(text).as_object()); };
  EXPECT_TRUE(read(R"({"argv": ["ls", "-l"]})"));
  for (const char* wrong :
       {"{}", R"({"argv": []})", R"({"argv": "ls"})", R"({"argv": ["ls", 3]})",
        R"({"argv": ["ls"], "input": "%%"})", R"({"argv": ["ls"], "timeout": -1})"}) {
    EXPECT_FALSE(read(wrong)) << wrong;
  }
  EXPECT_EQ(read(R"({"argv": ["cat"], "input": "aGVsbG8="})")->input, "hello");
}

TEST(ReadAmending, WantsAVerbAndTexts) {
  const auto read = [](const char* text) { return read_amending(json::parse(text).as_object()); };
  const auto limit = read(
      R"({"verb": "limit", "account": "nlp", "subject": "gpus", "value": "8", "title": null})");
  ASSERT_TRUE(limit);
  EXPECT_EQ(limit->verb, scheduling::Amending::Verb::limit);
  EXPECT_EQ(limit->value, "8");
  EXPECT_THAT(read("{}").error().message, HasSubstr("add_member"));
  EXPECT_THAT(read(R"({"verb": "become_root"})").error().message, HasSubstr("become_root"));
  EXPECT_THAT(read(R"({"verb": "limit", "value": 8})").error().message, HasSubstr("value"));
}

TEST(HttpStatus, EveryKindOfErrorHasOne) {
  EXPECT_EQ(http_status(ErrorKind::invalid), 400);
  EXPECT_EQ(http_status(ErrorKind::denied), 403);
  EXPECT_EQ(http_status(ErrorKind::not_found), 404);
  EXPECT_EQ(http_status(ErrorKind::conflict), 409);
  EXPECT_EQ(http_status(ErrorKind::internal), 500);
}

}  // namespace
}  // namespace provost::api
