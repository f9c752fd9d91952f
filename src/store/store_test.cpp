#include "store/store.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "model/cluster_state.hpp"
#include "os/files.hpp"
#include "store/inspect.hpp"

namespace provost::store {
namespace {

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() /
                 fmt::format("provost-store-{}-{}", ::getpid(),
                             testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::unique_ptr<Store> open() {
    auto store = Store::open(directory_);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  std::string content() const { return os::read_file(directory_ + "/provost.db").value_or(""); }
  static Cluster cluster(const std::string& name, const std::string& subnet = "10.77.0.0/22") {
    Cluster row;
    row.id = "id-" + name;
    row.name = name;
    row.network_id = "n" + name;
    row.subnet = subnet;
    row.munge_key = std::string("a\0b", 3);
    row.cluster_config = {"cluster-config.json", "{}"};
    return row;
  }
  std::string directory_;
};

TEST_F(StoreTest, KeepsWhatWasWrittenOverAReopening) {
  {
    auto store = open();
    ASSERT_TRUE(store->write("test", [](Writer& writer) {
      writer.insert_cluster(cluster("tiny"));
      writer.put_node({.cluster_id = "id-tiny",
                       .name = "cpu-1",
                       .group = "cpu",
                       .number = 1,
                       .address = "10.77.0.5",
                       .instance_id = "i-1",
                       .status = model::NodeStatus::running,
                       .message = "hello"});
      writer.put_intent({.key = "tiny/cpu-1/1/create", .cluster_id = "id-tiny", .attempt = 2});
      writer.add_event({.cluster = "tiny", .what = "made", .because = "it was asked for"});
    }));
  }
  auto store = open();
  ASSERT_EQ(store->clusters().size(), 1U);
  EXPECT_EQ(store->clusters()[0].munge_key, std::string("a\0b", 3));
  EXPECT_FALSE(store->clusters()[0].campus);
  ASSERT_EQ(store->nodes("id-tiny").size(), 1U);
  EXPECT_EQ(store->nodes("id-tiny")[0].status, model::NodeStatus::running);
  ASSERT_EQ(store->intents().size(), 1U);
  EXPECT_FALSE(store->intents()[0].ended);
  ASSERT_EQ(store->events({}).size(), 1U);
  EXPECT_EQ(store->events({})[0].because, "it was asked for");
}

TEST_F(StoreTest, RefusesTwoClustersOfOneNameAndChangesNothing) {
  auto store = open();
  ASSERT_TRUE(store->write("one", [](Writer& writer) { writer.insert_cluster(cluster("tiny")); }));
  const Status again = store->write("two", [](Writer& writer) {
    writer.add_event({.cluster = "tiny", .what = "lost with its transaction"});
    Cluster twin = cluster("tiny", "10.77.4.0/22");
    twin.id = "other";
    twin.network_id = "other";
    writer.insert_cluster(twin);
  });
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(store->events({}).empty());
}

TEST_F(StoreTest, IsHeldByOneProcessOnly) {
  auto store = open();
  const auto second = Store::open(directory_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
  EXPECT_NE(second.error().message.find("another provostd"), std::string::npos);
}

TEST_F(StoreTest, RefusesAFileOfANewerProvostAndChangesNothingOfIt) {
  { open(); }
  {
    SQLite::Database database(directory_ + "/provost.db", SQLite::OPEN_READWRITE);
    database.exec("INSERT INTO migrations VALUES ('999-future', 'x')");
  }
  const std::string before = content();
  const auto newer = Store::open(directory_);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().kind, ErrorKind::invalid);
  EXPECT_NE(newer.error().message.find("made by a newer Provost"), std::string::npos);
  EXPECT_EQ(content(), before);
}

TEST_F(StoreTest, RefusesWhatIsNoStoreAndChangesNothingOfIt) {
  { open(); }
  ASSERT_TRUE(os::write_file(directory_ + "/provost.db", std::string(8192, 'x')));
  const auto garbage = Store::open(directory_);
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().kind, ErrorKind::invalid);
  EXPECT_NE(garbage.error().hint.find("provost restore"), std::string::npos);
  EXPECT_EQ(content(), std::string(8192, 'x'));

  std::filesystem::remove(directory_ + "/provost.db");
  {
    SQLite::Database database(directory_ + "/provost.db",
                              SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec("CREATE TABLE somebody_elses (x)");
  }
  const std::string before = content();
  const auto other = Store::open(directory_);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("not one of Provost"), std::string::npos);
  EXPECT_EQ(content(), before);

  std::filesystem::remove(directory_ + "/provost.db");
  std::filesystem::create_directory(directory_ + "/provost.db");
  EXPECT_FALSE(Store::open(directory_));
}

TEST_F(StoreTest, RefusesAFileOfWhichAPageIsTornOrMissing) {
  {
    auto store = open();
    ASSERT_TRUE(store->write("fill", [](Writer& writer) {
      for (int i = 0; i < 500; ++i) {
        writer.add_event({.cluster = "tiny", .what = std::string(200, 'e')});
      }
    }));
  }
  const std::string whole = content();
  for (std::size_t page = 1; page < whole.size() / 4096; page += 3) {
    std::string torn = whole;
    torn.replace(page * 4096, 2048, 2048, 'x');
    ASSERT_TRUE(os::write_file(directory_ + "/provost.db", torn, 0600));
    const auto opened = Store::open(directory_);
    ASSERT_FALSE(opened) << "page " << page;
    EXPECT_EQ(opened.error().kind, ErrorKind::invalid) << opened.error().message;
    EXPECT_EQ(content(), torn);
  }
  ASSERT_TRUE(os::write_file(directory_ + "/provost.db", whole.substr(0, whole.size() / 2), 0600));
  EXPECT_FALSE(Store::open(directory_));
}

TEST_F(StoreTest, DeletingAClusterTakesItsNodesAndIntentsAndKeepsItsEvents) {
  auto store = open();
  ASSERT_TRUE(store->write("make", [](Writer& writer) {
    writer.insert_cluster(cluster("tiny"));
    writer.put_node({.cluster_id = "id-tiny", .name = "a", .address = "1", .instance_id = "i"});
    writer.put_intent({.key = "k", .cluster_id = "id-tiny"});
    writer.add_event({.cluster = "tiny", .what = "made"});
  }));
  ASSERT_TRUE(store->write("drop", [](Writer& writer) { writer.delete_cluster("id-tiny"); }));
  EXPECT_TRUE(store->nodes("id-tiny").empty());
  EXPECT_TRUE(store->intents().empty());
  EXPECT_EQ(store->events({.cluster = "tiny"}).size(), 1U);
}

TEST_F(StoreTest, EventsComeInOrderAndTheNewestWhenThereAreTooMany) {
  auto store = open();
  ASSERT_TRUE(store->write("events", [](Writer& writer) {
    for (int i = 0; i < 10; ++i) {
      writer.add_event({.cluster = "tiny", .what = std::to_string(i)});
    }
  }));
  const auto events = store->events({.cluster = "tiny", .after = 0, .limit = 3});
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].what, "7");
  EXPECT_EQ(events[2].what, "9");
}

TEST_F(StoreTest, IsInspectedBesideTheProvostdThatUsesIt) {
  EXPECT_FALSE(inspect(directory_).exists);
  auto store = open();
  ASSERT_TRUE(store->write("test", [](Writer& writer) {
    writer.insert_cluster(cluster("tiny"));
    writer.set("authority.certificate", "a certificate");
    writer.add_event({.time = from_millis(1000), .cluster = "tiny", .what = "made"});
  }));
  const Inspected found = inspect(directory_);
  EXPECT_TRUE(found.trusted()) << found.damage;
  ASSERT_EQ(found.clusters.size(), 1U);
  EXPECT_EQ(found.clusters[0].network_id, "ntiny");
  EXPECT_EQ(found.authority, "a certificate");
  EXPECT_EQ(found.last_event, from_millis(1000));
  EXPECT_TRUE(found.missing.empty());
}

TEST_F(StoreTest, ATornPageIsFoundAndNothingOfItIsTrusted) {
  {
    auto store = open();
    ASSERT_TRUE(store->write("test", [](Writer& writer) {
      writer.insert_cluster(cluster("tiny"));
      for (int i = 0; i < 2000; ++i) {
        writer.add_event({.cluster = "tiny", .what = "event " + std::to_string(i)});
      }
    }));
  }
  std::fstream file(directory_ + "/provost.db", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(30 * 4096 + 100);
  file << std::string(2048, 'x');
  file.close();
  const Inspected found = inspect(directory_);
  EXPECT_TRUE(found.exists);
  EXPECT_NE(found.damage, "");
  EXPECT_FALSE(found.trusted());
  EXPECT_TRUE(found.clusters.empty());
}

TEST_F(StoreTest, AFileThatIsNoStoreIsDamageAndNoCrash) {
  std::filesystem::create_directories(directory_);
  for (const std::string& content :
       {std::string(), std::string(8192, 'x'), std::string("SQLite format 3\0 and no more", 28)}) {
    ASSERT_TRUE(os::write_file(directory_ + "/provost.db", content, 0600));
    const Inspected found = inspect(directory_);
    EXPECT_TRUE(found.exists);
    EXPECT_NE(found.damage, "");
  }
}

TEST_F(StoreTest, ANewerProvostsStoreIsNamed) {
  open();
  SQLite::Database(directory_ + "/provost.db", SQLite::OPEN_READWRITE)
      .exec("INSERT INTO migrations VALUES ('999-of-tomorrow', 'now')");
  const Inspected found = inspect(directory_);
  EXPECT_EQ(found.unknown, std::vector<std::string>{"999-of-tomorrow"});
  EXPECT_FALSE(found.trusted());
}

TEST(NodeTransitions, ReachEveryStatusInUseAndNameNoEventTwiceForOneState) {
  for (const auto& one : model::kNodeTransitions) {
    int same = 0;
    for (const auto& other : model::kNodeTransitions) {
      same += one.from == other.from && one.event == other.event ? 1 : 0;
    }
    EXPECT_EQ(same, 1) << name(one.from) << " " << name(one.event);
    EXPECT_NE(one.from, model::NodeStatus::shutting_down) << "a node that goes does not come back";
  }
}

}  // namespace
}  // namespace provost::store
