// provost logs, exec, ssh: into a node.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <system_error>

#include "base/text.hpp"
#include "cli/context.hpp"

namespace provost::cli {
namespace {

std::string node_path(const std::string& node, const std::string& action,
                      const std::string& cluster) {
  return fmt::format("/v1/nodes/{}/{}?cluster={}", os::url_encode(node), action,
                     os::url_encode(cluster));
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    bytes.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return true;
}

Result<std::string> read_input() {
  constexpr std::size_t kLargest = 32U << 20U;
  std::string all;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count == 0) {
      return all;
    }
    if (count < 0 && errno != EINTR) {
      return fail(ErrorKind::internal, "cannot read standard input: {}",
                  std::generic_category().message(errno));
    }
    all.append(buffer.data(), count < 0 ? 0 : static_cast<std::size_t>(count));
    if (all.size() > kLargest) {
      return fail(ErrorKind::limit, "standard input is over {} MiB; copy it to /fsx instead",
                  kLargest >> 20U);
    }
  }
}

}  // namespace

int logs(const Context& context, const LogArguments& arguments) {
  const std::string path = node_path(arguments.node, "logs", arguments.cluster) +
                           fmt::format("&unit={}&lines={}{}", os::url_encode(arguments.unit),
                                       arguments.lines, arguments.follow ? "&follow=1" : "");
  const auto ended = context.client.stream("GET", path, {}, [&](const json::object& line) {
    return context.json ? print(line) == kDone : write_all(STDOUT_FILENO, text(line, "text"));
  });
  return ended ? kDone : report(ended.error());
}

int exec(const Context& context, const NodeArguments& arguments) {
  json::object body;
  json::array argv;
  for (const std::string& each : arguments.command) {
    argv.push_back(json::value(each));
  }
  body["argv"] = std::move(argv);
  body["timeout"] = 0;
  if (arguments.input) {
    const auto input = read_input();
    if (!input) {
      return report(input.error());
    }
    body["input"] = to_base64(*input);
  }
  int status = kFailed;
  const auto ended = context.client.stream(
      "POST", node_path(arguments.node, "exec", arguments.cluster), json::serialize(body),
      [&](const json::object& line) {
        if (line.contains("status")) {
          status = static_cast<int>(number(line, "status"));
        }
        if (context.json) {
          return print(line) == kDone;
        }
        const auto bytes = from_base64(text(line, "bytes"));
        return !bytes ||
               write_all(text(line, "channel") == "err" ? STDERR_FILENO : STDOUT_FILENO, *bytes);
      });
  return ended ? status : report(ended.error());
}

int ssh(const Context& context, const NodeArguments& arguments) {
  const auto way = context.client.get(node_path(arguments.node, "ssh", arguments.cluster));
  if (!way) {
    return report(way.error());
  }
  if (context.json) {
    return print(*way);
  }
  std::vector<std::string> argv = {"ssh",
                                   "-i",
                                   text(*way, "key_file"),
                                   "-o",
                                   "IdentitiesOnly=yes",
                                   "-o",
                                   "UserKnownHostsFile=" + text(*way, "known_hosts_file"),
                                   "-o",
                                   "GlobalKnownHostsFile=none",
                                   "-o",
                                   "StrictHostKeyChecking=yes",
                                   "-o",
                                   "LogLevel=ERROR",
                                   "-p",
                                   std::to_string(number(*way, "port")),
                                   text(*way, "user") + "@" + text(*way, "address")};
  if (!arguments.command.empty()) {
    argv.emplace_back("--");
    argv.insert(argv.end(), arguments.command.begin(), arguments.command.end());
  }
  std::vector<char*> pointers;
  pointers.reserve(argv.size() + 1);
  for (std::string& each : argv) {
    pointers.push_back(each.data());
  }
  pointers.push_back(nullptr);
  ::execvp("ssh", pointers.data());
  return report(Error{ErrorKind::not_found,
                      fmt::format("cannot run ssh: {}", std::generic_category().message(errno)),
                      "apt install openssh-client"});
}

}  // namespace provost::cli
