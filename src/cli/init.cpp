// provost init: the three files of a new cluster, from a few answers.
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <map>

#include "base/text.hpp"
#include "cli/context.hpp"
#include "os/files.hpp"
#include "spec/spec.hpp"

namespace provost::cli {
namespace {

constexpr std::int64_t kFirstUid = 2001;

struct Compute {
  std::string group;
  std::string type;
  std::string count;
};

struct Department {
  std::string name;
  std::vector<std::string> people;  // the first is the supervisor
};

struct Answers {
  std::string name;
  std::string controller_type;
  std::string login_type;
  int login_nodes = 1;
  std::vector<Compute> compute;
  std::vector<Department> departments;
};

// One line of standard input; `initial` when it is empty or there is none.
std::string ask(const std::string& question, const std::string& initial) {
  std::cerr << question << (initial.empty() ? "" : " [" + initial + "]") << ": " << std::flush;
  std::string line;
  std::getline(std::cin, line);
  const std::string answer(trim(line));
  return answer.empty() ? initial : answer;
}

Result<Compute> read_compute(const std::string& text) {
  const auto parts = split(text, ':');
  if (parts.size() != 3 || !to_number(parts[2])) {
    return fail(ErrorKind::invalid, "\"{}\" is no GROUP:TYPE:COUNT, as in gpu:ml.g5.xlarge:2",
                shorten(text));
  }
  return Compute{parts[0], parts[1], parts[2]};
}

Result<Department> read_department(const std::string& text) {
  const std::size_t colon = text.find(':');
  Department department{text.substr(0, colon), {}};
  if (colon != std::string::npos) {
    for (const std::string& person : split(text.substr(colon + 1), ',')) {
      department.people.emplace_back(trim(person));
    }
  }
  if (department.people.empty() || department.people.front().empty()) {
    return fail(ErrorKind::invalid, "\"{}\" is no NAME:SUPERVISOR,PERSON,..., as in nlp:linh,minh",
                shorten(text));
  }
  return department;
}

// Reads each text; an error names the first that makes no sense.
template <class T>
Status read_each(const std::vector<std::string>& texts, Result<T> (*read)(const std::string&),
                 std::vector<T>& into) {
  for (const std::string& text : texts) {
    auto one = read(text);
    if (!one) {
      return pass(one.error());
    }
    into.push_back(std::move(*one));
  }
  return {};
}

std::vector<std::string> ask_each(const std::string& question, const std::string& first) {
  std::vector<std::string> all;
  for (std::string answer = ask(question, first); !answer.empty();
       answer = ask("  another, or nothing", "")) {
    all.push_back(answer);
  }
  return all;
}

Result<Answers> gather(const InitArguments& given) {
  const bool asks = !given.yes && ::isatty(STDIN_FILENO) == 1;
  const auto one = [&](const std::string& value, const char* question, const char* initial) {
    return !value.empty() ? value : asks ? ask(question, initial) : std::string(initial);
  };
  Answers answers;
  answers.name = one(given.name, "Name of the cluster", "campus");
  answers.controller_type = one(given.controller_type, "Type of the controller", "ml.m5.large");
  answers.login_type = one(given.login_type, "Type of the login nodes", "ml.t3.medium");
  const std::string logins = one(given.login_nodes < 0 ? "" : std::to_string(given.login_nodes),
                                 "How many login nodes", "1");
  answers.login_nodes = static_cast<int>(to_number(logins).value_or(-1));
  if (answers.login_nodes < 0 || answers.login_nodes > 100) {
    return fail(ErrorKind::invalid, "\"{}\" is no number of login nodes from 0 to 100",
                shorten(logins));
  }
  const std::string compute = "cpu:ml.c5.xlarge:2";
  const auto groups = !given.compute.empty() ? given.compute
                      : asks ? ask_each("Compute group, as GROUP:TYPE:COUNT", compute)
                             : std::vector<std::string>{compute};
  if (Status read = read_each<Compute>(groups, read_compute, answers.compute); !read) {
    return pass(read.error());
  }
  const auto departments =
      !given.departments.empty() || !asks
          ? given.departments
          : ask_each("Department, as NAME:SUPERVISOR,PERSON,... (or nothing)", "");
  if (Status read = read_each<Department>(departments, read_department, answers.departments);
      !read) {
    return pass(read.error());
  }
  return answers;
}

std::string quote(const std::string& text) { return json::serialize(json::string(text)); }

std::string group_json(const std::string& name, const std::string& type, const std::string& count) {
  return fmt::format(
      "    {{\n      \"InstanceGroupName\": {},\n      \"InstanceType\": {},\n"
      "      \"InstanceCount\": {},\n"
      "      \"ExecutionRole\": \"arn:aws:iam::111122223333:role/HyperPodRole\"\n    }}",
      quote(name), quote(type), count);
}

std::string cluster_config(const Answers& answers) {
  std::vector<std::string> groups = {group_json("controller", answers.controller_type, "1")};
  if (answers.login_nodes > 0) {
    groups.push_back(group_json("login", answers.login_type, std::to_string(answers.login_nodes)));
  }
  for (const Compute& each : answers.compute) {
    groups.push_back(group_json(each.group, each.type, each.count));
  }
  return fmt::format("{{\n  \"ClusterName\": {},\n  \"InstanceGroups\": [\n{}\n  ]\n}}\n",
                     quote(answers.name), join(groups, ",\n"));
}

std::string provisioning_parameters(const Answers& answers) {
  std::vector<std::string> workers;
  for (const Compute& each : answers.compute) {
    workers.push_back(fmt::format("    {{\"instance_group_name\": {0}, \"partition_name\": {0}}}",
                                  quote(each.group)));
  }
  return fmt::format(
      "{{\n  \"version\": \"1.0.0\",\n  \"workload_manager\": \"slurm\",\n"
      "  \"controller_group\": \"controller\",\n{}  \"worker_groups\": [\n{}\n  ]\n}}\n",
      answers.login_nodes > 0 ? "  \"login_group\": \"login\",\n" : "", join(workers, ",\n"));
}

std::string names_toml(const std::vector<std::string>& names, std::size_t from, std::size_t to) {
  std::vector<std::string> quoted;
  for (std::size_t i = from; i < std::min(to, names.size()); ++i) {
    quoted.push_back(quote(names[i]));
  }
  return "[" + join(quoted, ", ") + "]";
}

std::string campus(const Answers& answers) {
  std::string text =
      "# Who uses the cluster. provost explain campus.currency (or any other field) says more.\n\n"
      "[campus]\nname = " +
      quote(answers.name) + "\ncurrency = \"USD\"\n";
  if (!answers.departments.empty()) {
    text += "administrators = " + names_toml(answers.departments.front().people, 0, 1) + "\n";
  }
  text += "\n# A department is an account in Slurm; its supervisors coordinate that account.\n";
  std::map<std::string, std::int64_t> people;
  for (const Department& each : answers.departments) {
    text += fmt::format("\n[[department]]\nname = {}\nsupervisors = {}\nmembers = {}\n",
                        quote(each.name), names_toml(each.people, 0, 1),
                        names_toml(each.people, 1, each.people.size()));
    for (const std::string& person : each.people) {
      people.emplace(person, 0);
    }
  }
  text += "\n# A person is a user on every node. Never give a uid to somebody else.\n";
  std::int64_t uid = kFirstUid;
  for (auto& [name, own] : people) {
    own = uid++;
    text += fmt::format("\n[[person]]\nname = {}\nuid = {}\n", quote(name), own);
  }
  return text;
}

// The files by the paths they will have.
spec::Sources sources_of(const InitArguments& arguments, const Answers& answers) {
  const auto file = [&](const char* name, std::string text) {
    return spec::SourceText{arguments.directory + "/" + name, std::move(text)};
  };
  spec::Sources sources{.cluster_config = file("cluster-config.json", cluster_config(answers)),
                        .provisioning_parameters =
                            file("provisioning-parameters.json", provisioning_parameters(answers)),
                        .campus = std::nullopt,
                        .name = {}};
  if (!answers.departments.empty()) {
    sources.campus = file("campus.toml", campus(answers));
  }
  return sources;
}

Status write_files(const std::string& directory, const std::vector<spec::SourceText>& files) {
  for (const spec::SourceText& file : files) {
    if (os::exists(file.name)) {
      Error error{ErrorKind::conflict, file.name + " is there already",
                  "provost init ANOTHER-DIRECTORY"};
      return pass(std::move(error));
    }
  }
  if (Status made = os::make_directories(directory); !made) {
    return made;
  }
  for (const spec::SourceText& file : files) {
    if (Status written = os::write_file(file.name, file.text, 0644); !written) {
      return written;
    }
  }
  return {};
}

// The files that are to be, as the API takes them: provostd knows the site's own types.
Request request_of(const std::vector<spec::SourceText>& files) {
  constexpr const char* kMembers[] = {"cluster_config", "provisioning_parameters", "campus"};
  Request request;
  for (std::size_t i = 0; i < std::size(kMembers); ++i) {
    request.body[kMembers[i]] =
        i < files.size()
            ? json::value(json::object{{"name", files[i].name}, {"text", files[i].text}})
            : json::value();
    if (i < files.size()) {
      request.texts[files[i].name] = files[i].text;
    }
  }
  return request;
}

}  // namespace

int init(const Context& context, const InitArguments& arguments) {
  const auto answers = gather(arguments);
  if (!answers) {
    report(answers.error());
    return kUsage;
  }
  const spec::Sources sources = sources_of(arguments, *answers);
  std::vector<spec::SourceText> files = {sources.cluster_config, *sources.provisioning_parameters};
  std::string command = "provost create --cluster-config " + files[0].name +
                        " --provisioning-parameters " + files[1].name;
  if (sources.campus) {
    files.push_back(*sources.campus);
    command += " --campus " + sources.campus->name;
  }
  FileArguments named{.name = {},
                      .cluster_config = sources.cluster_config.name,
                      .provisioning_parameters = sources.provisioning_parameters->name,
                      .campus = sources.campus ? sources.campus->name : ""};
  const auto checked = check_files(context, named, request_of(files));
  if (!checked) {
    return report(checked.error());
  }
  if (errors_in(list(*checked, "findings")) > 0) {
    std::cerr << findings_text(list(*checked, "findings"), request_of(files).texts,
                               context.terminal)
              << "provost: nothing was written\n";
    return kFailed;
  }
  if (const Status written = write_files(arguments.directory, files); !written) {
    return report(written.error());
  }
  for (const spec::SourceText& file : files) {
    std::cout << "wrote " << file.name << "\n";
  }
  std::cout << "next: edit them, then\n  " << command << "\n";
  return kDone;
}

}  // namespace provost::cli
