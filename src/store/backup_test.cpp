#include "store/backup.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/process.hpp"
#include "store/store.hpp"

namespace provost::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string bytes_of(const std::string& path) { return os::read_file(path).value_or(""); }

Cluster cluster(const std::string& name, int number) {
  Cluster row;
  row.id = "id-" + name;
  row.name = name;
  row.network_id = "net-" + name;
  row.subnet = fmt::format("10.77.{}.0/22", 4 * number);
  row.munge_key = std::string("a\0b", 3);
  return row;
}

class BackupTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() /
            fmt::format("provost-backup-{}-{}", ::getpid(),
                        testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(root_);
    state_ = root_ + "/state";
    file_ = root_ + "/backup:1";  // a colon means another machine to tar, if one lets it
    std::filesystem::create_directories(root_);
    auto store = open();
    ASSERT_TRUE(store->write("make", [](Writer& writer) {
      writer.set("epoch", "3");
      writer.insert_cluster(cluster("first", 0));
      writer.insert_cluster(cluster("second", 1));
      writer.put_node(
          {.cluster_id = "id-first", .name = "a-1", .address = "1", .instance_id = "i"});
    }));
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::unique_ptr<Store> open() const {
    auto store = Store::open(state_);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  /// A cluster that the backup does not have: how the two stores are told apart.
  void change() const {
    ASSERT_TRUE(
        open()->write("later", [](Writer& writer) { writer.insert_cluster(cluster("later", 2)); }));
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const Cluster& each : open()->clusters()) {
      all.push_back(each.name);
    }
    return all;
  }
  void expect_refused(const std::string& words) const {
    const std::string before = bytes_of(state_ + "/provost.db");
    const auto listed = os::list_directory(state_);
    const auto refused = restore(file_, state_, {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr(words));
    EXPECT_EQ(bytes_of(state_ + "/provost.db"), before);
    EXPECT_EQ(os::list_directory(state_), listed);
  }

  std::string root_;
  std::string state_;
  std::string file_;
};

TEST_F(BackupTest, IsOneFileOfRootAloneMadeWhileTheStoreIsInUse) {
  auto store = open();
  ASSERT_TRUE(store->write("more", [](Writer& writer) {
    writer.insert_cluster(cluster("unsaved", 3));  // in the write-ahead log
  }));
  const auto made = back_up(state_, file_);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->clusters.size(), 3U);
  EXPECT_EQ(made->version, PROVOST_VERSION);
  struct stat status {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(os::list_directory(root_).size(), 2U) << "nothing else is left";
  EXPECT_TRUE(store->write("on", [](Writer& writer) { writer.set("goes", "on"); }));
}

TEST_F(BackupTest, NeverOverwritesAFile) {
  ASSERT_TRUE(os::write_file(file_, "mine"));
  const auto made = back_up(state_, file_);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::conflict);
  EXPECT_EQ(bytes_of(file_), "mine");
}

TEST_F(BackupTest, OfADamagedStoreIsRefused) {
  change();
  std::fstream(state_ + "/provost.db", std::ios::in | std::ios::out).seekp(8192)
      << std::string(4096, 'x');
  const auto made = back_up(state_, file_);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::invalid);
  EXPECT_FALSE(os::exists(file_));
}

TEST_F(BackupTest, ComesBackAndTheOldStoreIsKept) {
  ASSERT_TRUE(back_up(state_, file_));
  change();
  const std::string old = bytes_of(state_ + "/provost.db");
  const auto restored = restore(file_, state_, {});
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_THAT(restored->absent, ElementsAre("first", "second"));
  EXPECT_THAT(names(), ElementsAre("first", "second"));
  EXPECT_EQ(open()->clusters()[0].munge_key, std::string("a\0b", 3));
  EXPECT_EQ(bytes_of(restored->kept + "/provost.db"), old);
  EXPECT_EQ(open()->events({}).back().what, "the store was restored");
}

TEST_F(BackupTest, RestoredIsObeyedByAgentsThatKnewLaterEpochs) {
  ASSERT_TRUE(back_up(state_, file_));
  {
    const auto done = restore(file_, state_, {});
    ASSERT_TRUE(done) << done.error().message;
  }
  const auto epoch = to_number(open()->setting("epoch").value_or(""));
  ASSERT_TRUE(epoch);
  EXPECT_GT(*epoch, 1'700'000'000);
}

TEST_F(BackupTest, ComesBackOverADamagedAndOverAMissingStore) {
  ASSERT_TRUE(back_up(state_, file_));
  ASSERT_TRUE(os::write_file(state_ + "/provost.db", std::string(8192, 'x')));
  ASSERT_FALSE(Store::open(state_));
  {
    const auto done = restore(file_, state_, {});
    ASSERT_TRUE(done) << done.error().message;
  }
  EXPECT_THAT(names(), ElementsAre("first", "second"));
  std::filesystem::remove_all(state_);
  const auto fresh = restore(file_, state_, {});
  ASSERT_TRUE(fresh) << fresh.error().message;
  EXPECT_EQ(fresh->kept, "");
  EXPECT_THAT(names(), ElementsAre("first", "second"));
}

TEST_F(BackupTest, IsComparedWithWhatIsOnTheHost) {
  ASSERT_TRUE(back_up(state_, file_));
  const std::vector<HostMachine> machines = {{"first", "a-1", "net-first", 4},
                                             {"made-since", "b-1", "net-x", 1}};
  const auto said = check_backup(file_, state_, {.machines = machines, .without = {}});
  const auto restored = restore(file_, state_, {.machines = machines, .without = {"second"}});
  ASSERT_TRUE(said && restored);
  EXPECT_THAT(said->absent, ElementsAre("second"));
  EXPECT_THAT(restored->found, ElementsAre("first"));
  EXPECT_THAT(restored->strays, ElementsAre("made-since"));
  EXPECT_THAT(restored->adopted, ElementsAre("first/a-1"));
  EXPECT_THAT(names(), ElementsAre("first"));
  EXPECT_EQ(open()->nodes("id-first").at(0).incarnation, 4);
}

TEST_F(BackupTest, DoesNotTakeAnotherClusterOfTheSameNameForItsOwn) {
  ASSERT_TRUE(back_up(state_, file_));
  const RestoreChoice choice{.machines = {{"first", "a-1", "another", 1}}, .without = {}};
  const auto refused = restore(file_, state_, choice);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_THAT(refused.error().hint, HasSubstr("--without first"));
  EXPECT_TRUE(restore(file_, state_, {.machines = choice.machines, .without = {"first"}}));
  EXPECT_THAT(restore(file_, state_, {.machines = {}, .without = {"frist"}}).error().message,
              HasSubstr("first"));
}

TEST_F(BackupTest, IsNotRestoredUnderARunningProvostd) {
  ASSERT_TRUE(back_up(state_, file_));
  const auto store = open();
  const auto refused = restore(file_, state_, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_THAT(refused.error().hint, HasSubstr("stop provostd"));
}

TEST_F(BackupTest, ThatIsTruncatedAnywhereOrChangedIsRefused) {
  ASSERT_TRUE(back_up(state_, file_));
  const std::string whole = bytes_of(file_);
  for (const std::size_t length :
       {whole.size() - 1, whole.size() / 2, std::size_t{100}, std::size_t{20}}) {
    ASSERT_TRUE(os::write_file(file_, whole.substr(0, length), 0600));
    expect_refused("truncated or damaged");
  }
  for (const std::size_t place : {whole.size() / 3, whole.size() / 2, whole.size() - 6}) {
    std::string changed = whole;
    changed[place] = static_cast<char>(changed[place] ^ 0x40);
    ASSERT_TRUE(os::write_file(file_, changed, 0600));
    expect_refused("cannot use");
  }
  for (const std::string content : {"", "x", "no backup at all"}) {
    ASSERT_TRUE(os::write_file(file_, content, 0600));
    expect_refused("not a backup of Provost");
  }
  std::filesystem::remove(file_);
  expect_refused("cannot read");
  std::filesystem::create_directory(file_);
  expect_refused("not a file");
}

class Repacked : public BackupTest {
 protected:
  void repack(const std::vector<std::string>& members) const {
    std::vector<std::string> argv = {"tar", "-cz", "--force-local", "-C", root_, "-f", file_};
    argv.insert(argv.end(), members.begin(), members.end());
    ASSERT_TRUE(os::check(argv));
  }
  void unpack_for_change() const {
    ASSERT_TRUE(back_up(state_, file_));
    ASSERT_TRUE(os::check({"tar", "-xz", "--force-local", "-C", root_, "-f", file_}));
  }
};

TEST_F(Repacked, WithOtherContentIsRefused) {
  unpack_for_change();
  repack({"manifest.json"});
  expect_refused("not a backup of Provost");
  std::fstream(root_ + "/provost.db", std::ios::in | std::ios::out).seekp(5000) << "changed";
  repack({"manifest.json", "provost.db"});
  expect_refused("check sum");
  std::filesystem::remove(root_ + "/provost.db");
  std::filesystem::create_symlink("/etc/passwd", root_ + "/provost.db");
  repack({"manifest.json", "provost.db"});
  expect_refused("not a backup of Provost");
}

TEST_F(Repacked, OfANewerProvostIsRefused) {
  unpack_for_change();
  std::string manifest = bytes_of(root_ + "/manifest.json");
  manifest.replace(manifest.find("001-first-cluster"), 17, "999-from-tomorrow");
  ASSERT_TRUE(os::write_file(root_ + "/manifest.json", manifest));
  repack({"manifest.json", "provost.db"});
  expect_refused("newer Provost");
  ASSERT_TRUE(os::write_file(root_ + "/manifest.json", "{\"what\": 7}"));
  repack({"manifest.json", "provost.db"});
  expect_refused("not one of Provost");
}

// Killed at each point in turn, as by kill -9: what is there next is wholly the old or the new.
TEST_F(BackupTest, RestoreMayBeKilledAtAnyInstant) {
  ASSERT_TRUE(back_up(state_, file_));
  for (const char* point : {"restore.unpacked", "restore.prepared", "restore.decided",
                            "restore.kept:1", "restore.replaced"}) {
    SCOPED_TRACE(point);
    std::filesystem::remove_all(state_);
    {
      const auto done = restore(file_, state_, {});
      ASSERT_TRUE(done) << done.error().message;
    }
    change();
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv("PROVOST_FAULT", point, 1);  // NOLINT(concurrency-mt-unsafe)
      static_cast<void>(restore(file_, state_, {}));
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    const bool decided = std::string_view(point) != "restore.unpacked" &&
                         std::string_view(point) != "restore.prepared";
    if (decided) {
      EXPECT_THAT(names(), ElementsAre("first", "second"));
    } else {
      EXPECT_THAT(names(), ::testing::UnorderedElementsAre("first", "second", "later"));
    }
    EXPECT_FALSE(os::exists(pending_restore(state_)));
    {
      const auto done = restore(file_, state_, {});
      ASSERT_TRUE(done) << done.error().message;
    }
    for (const std::string& name : os::list_directory(state_)) {
      EXPECT_FALSE(name.starts_with(".restore-")) << name;
    }
  }
}

}  // namespace
}  // namespace provost::store
