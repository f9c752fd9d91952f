// provost validate, and how every command reads the three files.
#include <filesystem>
#include <iostream>

#include "cli/context.hpp"
#include "cli/findings.hpp"
#include "os/files.hpp"
#include "spec/explain.hpp"
#include "spec/wire.hpp"

namespace provost::cli {
namespace {

Status add_file(Request& request, const char* member, const std::string& path) {
  if (path.empty()) {
    request.body[member] = nullptr;
    return {};
  }
  if (std::error_code ignored; std::filesystem::is_socket(path, ignored)) {
    return fail(ErrorKind::invalid, "cannot read {}: it is a socket, not a file", path);
  }
  constexpr std::size_t kLargest = 64U << 20U;
  auto content = os::read_file(path, kLargest);
  if (!content) {
    return pass(content.error());
  }
  request.body[member] = {{"name", path}, {"text", *content}};
  request.texts[path] = std::move(*content);
  return {};
}

std::optional<spec::SourceText> source(const Request& request, const std::string& path) {
  const auto found = request.texts.find(path);
  return found == request.texts.end() ? std::nullopt
                                      : std::optional(spec::SourceText{path, found->second});
}

Finding not_asked() {
  return {.severity = Severity::note,
          .rule = "provostd.absent",
          .path = {},
          .value = {},
          .what =
              "provostd does not answer: buckets, names in use, capacity and the site's own "
              "types were not looked at",
          .better = {},
          .where = {}};
}

// What the files alone say: the same checker, without a world around it.
json::object check_alone(const FileArguments& arguments, const Request& request) {
  spec::Sources sources;
  sources.cluster_config = source(request, arguments.cluster_config)
                               .value_or(spec::SourceText{arguments.cluster_config, {}});
  sources.provisioning_parameters = source(request, arguments.provisioning_parameters);
  sources.campus = source(request, arguments.campus);
  sources.name = arguments.name;
  sources.allow_unknown = arguments.allow_unknown;
  spec::Checked checked = spec::check(sources, spec::builtin_catalogue());
  checked.findings.push_back(not_asked());
  return {{"findings", spec::to_json(checked.findings)},
          {"explanation",
           checked.cluster ? json::value(spec::to_json(spec::explain(checked))) : json::value()}};
}

std::string amount(const json::object& cost, const char* member) {
  const json::value* value = cost.if_contains(member);
  return value == nullptr || !value->is_number()
             ? "?"
             : fmt::format("{:.2f}", value->to_number<double>());
}

std::string count(std::size_t number, const char* word) {
  return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s");
}

std::size_t of_severity(const json::array& findings, std::string_view severity) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(), [&](const json::value& each) {
        return each.is_object() && text(each.get_object(), "severity") == severity;
      }));
}

}  // namespace

Result<Request> read_files(const FileArguments& arguments) {
  Request request;
  request.body["name"] = arguments.name.empty() ? json::value() : json::value(arguments.name);
  request.body["allow_unknown"] = arguments.allow_unknown;
  for (const auto& [member, path] :
       {std::pair{"cluster_config", &arguments.cluster_config},
        std::pair{"provisioning_parameters", &arguments.provisioning_parameters},
        std::pair{"campus", &arguments.campus}}) {
    if (Status added = add_file(request, member, *path); !added) {
      return pass(added.error());
    }
  }
  return request;
}

Called<json::object> check_files(const Context& context, const FileArguments& arguments,
                                 const Request& request) {
  if (!context.client.may_be_there()) {
    return check_alone(arguments, request);
  }
  auto answer = context.client.post("/v1/validate", request.body);
  if (!answer && answer.error().unreachable && context.client.is_local()) {
    return check_alone(arguments, request);
  }
  return answer;
}

std::string cost_line(const json::object& explanation) {
  const json::object& cost = child(explanation, "cost");
  if (number(cost, "priced_nodes") == 0) {
    return "price unknown: no type of this cluster has one";
  }
  const std::int64_t own = number(cost, "nodes_at_own_prices");
  const std::string currency = text(explanation, "currency");
  std::string prices = "at EC2's prices";
  std::string unit = "USD";
  if (own == number(cost, "priced_nodes")) {
    prices = "at the site's prices";
    unit = currency.empty() ? "" : currency;
  } else if (own > 0) {
    prices = "some at the site's prices, the others at EC2's in USD";
  }
  std::string line =
      fmt::format("costs {} {} an hour, {} {} a month of 730 hours, {}", amount(cost, "per_hour"),
                  unit, amount(cost, "per_month"), unit, prices);
  for (const json::value& type : list(cost, "types_without_price")) {
    line += fmt::format("; {} has no price", std::string(type.get_string()));
  }
  return line;
}

int validate(const Context& context, const FileArguments& arguments) {
  const auto request = read_files(arguments);
  if (!request) {
    return report(request.error());
  }
  const auto answer = check_files(context, arguments, *request);
  if (!answer) {
    return report(answer.error());
  }
  const json::array& findings = list(*answer, "findings");
  const std::size_t errors = errors_in(findings);
  if (context.json) {
    print(*answer);
    return errors == 0 ? kDone : kFailed;
  }
  std::cout << findings_text(findings, request->texts, context.terminal);
  const std::size_t warnings = of_severity(findings, "warning");
  if (errors > 0) {
    std::cout << count(errors, "error") << "\n";
    return kFailed;
  }
  std::cout << "sound" << (warnings > 0 ? ", with " + count(warnings, "warning") : "") << "; "
            << cost_line(child(*answer, "explanation")) << "\n";
  return kDone;
}

}  // namespace provost::cli
