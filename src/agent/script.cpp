#include "agent/script.hpp"

#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "base/text.hpp"
#include "base/time.hpp"
#include "os/files.hpp"
#include "os/process.hpp"
#include "os/tls.hpp"

namespace provost::agent {
namespace {

constexpr std::size_t kTail = 4096;
constexpr int kRanPastItsTime = 124;  // as timeout(1) has it
constexpr int kNotRun = 126;          // as a shell has it
constexpr const char* kLog = "/var/log/provision/provisioning.log";

// The node's own log, and whoever listens.
class Speaker {
 public:
  explicit Speaker(const std::function<void(std::string_view)>& say) : say_(say) {
    ignore(os::make_directories("/var/log/provision"), "the stream is what people read");
    file_.open(kLog, std::ios::app | std::ios::binary);
  }
  void marker(std::string_view text) {
    output(fmt::format("{} [SageMaker] {}\n", to_iso(now_utc()), text));
  }
  void output(std::string_view bytes) {
    file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file_.flush();
    say_(bytes);
  }

 private:
  const std::function<void(std::string_view)>& say_;
  std::ofstream file_;
};

std::string directory_of(const protocol::ScriptOrder& order) {
  const std::string bucket = "/tmp/" + order.bucket;
  return order.prefix.empty() ? bucket : bucket + "/" + order.prefix;
}

Status unpack(const protocol::ScriptOrder& order, const std::string& directory) {
  // Only root may have put anything here: /tmp is everybody's.
  if (Status gone = os::remove_tree("/tmp/" + order.bucket); !gone) {
    return gone;
  }
  if (Status made = os::make_directories(directory, 0755); !made) {
    return made;
  }
  const auto ran = os::run(
      {.argv = {"tar", "--extract", "--file=-", "--no-same-owner", "--directory", directory},
       .input = order.bundle});
  if (!ran) {
    return pass(ran.error());
  }
  if (ran->status != 0) {
    return fail(ErrorKind::internal, "cannot unpack: {}", trim(ran->err));
  }
  return {};
}

// A bucket keeps no execute bits, and a script without a first line is bash's, as at HyperPod.
Result<std::vector<std::string>> command_of(const protocol::ScriptOrder& order,
                                            const std::string& directory) {
  const std::string path = directory + "/" + order.script;
  const auto text = os::read_file(path);
  if (!text) {
    return pass(text.error());
  }
  if (::chmod(path.c_str(), 0755) != 0) {
    return os::errno_error("cannot make executable " + path);
  }
  if (text->starts_with("#!")) {
    return std::vector<std::string>{path};
  }
  return std::vector<std::string>{"/bin/bash", path};
}

std::vector<std::pair<std::string, std::string>> environment_of(
    const protocol::ScriptOrder& order) {
  std::vector<std::pair<std::string, std::string>> environment = {
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"HOME", "/root"},
      {"USER", "root"},
      {"LANG", "C.UTF-8"},
      {"SAGEMAKER_RESOURCE_CONFIG_PATH", "/opt/ml/config/resource_config.json"}};
  for (const auto& [name, value] : order.environment) {
    environment.emplace_back(name, value);
  }
  return environment;
}

protocol::ScriptReport not_run(Speaker& speaker, protocol::ScriptReport report,
                               const std::string& why) {
  speaker.marker("The lifecycle scripts could not be run: " + why);
  report.state = protocol::ScriptState::failed;
  report.status = kNotRun;
  report.tail = why;
  return report;
}

void conclude(Speaker& speaker, const protocol::ScriptOrder& order, const os::Ran& ran,
              protocol::ScriptReport& report) {
  report.status = ran.timed_out ? kRanPastItsTime : ran.status;
  if (report.status == 0) {
    report.state = protocol::ScriptState::succeeded;
    speaker.marker("The lifecycle scripts succeeded.");
    return;
  }
  report.state = protocol::ScriptState::failed;
  if (ran.timed_out) {
    const std::string line =
        fmt::format("{} was ended after {} seconds, its time limit", order.script, order.timeout_s);
    report.tail += line + "\n";
    speaker.marker(line);
  } else {
    speaker.marker(fmt::format("The lifecycle scripts failed with exit code {}.", report.status));
  }
}

}  // namespace

std::string digest_of(const protocol::ScriptOrder& order) {
  std::string all = order.bucket + "\n" + order.prefix + "\n" + order.script + "\n" +
                    std::to_string(order.timeout_s) + "\n";
  for (const auto& [name, value] : order.environment) {
    all.append(name).append("=").append(value).append("\n");
  }
  return to_hex(os::sha256(all + order.bundle)).substr(0, 32);
}

bool is_due(const protocol::ScriptOrder& order, const std::string& digest_before,
            protocol::ScriptState state_before) {
  using protocol::ScriptState;
  if (state_before == ScriptState::succeeded) {
    return false;
  }
  return state_before != ScriptState::failed || digest_of(order) != digest_before;
}

std::string tail_of(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) {
    return std::string(text);
  }
  text = text.substr(text.size() - limit);
  const std::size_t line = text.find('\n');
  return std::string(
      line == std::string_view::npos || line + 1 == text.size() ? text : text.substr(line + 1));
}

protocol::ScriptReport run_script(const protocol::ScriptOrder& order,
                                  const std::function<void(std::string_view)>& say,
                                  const std::stop_token& stop) {
  Speaker speaker(say);
  const auto begin = std::chrono::steady_clock::now();
  protocol::ScriptReport report;
  report.step = order.script;
  const std::string directory = directory_of(order);
  speaker.marker("Downloading lifecycle scripts");
  if (Status unpacked = unpack(order, directory); !unpacked) {
    return not_run(speaker, report, unpacked.error().message);
  }
  const auto argv = command_of(order, directory);
  if (!argv) {
    return not_run(speaker, report, argv.error().message);
  }
  speaker.marker(fmt::format("Running {} in {}", order.script, directory));
  os::Command command;
  command.argv = *argv;
  command.clear_environment = true;
  command.environment = environment_of(order);
  command.directory = directory;
  command.timeout = std::chrono::seconds(order.timeout_s);
  std::string last;
  const auto ran = os::run(
      command,
      [&](os::Channel, std::string_view bytes) {
        speaker.output(bytes);
        last = tail_of(last + std::string(bytes), 2 * kTail);
      },
      stop);
  report.seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin)
          .count();
  if (!ran) {
    return not_run(speaker, report, ran.error().message);
  }
  if (ran->cancelled) {
    speaker.marker("The agent is ending; the script is run again when it is back");
    report.state = protocol::ScriptState::running;
    return report;
  }
  report.tail = tail_of(last, kTail);
  conclude(speaker, order, *ran, report);
  return report;
}

}  // namespace provost::agent
