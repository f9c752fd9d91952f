// What every command is given.
#pragma once

#include <string>
#include <vector>

#include "cli/client.hpp"
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
};
struct CreateArguments {
  FileArguments files;
  bool wait = true;
};
int create(const Context& context, const CreateArguments& arguments);
int validate(const Context& context, const FileArguments& arguments);

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

/// Prints one object as JSON.
int print(const json::object& object);

}  // namespace provost::cli
