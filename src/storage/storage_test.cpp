#include "storage/storage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "os/files.hpp"

namespace provost::storage {
namespace {

using Found = spec::Surroundings::Script;

class Buckets : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/provost-buckets-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    ASSERT_TRUE(os::make_directories(root_ + "/university/lifecycle"));
  }
  void TearDown() override { (void)os::remove_tree(root_); }
  void put(const std::string& name, const std::string& text) {
    ASSERT_TRUE(os::write_file_quick(root_ + "/university/lifecycle/" + name, text, 0755));
  }

  std::string root_;
  model::LifecycleScript script_{"university", "lifecycle", "on_create.sh"};
};

TEST_F(Buckets, TellWhatStandsAtAScriptsPlace) {
  EXPECT_EQ(locate(root_, script_), Found::no_script);
  EXPECT_EQ(locate(root_, {"elsewhere", "", "on_create.sh"}), Found::no_bucket);
  put("on_create.sh", "#!/bin/bash\ntrue\n");
  EXPECT_EQ(locate(root_, script_), Found::present);
  put("on_create.sh", "#!/bin/bash\r\ntrue\r\n");
  EXPECT_EQ(locate(root_, script_), Found::carriage_returns);
}

TEST_F(Buckets, AreBundledToTheSameBytesEachTime) {
  put("on_create.sh", "#!/bin/bash\n");
  put("a", std::string(9 << 20, 'x'));
  const auto one = bundle(root_, script_);
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_GT(one->size(), std::size_t{9} << 20U);
  EXPECT_EQ(*one, bundle(root_, script_).value_or(""));
}

TEST_F(Buckets, RefuseToBeALoadOfData) {
  put("data", std::string(33 << 20, 'x'));
  const auto refused = bundle(root_, script_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::limit);
}

TEST(Homes, AreMadeOnTheControllerOfWhoIsInTheCampusFile) {
  model::Cluster cluster;
  cluster.campus.emplace();
  cluster.campus->people = {{"minh", 2001, "Minh", {"ssh-ed25519 AAAA minh@laptop"}}};
  const model::NodePart made = part(cluster, {}, model::Role::controller);
  ASSERT_FALSE(made.files.empty());
  EXPECT_EQ(made.files[0].content,
            "home ubuntu 1000\nhome minh 2001\nkey ssh-ed25519 AAAA minh@laptop\n");
  EXPECT_TRUE(part(cluster, {}, model::Role::login).files.empty());
}

}  // namespace
}  // namespace provost::storage
