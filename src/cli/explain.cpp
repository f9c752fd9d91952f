// provost explain and provost types.
#include <fnmatch.h>

#include <iostream>

#include "cli/context.hpp"
#include "spec/explain.hpp"
#include "spec/wire.hpp"

namespace provost::cli {
namespace {

std::string memory(std::int64_t mib) {
  return mib == 0          ? ""
         : mib % 1024 == 0 ? fmt::format("{} GiB", mib / 1024)
                           : fmt::format("{} MiB", mib);
}

std::string price(const json::object& object) {
  const json::value* value = object.if_contains("price_per_hour");
  return value == nullptr || !value->is_number()
             ? ""
             : fmt::format("{:.3f}", value->to_number<double>());
}

std::string accelerators(const json::object& type) {
  if (number(type, "accelerators") == 0) {
    return "";
  }
  std::string words =
      fmt::format("{} x {}", number(type, "accelerators"), text(type, "accelerator"));
  if (number(type, "accelerator_memory_mib") > 0) {
    words += " " + memory(number(type, "accelerator_memory_mib"));
  }
  return words;
}

void print_groups(const Context& context, const json::object& explanation) {
  Table table({"GROUP", "ROLE", "NODES", "TYPE", "CPUS", "MEMORY", "GPUS", "PARTITIONS",
               "PRICE AN HOUR", "SCRIPT"});
  for (const json::value& each : list(explanation, "groups")) {
    const json::object& group = each.get_object();
    const json::object& type = child(group, "type");
    table.add({text(group, "name"), text(group, "role"), std::to_string(number(group, "nodes")),
               text(type, "name"), std::to_string(number(type, "vcpus")),
               memory(number(type, "memory_mib")), accelerators(type),
               joined(list(group, "partitions"), ", "), price(group), text(group, "script")});
  }
  std::cout << table.text(context.terminal, 2);
}

void print_partitions(const Context& context, const json::object& explanation) {
  Table table({"PARTITION", "GROUPS", "WHO"});
  for (const json::value& each : list(explanation, "partitions")) {
    const json::object& partition = each.get_object();
    table.add(
        {text(partition, "name"), joined(list(partition, "groups"), ", "), text(partition, "who")});
  }
  std::cout << table.text(context.terminal, 2);
}

void print_defaults(const Context& context, const json::object& explanation) {
  Table table({"LEFT OUT", "SO IT IS", "BECAUSE"});
  for (const json::value& each : list(explanation, "defaults")) {
    const json::object& used = each.get_object();
    const std::int64_t times = number(used, "times");
    table.add({text(used, "path") + (times > 1 ? fmt::format(" (and {} more)", times - 1) : ""),
               text(used, "value"), text(used, "rule")});
  }
  std::cout << table.text(context.terminal, 2);
}

int show(const Context& context, const Called<json::object>& answer, const Texts& texts) {
  if (!answer) {
    return report(answer.error());
  }
  const json::array& findings = list(*answer, "findings");
  if (context.json) {
    print(*answer);
    return errors_in(findings) == 0 ? kDone : kFailed;
  }
  const json::object& explanation = child(*answer, "explanation");
  if (errors_in(findings) > 0 || explanation.empty()) {
    std::cerr << findings_text(findings, texts, context.terminal)
              << "provost: the files are not sound, so they mean nothing yet\n";
    return kFailed;
  }
  std::cout << paint(context.terminal, Paint::bold, text(explanation, "name")) << ", described by "
            << text(explanation, "described_by") << "; " << cost_line(explanation) << "\n";
  if (number(explanation, "people") > 0) {
    std::cout << fmt::format("{} people in departments {}\n", number(explanation, "people"),
                             joined(list(explanation, "departments"), ", "));
  }
  std::cout << "\n";
  print_groups(context, explanation);
  std::cout << "\n";
  print_partitions(context, explanation);
  std::cout << "\n";
  print_defaults(context, explanation);
  if (const std::string table = overlay_text(context, list(*answer, "overlay")); !table.empty()) {
    std::cout << "\nSupervisors changed, over campus.toml:\n" << table;
  }
  if (!findings.empty()) {
    std::cout << "\n" << findings_text(findings, texts, Terminal{});
  }
  return kDone;
}

int explain_files(const Context& context, const FileArguments& arguments) {
  const auto request = read_files(arguments);
  if (!request) {
    return report(request.error());
  }
  return show(context, check_files(context, arguments, *request), request->texts);
}

int explain_cluster(const Context& context, const std::string& cluster) {
  const std::string path = "/v1/clusters/" + os::url_encode(cluster);
  const auto files = context.client.get(path + "/files");
  if (!files) {
    return report(files.error());
  }
  json::object body = child(*files, "files");
  body["name"] = cluster;
  body["allow_unknown"] = true;  // it was accepted once
  return show(context, context.client.post("/v1/validate", body), {});
}

void print_field(const Context& context, const spec::FieldHelp& field) {
  std::cout << paint(context.terminal, Paint::bold, field.path) << "  in " << field.file << "\n";
  if (!field.about.empty()) {
    std::cout << "  " << field.about << "\n";
  }
  std::cout << "  value    " << field.type << (field.required ? "; must be given" : "") << "\n";
  if (!field.required) {
    std::cout << "  default  " << (field.initial.empty() ? "none" : field.initial) << "\n";
  }
  std::cout << "  here     " << field.effect << (field.reason.empty() ? "" : ": " + field.reason)
            << "\n";
  std::cout << "  example  " << field.example << "\n";
}

int explain_field(const Context& context, const std::string& wanted) {
  const auto fields = spec::find_fields(wanted);
  if (context.json) {
    json::array array;
    for (const spec::FieldHelp& field : fields) {
      array.push_back(spec::to_json(field));
    }
    print({{"fields", std::move(array)}});
    return fields.empty() ? kFailed : kDone;
  }
  if (fields.empty()) {
    const std::string meant = spec::nearest_field(wanted);
    std::cerr << "provost: no field \"" << wanted << "\""
              << (meant.empty() ? "" : "; did you mean \"" + meant + "\"?")
              << "\n  all of them: provost explain --markdown\n";
    return kFailed;
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    std::cout << (i > 0 ? "\n" : "");
    print_field(context, fields[i]);
  }
  return kDone;
}

bool matches(const std::string& pattern, const std::string& name) {
  return pattern.empty() || name.find(pattern) != std::string::npos ||
         ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

}  // namespace

int explain(const Context& context, const ExplainArguments& arguments) {
  if (arguments.markdown) {
    std::cout << spec::fields_as_markdown();
    return kDone;
  }
  if (!arguments.field.empty()) {
    return explain_field(context, arguments.field);
  }
  if (!arguments.cluster.empty()) {
    return explain_cluster(context, arguments.cluster);
  }
  if (arguments.files.cluster_config.empty()) {
    std::cerr << "provost explain: which field, or which files?\n"
                 "  provost explain InstanceType\n"
                 "  provost explain --cluster-config cluster-config.json\n";
    return kUsage;
  }
  return explain_files(context, arguments.files);
}

int types(const Context& context, const std::string& pattern) {
  auto answer = context.client.get("/v1/types");
  if (!answer && answer.error().unreachable && context.client.is_local()) {
    std::cerr
        << "provost: provostd does not answer; these are HyperPod's types, without the site's\n";
    answer = json::object{{"types", spec::to_json(spec::builtin_catalogue())}};
  }
  if (!answer) {
    return report(answer.error());
  }
  Table table({"TYPE", "CPUS", "MEMORY", "GPUS", "NETWORK", "PRICE AN HOUR", "PRICE FROM"});
  json::array chosen;
  for (const json::value& each : list(*answer, "types")) {
    const json::object& type = each.get_object();
    if (!matches(pattern, text(type, "name"))) {
      continue;
    }
    chosen.push_back(each);
    const std::int64_t network = number(type, "network_mbps");
    const std::int64_t cpus = number(type, "vcpus");
    table.add({text(type, "name"), cpus > 0 ? std::to_string(cpus) : "not published",
               memory(number(type, "memory_mib")), accelerators(type),
               network > 0 ? fmt::format("{} Gbit/s", static_cast<double>(network) / 1000) : "",
               price(type),
               price(type).empty()             ? ""
               : text(type, "source") == "own" ? "the site"
                                               : "EC2, USD"});
  }
  const bool found = !chosen.empty();
  if (context.json) {
    print({{"types", std::move(chosen)}});
  } else if (found) {
    std::cout << table.text(context.terminal);
  } else {
    std::cerr << "provost: no type matches \"" << pattern << "\"\n  add one to "
              << spec::kOwnTypesFile
              << ":\n    type,vcpus,memory_mib,accelerator,accelerators,price_per_hour\n"
                 "    ml.campus.large,64,524288,a100,4,2.50\n";
  }
  return found ? kDone : kFailed;
}

}  // namespace provost::cli
