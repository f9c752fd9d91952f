#include "cli/pages.hpp"

#include <algorithm>
#include <array>

namespace provost::cli {
namespace {

constexpr std::string_view kExits =
    "0\tdone\n"
    "1\tfailed; the message says why and names the next command\n"
    "2\twrong usage\n"
    "4\tdenied\n"
    "5\tprovostd does not answer";

constexpr std::string_view kNodeExits =
    "any\tthat of the command on the node\n"
    "1\tthere is no such node, or it cannot be reached\n"
    "4\tdenied\n"
    "5\tprovostd does not answer";

struct Words {
  std::string_view command;
  std::string_view text;
  std::string_view exits = kExits;
  std::string_view files = {};
  std::array<std::string_view, 3> see_also = {};
};

constexpr std::array kWords = {
    Words{.command = "create",
          .text =
              "Checks the files of a cluster whole, stores what is wanted and makes it: network, "
              "nodes, "
              "Slurm, people. Mistakes are told all at once, each with file, line and column, and "
              "then nothing is made.\n\n"
              "With `--wait`, the default, it shows what is being done until the cluster is in "
              "service. Interrupted by Ctrl-C it only stops looking: provostd goes on, after a "
              "restart of its own or of the host too.",
          .files = "/etc/provost/instance-types.csv\tinstance types and prices of the site's own",
          .see_also = {"provost-validate(1)", "provost-wait(1)", "provost-delete(1)"}},
    Words{.command = "validate",
          .text =
              "Checks the files as `provost create` does, without making anything, and says what "
              "they "
              "cost. Where provostd does not answer, the files alone are checked; a note says so.",
          .see_also = {"provost-explain(1)", "provost-create(1)"}},
    Words{
        .command = "drift",
        .text =
            "Says what is not as the files want it because somebody changed it by hand: accounts, "
            "associations and QoS in slurmdbd, with who did what since Provost wrote them last, "
            "and lines of Slurm's files. With `drift = \"mend\"` in campus.toml accounts are put "
            "right by themselves within a minute; with \"report\", the default, an event tells of "
            "them and they stay until `--mend` is given or another policy is applied. What becomes "
            "of files is said by SlurmConfigStrategy.",
        .exits = "0\teverything is as the files want it\n3\tsomething is not\n1\tfailed",
        .see_also = {"provost-plan(1)", "provost-apply(1)"}},
    Words{
        .command = "why",
        .text =
            "Says in one or two sentences why a job waits: which limit, where campus.toml has it, "
            "who uses it up, when the first of them ends, and what would let the job start sooner.",
        .see_also = {"provost-my(1)", "provost-usage(1)"}},
    Words{.command = "my",
          .text =
              "Shows what a person has and may have: departments and projects with their "
              "supervisors, "
              "partitions, QoS, shares and limits, how much of each limit is used now, and their "
              "jobs, each waiting one with why.",
          .see_also = {"provost-why(1)", "provost-department(1)"}},
    Words{.command = "department",
          .text = "Shows a department as its supervisor sees it: people, projects, limits with "
                  "their use, "
                  "and all of its jobs, each waiting one with why.",
          .see_also = {"provost-my(1)", "provost-usage(1)"}},
    Words{.command = "member",
          .text =
              "Adds a person of the campus to a department or project, or takes a member out. For "
              "supervisors of the department, for who leads the project, and for administrators. "
              "It is kept as an overlay on campus.toml (provost-overlay(1)). Who is taken out gets "
              "no new jobs; those that run end by themselves.",
          .see_also = {"provost-project(1)", "provost-overlay(1)", "provost-department(1)"}},
    Words{.command = "project",
          .text =
              "Adds a project: a Slurm account below a department's or another project's, for "
              "supervisors of the department. What a supervisor added a supervisor removes, with "
              "its members and limits, when its jobs have ended; projects of campus.toml are the "
              "administrator's.",
          .see_also = {"provost-member(1)", "provost-limit(1)", "provost-overlay(1)"}},
    Words{.command = "limit",
          .text =
              "Limits a department or project below what campus.toml says, for supervisors of the "
              "department; names and values are those of `limits` there. More than the file "
              "allows is refused, and so is what a QoS of the department limits already. With "
              "`none` the file's own holds again. Refusals, provost-why(1) and provost-my(1) name "
              "such a limit by its number, as in \"overlay 4\".",
          .see_also = {"provost-overlay(1)", "provost-department(1)", "provost-explain(1)"}},
    Words{.command = "overlay",
          .text =
              "Shows what supervisors changed: an overlay on campus.toml that stays when the file "
              "is changed and applied. What has no effect beside the file as it is now says why. "
              "Supervisors see their departments', administrators all. `--drop` takes one back.",
          .see_also = {"provost-member(1)", "provost-limit(1)", "provost-explain(1)"}},
    Words{.command = "job",
          .text = "Holds, releases or cancels a job of a department, for its supervisors and for "
                  "administrators; each is an event with who did it. Of jobs of one's own Slurm's "
                  "`scontrol hold`, `scontrol release` and `scancel` do the same.",
          .see_also = {"provost-why(1)", "provost-department(1)"}},
    Words{.command = "usage",
          .text =
              "Accounts for a period: CPU, GPU, shard and memory hours by department, project, "
              "supervisor or user, how long jobs waited, and how much of what they were given they "
              "used. A job counts with the part of it that lies within the period; one that runs "
              "counts until now. Efficiency is of jobs that ended in the period, over their whole "
              "time; memory is the most that one step used at once.",
          .see_also = {"provost-my(1)", "provost-department(1)"}},
    Words{
        .command = "calendar",
        .text =
            "Shows the reservations of campus.toml as Slurm has them, with when each begins next, "
            "for whom, and on which nodes; and those that somebody made by hand with scontrol, "
            "which are left alone. Jobs of people who may use a reservation go into it by "
            "themselves. provost-my(1) announces to a person what concerns them two weeks ahead.",
        .see_also = {"provost-my(1)", "provost-explain(1)"}},
    Words{.command = "idle",
          .text =
              "Shows the jobs that run as the campus's rule about unused allocations sees them. An "
              "interactive allocation (one without a batch script) is unused while its processes "
              "take less than a small part of one CPU; after the rule's time it is released. Its "
              "owner is warned before, in the session and by a letter (provost-mail(1)); both are "
              "events with their numbers. A job with GPUs of its own whose use cannot be seen is "
              "left alone, and so is what the rule exempts.",
          .see_also = {"provost-mail(1)", "provost-events(1)", "provost-explain(1)"}},
    Words{
        .command = "selftest",
        .text =
            "Tries what the policy promises, by a user of its own (provost-selftest): that a login "
            "node opens without a job and a compute node does not, that a session belongs to its "
            "job, opens its GPUs and no others and ends with it, that a limit of time and a "
            "closed partition refuse. Each line of the table names the line of campus.toml that "
            "it proves. What the cluster has no room for, or the campus no rule for, is not "
            "tried, and says why. It is also done after each change, unless campus.toml says "
            "selftest = \"on demand\". Jobs run on nodes without any other; the user's account "
            "and key are there while it tries, and only the accounting of its jobs stays.",
        .see_also = {"provost-events(1)", "provost-explain(1)"}},
    Words{.command = "mail",
          .text =
              "Shows the newest letters to people. They are kept for 90 days as a Maildir in "
              "provostd's state directory (mail/), from which a site's own mail program may send "
              "them; Provost sends nothing by itself.",
          .see_also = {"provost-idle(1)"}},
    Words{.command = "delete",
          .text =
              "Takes a cluster away: its jobs, nodes, network and everything it has left on the "
              "host. What its people have on /fsx stays, unless `--with-data` is given; buckets "
              "stay always. It ends with an inventory of what was there, what is gone, what was "
              "kept and, should there be any, what is left over.\n\n"
              "On a terminal it asks for the cluster's name first; elsewhere it wants `--yes`.\n\n"
              "`--stray` removes the machines of a cluster that are on this host and that "
              "provostd does not know, as after a restore of an old backup; `provost status` "
              "names them. Nothing else touches them.",
          .see_also = {"provost-wait(1)", "provost-restore(1)"}},
    Words{.command = "wait",
          .text = "Waits until a cluster is in service, or until it is deleted.",
          .exits = "0\tit is\n1\tit has failed, or the time is over\n2\twrong usage\n4\tdenied\n"
                   "5\tprovostd does not answer",
          .see_also = {"provost-create(1)", "provost-delete(1)"}},
    Words{
        .command = "plan",
        .text =
            "Says what edited files would change of a cluster in service, which jobs that would "
            "wait for or end, and what it would cost. Changes nothing.\n\n"
            "The cluster is the one that the file's ClusterName names, or the one given. A file "
            "that is "
            "not given stays as it is.",
        .exits =
            "0\tnothing to do\n1\tit cannot be done\n2\twrong usage\n3\tthere is something to do\n"
            "4\tdenied\n5\tprovostd does not answer",
        .see_also = {"provost-apply(1)", "provost-scale(1)"}},
    Words{.command = "apply",
          .text =
              "Shows the plan of `provost plan` and carries it out. If jobs, nodes or files have "
              "moved "
              "in between it does nothing and says so. Nodes that leave take no new jobs and go "
              "when the last has ended; with `--now` their jobs are queued again, or end.",
          .see_also = {"provost-plan(1)", "provost-scale(1)", "provost-wait(1)"}},
    Words{
        .command = "scale",
        .text =
            "Changes InstanceCount of groups in the files that the cluster has, and nothing else. "
            "Bring your own copy of the file up to date: the next `provost apply` of it takes "
            "the count back.",
        .see_also = {"provost-plan(1)", "provost-apply(1)"}},
    Words{
        .command = "doctor",
        .text =
            "Looks at the host (kernel, control groups, memory, disks, packages, ports, clock, "
            "limits, image, store, permissions, leftovers) and at what runs on it (provostd, "
            "certificates, every cluster's daemons). A line a check: PASS, WARN or FAIL, what was "
            "found, the mend, and the command to see it by hand. Works without provostd, too.\n\n"
            "With `--fix` it does what is safe, says what it did, and checks again.",
        .exits = "0\tall is well\n1\ta check failed\n2\twrong usage\n6\twarnings only",
        .see_also = {"provost-report(1)", "provostd(8)"}},
    Words{.command = "report",
          .text = "Writes one archive about a cluster for somebody who helps: its files, plan and "
                  "events, "
                  "logs of the last day of every node, Slurm's configuration, versions, and what "
                  "`provost doctor` says. Secrets are removed. What cannot be had is named in its "
                  "MANIFEST.",
          .see_also = {"provost-doctor(1)", "provost-logs(1)"}},
    Words{.command = "explain",
          .text =
              "With a field's name it says what the field is, what it may hold and what becomes of "
              "it here. With files it says what they mean together: groups, nodes, partitions, "
              "people, cost.",
          .see_also = {"provost-types(1)", "provost-validate(1)"}},
    Words{.command = "types",
          .text =
              "Lists instance types with processors, memory, GPUs and price an hour; those of the "
              "site's own, too.",
          .files = "/etc/provost/instance-types.csv\tinstance types and prices of the site's own",
          .see_also = {"provost-explain(1)"}},
    Words{.command = "init",
          .text =
              "Asks a few questions, or takes the answers as options, and writes "
              "cluster-config.json, provisioning-parameters.json and campus.toml. Files that are "
              "there are never overwritten.",
          .see_also = {"provost-validate(1)", "provost-create(1)"}},
    Words{.command = "list",
          .text = "One line a cluster: its status, and how many of its nodes run.",
          .see_also = {"provost-describe(1)"}},
    Words{
        .command = "describe",
        .text =
            "Groups, nodes, partitions and jobs of a cluster, what is being done to it and what it "
            "waits for, what is broken and why, and what the host has less of than the "
            "instance types say.",
        .see_also = {"provost-nodes(1)", "provost-events(1)"}},
    Words{.command = "nodes",
          .text = "One line a node: its status, Slurm's state of it and what is being done to it.",
          .see_also = {"provost-describe(1)", "provost-logs(1)"}},
    Words{.command = "events",
          .text = "What happened, oldest first, each line with its because.",
          .see_also = {"provost-logs(1)"}},
    Words{.command = "logs",
          .text = "The journal of a node, or what one unit of it wrote. `--unit lifecycle` is the "
                  "lifecycle script's output, kept on the host; `--unit console` what the node "
                  "printed when it started, there also when it cannot be reached.",
          .see_also = {"provost-events(1)", "provost-exec(1)"}},
    Words{.command = "exec",
          .text =
              "Runs a command as root on a node, by its agent: no ssh is needed. The command's "
              "arguments are handed on as they are, through no shell. Output and exit status are "
              "the command's.",
          .exits = kNodeExits,
          .see_also = {"provost-ssh(1)", "provost-logs(1)"}},
    Words{.command = "ssh",
          .text = "Logs in on a node as root with provostd's own key. On provostd's machine only.",
          .exits = kNodeExits,
          .files = "/var/lib/provost/ssh/admin\tthe key, root's alone",
          .see_also = {"provost-exec(1)", "ssh(1)"}},
    Words{.command = "status",
          .text = "Whether provostd is ready, since when, what its host has, and which clusters "
                  "are on the "
                  "host that it does not know (strays).",
          .see_also = {"provostd(8)"}},
    Words{.command = "token",
          .text = "Tokens open the API over TLS to machines elsewhere. A token's secret is shown "
                  "once, when "
                  "it is made; provostd keeps only its hash. Tokens are made, listed and deleted "
                  "as root on provostd's "
                  "machine only.",
          .files = "/var/lib/provost/authority.pem\tthe certificate to give to --authority",
          .see_also = {"provostd(8)"}},
    Words{
        .command = "bucket",
        .text =
            "A bucket is a directory of the host that lifecycle scripts are copied from, named in "
            "cluster-config.json as s3://BUCKET/PREFIX. `provost bucket put` replaces what is at "
            "the prefix as a whole.",
        .files = "/var/lib/provost/buckets\tthe buckets",
        .see_also = {"provost-create(1)"}},
    Words{
        .command = "backup",
        .text =
            "Copies the store of provostd, while it runs or not, into one new file of mode 0600: "
            "all clusters with their files, nodes, events and tokens' hashes, and all keys, those "
            "of provostd and of each cluster. Whoever has the file can act as provostd: keep it as "
            "root's "
            "password is kept.\n\n"
            "Not in it: /fsx, buckets, nodes' disks (Slurm's queue and accounting among them), "
            "/etc/provost, and the node image, which is made again.\n\n"
            "A damaged store is not backed up, and a file that is there is not overwritten. The "
            "file is a "
            "gzipped tar archive; tar -xOzf FILE manifest.json tells what it is.",
        .files = "/var/lib/provost/provost.db\tthe store",
        .see_also = {"provost-restore(1)", "provostd(8)"}},
    Words{.command = "restore",
          .text = "Puts the store of a backup in place of the present one. provostd must be "
                  "stopped; nodes "
                  "and their jobs go on meanwhile. The file is read wholly first; one that is "
                  "truncated, changed, of a newer Provost or no backup changes nothing. The store "
                  "that was there "
                  "is kept beside it, in a directory that is named. Killed at any instant, it has "
                  "either done nothing or is finished by the next start of provostd.\n\n"
                  "Clusters of the backup that are on the host are taken up again: agents connect, "
                  "jobs go on, and nodes that were made anew since stay. Clusters that are not on "
                  "the host any more are "
                  "made anew, empty, but for those named by `--without`. Clusters and nodes made "
                  "since the "
                  "backup are left alone: `provost status` calls such clusters strays, and "
                  "`provost delete NAME "
                  "--stray` removes one. `--check` tells all of this beforehand.",
          .files = "/var/lib/provost/replaced-TIME\tthe store that was there",
          .see_also = {"provost-backup(1)", "provost-delete(1)", "provostd(8)"}},
    Words{.command = "help",
          .text = "Shows the commands, or what `provost COMMAND --help` shows.",
          .see_also = {"provost-man(1)"}},
    Words{
        .command = "completion",
        .text =
            "Writes the script with which a shell completes commands, options, files, and names of "
            "clusters and nodes. The package of Provost installs those of bash, zsh and fish.",
        .see_also = {"bash(1)", "zsh(1)"}},
    Words{.command = "man",
          .text = "Writes provost(1), or with a command's name that command's page, in roff; with "
                  "`--directory` all pages as files.",
          .see_also = {"man(1)"}},
};

manual::Page page_of(const Words& words) {
  manual::Page page{.name = words.command, .summary = {}, .text = words.text, .exits = words.exits};
  page.files = words.files;
  page.see_also.emplace_back("provost(1)");
  for (const std::string_view each : words.see_also) {
    if (!each.empty()) {
      page.see_also.emplace_back(each);
    }
  }
  return page;
}

}  // namespace

manual::Page program_page() {
  return {
      .name = "provost",
      .section = 1,
      .summary = "Slurm clusters on your own machines, from HyperPod's files",
      .text =
          "Provost turns machines a university owns, or one laptop, into what Amazon SageMaker "
          "HyperPod gives it in the cloud: a Slurm cluster with controller, login and compute "
          "groups, described by HyperPod's own files, made with one command, watched, repaired "
          "and taken away again. `provost` asks provostd(8), as root over its socket, or from "
          "elsewhere with `--server` and a token.\n\n"
          "Options stand before or after the command. Every command takes `--json` and `--help`.",
      .exits =
          "0\tdone\n1\tfailed; the message says why and names the next command\n2\twrong usage\n"
          "3\tof plan: there is something to do\n4\tdenied\n5\tprovostd does not answer\n"
          "130\tinterrupted; what was begun goes on\n"
          "any\tof exec and ssh: that of the command on the node",
      .environment = "PROVOST_SOCKET\tsocket of provostd, as --socket\nNO_COLOR\tno colours",
      .files =
          "/run/provost/provostd.sock\tsocket of the API, for root\n"
          "/var/lib/provost\tstate of provostd\n"
          "/etc/provost/instance-types.csv\tinstance types and prices of the site's own\n"
          "/usr/share/doc/provost\tdocumentation by task, and examples",
      .see_also = {"provostd(8)", "provost-agent(8)", "sinfo(1)"}};
}

std::optional<manual::Page> command_page(std::string_view command) {
  const auto* found = std::find_if(kWords.begin(), kWords.end(),
                                   [&](const Words& each) { return each.command == command; });
  return found == kWords.end() ? std::nullopt : std::optional(page_of(*found));
}

std::vector<std::string_view> commands_with_pages() {
  std::vector<std::string_view> names;
  names.reserve(kWords.size());
  for (const Words& each : kWords) {
    names.push_back(each.command);
  }
  return names;
}

}  // namespace provost::cli
