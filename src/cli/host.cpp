// provost status, token, bucket: the daemon and its host.
#include <iostream>

#include "base/text.hpp"
#include "cli/context.hpp"
#include "os/files.hpp"
#include "os/process.hpp"

namespace provost::cli {
namespace {

struct Place {
  std::string bucket;
  std::string prefix;
};

bool is_bucket_name(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789.-";
  return name.size() >= 3 && name.size() <= 63 && name.front() != '.' && name.front() != '-' &&
         name.find_first_not_of(kLetters) == std::string_view::npos;
}

Result<Place> read_place(const std::string& target) {
  constexpr std::string_view kScheme = "s3://";
  const auto parts = split(target.starts_with(kScheme) ? target.substr(kScheme.size()) : "", '/');
  if (!is_bucket_name(parts.front())) {
    return fail(
        ErrorKind::invalid,
        "\"{}\" is no place in a bucket; write s3://BUCKET/PREFIX (a bucket's name has 3 to "
        "63 of a-z, 0-9, '.', '-')",
        target);
  }
  Place place{.bucket = parts.front(), .prefix = {}};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i] == ".." || parts[i] == ".") {
      return fail(ErrorKind::invalid, "\"{}\" may not hold \"{}\"", target, parts[i]);
    }
    if (!parts[i].empty()) {
      place.prefix += "/" + parts[i];
    }
  }
  return place;
}

Result<std::string> bucket_root(const Context& context) {
  if (!context.client.is_local()) {
    return fail(ErrorKind::denied, "buckets are directories of provostd's host: use them there");
  }
  const auto host = context.client.get("/v1/host");
  if (!host) {
    return pass(host.error().error);
  }
  return text(child(*host, "host"), "bucket_root");
}

// The new content is complete beside the old before it takes its place.
Status replace(const std::string& from, const std::string& to) {
  const std::string fresh = to + ".provost-new";
  const std::string old = to + ".provost-old";
  for (const std::string& leftover : {fresh, old}) {
    if (Status gone = os::remove_tree(leftover); !gone) {
      return gone;
    }
  }
  if (Status made = os::make_directories(to.substr(0, to.rfind('/')), 0755); !made) {
    return made;
  }
  if (Status copied =
          os::check({"cp", "--recursive", "--preserve=mode,timestamps", "--", from, fresh},
                    std::chrono::minutes(10));
      !copied) {
    return copied;
  }
  if (os::exists(to)) {
    if (Status moved = os::check({"mv", "--no-target-directory", "--", to, old}); !moved) {
      return moved;
    }
  }
  if (Status moved = os::check({"mv", "--no-target-directory", "--", fresh, to}); !moved) {
    return moved;
  }
  return os::remove_tree(old);
}

}  // namespace

namespace {

// "/dev/nvidia0: NVIDIA H100 80GB HBM3, 81559 MiB, MIG off", a line each, then the driver.
std::string gpu_words(const json::object& host) {
  const json::array& details = list(host, "gpu_details");
  if (details.empty()) {
    const std::string why = text(host, "gpu_driver");
    const std::string files = joined(list(host, "gpus"), ", ");
    return why.empty() ? files : fmt::format("{} ({})", files, why);
  }
  std::vector<std::string> lines;
  for (const json::value& each : details) {
    const json::object& gpu = each.get_object();
    const std::string mig = text(gpu, "mig");
    const std::string partitions = joined(list(gpu, "partitions"), ", ");
    lines.push_back(fmt::format("{}: {}, {} MiB, {}{}", text(gpu, "file"), text(gpu, "name"),
                                number(gpu, "memory_mib"),
                                mig == "impossible" ? "no MIG" : "MIG " + mig,
                                partitions.empty() ? "" : ": " + partitions));
    std::vector<std::string> profiles;
    for (const json::value& profile : list(gpu, "profiles")) {
      profiles.push_back(fmt::format("{} x {}", number(profile.get_object(), "most"),
                                     text(profile.get_object(), "name")));
    }
    if (!profiles.empty()) {
      lines.push_back("  could be divided into " + join(profiles, ", "));
    }
  }
  lines.push_back("driver " + text(host, "gpu_driver"));
  return join(lines, "\n              ");
}

}  // namespace

int status(const Context& context) {
  const auto ready = context.client.get("/v1/ready");
  if (!ready) {
    const Exit exit = report(ready.error());
    return exit == kFailed ? kUnreachable : exit;
  }
  const auto answer = context.client.get("/v1/host");
  if (!answer) {
    return report(answer.error());
  }
  const json::object& host = child(*answer, "host");
  if (context.json) {
    return print({{"daemon", *ready}, {"host", host}});
  }
  const std::string gpus = gpu_words(host);
  const std::string limits = joined(list(host, "raised_limits"), ", ");
  std::cout << fmt::format(
      "provostd {} {}\n  process     {}, since {}\n  state       {}\n  clusters    {}\n"
      "  host        {} processors, {} of {} MiB memory available\n  GPUs        {}\n"
      "  limits      {}\n  network     {}\n  buckets     {}\n  API         {}\n",
      text(*ready, "version"), paint(context.terminal, Paint::good, "is ready"),
      number(*ready, "pid"), text(*ready, "started").substr(0, 19), text(*ready, "state_directory"),
      number(*ready, "clusters"), number(host, "cpus"), number(host, "memory_available_mib"),
      number(host, "memory_mib"), gpus.empty() ? "none (emulated where a type has some)" : gpus,
      limits.empty() ? "as they are; raised while there are clusters" : "raised: " + limits,
      text(host, "network"), text(host, "bucket_root"),
      text(host, "api").empty() ? "Unix socket only" : text(host, "api"));
  for (const json::value& each : list(host, "strays")) {
    const json::object& stray = each.get_object();
    std::cout << paint(context.terminal, Paint::bad, "  STRAY       ")
              << fmt::format(
                     "{0}: {1} machines that provostd does not know: provost delete {0} --stray\n",
                     text(stray, "name"), list(stray, "nodes").size());
  }
  return kDone;
}

int token_create(const Context& context, const std::string& name) {
  const auto answer = context.client.post("/v1/tokens", {{"name", name}});
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  std::cout << text(child(*answer, "token"), "secret") << "\n";
  std::cerr << "This is shown once. Put it into a file and use --server URL --token-file FILE "
               "--authority /var/lib/provost/authority.pem\n";
  return kDone;
}

int token_list(const Context& context) {
  const auto answer = context.client.get("/v1/tokens");
  if (!answer) {
    return report(answer.error());
  }
  if (context.json) {
    return print(*answer);
  }
  Table table({"NAME", "CREATED"});
  for (const json::value& each : list(*answer, "tokens")) {
    table.add({text(each.get_object(), "name"), text(each.get_object(), "created").substr(0, 19)});
  }
  std::cout << (table.empty() ? "no tokens\n" : table.text(context.terminal));
  return kDone;
}

int token_delete(const Context& context, const std::string& name) {
  const auto answer = context.client.remove("/v1/tokens/" + os::url_encode(name));
  if (!answer) {
    return report(answer.error());
  }
  return context.json ? print(*answer) : kDone;
}

int bucket_put(const Context& context, const BucketArguments& arguments) {
  const auto place = read_place(arguments.target);
  if (!place) {
    report(place.error());
    return kUsage;
  }
  if (!os::is_directory(arguments.directory)) {
    return report(Error{ErrorKind::not_found, arguments.directory + " is no directory", ""});
  }
  const auto root = bucket_root(context);
  if (!root) {
    return report(root.error());
  }
  const std::string target = *root + "/" + place->bucket + place->prefix;
  if (Status put = replace(arguments.directory, target); !put) {
    return report(put.error());
  }
  if (context.json) {
    return print({{"bucket", place->bucket}, {"directory", target}});
  }
  std::cout << arguments.directory << " is " << arguments.target << " (" << target << ")\n";
  return kDone;
}

int bucket_list(const Context& context) {
  const auto root = bucket_root(context);
  if (!root) {
    return report(root.error());
  }
  json::array buckets;
  for (const std::string& name : os::list_directory(*root)) {
    if (is_bucket_name(name) && os::is_directory(*root + "/" + name)) {
      buckets.push_back(json::object{{"name", name}, {"directory", *root + "/" + name}});
    }
  }
  if (context.json) {
    return print({{"buckets", buckets}});
  }
  Table table({"BUCKET", "DIRECTORY"});
  for (const json::value& each : buckets) {
    table.add({text(each.get_object(), "name"), text(each.get_object(), "directory")});
  }
  std::cout << (table.empty()
                    ? "no buckets; make one: provost bucket put DIRECTORY s3://BUCKET/PREFIX\n"
                    : table.text(context.terminal));
  return kDone;
}

}  // namespace provost::cli
