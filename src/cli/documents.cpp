#include "cli/documents.hpp"

#include <fmt/format.h>

#include <set>

#include "base/text.hpp"
#include "cli/client.hpp"
#include "cli/pages.hpp"
#include "manual/completion.hpp"
#include "manual/manual.hpp"
#include "os/files.hpp"

namespace provost::cli {
namespace {

constexpr std::chrono::milliseconds kPatience{700};  // of somebody who pressed Tab

Result<const CLI::App*> find(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  for (const std::string& word : words) {
    std::vector<std::string> names;
    const CLI::App* next = nullptr;
    for (const CLI::App* each : manual::commands_of(*at)) {
      names.push_back(each->get_name());
      next = each->get_name() == word ? each : next;
    }
    if (next == nullptr) {
      return pass(Error{
          ErrorKind::not_found,
          fmt::format("there is no command \"{}\"{}", shorten(word), did_you_mean(word, names)),
          "provost help"});
    }
    at = next;
  }
  return at;
}

Called<json::object> ask(const std::string& socket, const std::string& path) {
  return Client({.unix_socket = socket, .url = {}, .authority_file = {}, .token = {}}, kPatience)
      .get(path);
}

std::string value_of(const manual::Wanted& wanted, const std::string& option) {
  const auto found = wanted.given.find(option);
  return found == wanted.given.end() ? std::string() : found->second;
}

// Names that provostd knows, as "NAME TAB what".
std::string names_of(const manual::Wanted& wanted, const std::string& socket) {
  std::string path;
  std::string kind;
  if (wanted.type == "CLUSTER") {
    path = "/v1/clusters";
    kind = "clusters";
  } else if (wanted.type == "NODE") {
    path = "/v1/nodes?cluster=" + os::url_encode(value_of(wanted, "cluster"));
    kind = "nodes";
  }
  if (path.empty() || !os::exists(socket)) {
    return {};
  }
  const auto answer = ask(socket, path);
  if (!answer) {
    return {};
  }
  std::string lines;
  std::set<std::string> said;
  for (const json::value& each : list(*answer, kind)) {
    const std::string name = text(each.get_object(), "name");
    if (name.starts_with(wanted.begun) && said.insert(name).second) {
      lines += fmt::format("{}{}\t{}\n", wanted.before, name, text(each.get_object(), "status"));
    }
  }
  return lines;
}

}  // namespace

Result<std::string> help_of(const CLI::App& app, const std::vector<std::string>& words) {
  const auto command = find(app, words);
  if (!command) {
    return pass(command.error());
  }
  std::vector<std::string> above;
  if (!words.empty()) {
    above.assign(words.begin(), words.end() - 1);
    above.insert(above.begin(), app.get_name());
  }
  return (*command)->help(join(above, " "));
}

Result<std::string> manual_of(const CLI::App& app, const std::string& command) {
  if (command.empty()) {
    manual::Page page = program_page();
    for (const CLI::App* each : manual::commands_of(app)) {
      page.see_also.push_back(fmt::format("provost-{}(1)", each->get_name()));
    }
    return manual::render(app, "provost", page, true);
  }
  const auto found = find(app, {command});
  if (!found) {
    return pass(found.error());
  }
  auto page = command_page(command);
  if (!page) {
    return fail(ErrorKind::not_found, "nobody has written the page of {}", command);
  }
  const std::string name = "provost-" + command;
  page->name = name;
  return manual::render(**found, "provost " + command, *page);
}

Status write_manual(const CLI::App& app, const std::string& directory) {
  if (Status made = os::make_directories(directory); !made) {
    return made;
  }
  std::vector<std::string> names = {""};
  for (const CLI::App* each : manual::commands_of(app)) {
    names.push_back(each->get_name());
  }
  for (const std::string& name : names) {
    const auto page = manual_of(app, name);
    if (!page) {
      return pass(page.error());
    }
    const std::string file =
        fmt::format("{}/provost{}{}.1", directory, name.empty() ? "" : "-", name);
    if (Status written = os::write_file_quick(file, *page, 0644); !written) {
      return written;
    }
  }
  return {};
}

std::string completion_answer(const CLI::App& app, const std::vector<std::string>& words,
                              const std::string& socket) {
  const manual::Wanted wanted = manual::complete(app, words);
  std::string answer;
  for (const manual::Offer& each : wanted.offers) {
    answer += fmt::format("{}\t{}\n", each.word, each.summary);
  }
  const std::string given = value_of(wanted, "socket");
  answer += names_of(wanted, given.empty() ? socket : given);
  if (wanted.type == "FILE") {
    answer += ":files\n";
  } else if (wanted.type == "DIRECTORY") {
    answer += ":directories\n";
  }
  return answer;
}

}  // namespace provost::cli
