#include "cli/program.hpp"

#include "cli/documents.hpp"

namespace provost::cli {
namespace {

void add_file_options(CLI::App* command, FileArguments& files) {
  command->add_option("--cluster-config", files.cluster_config, "HyperPod's cluster-config.json")
      ->type_name("FILE");
  command
      ->add_option("--provisioning-parameters", files.provisioning_parameters,
                   "HyperPod's provisioning-parameters.json; not with Orchestrator.Slurm")
      ->type_name("FILE");
  command->add_option("--campus", files.campus, "campus.toml: departments and people")
      ->type_name("FILE");
  command->add_flag("--allow-unknown", files.allow_unknown,
                    "Fields that nobody knows are warnings: for files newer than this Provost");
}

void add_files(CLI::App* command, FileArguments& files) {
  command->add_option("name", files.name, "Name of the cluster, in place of ClusterName")
      ->type_name("CLUSTER");
  add_file_options(command, files);
}

}  // namespace

Program::Program()
    : Frame(Where::host, "Slurm clusters on your own machines, from HyperPod's files.",
            "Examples:\n"
            "  provost create --cluster-config cluster-config.json --campus campus.toml\n"
            "  provost describe university\n"
            "  provost ssh login-1\n"
            "  provost delete university\n"
            "Exit status: 0 done, 1 failed, 2 wrong usage, 3 plan: something to do, 4 denied, 5 "
            "provostd does not answer, 6 doctor: warnings only") {
  declare_making();
  declare_changing();
  declare_writing();
  declare_looking();
  declare_policy();
  people_.declare(*this);
  declare_reaching();
  declare_host();
  declare_keeping();
  declare_help();
  declare_manual();
}

void Program::declare_making() {
  CLI::App* make =
      command("create", "Make a cluster from its files",
              "  provost create --cluster-config cluster-config.json \\\n"
              "      --provisioning-parameters provisioning-parameters.json --campus campus.toml\n"
              "  provost create second --cluster-config cluster-config.json --no-wait",
              [this](const Context& context) { return create(context, create_); });
  add_files(make, create_.files);
  make->add_flag("--wait,!--no-wait", create_.wait, "Wait until it is in service (the default)");
  make->add_flag(
      "--rollback,!--no-rollback", create_.roll_back,
      "Take its nodes away when it does not come up (the default); without, they stay to "
      "be looked at");

  add_files(command("validate", "Say what is wrong with a cluster's files",
                    "  provost validate --cluster-config cluster-config.json --campus campus.toml",
                    [this](const Context& context) { return validate(context, validate_); }),
            validate_);
  for (const char* name : {"create", "validate"}) {
    find_command(name)->get_option("--cluster-config")->required();
  }

  CLI::App* take = command("delete", "Take a cluster away",
                           "  provost delete university\n"
                           "  provost delete university --yes --with-data\n"
                           "  provost delete forgotten --stray",
                           [this](const Context& context) { return remove(context, delete_); });
  take->add_option("cluster", delete_.cluster, "Name of the cluster")
      ->type_name("CLUSTER")
      ->required();
  take->add_flag("--yes,-y", delete_.yes, "Do not ask");
  take->add_flag("--with-data", delete_.with_data, "Remove what is on its /fsx, too");
  take->add_flag("--stray", delete_.stray,
                 "A cluster on this host that provostd does not know (provost status)");
  take->add_flag("--wait,!--no-wait", delete_.wait, "Wait until it is gone (the default)");

  CLI::App* await = command("wait", "Wait for a cluster",
                            "  provost wait university\n"
                            "  provost wait university --for deleted --timeout 60",
                            [this](const Context& context) { return wait(context, wait_); });
  await->add_option("cluster", wait_.cluster, "Name of the cluster")
      ->type_name("CLUSTER")
      ->required();
  await->add_option("--for", wait_.state, "InService or deleted")
      ->check(CLI::IsMember({"InService", "deleted"}))
      ->capture_default_str();
  await->add_option("--timeout", wait_.timeout, "Seconds to wait at most; 0: no limit")
      ->type_name("SECONDS")
      ->check(CLI::NonNegativeNumber);
}

void Program::declare_changing() {
  CLI::App* look =
      command("plan", "What edited files would change, and whom that would disturb",
              "  provost plan --cluster-config cluster-config.json\n"
              "  provost plan university --campus campus.toml\n"
              "A file that is not given stays as it is. Exit status 3: there is something to do.",
              [this](const Context& context) { return plan(context, change_); });
  CLI::App* make = command("apply", "Make a cluster what edited files say",
                           "  provost apply --cluster-config cluster-config.json\n"
                           "  provost apply university --campus campus.toml --no-wait\n"
                           "  provost apply --cluster-config cluster-config.json --now",
                           [this](const Context& context) { return apply(context, change_); });
  for (CLI::App* each : {look, make}) {
    add_files(each, change_.files);
    each->add_flag("--now", change_.now,
                   "Nodes that leave do not wait: their jobs are queued again, or end");
  }
  make->add_flag("--wait,!--no-wait", change_.wait, "Wait until it is done (the default)");
  make->add_option("--fingerprint", change_.fingerprint,
                   "Only the plan that was shown with this fingerprint")
      ->type_name("FINGERPRINT");

  CLI::App* more = command("scale", "Give groups of a cluster more or fewer nodes",
                           "  provost scale university cpu=4\n"
                           "  provost scale university cpu=2 gpu=0 --plan",
                           [this](const Context& context) { return scale(context, change_); });
  more->add_option("cluster", change_.files.name, "Name of the cluster")
      ->type_name("CLUSTER")
      ->required();
  more->add_option("counts", change_.counts, "GROUP=COUNT, for each group")
      ->type_name("GROUP=COUNT")
      ->required();
  more->add_flag("--plan", change_.only_plan, "Only say what it would do");
  more->add_flag("--now", change_.now,
                 "Nodes that leave do not wait: their jobs are queued again, or end");
  more->add_flag("--wait,!--no-wait", change_.wait, "Wait until it is done (the default)");
}

void Program::declare_writing() {
  CLI::App* what =
      command("explain", "What the files mean together, or what a field is",
              "  provost explain InstanceType\n"
              "  provost explain --cluster-config cluster-config.json --campus campus.toml\n"
              "  provost explain --cluster university      its files, and what supervisors changed",
              [this](const Context& context) { return explain_files_or_field(context); });
  what->add_option("field", explain_.field, "A field of any of the files: its name or path")
      ->type_name("FIELD");
  add_file_options(what, explain_.files);
  what->add_option("--cluster", explain_.cluster, "A cluster's own files, as provostd has them")
      ->type_name("CLUSTER");
  what->add_flag("--markdown", explain_.markdown, "Every field, as docs/files.md has it");

  command("types", "Instance types and their prices",
          "  provost types\n  provost types g5\n  provost types 'ml.p*.48xlarge'",
          [this](const Context& context) { return types(context, name_); })
      ->add_option("pattern", name_, "Only types with this in their name, or like this pattern")
      ->type_name("PATTERN");

  CLI::App* begin =
      command("init", "Write the three files of a new cluster",
              "  provost init                     asks a few questions\n"
              "  provost init mine --yes --name mine --compute cpu:ml.c5.xlarge:2 \\\n"
              "      --compute gpu:ml.g5.xlarge:1 --department nlp:minh,an",
              [this](const Context& context) { return init(context, init_); });
  begin->add_option("directory", init_.directory, "Where to write them")
      ->type_name("DIRECTORY")
      ->capture_default_str();
  begin->add_option("--name", init_.name, "Name of the cluster")->type_name("NAME");
  begin->add_option("--controller", init_.controller_type, "Type of the controller")
      ->type_name("TYPE");
  begin->add_option("--login", init_.login_type, "Type of the login nodes")->type_name("TYPE");
  begin->add_option("--login-nodes", init_.login_nodes, "How many of them; 0: none")
      ->type_name("COUNT")
      ->check(CLI::Range(0, 100));
  begin->add_option("--compute", init_.compute, "GROUP:TYPE:COUNT, once a group")
      ->type_name("GROUP:TYPE:COUNT");
  begin
      ->add_option("--department", init_.departments,
                   "NAME:SUPERVISOR,PERSON,..., once a department")
      ->type_name("NAME:PERSON,...");
  begin->add_flag("--yes,-y", init_.yes, "Do not ask; what is not given has a default");
}

int Program::explain_files_or_field(const Context& context) {
  return cli::explain(context, explain_);
}

void Program::declare_looking() {
  command("list", "All clusters", "  provost list\n  provost list --json",
          [](const Context& context) { return list_clusters(context); });
  CLI::App* one =
      command("describe", "All there is to say about a cluster", "  provost describe university",
              [this](const Context& context) { return describe(context, name_); });
  one->add_option("cluster", name_, "Name of the cluster")->type_name("CLUSTER")->required();
  CLI::App* all =
      command("nodes", "Nodes and their state", "  provost nodes\n  provost nodes university",
              [this](const Context& context) { return nodes(context, name_); });
  all->add_option("cluster,--cluster", name_, "Only this cluster's")->type_name("CLUSTER");
  CLI::App* happened = command("events", "What happened, and because of what",
                               "  provost events university\n  provost events --follow",
                               [this](const Context& context) { return events(context, events_); });
  happened->add_option("cluster,--cluster", events_.cluster, "Only this cluster's")
      ->type_name("CLUSTER");
  happened->add_flag("--follow,-f", events_.follow, "Go on with what happens from now");
  happened->add_option("--limit", events_.limit, "The newest N")
      ->type_name("COUNT")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
}

void Program::declare_policy() {
  CLI::App* changed =
      command("drift", "What somebody changed by hand in accounts and Slurm's files",
              "  provost drift university\n"
              "  provost drift university --mend\n"
              "Exit status 3: something is not as the files want it.",
              [this](const Context& context) { return drift(context, policy_); });
  changed->add_flag("--mend", policy_.mend, "Put the accounts right");
  changed->add_option("cluster,--cluster", policy_.cluster, "The cluster, where there are several")
      ->type_name("CLUSTER");
  CLI::App* tries =
      command("selftest", "Try the policy for real, and show what held",
              "  provost selftest university\n"
              "  provost selftest --last\n"
              "Exit status 1 when something failed. It takes about half a minute, runs its jobs on "
              "nodes\nwithout any, and takes all of it away again.",
              [this](const Context& context) { return selftest(context, selftest_); });
  tries->add_option("cluster,--cluster", selftest_.cluster, "The cluster, where there are several")
      ->type_name("CLUSTER");
  tries->add_flag("--last", selftest_.last, "Show what the last run found; try nothing");
  CLI::App* letters =
      command("mail", "What people have been told: the newest letters of the outbox",
              "  provost mail\n  provost mail --full --limit 1",
              [this](const Context& context) { return mail(context, mail_); });
  letters->add_option("--limit", mail_.limit, "The newest N")
      ->type_name("COUNT")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000));
  letters->add_flag("--full", mail_.full, "With their texts");
}

void Program::declare_reaching() {
  CLI::App* log =
      command("logs", "A node's log",
              "  provost logs cpu-1 --unit slurmd --follow\n"
              "  provost logs cpu-1 --unit lifecycle      the lifecycle script's output\n"
              "  provost logs cpu-1 --unit console        what the node printed at its start",
              [this](const Context& context) { return logs(context, logs_); });
  log->add_option("node", logs_.node, "Name or instance id of the node")
      ->type_name("NODE")
      ->required();
  log->add_option("--cluster", logs_.cluster, "Its cluster, where several have such a node")
      ->type_name("CLUSTER");
  log->add_option("--unit,-u", logs_.unit, "A systemd unit, lifecycle or console")
      ->type_name("UNIT");
  log->add_option("--lines,-n", logs_.lines, "How many of the last lines")
      ->type_name("COUNT")
      ->capture_default_str()
      ->check(CLI::Range(0, 1'000'000));
  log->add_flag("--follow,-f", logs_.follow, "Go on with what comes");

  CLI::App* on = command("exec", "Run a command as root on a node",
                         "  provost exec login-1 -- sinfo\n"
                         "  tar -cf - files | provost exec -i login-1 -- tar -xf - -C /fsx",
                         [this](const Context& context) { return exec(context, node_); });
  CLI::App* in = command("ssh", "Log in on a node as root",
                         "  provost ssh login-1\n  provost ssh login-1 -- uptime",
                         [this](const Context& context) { return ssh(context, node_); });
  for (CLI::App* each : {on, in}) {
    each->add_option("node", node_.node, "Name or instance id of the node")
        ->type_name("NODE")
        ->required();
    each->add_option("--cluster", node_.cluster, "Its cluster, where several have such a node")
        ->type_name("CLUSTER");
    each->add_option("command", node_.command, "The command and its arguments, after --")
        ->type_name("WORD");
  }
  on->get_option("command")->required();
  on->add_flag("--stdin,-i", node_.input, "Hand standard input on to the command");
}

void Program::declare_host() {
  command("status", "Is provostd ready, and what has its host", "  provost status",
          [](const Context& context) { return status(context); });
  CLI::App* check = command(
      "doctor", "Is this host fit for clusters, and is what runs on it well",
      "  provost doctor\n  provost doctor --fix\n  provost doctor --json | jq '.lines[]'\n"
      "Exit status: 0 all is well, 1 something failed, 6 warnings only. Works without provostd.",
      [this](const Context& context) { return doctor(context, doctor_); });
  check->add_flag("--fix", doctor_.fix,
                  "Do what is safe: remove leftovers, raise kernel limits, make directories");
  check->add_flag("--running", doctor_.running,
                  "With --fix: also end machines that run and belong to no cluster");
  check->add_flag("--unclaimed", doctor_.unclaimed,
                  "With --fix: also remove what has a name of Provost's and names no owner");
  check->add_option("--state", doctor_.state,
                    "State directory of the provostd in question (default: that of --socket)");
  CLI::App* bundle = command(
      "report", "One archive about a cluster for somebody who helps, without secrets",
      "  provost report university\n  provost report university --output /tmp/report.tar.gz",
      [this](const Context& context) { return report_cluster(context, report_); });
  bundle->add_option("cluster", report_.cluster, "Name of the cluster")
      ->type_name("CLUSTER")
      ->required();
  bundle->add_option("--output,-o", report_.output,
                     "The archive's file (default: provost-report-NAME-DATE.tar.gz here)");
  CLI::App* token = command("token", "Tokens for the API over TLS",
                            "  provost token create laptop >token\n"
                            "  provost --server https://host:7443 --authority authority.pem \\\n"
                            "      --token-file token list",
                            {});
  token->require_subcommand(1);
  const auto named = [&](const char* name, const char* summary, auto&& run) {
    command_below(token, name, summary,
                  [this, run](const Context& context) { return run(context, name_); })
        ->add_option("name", name_, "Name of the token")
        ->required()
        ->type_name("NAME");
  };
  named("create", "Make one; it is shown this once", token_create);
  named("delete", "It opens nothing any more", token_delete);
  command_below(token, "list", "All tokens",
                [](const Context& context) { return token_list(context); });

  CLI::App* bucket =
      command("bucket", "Buckets: directories that lifecycle scripts come from",
              "  provost bucket put lifecycle s3://sagemaker-university/lifecycle", {});
  bucket->require_subcommand(1);
  CLI::App* put =
      command_below(bucket, "put", "Put a directory's files into a bucket",
                    [this](const Context& context) { return bucket_put(context, bucket_); });
  put->add_option("directory", bucket_.directory, "What to copy")
      ->type_name("DIRECTORY")
      ->required();
  put->add_option("target", bucket_.target, "s3://BUCKET/PREFIX")->type_name("S3URI")->required();
  command_below(bucket, "list", "All buckets",
                [](const Context& context) { return bucket_list(context); });
}

void Program::declare_keeping() {
  CLI::App* copy = command("backup", "Copy provostd's store and keys into one file",
                           "  provost backup\n"
                           "  provost backup /media/safe/provost.tar.gz",
                           [this](const Context& context) { return backup(context, backup_); });
  copy->add_option("file", backup_.file, "File to make (default: with the time in its name, here)")
      ->type_name("FILE");
  CLI::App* back = command("restore", "Put the store of a backup in place of the present one",
                           "  systemctl stop provostd\n"
                           "  provost restore provost-backup-20261124T140233Z.tar.gz --check\n"
                           "  provost restore provost-backup-20261124T140233Z.tar.gz\n"
                           "  systemctl start provostd",
                           [this](const Context& context) { return restore(context, backup_); });
  back->add_option("file", backup_.file, "File of provost backup")->required()->type_name("FILE");
  back->add_option("--without", backup_.without,
                   "A cluster that shall not come back; may be repeated")
      ->type_name("NAME")
      ->expected(1)
      ->take_all();
  back->add_flag("--check", backup_.only_check, "Only read it and say what would happen");
  for (CLI::App* each : {copy, back}) {
    each->add_option("--state", backup_.state,
                     "State directory (default: that of the provostd that answers, or "
                     "/var/lib/provost)")
        ->type_name("DIRECTORY");
  }
}

void Program::declare_manual() {
  CLI::App* pages =
      command("man", "The manual pages, in roff",
              "  provost man | man -l -\n  provost man create | man -l -", [this](const Context&) {
                if (!directory_.empty()) {
                  const Status written = write_manual(app(), directory_);
                  return written ? static_cast<int>(kDone) : report(written.error());
                }
                return show(manual_of(app(), name_));
              });
  pages->add_option("command", name_, "Name of a command")->type_name("COMMAND");
  pages->add_option("--directory", directory_, "Write all pages as files into it")
      ->type_name("DIRECTORY");
}

}  // namespace provost::cli
