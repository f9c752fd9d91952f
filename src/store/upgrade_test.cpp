// Stores that earlier releases wrote (tests/upgrade/*.sql, see make-stores there) are opened by
// this one: brought to its schema, with all that was in them.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "os/files.hpp"
#include "store/migrations.hpp"
#include "store/store.hpp"

namespace provost::store {
namespace {

using ::testing::HasSubstr;

const std::string kStores = std::string(PROVOST_SOURCE_DIR) + "/tests/upgrade/";

class Upgrade : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() /
                 fmt::format("provost-upgrade-{}-{}", ::getpid(), GetParam());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    std::ifstream file(kStores + release() + ".sql");
    ASSERT_TRUE(file) << release() << " has no store here; run tests/upgrade/make-stores";
    std::stringstream sql;
    sql << file.rdbuf();
    SQLite::Database database(directory_ + "/provost.db",
                              SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec(sql.str());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  static std::string release() { return std::string(kMigrations.at(GetParam()).name); }
  std::string directory_;
};

const Cluster& named(const std::vector<Cluster>& clusters, const std::string& name) {
  return *std::find_if(clusters.begin(), clusters.end(),
                       [&](const Cluster& each) { return each.name == name; });
}

TEST_P(Upgrade, KeepsEverything) {
  auto store = Store::open(directory_);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->migrations().size(), kMigrations.size());
  EXPECT_EQ((*store)->setting("epoch"), "7");

  const auto clusters = (*store)->clusters();
  ASSERT_EQ(clusters.size(), 3U);
  const Cluster& university = named(clusters, "university");
  EXPECT_TRUE(university.arrived);
  EXPECT_EQ(university.munge_key.size(), 128U);
  EXPECT_EQ(university.munge_key[0], '\0');
  EXPECT_THAT(university.cluster_config.text, HasSubstr("InstanceGroups"));
  EXPECT_THAT(university.campus->text, HasSubstr("department"));
  EXPECT_EQ(university.types, GetParam() >= 1 ? "own.small,2,4096" : "");
  EXPECT_EQ(university.changing, GetParam() >= 2 ? "f00d" : "");
  EXPECT_THAT(university.overlay, GetParam() >= 4 ? HasSubstr("gpus_per_user") : HasSubstr(""));
  EXPECT_TRUE(named(clusters, "leaves").deleting);
  EXPECT_TRUE(named(clusters, "leaves").delete_data);
  EXPECT_FALSE(named(clusters, "begun").arrived);

  const auto nodes = (*store)->nodes(university.id);
  ASSERT_EQ(nodes.size(), 4U);
  EXPECT_EQ(nodes[3].name, "worker-group-1-2");
  EXPECT_EQ(nodes[3].incarnation, 2);
  EXPECT_EQ(nodes[3].status, model::NodeStatus::running);
  EXPECT_EQ(nodes[3].leaving, GetParam() >= 2 ? model::Leaving::when_idle : model::Leaving::no);
  const auto leaving = (*store)->nodes(named(clusters, "leaves").id);
  ASSERT_EQ(leaving.size(), 1U);
  EXPECT_EQ(leaving[0].status, model::NodeStatus::shutting_down);

  ASSERT_EQ((*store)->intents().size(), 2U);
  EXPECT_FALSE((*store)->intents()[0].ended);
  EXPECT_EQ((*store)->events({}).size(), 3U);
  EXPECT_EQ((*store)->tokens().at(0).name, "laptop");
  EXPECT_EQ((*store)->removal("earlier")->state, "done");
}

TEST_P(Upgrade, CanBeChangedAndOpenedAgain) {
  {
    auto store = Store::open(directory_);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->write("test", [](Writer& writer) {
      Cluster more;
      more.id = "more";
      more.name = "more";
      more.network_id = "more";
      more.subnet = "10.77.40.0/22";
      writer.insert_cluster(more);
      writer.put_node({.cluster_id = "more", .name = "a", .address = "1", .instance_id = "i"});
      writer.set_deleting("more", false);
    }));
  }
  auto again = Store::open(directory_);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ((*again)->clusters().size(), 4U);
  EXPECT_EQ((*again)->nodes("more").size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Releases, Upgrade, testing::Range(std::size_t{0}, kMigrations.size()));

}  // namespace
}  // namespace provost::store
