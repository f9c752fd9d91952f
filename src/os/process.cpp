#include "os/process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>

#include "base/text.hpp"
#include "base/time.hpp"
#include "os/fault.hpp"
#include "os/files.hpp"

namespace provost::os {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto kGrace = std::chrono::seconds(2);   // from SIGTERM to SIGKILL
constexpr auto kGiveUp = std::chrono::seconds(5);  // after SIGKILL: it sleeps in the kernel
constexpr auto kDrain = milliseconds(200);         // grandchildren that hold the pipes
constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string search_path() {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return path == nullptr || *path == '\0' ? std::string(kDefaultPath) : std::string(path);
}

bool is_program(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

Result<std::string> find_program(const Command& command) {
  if (command.argv.empty() || command.argv[0].empty()) {
    return fail(ErrorKind::invalid, "cannot run a command without a program");
  }
  const std::string& name = command.argv[0];
  if (name.find('/') != std::string::npos) {
    return name;
  }
  for (const std::string& directory : split(search_path(), ':')) {
    std::string candidate = fmt::format("{}/{}", directory.empty() ? "." : directory, name);
    if (is_program(candidate)) {
      return candidate;
    }
  }
  return fail(ErrorKind::not_found, "cannot run {}: no such program", name);
}

// The arrays that exec wants, with what they point to.
class Strings {
 public:
  explicit Strings(std::vector<std::string> strings) : strings_(std::move(strings)) {
    for (std::string& text : strings_) {
      pointers_.push_back(text.data());
    }
    pointers_.push_back(nullptr);
  }
  [[nodiscard]] char* const* get() const { return pointers_.data(); }

 private:
  std::vector<std::string> strings_;
  std::vector<char*> pointers_;
};

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> environment;
  const auto set_by_command = [&](std::string_view entry) {
    return std::any_of(
        command.environment.begin(), command.environment.end(),
        [&](const auto& pair) { return entry.substr(0, entry.find('=')) == pair.first; });
  };
  const auto keep = [&](std::string entry) {
    if (!set_by_command(entry)) {
      environment.push_back(std::move(entry));
    }
  };
  if (command.clear_environment) {
    keep(fmt::format("PATH={}", search_path()));
  } else {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
      keep(*entry);
    }
  }
  for (const auto& [name, value] : command.environment) {
    environment.push_back(fmt::format("{}={}", name, value));
  }
  return environment;
}

tl::unexpected<Error> cannot_run(const Command& command, int number) {
  errno = number;
  auto error = errno_error(fmt::format("cannot run {}", command.argv[0]));
  if (number == ENOENT && !command.directory.empty() && !is_directory(command.directory)) {
    return fail(ErrorKind::not_found, "cannot run {}: no directory {}", command.argv[0],
                command.directory);
  }
  return error;
}

struct Pipe {
  Fd read;
  Fd write;
};

std::optional<Pipe> make_pipe(int flags) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | flags) != 0) {
    return std::nullopt;
  }
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// Standard input as a file in memory: a child that does not read it never blocks us or raises
// SIGPIPE.
Fd input_file(const std::string& input) {
  if (input.empty()) {
    return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  Fd fd(::memfd_create("provost-input", MFD_CLOEXEC));
  std::string_view rest = input;
  while (fd && !rest.empty()) {
    const ssize_t written = ::write(fd.get(), rest.data(), rest.size());
    if (written < 0 && errno != EINTR) {
      return {};
    }
    rest.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
  }
  if (fd && ::lseek(fd.get(), 0, SEEK_SET) != 0) {
    return {};
  }
  return fd;
}

struct Streams {
  Fd input;
  Fd out;
  Fd err;
};

// posix_spawn's two argument objects.
class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // Returns 0 or an errno.
  int spawn(const Command& command, const std::string& program, const Streams& streams,
            pid_t& pid) {
    sigset_t none{};
    sigset_t all{};
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setflags(
        &attributes_,
        static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    const std::array steps = {
        ::posix_spawn_file_actions_adddup2(&actions_, streams.input.get(), 0),
        ::posix_spawn_file_actions_adddup2(&actions_, streams.out.get(), 1),
        ::posix_spawn_file_actions_adddup2(&actions_, streams.err.get(), 2),
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3),
        command.directory.empty()
            ? 0
            : ::posix_spawn_file_actions_addchdir_np(&actions_, command.directory.c_str())};
    for (const int error : steps) {
      if (error != 0) {
        return error;
      }
    }
    const Strings argv(command.argv);
    const Strings environment(environment_of(command));
    return ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_, argv.get(),
                         environment.get());
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// What is kept of one stream.
class Kept {
 public:
  Kept(std::size_t limit, bool keep_end) : limit_(limit), keep_end_(keep_end) {}

  void add(std::string_view bytes) {
    if (!keep_end_) {
      text_.append(bytes.substr(0, limit_ - std::min(limit_, text_.size())));
      return;
    }
    text_.append(bytes);
    if (text_.size() / 2 > limit_) {
      text_.erase(0, text_.size() - limit_);
    }
  }
  std::string take() {
    if (text_.size() > limit_) {
      text_.erase(0, text_.size() - limit_);
    }
    return std::move(text_);
  }

 private:
  std::size_t limit_;
  bool keep_end_;
  std::string text_;
};

// A child of ours in a group of its own. Whatever happens it is dead and reaped in the end.
class Child {
 public:
  explicit Child(pid_t pid)
      : pid_(pid), handle_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  ~Child() {
    if (pid_ > 0) {
      signal_group(SIGKILL);
      reap(0);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Readable once the child has ended; it holds its id, and its group's, until it is reaped.
  [[nodiscard]] int handle() const { return handle_.get(); }
  void signal_group(int signal) const { ::kill(-pid_, signal); }

  // As shells have it: status, or 128 + signal. Nothing when it lives still (flag WNOHANG).
  std::optional<int> reap(int flags) {
    int status = 0;
    pid_t got = 0;
    do {
      got = ::waitpid(pid_, &status, flags);
    } while (got < 0 && errno == EINTR);
    if (got == 0) {
      return std::nullopt;
    }
    pid_ = -1;
    if (got < 0) {
      return 255;  // somebody else reaped it
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  void abandon() { pid_ = -1; }

 private:
  pid_t pid_;
  Fd handle_;
};

// One run from start to end: the poll loop and its clocks.
class Run {
 public:
  Run(const Command& command, const OnOutput& on_output, const std::stop_token& stop)
      : command_(command),
        on_output_(on_output),
        stop_(stop),
        out_(command.output_limit, command.keep_end),
        err_(command.output_limit, command.keep_end) {}

  Result<Ran> operator()(const std::string& program) {
    if (auto started = start(program); !started) {
      return pass(started.error());
    }
    const Fd stop_event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const std::stop_callback on_stop(stop_, [fd = stop_event.get()] { ::eventfd_write(fd, 1); });
    if (!stop_event) {
      return errno_error(fmt::format("cannot run {}", command_.argv[0]));
    }
    while (!finished(Clock::now())) {
      step(stop_event.get());
    }
    return result();
  }

 private:
  Status start(const std::string& program) {
    auto out = make_pipe(0);
    auto err = make_pipe(0);
    Fd input = input_file(command_.input);
    if (!out || !err || !input) {
      return errno_error(fmt::format("cannot run {}", command_.argv[0]));
    }
    for (const int fd : {out->read.get(), err->read.get()}) {
      ::fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    const Streams streams{std::move(input), std::move(out->write), std::move(err->write)};
    pid_t pid = 0;
    if (const int error = SpawnPlan().spawn(command_, program, streams, pid); error != 0) {
      return cannot_run(command_, error);
    }
    child_.emplace(pid);
    if (child_->handle() < 0) {
      return errno_error(fmt::format("cannot watch {}", command_.argv[0]));
    }
    out_end_ = std::move(out->read);
    err_end_ = std::move(err->read);
    if (command_.timeout > milliseconds(0) && command_.timeout < std::chrono::hours(24 * 365)) {
      deadline_ = Clock::now() + command_.timeout;
    }
    return {};
  }

  bool finished(Clock::time_point now) {
    if (ended_) {
      return (!out_end_ && !err_end_) || now >= drain_until_;
    }
    if (!ending_ && now >= deadline_) {
      ran_.timed_out = true;
      end_group(now);
    }
    if (ending_ && !killed_ && now >= kill_at_) {
      child_->signal_group(SIGKILL);
      killed_ = true;
    }
    return killed_ && now >= kill_at_ + kGiveUp;
  }

  void end_group(Clock::time_point now) {
    ending_ = true;
    kill_at_ = now + kGrace;
    child_->signal_group(SIGTERM);
  }

  // The next moment at which `finished` has to look again.
  [[nodiscard]] int wait_ms(Clock::time_point now) const {
    Clock::time_point until = deadline_;
    if (ended_) {
      until = drain_until_;
    } else if (ending_) {
      until = killed_ ? kill_at_ + kGiveUp : kill_at_;
    }
    const auto wait = std::chrono::ceil<milliseconds>(until - now);
    return static_cast<int>(std::clamp<std::int64_t>(wait.count(), 0, 3'600'000));
  }

  void step(int stop_event) {
    // poll skips negative descriptors: what is done with is simply not asked any more.
    std::array<pollfd, 4> watched{{{out_end_.get(), POLLIN, 0},
                                   {err_end_.get(), POLLIN, 0},
                                   {ended_ ? -1 : child_->handle(), POLLIN, 0},
                                   {ending_ || ended_ ? -1 : stop_event, POLLIN, 0}}};
    if (::poll(watched.data(), watched.size(), wait_ms(Clock::now())) <= 0) {
      return;
    }
    if (watched[0].revents != 0) {
      take_output(out_end_, Channel::out, out_);
    }
    if (watched[1].revents != 0) {
      take_output(err_end_, Channel::err, err_);
    }
    const auto now = Clock::now();
    if (watched[2].revents != 0) {
      ended_ = true;
      // Told to end, the rest of the group has its two seconds too.
      drain_until_ = ending_ && !killed_ ? kill_at_ : now + kDrain;
    } else if (watched[3].revents != 0) {
      ran_.cancelled = true;
      end_group(now);
    }
  }

  void take_output(Fd& end, Channel channel, Kept& kept) {
    const ssize_t got = ::read(end.get(), buffer_.data(), buffer_.size());
    if (got > 0) {
      const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
      kept.add(bytes);
      if (on_output_) {
        on_output_(channel, bytes);
      }
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      end.reset();
    }
  }

  Ran result() {
    if (ending_) {
      child_->signal_group(SIGKILL);
    }
    const auto status = child_->reap(ended_ ? 0 : WNOHANG);
    if (!status) {
      child_->abandon();  // even SIGKILL waits for the kernel, on a dead file server for ever
    }
    ran_.status = status.value_or(128 + SIGKILL);
    ran_.out = out_.take();
    ran_.err = err_.take();
    return std::move(ran_);
  }

  const Command& command_;
  const OnOutput& on_output_;
  const std::stop_token& stop_;
  Kept out_;
  Kept err_;
  std::optional<Child> child_;
  Fd out_end_;
  Fd err_end_;
  bool ended_ = false;   // the child itself, not its group
  bool ending_ = false;  // SIGTERM was sent
  bool killed_ = false;  // SIGKILL was sent
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point kill_at_;
  Clock::time_point drain_until_;
  std::array<char, 65536> buffer_;
  Ran ran_;
};

std::string last_line(std::string_view text) {
  text = trim(text);
  const std::size_t newline = text.rfind('\n');
  return shorten(trim(newline == std::string_view::npos ? text : text.substr(newline + 1)), 300);
}

// ---- Detached programs: between fork and exec only async-signal-safe calls, nothing allocated.

enum class Stage : int { started, directory, cgroup, exec };

struct Report {
  Stage stage = Stage::started;
  int error = 0;
  int which = 0;
  pid_t pid = 0;
};

struct Launch {
  const char* program;
  char* const* argv;
  char* const* environment;
  const char* directory;
  char* const* cgroups;  // ends with nullptr
  int input;
  int log;
  int report;
};

[[noreturn]] void fail_launch(const Launch& launch, Stage stage, int which) {
  const Report report{stage, errno, which, 0};
  [[maybe_unused]] const auto written = ::write(launch.report, &report, sizeof(report));
  ::_exit(127);
}

void reset_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    ::sigaction(signal, &action, nullptr);
  }
  sigset_t none{};
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void launch_in_grandchild(const Launch& launch) {
  const Report started{Stage::started, 0, 0, ::getpid()};
  if (::write(launch.report, &started, sizeof(started)) != static_cast<ssize_t>(sizeof(started))) {
    ::_exit(127);
  }
  for (int i = 0; launch.cgroups[i] != nullptr; ++i) {
    const int fd = ::open(launch.cgroups[i], O_WRONLY | O_CLOEXEC);
    if (fd < 0 || ::write(fd, "0\n", 2) != 2) {
      fail_launch(launch, Stage::cgroup, i);
    }
    ::close(fd);
  }
  if (launch.directory != nullptr && ::chdir(launch.directory) != 0) {
    fail_launch(launch, Stage::directory, 0);
  }
  if (::dup2(launch.input, 0) < 0 || ::dup2(launch.log, 1) < 0 || ::dup2(launch.log, 2) < 0) {
    fail_launch(launch, Stage::exec, 0);
  }
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  reset_signals();
  ::execve(launch.program, launch.argv, launch.environment);
  fail_launch(launch, Stage::exec, 0);
}

[[noreturn]] void launch_in_child(const Launch& launch) {
  ::setsid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    fail_launch(launch, Stage::exec, 0);
  }
  if (pid == 0) {
    launch_in_grandchild(launch);
  }
  ::_exit(0);
}

bool read_report(int fd, Report& report) {
  ssize_t got = 0;
  do {
    got = ::read(fd, &report, sizeof(report));
  } while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof(report));
}

// Forks with every signal blocked: a handler of ours must not run in the child.
pid_t fork_launch(const Launch& launch) {
  sigset_t all{};
  sigset_t before{};
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) {
    launch_in_child(launch);
  }
  const int kept = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = kept;
  return pid;
}

// "command.before:ip link": the program and, where it is a word, what it is to do.
std::string point(std::string_view when, const Command& command) {
  const std::string& program = command.argv.front();
  std::string name(when);
  name += program.substr(program.rfind('/') + 1);
  if (command.argv.size() > 1) {
    const std::string& verb = command.argv[1];
    const bool is_word = !verb.empty() && std::all_of(verb.begin(), verb.end(), [](char each) {
      return each >= 'a' && each <= 'z';
    });
    name += is_word ? " " + verb : "";
  }
  return name;
}

}  // namespace

Result<Ran> run(const Command& command, const OnOutput& on_output, const std::stop_token& stop) {
  const auto program = find_program(command);
  if (!program) {
    return pass(program.error());
  }
  fault::pass(point("command.before:", command));
  auto ran = Run(command, on_output, stop)(*program);
  fault::pass(point("command.after:", command));
  return ran;
}

Result<std::string> output_of(const Command& command) {
  auto ran = run(command);
  if (!ran) {
    return pass(ran.error());
  }
  if (ran->timed_out) {
    return fail(ErrorKind::timeout, "{} did not end within {}", command.argv[0],
                to_words(command.timeout));
  }
  if (ran->status != 0) {
    const std::string line = last_line(trim(ran->err).empty() ? ran->out : ran->err);
    return fail(ErrorKind::internal, "{} ended with status {}{}{}", command.argv[0], ran->status,
                line.empty() ? "" : ": ", line);
  }
  return std::move(ran->out);
}

Status check(std::vector<std::string> argv, std::chrono::milliseconds timeout) {
  Command command;
  command.argv = std::move(argv);
  command.timeout = timeout;
  const auto output = output_of(command);
  return output ? Status{} : pass(output.error());
}

Result<pid_t> start_detached(const Command& command, const std::string& log_file,
                             const std::vector<std::string>& join_cgroups) {
  const auto program = find_program(command);
  if (!program) {
    return pass(program.error());
  }
  fault::pass(point("command.before:", command));
  const Fd log(::open(log_file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  if (!log) {
    return errno_error(fmt::format("cannot open {}", log_file));
  }
  const Fd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  auto reports = make_pipe(0);
  if (!input || !reports) {
    return errno_error(fmt::format("cannot start {}", command.argv[0]));
  }
  const Strings argv(command.argv);
  const Strings environment(environment_of(command));
  const Strings cgroups(join_cgroups);
  const Launch launch{
      program->c_str(),  argv.get(),
      environment.get(), command.directory.empty() ? nullptr : command.directory.c_str(),
      cgroups.get(),     input.get(),
      log.get(),         reports->write.get()};
  const pid_t child = fork_launch(launch);
  if (child < 0) {
    return errno_error(fmt::format("cannot start {}", command.argv[0]));
  }
  reports->write.reset();
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  // First its id, then nothing (exec closed the pipe) or why it failed.
  pid_t pid = 0;
  Report report;
  while (read_report(reports->read.get(), report)) {
    if (report.stage == Stage::started) {
      pid = report.pid;
    } else if (report.stage == Stage::cgroup) {
      errno = report.error;
      return errno_error(fmt::format("cannot start {}: cannot join {}", command.argv[0],
                                     join_cgroups[static_cast<std::size_t>(report.which)]));
    } else {
      return cannot_run(command, report.error);
    }
  }
  if (pid == 0) {
    return fail(ErrorKind::internal, "cannot start {}: it died at once", command.argv[0]);
  }
  return pid;
}

}  // namespace provost::os
