// What every command is given.
#pragma once

#include <string>
#include <vector>

#include "cli/client.hpp"
#include "cli/findings.hpp"
#include "cli/terminal.hpp"

namespace provost::cli {

struct Context {
  Client client;
  Terminal terminal;
  bool json = false;
};

// Each command: its arguments as a struct, and a function that returns the exit status.

struct FileArguments {
  std::string name;
  std::string cluster_config;
  std::string provisioning_parameters;
  std::string campus;
  bool allow_unknown = false;
};
struct CreateArguments {
  FileArguments files;
  bool wait = true;
  bool roll_back = true;
};
int create(const Context& context, const CreateArguments& arguments);
int validate(const Context& context, const FileArguments& arguments);
int types(const Context& context, const std::string& pattern);

struct ExplainArguments {
  std::string field;
  FileArguments files;
  std::string cluster;  ///< whose stored files are meant; empty: none
  bool markdown = false;
};
int explain(const Context& context, const ExplainArguments& arguments);

struct InitArguments {
  std::string directory = ".";
  std::string name;
  std::string controller_type;
  std::string login_type;
  int login_nodes = -1;                  ///< -1: ask, or 1
  std::vector<std::string> compute;      ///< "GROUP:TYPE:COUNT"
  std::vector<std::string> departments;  ///< "NAME:PERSON,PERSON"
  bool yes = false;                      ///< do not ask
};
int init(const Context& context, const InitArguments& arguments);

struct ChangeArguments {
  FileArguments files;
  bool now = false;  ///< nodes that leave do not wait for their jobs
  bool wait = true;
  std::string fingerprint;          ///< of the plan that shall be carried out, or none
  std::vector<std::string> counts;  ///< "GROUP=COUNT"
  bool only_plan = false;           ///< of scale
};
int scale(const Context& context, const ChangeArguments& arguments);
int plan(const Context& context, const ChangeArguments& arguments);
int apply(const Context& context, const ChangeArguments& arguments);

struct EventArguments {
  std::string cluster;
  bool follow = false;
  int limit = 200;
};
int list_clusters(const Context& context);
int describe(const Context& context, const std::string& cluster);
int nodes(const Context& context, const std::string& cluster);
int events(const Context& context, const EventArguments& arguments);

struct NodeArguments {
  std::string node;
  std::string cluster;
  std::vector<std::string> command;
  bool input = false;  ///< hand standard input on
};
struct LogArguments {
  std::string node;
  std::string cluster;
  std::string unit;
  int lines = 100;
  bool follow = false;
};
int logs(const Context& context, const LogArguments& arguments);
int exec(const Context& context, const NodeArguments& arguments);
int ssh(const Context& context, const NodeArguments& arguments);

struct DeleteArguments {
  std::string cluster;
  bool yes = false;
  bool with_data = false;
  bool stray = false;  ///< provostd does not know it
  bool wait = true;
};
struct WaitArguments {
  std::string cluster;
  std::string state = "InService";
  int timeout = 0;  ///< seconds; 0: none
};
int remove(const Context& context, const DeleteArguments& arguments);
int wait(const Context& context, const WaitArguments& arguments);

int token_create(const Context& context, const std::string& name);
int token_list(const Context& context);
int token_delete(const Context& context, const std::string& name);
struct BucketArguments {
  std::string directory;
  std::string target;  ///< "s3://bucket/prefix"
};
int bucket_put(const Context& context, const BucketArguments& arguments);
int bucket_list(const Context& context);
int status(const Context& context);

/// `given`, or the only cluster that there is. Errors: invalid (several), not_found (none).
Called<std::string> the_cluster(const Context& context, const std::string& given);

struct PolicyArguments {
  std::string cluster;  ///< empty: the only one
  std::string job;
  std::string person;
  std::string department;
  bool mend = false;
};
int drift(const Context& context, const PolicyArguments& arguments);
int why(const Context& context, const PolicyArguments& arguments);
int my(const Context& context, const PolicyArguments& arguments);
int department(const Context& context, const PolicyArguments& arguments);

int idle(const Context& context, const PolicyArguments& arguments);
int calendar(const Context& context, const PolicyArguments& arguments);

/// What supervisors do.
struct SuperviseArguments {
  std::string cluster;  ///< empty: the only one
  std::string account;
  std::string subject;  ///< a person, a project, "gpus_per_user=4"
  std::string title;
  std::string lead;
  std::string job;
  int drop = 0;  ///< number of the amendment to take back; 0: none
};
/// `verb` as the API has it: "add_member".
int amend(const Context& context, const std::string& verb, const SuperviseArguments& arguments);
int limit(const Context& context, const SuperviseArguments& arguments);
int overlay(const Context& context, const SuperviseArguments& arguments);
/// `act`: "hold", "release", "cancel".
int act_on_job(const Context& context, const std::string& act, const SuperviseArguments& arguments);

struct SelftestArguments {
  std::string cluster;  ///< empty: the only one
  bool last = false;
};
int selftest(const Context& context, const SelftestArguments& arguments);

struct MailArguments {
  int limit = 20;
  bool full = false;  ///< the letters' texts, too
};
int mail(const Context& context, const MailArguments& arguments);

struct UsageArguments {
  std::string cluster;  ///< empty: the only one
  std::string by = "department";
  std::string from;
  std::string to;
  std::string last;  ///< "day", "week", "month", "year"
  bool csv = false;
};
int usage(const Context& context, const UsageArguments& arguments);

struct DoctorArguments {
  std::string state;  ///< empty: where the provostd at the socket keeps it
  bool fix = false;
  bool running = false;    ///< leftover machines that run are ended, too
  bool unclaimed = false;  ///< leftovers that name no owner go, too
};
int doctor(const Context& context, const DoctorArguments& arguments);
struct ReportArguments {
  std::string cluster;
  std::string output;  ///< a file or a directory; empty: the working directory
};
int report_cluster(const Context& context, const ReportArguments& arguments);
struct BackupArguments {
  std::string file;   ///< empty: a name with the time in it, here
  std::string state;  ///< empty: that of the provostd that answers, or /var/lib/provost
  std::vector<std::string> without;  ///< of restore: clusters that shall not come back
  bool only_check = false;           ///< of restore
};
int backup(const Context& context, const BackupArguments& arguments);
int restore(const Context& context, const BackupArguments& arguments);

/// A cluster's files as the API takes them, and their texts by name.
struct Request {
  json::object body;
  Texts texts;
};
Result<Request> read_files(const FileArguments& arguments);

/// What provostd says of files; where it does not answer, what the files alone say, with a note.
Called<json::object> check_files(const Context& context, const FileArguments& arguments,
                                 const Request& request);

/// "costs 2.31 USD an hour, ...", of an explanation as the API gives it.
std::string cost_line(const json::object& explanation);

/// A table of what supervisors changed; empty of nothing.
std::string overlay_text(const Context& context, const json::array& amendments);

/// Prints one object as JSON.
int print(const json::object& object);

}  // namespace provost::cli
