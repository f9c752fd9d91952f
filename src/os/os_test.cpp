#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "base/text.hpp"
#include "os/fault.hpp"
#include "os/files.hpp"
#include "os/maildir.hpp"
#include "os/process.hpp"
#include "os/tls.hpp"

namespace provost::os {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A directory of the test's own, removed with all below it.
class Scratch {
 public:
  Scratch() : path_(std::filesystem::temp_directory_path() / ("os-" + to_hex(random_bytes(6)))) {
    std::filesystem::create_directories(path_);
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

Command shell(const std::string& script) {
  Command command;
  command.argv = {"sh", "-c", script};
  return command;
}

// Waits until `condition` holds, at most 5 s.
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

bool lives(pid_t pid) {
  const auto status = read_file("/proc/" + std::to_string(pid) + "/stat");
  return status && status->find(") Z") == std::string::npos;
}

milliseconds took(const std::function<void()>& action) {
  const auto begin = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
}

// ---- run

TEST(Run, GivesOutputAndExitStatus) {
  const auto ran = run(shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->status, 3);
  EXPECT_EQ(ran->out, "out\n");
  EXPECT_EQ(ran->err, "err\n");
  EXPECT_FALSE(ran->timed_out);
}

TEST(Run, GivesSignalsAsShellsDo) {
  const auto ran = run(shell("kill -9 $$"));
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->status, 137);
}

TEST(Run, SaysThatAProgramDoesNotExist) {
  Command command;
  command.argv = {"provost-no-such-program"};
  const auto ran = run(command);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().kind, ErrorKind::not_found);
  EXPECT_EQ(ran.error().message, "cannot run provost-no-such-program: no such program");
  command.argv = {"/nowhere/program"};
  EXPECT_EQ(run(command).error().kind, ErrorKind::not_found);
  command.argv = {};
  EXPECT_EQ(run(command).error().kind, ErrorKind::invalid);
  command = shell("true");
  command.directory = "/nowhere";
  EXPECT_EQ(run(command).error().message, "cannot run sh: no directory /nowhere");
}

TEST(Run, PassesInputOfAnySizeAlsoToThoseWhoDoNotRead) {
  Command command;
  command.argv = {"wc", "-c"};
  command.input = std::string(3'000'000, 'x');
  const auto counted = run(command);
  ASSERT_TRUE(counted);
  EXPECT_EQ(trim(counted->out), "3000000");
  command.argv = {"true"};
  EXPECT_EQ(run(command)->status, 0);
  command.argv = {"cat", "/dev/stdin"};
  command.input = "hello";
  EXPECT_EQ(run(command)->out, "hello");
}

TEST(Run, SetsEnvironmentAndDirectory) {
  const Scratch scratch;
  Command command = shell("echo $PROVOST_TEST; pwd; env | wc -l");
  command.environment = {{"PROVOST_TEST", "a b"}};
  command.clear_environment = true;
  command.directory = scratch / "";
  const auto ran = run(command);
  ASSERT_TRUE(ran);
  EXPECT_THAT(ran->out,
              HasSubstr("a b\n" + command.directory.substr(0, command.directory.size() - 1)));
  Command bare;
  bare.argv = {"env"};
  bare.clear_environment = true;
  bare.environment = {{"A", "1"}, {"PATH", "/x"}};
  EXPECT_EQ(run(bare)->out, "A=1\nPATH=/x\n");
}

TEST(Run, LeaksNoDescriptors) {
  const int leaky = ::open("/dev/null", O_RDONLY);  // without close-on-exec, as a library might
  Command command;
  command.argv = {"ls", "/proc/self/fd"};
  EXPECT_EQ(run(command)->out, "0\n1\n2\n3\n");  // 3 is the directory itself
  ::close(leaky);
}

TEST(Run, KillsGrandchildrenAtTheDeadline) {
  const Scratch scratch;
  Command command = shell("sleep 100 & echo $! > " + scratch / "pid" + "; wait");
  command.timeout = milliseconds(300);
  Ran ran;
  EXPECT_LT(took([&] { ran = run(command).value(); }), seconds(2));
  EXPECT_TRUE(ran.timed_out);
  EXPECT_EQ(ran.status, 128 + SIGTERM);
  const auto pid = to_number(trim(*read_file(scratch / "pid")));
  ASSERT_TRUE(pid);
  EXPECT_TRUE(eventually([&] { return !lives(static_cast<pid_t>(*pid)); }));
}

TEST(Run, KillsThoseWhoIgnoreTheAsking) {
  Command command = shell("trap '' TERM; while :; do sleep 0.1; done");
  command.timeout = milliseconds(200);
  const auto elapsed = took([&] { EXPECT_EQ(run(command)->status, 137); });
  EXPECT_GE(elapsed, seconds(2));
  EXPECT_LT(elapsed, seconds(4));
}

TEST(Run, EndsOnAStopRequest) {
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(milliseconds(100));
    stop.request_stop();
  });
  Ran ran;
  const auto elapsed = took([&] { ran = run(shell("sleep 100"), {}, stop.get_token()).value(); });
  EXPECT_LT(elapsed, seconds(2));
  EXPECT_TRUE(ran.cancelled);
  EXPECT_FALSE(ran.timed_out);
  EXPECT_TRUE(run(shell("sleep 100"), {}, stop.get_token())->cancelled);  // stopped before
}

TEST(Run, KeepsTheBeginningOrTheEndOfMuchOutput) {
  Command command = shell("seq 1 200000");
  command.output_limit = 100;
  std::size_t seen = 0;
  const auto beginning =
      run(command, [&](Channel, std::string_view bytes) { seen += bytes.size(); });
  EXPECT_THAT(beginning->out, SizeIs(100));
  EXPECT_THAT(beginning->out, testing::StartsWith("1\n2\n3\n"));
  EXPECT_EQ(seen, 1'288'895U);  // all of it passes by
  command.keep_end = true;
  const auto end = run(command);
  EXPECT_THAT(end->out, SizeIs(100));
  EXPECT_THAT(end->out, testing::EndsWith("199999\n200000\n"));
}

TEST(Run, DoesNotWaitForAGrandchildThatHoldsThePipe) {
  const auto elapsed = took([] {
    const auto ran = run(shell("sleep 3 & echo done"));
    ASSERT_TRUE(ran);
    EXPECT_EQ(ran->out, "done\n");
    EXPECT_EQ(ran->status, 0);
  });
  EXPECT_LT(elapsed, seconds(2));
}

TEST(Run, MeetsItsDeadlineThoughOutputNeverEnds) {
  Command command;
  command.argv = {"yes"};
  command.timeout = milliseconds(200);
  EXPECT_TRUE(run(command)->timed_out);
}

TEST(Run, WorksFromManyThreadsAtOnce) {
  std::vector<std::jthread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([i] {
      for (int k = 0; k < 5; ++k) {
        Command command;
        command.argv = {"echo", std::to_string(i)};
        EXPECT_EQ(run(command)->out, std::to_string(i) + "\n");
      }
    });
  }
}

TEST(OutputOf, NamesTheProgramAndItsLastWords) {
  const auto output = output_of(shell("echo first >&2; echo 'no route to host' >&2; exit 2"));
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().message, "sh ended with status 2: no route to host");
  Command slow = shell("sleep 9");
  slow.timeout = milliseconds(100);
  EXPECT_EQ(output_of(slow).error().kind, ErrorKind::timeout);
  EXPECT_EQ(*output_of(shell("echo fine")), "fine\n");
  EXPECT_TRUE(check({"true"}));
  EXPECT_FALSE(check({"false"}));
}

// ---- start_detached

// Starts `command` from a process that ends at once; gives the id of what lives on.
pid_t start_from_a_short_lived_parent(const Command& command, const std::string& log) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) {
    return -1;
  }
  const pid_t parent = ::fork();
  if (parent == 0) {
    const pid_t answer = start_detached(command, log).value_or(-1);
    ::_exit(::write(ends[1], &answer, sizeof(answer)) == sizeof(answer) ? 0 : 1);
  }
  pid_t pid = -1;
  const ssize_t got = ::read(ends[0], &pid, sizeof(pid));
  ::waitpid(parent, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  return got == static_cast<ssize_t>(sizeof(pid)) ? pid : -1;
}

TEST(StartDetached, OutlivesItsParentAndLogs) {
  const Scratch scratch;
  const std::string log = scratch / "log";
  const pid_t pid =
      start_from_a_short_lived_parent(shell("echo here; echo there >&2; exec sleep 100"), log);
  ASSERT_GT(pid, 0);
  EXPECT_TRUE(eventually([&] { return *read_file(log) == "here\nthere\n"; }));
  EXPECT_TRUE(lives(pid));
  EXPECT_NE(::getsid(pid), ::getsid(0));
  ::kill(pid, SIGKILL);
}

TEST(StartDetached, JoinsItsGroupsBeforeItBegins) {
  const Scratch scratch;
  ASSERT_TRUE(write_file(scratch / "cgroup.procs", ""));
  const auto pid = start_detached(shell("cat " + scratch / "cgroup.procs"), scratch / "log",
                                  {scratch / "cgroup.procs"});
  ASSERT_TRUE(pid);
  EXPECT_TRUE(eventually([&] { return *read_file(scratch / "log") == "0\n"; }));
  const auto nowhere = start_detached(shell("true"), scratch / "log", {"/nowhere/cgroup.procs"});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().message,
            "cannot start sh: cannot join /nowhere/cgroup.procs: No such file or directory");
}

TEST(StartDetached, ReportsThatItCannotBegin) {
  const Scratch scratch;
  ASSERT_TRUE(write_file(scratch / "text", "no program", 0644));
  Command command;
  command.argv = {scratch / "text"};
  EXPECT_EQ(start_detached(command, scratch / "log").error().kind, ErrorKind::denied);
  command.argv = {"provost-no-such-program"};
  EXPECT_EQ(start_detached(command, scratch / "log").error().kind, ErrorKind::not_found);
  command = shell("true");
  EXPECT_EQ(start_detached(command, "/nowhere/log").error().kind, ErrorKind::not_found);
  command.directory = "/nowhere";
  EXPECT_EQ(start_detached(command, scratch / "log").error().message,
            "cannot run sh: no directory /nowhere");
}

TEST(StartDetached, UnblocksSignals) {
  const Scratch scratch;
  sigset_t blocked{};
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  const auto pid = start_detached(shell("grep SigBlk /proc/self/status"), scratch / "log");
  ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  ASSERT_TRUE(pid);
  EXPECT_TRUE(eventually([&] {
    return *read_file(scratch / "log") == "SigBlk:\t0000000000000000\n";
  })) << *read_file(scratch / "log");
}

// ---- files

TEST(ReadFile, ReadsWholeFilesAndNamesWhatItCannot) {
  const Scratch scratch;
  const std::string bytes = random_bytes(100'000);
  ASSERT_TRUE(write_file(scratch / "file", bytes));
  EXPECT_EQ(*read_file(scratch / "file"), bytes);
  EXPECT_THAT(*read_file("/proc/self/status"), HasSubstr("os_test"));
  const auto missing = read_file("/nowhere/x");
  EXPECT_EQ(missing.error().kind, ErrorKind::not_found);
  EXPECT_EQ(missing.error().message, "cannot read /nowhere/x: No such file or directory");
  EXPECT_EQ(read_file(scratch / "").error().kind, ErrorKind::invalid);
  EXPECT_EQ(read_file(scratch / "file", 99'999).error().kind, ErrorKind::invalid);
  EXPECT_EQ(read_file(scratch / "file", 100'000)->size(), 100'000U);
}

TEST(WriteFile, ReplacesWithModeAndLeavesNothingBeside) {
  const Scratch scratch;
  ASSERT_TRUE(write_file(scratch / "file", "old"));
  const mode_t before = ::umask(0077);
  ASSERT_TRUE(write_file(scratch / "file", "new", 0640));
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat((scratch / "file").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0640U);
  EXPECT_EQ(*read_file(scratch / "file"), "new");
  EXPECT_THAT(list_directory(scratch / ""), ElementsAre("file"));
}

TEST(WriteFile, KeepsTheOldFileOnAFullDisk) {
  const Scratch scratch;
  if (::mount("none", (scratch / "").c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "may not mount";
  }
  ASSERT_TRUE(write_file(scratch / "file", "old"));
  const Status written = write_file(scratch / "file", std::string(1'000'000, 'x'));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::limit);
  EXPECT_EQ(*read_file(scratch / "file"), "old");
  EXPECT_THAT(list_directory(scratch / ""), ElementsAre("file"));
  ::umount((scratch / "").c_str());
}

TEST(WriteFile, HasItsModeFromTheFirstByte) {
  const Scratch scratch;
  std::atomic<bool> open_seen = false;
  std::jthread watcher([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      for (const std::string& name : list_directory(scratch / "")) {
        struct stat status {};
        if (::stat((scratch / name).c_str(), &status) == 0 && (status.st_mode & 077U) != 0) {
          open_seen = true;
        }
      }
    }
  });
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(write_file_quick(scratch / "secret", "key", 0600));
  }
  watcher.request_stop();
  watcher.join();
  EXPECT_FALSE(open_seen);
}

TEST(WriteFile, DoesNotWriteThroughALink) {
  const Scratch scratch;
  ASSERT_TRUE(write_file(scratch / "target", "kept"));
  std::filesystem::create_symlink(scratch / "target", scratch / "link");
  ASSERT_TRUE(write_file(scratch / "link", "new"));
  EXPECT_EQ(*read_file(scratch / "target"), "kept");
  EXPECT_EQ(write_file(scratch / "no/file", "x").error().kind, ErrorKind::not_found);
}

TEST(MakeDirectories, MakesParentsAndAcceptsWhatIsThere) {
  const Scratch scratch;
  ASSERT_TRUE(make_directories(scratch / "a/b/c/", 0700));
  ASSERT_TRUE(make_directories(scratch / "a/b/c"));
  EXPECT_TRUE(is_directory(scratch / "a/b/c"));
  ASSERT_TRUE(write_file(scratch / "file", ""));
  EXPECT_FALSE(make_directories(scratch / "file/x"));
  EXPECT_EQ(make_directories(scratch / "file").error().kind, ErrorKind::conflict);
}

TEST(ListDirectory, IsSortedAndEmptyForNothing) {
  const Scratch scratch;
  for (const char* name : {"b", "a", ".c"}) {
    ASSERT_TRUE(write_file_quick(scratch / name, ""));
  }
  EXPECT_THAT(list_directory(scratch / ""), ElementsAre(".c", "a", "b"));
  EXPECT_THAT(list_directory("/nowhere"), IsEmpty());
}

TEST(RemoveTree, RemovesAllAndFollowsNoLink) {
  const Scratch scratch;
  ASSERT_TRUE(make_directories(scratch / "outside"));
  ASSERT_TRUE(write_file(scratch / "outside/file", "kept"));
  ASSERT_TRUE(make_directories(scratch / "tree/a/b"));
  ASSERT_TRUE(write_file(scratch / "tree/a/b/file", "x", 0400));
  std::filesystem::create_directory_symlink(scratch / "outside", scratch / "tree/a/link");
  std::filesystem::create_directory_symlink(scratch / "outside", scratch / "top");
  EXPECT_TRUE(remove_tree(scratch / "tree/"));
  EXPECT_TRUE(remove_tree(scratch / "top"));
  EXPECT_TRUE(remove_tree(scratch / "tree"));  // not there: success
  EXPECT_TRUE(remove_tree("/nowhere/at/all"));
  EXPECT_THAT(list_directory(scratch / ""), ElementsAre("outside"));
  EXPECT_EQ(*read_file(scratch / "outside/file"), "kept");
  EXPECT_FALSE(remove_tree("/"));
  EXPECT_FALSE(remove_tree(scratch / "outside/.."));
}

// A mount for as long as this lives.
class Mount {
 public:
  Mount(const char* type, const std::string& source, std::string at, unsigned long flags)
      : at_(std::move(at)),
        mounted_(::mount(source.c_str(), at_.c_str(), type, flags, nullptr) == 0) {}
  ~Mount() {
    if (mounted_) {
      ::umount(at_.c_str());
    }
  }
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;
  explicit operator bool() const { return mounted_; }

 private:
  std::string at_;
  bool mounted_;
};

TEST(RemoveTree, DoesNotCrossAMount) {
  const Scratch scratch;
  ASSERT_TRUE(make_directories(scratch / "tree/mount"));
  {
    const Mount mount("tmpfs", "none", scratch / "tree/mount", 0);
    if (!mount) {
      GTEST_SKIP() << "may not mount";
    }
    ASSERT_TRUE(write_file(scratch / "tree/mount/file", "kept"));
    EXPECT_EQ(remove_tree(scratch / "tree").error().kind, ErrorKind::conflict);
    EXPECT_EQ(remove_tree(scratch / "tree/mount").error().kind, ErrorKind::conflict);
    EXPECT_EQ(*read_file(scratch / "tree/mount/file"), "kept");
  }
  EXPECT_TRUE(remove_tree(scratch / "tree"));
}

TEST(RemoveTree, DoesNotCrossABindMountOfTheSameDevice) {
  const Scratch scratch;
  ASSERT_TRUE(make_directories(scratch / "tree/bind"));
  ASSERT_TRUE(make_directories(scratch / "outside"));
  ASSERT_TRUE(write_file(scratch / "outside/file", "kept"));
  {
    const Mount mount(nullptr, scratch / "outside", scratch / "tree/bind", MS_BIND);
    if (!mount) {
      GTEST_SKIP() << "may not mount";
    }
    EXPECT_EQ(remove_tree(scratch / "tree").error().kind, ErrorKind::conflict);
  }
  EXPECT_EQ(*read_file(scratch / "outside/file"), "kept");
  EXPECT_TRUE(remove_tree(scratch / "tree"));
}

TEST(RemoveTree, EndsAlsoWhereTheTreeIsDeeperThanDescriptorsLast) {
  const Scratch scratch;
  ASSERT_TRUE(make_directories(scratch / "tree"));
  Fd here(::open((scratch / "tree").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(::mkdirat(here.get(), "d", 0755), 0);
    here = Fd(::openat(here.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(here);
  }
  EXPECT_TRUE(remove_tree(scratch / "tree"));
  EXPECT_FALSE(exists(scratch / "tree"));
}

TEST(FileLock, IsHeldByOneUntilItEnds) {
  const Scratch scratch;
  {
    const auto lock = FileLock::take(scratch / "lock");
    ASSERT_TRUE(lock);
    EXPECT_EQ(FileLock::take(scratch / "lock").error().kind, ErrorKind::conflict);
  }
  EXPECT_TRUE(FileLock::take(scratch / "lock"));
  EXPECT_EQ(FileLock::take("/nowhere/lock").error().kind, ErrorKind::not_found);
}

// ---- fault

TEST(Fault, DiesAtTheNamedPassageAndLogsAll) {
  const Scratch scratch;
  const pid_t child = ::fork();
  if (child == 0) {
    // NOLINTBEGIN(concurrency-mt-unsafe): this child has one thread
    ::setenv("PROVOST_FAULT", "act.after:tiny/cpu-1:2", 1);
    ::setenv("PROVOST_FAULT_LOG", (scratch / "log").c_str(), 1);
    // NOLINTEND(concurrency-mt-unsafe)
    fault::pass("commit.before");
    fault::pass("act.after:tiny/cpu-1");
    fault::pass("act.after:tiny/cpu-1");
    fault::pass("commit.before");
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_EQ(*read_file(scratch / "log"),
            "commit.before:1\nact.after:tiny/cpu-1:1\nact.after:tiny/cpu-1:2\n");
}

// ---- tls

std::string in_words(const std::string& pem) {
  Command command;
  command.argv = {"openssl", "x509", "-noout", "-text"};
  command.input = pem;
  return run(command)->out;
}

TEST(Tls, SaysWhenACertificateEnds) {
  const auto authority = make_authority("Provost test");
  const auto issued = issue(*authority, {.common_name = "node",
                                         .names = {},
                                         .addresses = {},
                                         .uris = {},
                                         .server = true,
                                         .validity = std::chrono::hours(48)});
  const auto ends = end_of(issued->certificate);
  ASSERT_TRUE(ends);
  EXPECT_LT(std::chrono::abs(*ends - (now_utc() + std::chrono::hours(48))),
            std::chrono::minutes(1));
  EXPECT_FALSE(end_of("no certificate"));
  EXPECT_FALSE(end_of(""));
}

TEST(Tls, IssuesWhatVerifiesWithAllItsNames) {
  const Scratch scratch;
  const auto authority = make_authority("Provost test");
  ASSERT_TRUE(authority) << authority.error().message;
  CertificateRequest request;
  request.common_name = "node";
  request.names = {"provost", "head.example"};
  request.addresses = {"10.77.0.1", "fd00::1"};
  request.uris = {"provost:node:tiny/cpu-1/2,DNS:evil"};
  request.server = true;
  request.client = true;
  const auto issued = issue(*authority, request);
  ASSERT_TRUE(issued) << issued.error().message;
  ASSERT_TRUE(write_file(scratch / "ca.pem", authority->certificate));
  ASSERT_TRUE(write_file(scratch / "node.pem", issued->certificate));
  EXPECT_TRUE(check({"openssl", "verify", "-x509_strict", "-CAfile", scratch / "ca.pem",
                     "-verify_hostname", "head.example", scratch / "node.pem"}));
  const std::string text = in_words(issued->certificate);
  EXPECT_THAT(text, HasSubstr("DNS:provost, DNS:head.example, "));
  EXPECT_THAT(text, HasSubstr("IP Address:10.77.0.1, IP Address:FD00:0:0:0:0:0:0:1"));
  EXPECT_THAT(text, HasSubstr("TLS Web Server Authentication, TLS Web Client Authentication"));
  EXPECT_THAT(text, HasSubstr("prime256v1"));
  EXPECT_THAT(in_words(authority->certificate), HasSubstr("CA:TRUE, pathlen:0"));
  EXPECT_THAT(issued->key, testing::StartsWith("-----BEGIN PRIVATE KEY-----"));
}

TEST(Tls, GivesEachCertificateItsOwnSerial) {
  const auto authority = make_authority("Provost test");
  const auto first = issue(*authority, {.common_name = "a"});
  const auto second = issue(*authority, {.common_name = "a"});
  EXPECT_NE(first->certificate, second->certificate);
  EXPECT_NE(first->key, second->key);
}

TEST(Tls, RefusesWhatCannotStandInACertificate) {
  const auto authority = make_authority("Provost test");
  EXPECT_EQ(issue(*authority, {.common_name = std::string(65, 'a')}).error().kind,
            ErrorKind::invalid);
  EXPECT_EQ(issue(*authority, {.common_name = "a", .addresses = {"10.0.0.300"}}).error().kind,
            ErrorKind::invalid);
  EXPECT_EQ(issue(*authority, {.common_name = "a", .names = {"a b"}}).error().kind,
            ErrorKind::invalid);
  EXPECT_FALSE(issue({"no pem", "no key"}, {.common_name = "a"}));
  EXPECT_FALSE(make_authority(std::string(65, 'a')));
}

TEST(Sha256, IsTheStandards) {
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(EqualInConstantTime, ComparesBytes) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abcd"));
}

class MaildirTest : public testing::Test {
 protected:
  void TearDown() override { ignore(remove_tree(maildir_), "a test's files"); }
  std::string maildir_ = testing::TempDir() + "maildir." + std::to_string(::getpid());
};

TEST_F(MaildirTest, ALetterIsReadBackWhateverIsInIt) {
  const Letter letter{.name = "idle.17",
                      .from = "Provost <root>",
                      .to = "Nguyễn Minh <minh>",
                      .subject = "Job 17\nBcc: everybody",
                      .time = from_millis(1'800'000'000'123),
                      .text = "Hello.\n\nTwo paragraphs.\n"};
  ASSERT_TRUE(deliver(maildir_, letter));
  ASSERT_TRUE(deliver(maildir_, letter)) << "again: it replaces itself";
  const auto found = letters(maildir_, 10);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].to, letter.to);
  EXPECT_EQ(found[0].from, letter.from);
  EXPECT_EQ(found[0].subject, "Job 17 Bcc: everybody");
  EXPECT_EQ(found[0].time, letter.time);
  EXPECT_EQ(found[0].text, letter.text);
  const std::string message = to_message(letter);
  EXPECT_THAT(message, testing::Not(testing::HasSubstr("\nBcc:")));
  EXPECT_THAT(message, testing::StartsWith("Date: Fri, 15 Jan 2027 08:00:00 +0000\n"));
}

TEST_F(MaildirTest, TheNewestComeFirstAndOldOnesGo) {
  for (const int day : {1, 2, 3}) {
    ASSERT_TRUE(deliver(maildir_, {.name = "n",
                                   .subject = std::to_string(day),
                                   .time = UtcTime(std::chrono::days(20'000 + day)),
                                   .text = "x"}));
  }
  EXPECT_EQ(letters(maildir_, 2).at(0).subject, "3");
  EXPECT_EQ(letters(maildir_, 2).size(), 2U);
  forget_letters(maildir_, UtcTime(std::chrono::days(20'003)));
  EXPECT_EQ(letters(maildir_, 10).size(), 1U);
}

}  // namespace
}  // namespace provost::os
