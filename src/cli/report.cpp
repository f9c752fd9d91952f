// provost report: one archive for somebody who helps.
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "base/text.hpp"
#include "cli/doctor.hpp"
#include "cli/watch.hpp"
#include "os/process.hpp"
#include "support/bundle.hpp"

namespace provost::cli {
namespace {

const Terminal kPlain;  // in a file

/// What is gathered, with the first error that ends it: a disk that is full.
class Gathering {
 public:
  Gathering(const Context& context, const ReportArguments& arguments, support::Bundle& bundle,
            Working& working)
      : context_(context), arguments_(arguments), bundle_(bundle), working_(working) {}

  void add_description(const json::object& description);
  void add_files();
  void add_events();
  void add_nodes();
  void add_host();
  void add_unreached(const CallError& error);
  [[nodiscard]] const Status& status() const { return status_; }

 private:
  void add(const std::string& path, std::string_view content) {
    working_.say("collecting " + path);
    if (Status added = bundle_.add(path, content); !added && status_) {
      status_ = added;
    }
  }
  void add_output(const std::string& path, std::vector<std::string> argv);
  void add_provostd_log(const support::Installation& installation);
  [[nodiscard]] std::string cluster_path(const std::string& more) const {
    return "/v1/clusters/" + os::url_encode(arguments_.cluster) + more;
  }

  const Context& context_;
  const ReportArguments& arguments_;
  support::Bundle& bundle_;
  Working& working_;
  Status status_;
};

void Gathering::add_description(const json::object& description) {
  add("description.json", json::serialize(description) + "\n");
  std::string steps;
  for (const json::value& each : list(description, "steps")) {
    const json::object& step = each.get_object();
    steps += fmt::format("{}  {}\n    because {}\n    since {}, attempt {}{}{}\n",
                         text(step, "state"), text(step, "line"), text(step, "because"),
                         text(step, "since"), number(step, "attempt"),
                         text(step, "found").empty() ? "" : "\n    found " + text(step, "found"),
                         list(step, "waits_for").empty()
                             ? ""
                             : "\n    waits for " + joined(list(step, "waits_for"), ", "));
  }
  add("steps.txt", steps.empty() ? "nothing is being done\n" : steps);
}

void Gathering::add_files() {
  const auto answer = context_.client.get(cluster_path("/files"));
  if (!answer) {
    bundle_.missing("files", answer.error().error.message);
    return;
  }
  for (const auto& [member, name] :
       {std::pair("cluster_config", "cluster-config.json"),
        std::pair("provisioning_parameters", "provisioning-parameters.json"),
        std::pair("campus", "campus.toml")}) {
    const json::object& file = child(child(*answer, "files"), member);
    if (file.empty()) {
      bundle_.missing(std::string("files/") + name, "the cluster was made without one");
    } else {
      add(std::string("files/") + name, text(file, "text"));
    }
  }
}

void Gathering::add_events() {
  const auto answer = context_.client.get(
      fmt::format("/v1/events?cluster={}&limit=10000", os::url_encode(arguments_.cluster)));
  if (!answer) {
    bundle_.missing("events.txt", answer.error().error.message);
    return;
  }
  std::string lines;
  for (const json::value& event : list(*answer, "events")) {
    lines += text(event.get_object(), "time").substr(0, 10) + " " +
             event_line(event.get_object(), kPlain);
  }
  add("events.txt", lines);
}

void Gathering::add_nodes() {
  working_.say("asking the nodes");
  const auto ended =
      context_.client.stream("GET", cluster_path("/report"), {}, [&](const json::object& part) {
        const std::string path = text(part, "path");
        const std::string missing = text(part, "missing");
        if (!missing.empty()) {
          bundle_.missing(path, missing);
        } else {
          add(path, from_base64(text(part, "bytes")).value_or(""));
        }
        return status_.has_value();
      });
  if (!ended) {
    bundle_.missing("nodes, slurm", ended.error().error.message);
  }
}

void Gathering::add_output(const std::string& path, std::vector<std::string> argv) {
  os::Command command;
  command.argv = std::move(argv);
  command.timeout = std::chrono::seconds(20);
  command.output_limit = 1U << 20U;
  command.keep_end = true;
  const auto ran = os::run(command);
  if (!ran) {
    bundle_.missing(path, ran.error().message);
  } else if (ran->out.empty() && ran->status != 0) {
    bundle_.missing(path, fmt::format("{} ended with status {}: {}", command.argv.front(),
                                      ran->status, shorten(trim(ran->err), 160)));
  } else {
    add(path, ran->out);
  }
}

void Gathering::add_provostd_log(const support::Installation& installation) {
  if (!installation.log.empty()) {
    add_output("host/provostd.log", {"tail", "-c", "1000000", installation.log});
  } else {
    add_output("host/provostd.log", {"journalctl", "--no-pager", "-o", "short-iso", "--since=-24h",
                                     "-n", "20000", "--unit=provostd"});
  }
}

void Gathering::add_host() {
  if (!context_.client.is_local() || ::geteuid() != 0) {
    bundle_.missing("host, doctor.txt", "only root on provostd's host can have them");
    return;
  }
  const CheckUp found = check_up(context_, {}, working_);
  add("doctor.txt", to_text(found.lines, kPlain));
  add("doctor.json", json::serialize(to_json(found, {})) + "\n");
  add("host/provost.txt",
      fmt::format("provost {}\nprovostd {}\n", PROVOST_VERSION,
                  found.facts.daemon.answers ? found.facts.daemon.version : "does not answer"));
  add_provostd_log(found.facts.installation);
  add_output("host/kernel.txt", {"uname", "-a"});
  add_output("host/os-release.txt", {"cat", "/etc/os-release"});
  add_output("host/systemd.txt", {"systemd-nspawn", "--version"});
  add_output("host/packages.txt", {"dpkg-query", "-W", "systemd*", "iproute2", "nftables",
                                   "mmdebstrap", "openssh-*", "linux-image-*", "libc6"});
  add_output("host/memory.txt", {"free", "-m"});
  add_output("host/disk.txt", {"df", "-hT"});
  add_output("host/links.txt", {"ip", "-br", "link"});
  add_output("host/nft-tables.txt", {"nft", "list", "tables"});
}

void Gathering::add_unreached(const CallError& error) {
  for (const char* path :
       {"description.json", "steps.txt", "files", "events.txt", "nodes", "slurm"}) {
    bundle_.missing(path, error.error.message);
  }
}

/// "20261124-141231".
std::string stamp() {
  std::string iso = to_iso(now_utc()).substr(0, 19);
  iso[10] = '-';
  std::erase(iso, ':');
  iso.erase(iso.begin() + 7);
  iso.erase(iso.begin() + 4);
  return iso;
}

std::string file_of(const std::string& output, const std::string& top) {
  namespace fs = std::filesystem;
  const std::string name = top + ".tar.gz";
  if (output.empty()) {
    return fs::absolute(name).string();
  }
  return os::is_directory(output) ? (fs::absolute(output) / name).string()
                                  : fs::absolute(output).string();
}

json::object to_json(const support::Bundle& bundle, const std::string& file) {
  json::array contents;
  json::array missing;
  for (const support::Entry& entry : bundle.entries()) {
    if (entry.missing.empty()) {
      contents.push_back(json::object{{"path", entry.path}, {"bytes", entry.bytes}});
    } else {
      missing.push_back(json::object{{"path", entry.path}, {"why", entry.missing}});
    }
  }
  std::error_code ignored;
  return {{"file", file},
          {"bytes", std::filesystem::file_size(file, ignored)},
          {"contents", std::move(contents)},
          {"missing", std::move(missing)}};
}

int show(const Context& context, const json::object& made) {
  if (context.json) {
    return print(made);
  }
  std::cout << fmt::format("{}  {} texts, {} KiB\n", text(made, "file"),
                           list(made, "contents").size(),
                           json::value_to<std::uint64_t>(made.at("bytes")) / 1024);
  for (const json::value& each : list(made, "missing")) {
    std::cout << fmt::format("  without {}: {}\n", text(each.get_object(), "path"),
                             text(each.get_object(), "why"));
  }
  std::cout << fmt::format(
      "Secrets were removed as far as programs know them. Look before you send it: tar -tzf {}\n",
      text(made, "file"));
  return std::cout.good() ? kDone : kFailed;
}

}  // namespace

int report_cluster(const Context& context, const ReportArguments& arguments) {
  const auto description = context.client.get("/v1/clusters/" + os::url_encode(arguments.cluster));
  if (!description && !description.error().unreachable) {
    return report(description.error());
  }
  const std::string top = fmt::format("provost-report-{}-{}", arguments.cluster, stamp());
  auto bundle = support::Bundle::begin(top);
  if (!bundle) {
    return report(bundle.error());
  }
  const std::string file = file_of(arguments.output, top);
  Status written;
  {
    Working working;
    Gathering gathering(context, arguments, *bundle, working);
    if (description) {
      gathering.add_description(*description);
      gathering.add_files();
      gathering.add_events();
      gathering.add_nodes();
    } else {
      gathering.add_unreached(description.error());
    }
    gathering.add_host();
    working.say("packing");
    written = gathering.status();
    if (written) {
      written =
          bundle->write(file, fmt::format("Report of {} made by provost {} on {}.\n"
                                          "Secrets were removed; logs are the last day's.\n",
                                          arguments.cluster, PROVOST_VERSION, to_iso(now_utc())));
    }
  }
  if (!written) {
    Error error = written.error();
    error.hint = "choose a place with room: provost report " + arguments.cluster + " --output FILE";
    return report(error);
  }
  return show(context, to_json(*bundle, file));
}

}  // namespace provost::cli
