#include "support/scrub.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"

namespace provost::support {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kSecret = "hunter2-Swordfish";

TEST(Scrub, TakesTheValuesOfSecretFieldsOut) {
  for (const std::string& line :
       {std::string("password=hunter2-Swordfish"),
        std::string("password: hunter2-Swordfish"),
        std::string("Password = hunter2-Swordfish"),
        std::string("PASSWD='hunter2-Swordfish'"),
        std::string("export HF_TOKEN=hunter2-Swordfish"),
        std::string("export WANDB_API_KEY=\"hunter2-Swordfish\""),
        std::string("AWS_SECRET_ACCESS_KEY=hunter2-Swordfish"),
        std::string("aws_session_token = hunter2-Swordfish"),
        std::string("StoragePass=hunter2-Swordfish"),
        std::string("AccountingStoragePass  =  hunter2-Swordfish"),
        std::string("{\"db_password\": \"hunter2-Swordfish\", \"x\": 1}"),
        std::string("{\"tokens\": [\"a\", \"hunter2-Swordfish\"]}"),
        std::string(R"({"text": "{\"password\": \"hunter2-Swordfish\"}"})"),
        std::string("{'secret': 'hunter2-Swordfish'}"),
        std::string("<password>hunter2-Swordfish</password>"),
        std::string("tool --password hunter2-Swordfish --verbose"),
        std::string("tool --api-key=hunter2-Swordfish"),
        std::string("machine example.org login minh password hunter2-Swordfish"),
        std::string("CREATE USER x IDENTIFIED BY 'hunter2-Swordfish'"),
        std::string("mysql -u root -phunter2-Swordfish slurm_acct_db"),
        std::string("echo root:hunter2-Swordfish | chpasswd"),
        std::string("https://minh:hunter2-Swordfish@example.org/x"),
        std::string("curl -H 'Authorization: Bearer hunter2-Swordfish' https://example.org"),
        std::string("Authorization: Basic hunter2-Swordfish"),
        std::string("{\"Authorization\": \"Bearer hunter2-Swordfish\"}"),
        std::string("GET /x?token=hunter2-Swordfish HTTP/1.1"),
        std::string("mount -o user=minh,pass=hunter2-Swordfish //server/share")}) {
    EXPECT_THAT(scrub(line), Not(HasSubstr(kSecret))) << line;
    EXPECT_THAT(scrub(line), HasSubstr("[removed")) << line;
    EXPECT_EQ(scrub(scrub(line)), scrub(line)) << line;
  }
}

TEST(Scrub, KeepsTheRestOfALineOfJsonReadable) {
  EXPECT_EQ(
      scrub(R"({"a": 1, "password": "x\"y", "token": 17, "b": {"secret": null}, "c": "d"})"),
      R"({"a": 1, "password": "[removed]", "token": "[removed]", "b": {"secret": "[removed]"}, "c": "d"})");
}

TEST(Scrub, RemovesPrivateKeysWhole) {
  const std::string key =
      "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUA\nAAAA\n"
      "-----END OPENSSH PRIVATE KEY-----";
  EXPECT_EQ(scrub("before\n" + key + "\nafter\n"), "before\n[removed: PEM]\nafter\n");
  const std::string logged =
      "Nov 24 cpu-1 x[1]: -----BEGIN PRIVATE KEY-----\nNov 24 cpu-1 x[1]: MIGHAgEAMBMG\n"
      "Nov 24 cpu-1 x[1]: -----END PRIVATE KEY-----\nNov 24 cpu-1 y[2]: fine\n";
  EXPECT_THAT(scrub(logged), Not(HasSubstr("MIGHAgEAMBMG")));
  EXPECT_THAT(scrub(logged), HasSubstr("y[2]: fine"));
}

TEST(Scrub, RemovesPrivateKeysThatWereCut) {
  const std::string body(64, 'a');
  EXPECT_THAT(scrub("x\n-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n"), Not(HasSubstr("MIGH")));
  const std::string end =
      "fine\nNov 24: " + body + "\nNov 24: lastline=\n-----END PRIVATE KEY-----\n";
  EXPECT_THAT(scrub(end), Not(HasSubstr(body)));
  EXPECT_THAT(scrub(end), Not(HasSubstr("lastline")));
  EXPECT_THAT(scrub(end), HasSubstr("fine\n"));
}

TEST(Scrub, KnowsTokensAndHashesByTheirForm) {
  for (const char* token :
       {"pvt_0123456789abcdef0123456789abcdef0123456789abcdef", "ghp_0123456789abcdefABCDEF0123",
        "AKIAIOSFODNN7EXAMPLE", "hf_abcdefghijklmnopqrst",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
        "$6$rounds=5000$saltsalt$abcdefghijklmnop", "$y$j9T$abcdefghijklmnop$qrstuvwxyz"}) {
    EXPECT_THAT(scrub(std::string("found ") + token + " here"), Not(HasSubstr(token)));
    EXPECT_THAT(scrub(std::string("found ") + token + " here"), HasSubstr(" here"));
  }
}

TEST(Scrub, RemovesWhatItIsToldInEveryForm) {
  std::string key;
  for (int i = 0; i < 128; ++i) {
    key += static_cast<char>(i * 7);
  }
  const std::string text =
      "raw " + key + " hex " + to_hex(key) + " base64 " + to_base64(key) + " end";
  EXPECT_EQ(scrub(text, {key}), "raw [removed] hex [removed] base64 [removed] end");
  EXPECT_EQ(scrub("a munge key " + to_base64(key) + " nobody told of"),
            "a munge key [removed] nobody told of");
}

TEST(Scrub, LeavesWhatAHelperNeeds) {
  for (const char* line :
       {"slurmctld: error: Node cpu-1 not responding",
        "Accepted publickey for root: ED25519 SHA256:Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0bQ5ZpU4y6l1mD8u9pX0m2Yw7oJ3kQ8vT5sR2nH4cX minh@x",
        "AuthType=auth/munge", "JobCompPassThrough", "PASS  disk  fine",
        "/sys/fs/cgroup/memory/provost/k3x9q2/pv-k3x9q2-0402/payload/system.slice/slurmd.service",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "PasswordAuthentication no", "password authentication is off"}) {
    EXPECT_EQ(scrub(line), line);
  }
}

TEST(Scrub, TakesAnyBytes) {
  const std::string bytes("\xff\xfe\0password=x\n\x80", 15);
  EXPECT_THAT(scrub(bytes), HasSubstr("password=[removed]"));
  EXPECT_EQ(scrub(""), "");
}

}  // namespace
}  // namespace provost::support
