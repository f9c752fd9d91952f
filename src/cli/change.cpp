// provost plan, provost apply.
#include <charconv>
#include <iostream>
#include <set>

#include "base/text.hpp"
#include "cli/context.hpp"
#include "cli/watch.hpp"

namespace provost::cli {
namespace {

// The cluster that the arguments mean: by name, or by the ClusterName of the file.
Result<std::string> cluster_of(const ChangeArguments& arguments, const Request& request) {
  const FileArguments& files = arguments.files;
  if (!files.name.empty()) {
    return files.name;
  }
  if (const auto given = request.texts.find(files.cluster_config); given != request.texts.end()) {
    boost::system::error_code problem;
    const json::value config = json::parse(given->second, problem);
    const json::object* object = problem ? nullptr : config.if_object();
    if (object != nullptr && !text(*object, "ClusterName").empty()) {
      return text(*object, "ClusterName");
    }
    return pass(Error{ErrorKind::invalid,
                      files.cluster_config + " does not say which cluster it is of",
                      "provost validate --cluster-config " + files.cluster_config});
  }
  return pass(Error{ErrorKind::invalid, "which cluster?",
                    "provost plan CLUSTER --campus campus.toml, or with --cluster-config"});
}

std::vector<std::string> texts_of(const json::array& values) {
  std::vector<std::string> all;
  for (const json::value& each : values) {
    all.emplace_back(each.get_string());
  }
  return all;
}

std::string jobs_words(const std::vector<std::string>& jobs, std::string_view kind = "running") {
  constexpr std::size_t kNamed = 12;
  std::vector<std::string> named(
      jobs.begin(), jobs.begin() + static_cast<std::ptrdiff_t>(std::min(jobs.size(), kNamed)));
  if (named.size() < jobs.size()) {
    named.emplace_back("...");
  }
  return fmt::format("{} {} job{}: {}", jobs.size(), kind, jobs.size() == 1 ? "" : "s",
                     join(named, ", "));
}

// Every job that any change has in `member`, each once.
std::vector<std::string> all_jobs(const json::array& changes, std::string_view member) {
  std::set<std::string> jobs;
  for (const json::value& each : changes) {
    const auto some = texts_of(list(each.get_object(), member));
    jobs.insert(some.begin(), some.end());
  }
  return {jobs.begin(), jobs.end()};
}

Paint paint_of(char sign) {
  return sign == '+' ? Paint::good : sign == '-' ? Paint::bad : Paint::plain;
}

void print_change(const Context& context, const json::object& change, std::size_t width) {
  const std::string line = text(change, "line");
  const std::string padding(width > line.size() ? width - line.size() : 0, ' ');
  std::cout << "  " << paint(context.terminal, paint_of(line.empty() ? ' ' : line.front()), line)
            << padding << "  because " << text(change, "because") << "\n";
  const auto say = [&](const char* member, std::string_view words) {
    const auto all = texts_of(list(change, member));
    if (!all.empty()) {
      std::cout << "      " << words << " "
                << (std::string_view(member) == "waiting_jobs"   ? jobs_words(all, "waiting")
                    : std::string_view(member).ends_with("jobs") ? jobs_words(all)
                                                                 : join(all, ", "))
                << "\n";
    }
  };
  say("awaits_jobs", "waits for");
  say("ends_jobs", "ends (queued again where possible)");
  say("waiting_jobs", "concerns");
  say("restarts", "restarts");
}

std::string money(const json::object& cost, std::string_view member) {
  const json::value* value = cost.if_contains(member);
  return fmt::format("{:.2f}", value == nullptr ? 0.0 : value->to_number<double>());
}

void print_plan(const Context& context, const std::string& cluster, const json::object& plan) {
  const json::array& changes = list(plan, "changes");
  if (changes.empty()) {
    std::cout << cluster << " is what the files say: nothing to change\n";
    return;
  }
  std::cout << fmt::format("{}: {} change{}\n", cluster, changes.size(),
                           changes.size() == 1 ? "" : "s");
  std::size_t width = 0;
  for (const json::value& each : changes) {
    width = std::max(width, text(each.get_object(), "line").size());
  }
  for (const json::value& each : changes) {
    print_change(context, each.get_object(), width);
  }
  const auto ends = all_jobs(changes, "ends_jobs");
  const auto awaits = all_jobs(changes, "awaits_jobs");
  std::cout << "jobs: " << (ends.empty() ? "none is ended" : "ends " + jobs_words(ends))
            << (awaits.empty() ? "" : "; waits for " + jobs_words(awaits))
            << fmt::format(" ({} running, {} waiting in all)\n",
                           number(child(plan, "jobs"), "running"),
                           number(child(plan, "jobs"), "waiting"));
  const json::object& cost = child(plan, "cost");
  std::cout << fmt::format("cost: {} -> {} an hour, {} -> {} a month of 730 hours\n",
                           money(cost, "per_hour_before"), money(cost, "per_hour_after"),
                           money(cost, "per_month_before"), money(cost, "per_month_after"));
}

// One question to provostd: what it says, or what was printed of its refusal.
tl::expected<json::object, int> ask(const Context& context, const std::string& path,
                                    const Request& request) {
  auto answer = context.client.post(path, request.body);
  if (answer) {
    return child(*answer, "plan");
  }
  if (context.json && !answer.error().findings.empty()) {
    print({{"findings", answer.error().findings}});
  }
  show_findings(context, answer.error().findings, request.texts);
  return tl::unexpected<int>(report(answer.error()));
}

struct Question {
  Request request;
  std::string cluster;
  std::string path;  ///< of the cluster
};

Result<Question> question_of(const ChangeArguments& arguments) {
  auto request = read_files(arguments.files);
  if (!request) {
    return pass(request.error());
  }
  const auto cluster = cluster_of(arguments, *request);
  if (!cluster) {
    return pass(cluster.error());
  }
  request->body["now"] = arguments.now;
  json::object counts;
  for (const std::string& each : arguments.counts) {
    const std::size_t sign = each.find('=');
    int count = 0;
    const char* end = each.data() + each.size();
    const char* begin = sign == std::string::npos ? end : each.data() + sign + 1;
    const auto read = std::from_chars(begin, end, count);
    if (sign == 0 || read.ec != std::errc{} || read.ptr != end || count < 0) {
      return pass(Error{ErrorKind::invalid, fmt::format("\"{}\" is not GROUP=COUNT", each),
                        "provost scale " + *cluster + " cpu=4"});
    }
    counts[each.substr(0, sign)] = count;
  }
  if (!counts.empty()) {
    request->body["counts"] = std::move(counts);
  }
  return Question{std::move(*request), *cluster, "/v1/clusters/" + os::url_encode(*cluster)};
}

// Acts of supervisors that new files make void; what the files warn of says validate.
void show_void(const Context& context, const json::object& planned) {
  json::array without_effect;
  for (const json::value& each : list(planned, "findings")) {
    if (text(each.get_object(), "rule") == "overlay.void") {
      without_effect.push_back(each);
    }
  }
  show_findings(context, without_effect, {});
}

}  // namespace

int plan(const Context& context, const ChangeArguments& arguments) {
  const auto question = question_of(arguments);
  if (!question) {
    return report(question.error());
  }
  const auto planned = ask(context, question->path + "/plan", question->request);
  if (!planned) {
    return planned.error();
  }
  if (context.json) {
    print(*planned);
  } else {
    print_plan(context, question->cluster, *planned);
    show_void(context, *planned);
  }
  return list(*planned, "changes").empty() ? kDone : kToDo;
}

int apply(const Context& context, const ChangeArguments& arguments) {
  auto question = question_of(arguments);
  if (!question) {
    return report(question.error());
  }
  const auto planned = ask(context, question->path + "/plan", question->request);
  if (!planned) {
    return planned.error();
  }
  if (!context.json) {
    print_plan(context, question->cluster, *planned);
    show_void(context, *planned);
  }
  question->request.body["fingerprint"] =
      arguments.fingerprint.empty() ? text(*planned, "fingerprint") : arguments.fingerprint;
  const std::int64_t after = newest_event(context.client);
  const auto begun = ask(context, question->path + "/apply", question->request);
  if (!begun) {
    return begun.error();
  }
  if (!arguments.wait || list(*begun, "changes").empty()) {
    if (context.json) {
      return print(*begun);
    }
    if (!list(*begun, "changes").empty()) {
      std::cout << question->cluster << " is being changed; provost wait " << question->cluster
                << "\n";
    }
    return kDone;
  }
  return await_service(context, {.cluster = question->cluster, .after = after, .whole = true});
}

int scale(const Context& context, const ChangeArguments& arguments) {
  return arguments.only_plan ? plan(context, arguments) : apply(context, arguments);
}

}  // namespace provost::cli
