#include "cli/people.hpp"

namespace provost::cli {
namespace {

void add_cluster(CLI::App* command, std::string& cluster) {
  command->add_option("--cluster", cluster, "The cluster, where there are several")
      ->type_name("CLUSTER");
}

}  // namespace

void PeopleCommands::declare(Frame& frame) {
  declare_answers(frame);
  declare_dates(frame);
  declare_members(frame);
  declare_limits(frame);
  declare_jobs(frame);
}

void PeopleCommands::declare_answers(Frame& frame) {
  CLI::App* reason =
      frame.command("why", "Why a job waits, and what would let it start sooner",
                    "  provost why 17\n  provost why 17 --cluster university",
                    [this](const Context& context) { return why(context, policy_); });
  reason->add_option("job", policy_.job, "Number of the job")->type_name("JOB")->required();
  CLI::App* mine = frame.command("my", "A person's departments, limits, use and jobs",
                                 frame.where() == Where::host
                                     ? "  provost my --as minh\n  provost my --as minh --json"
                                     : "  provost my\n  provost my --json",
                                 [this](const Context& context) { return my(context, policy_); });
  if (frame.where() == Where::host) {
    mine->add_option("--as", policy_.person, "The person")->type_name("PERSON");
  }
  CLI::App* one =
      frame.command("department", "A department's people, projects, limits, use and jobs",
                    "  provost department nlp\n  provost department nlp --json",
                    [this](const Context& context) { return department(context, policy_); });
  one->add_option("department", policy_.department, "Name of the department")
      ->type_name("DEPARTMENT")
      ->required();
  for (CLI::App* each : {reason, mine, one}) {
    each->add_option("--cluster", policy_.cluster, "The cluster, where there are several")
        ->type_name("CLUSTER");
  }
}

void PeopleCommands::declare_dates(Frame& frame) {
  CLI::App* used =
      frame.command("usage", "Hours used, waits and efficiency over a period",
                    "  provost usage --last month\n"
                    "  provost usage --by user --from 2027-03-01 --to 2027-03-31 --csv\n"
                    "Days are whole days in UTC; --to is the last of them.",
                    [this](const Context& context) { return usage(context, usage_); });
  used->add_option("cluster,--cluster", usage_.cluster, "The cluster, where there are several")
      ->type_name("CLUSTER");
  used->add_option("--by", usage_.by, "department, project, supervisor or user")
      ->check(CLI::IsMember({"department", "project", "supervisor", "user"}))
      ->capture_default_str();
  used->add_option("--from", usage_.from, "First day, as in 2027-03-01")->type_name("DATE");
  used->add_option("--to", usage_.to, "Last day; today unless it is given")->type_name("DATE");
  used->add_option("--last", usage_.last, "day, week, month or year until now (a month by default)")
      ->check(CLI::IsMember({"day", "week", "month", "year"}));
  used->add_flag("--csv", usage_.csv, "Comma-separated, with a line of names");
  CLI::App* unused =
      frame.command("idle", "Allocations that nobody uses, and when they are released",
                    "  provost idle university",
                    [this](const Context& context) { return idle(context, policy_); });
  CLI::App* dates =
      frame.command("calendar", "Reservations and maintenance, and when each comes next",
                    "  provost calendar university",
                    [this](const Context& context) { return calendar(context, policy_); });
  for (CLI::App* each : {unused, dates}) {
    each->add_option("cluster,--cluster", policy_.cluster, "The cluster, where there are several")
        ->type_name("CLUSTER");
  }
}

void PeopleCommands::declare_members(Frame& frame) {
  const auto add = [&](CLI::App* parent, const char* name, const char* summary, const char* verb,
                       const char* first, const char* account) {
    CLI::App* made = frame.command_below(
        parent, name, summary,
        [this, verb](const Context& context) { return amend(context, verb, supervise_); });
    const std::string type(first);
    made->add_option(type == "PERSON" ? "person" : "project", supervise_.subject,
                     type == "PERSON" ? "The person" : "Name of the project")
        ->required()
        ->type_name(type);
    if (account != nullptr) {
      made->add_option("account", supervise_.account, account)->required()->type_name("ACCOUNT");
    }
    add_cluster(made, supervise_.cluster);
    return made;
  };
  CLI::App* member = frame.command("member", "Who is in a department or project you supervise",
                                   "  provost member add duc nlp\n"
                                   "  provost member remove duc nlp",
                                   {});
  member->require_subcommand(1);
  constexpr const char* kWhere = "The department or project";
  add(member, "add", "A person of the campus becomes a member", "add_member", "PERSON", kWhere);
  add(member, "remove", "A member leaves: no new jobs, and those that run end by themselves",
      "remove_member", "PERSON", kWhere);

  CLI::App* project = frame.command("project", "Projects of a department you supervise",
                                    "  provost project add speech nlp --title Speech --lead minh\n"
                                    "  provost project remove speech",
                                    {});
  project->require_subcommand(1);
  CLI::App* begin = add(project, "add", "A new account below a department or project",
                        "add_project", "PROJECT", "The department or project it is part of");
  begin->add_option("--title", supervise_.title, "Its name for people")->type_name("TITLE");
  begin->add_option("--lead", supervise_.lead, "Who adds and removes its members, too")
      ->type_name("PERSON");
  add(project, "remove", "A project that a supervisor added goes, with its limits",
      "remove_project", "PROJECT", nullptr);
}

void PeopleCommands::declare_limits(Frame& frame) {
  CLI::App* less = frame.command(
      "limit", "Limit a department or project you supervise below what campus.toml allows",
      "  provost limit nlp gpus_per_user=4\n"
      "  provost limit viet-llm wall=12h\n"
      "  provost limit nlp gpus_per_user=none      what campus.toml says holds again",
      [this](const Context& context) { return limit(context, supervise_); });
  less->add_option("account", supervise_.account, "The department or project")
      ->required()
      ->type_name("ACCOUNT");
  less->add_option("limit", supervise_.subject,
                   "NAME=VALUE, names as in campus.toml; none: no more")
      ->required()
      ->type_name("NAME=VALUE");
  add_cluster(less, supervise_.cluster);

  CLI::App* all =
      frame.command("overlay", "What supervisors changed, over campus.toml",
                    "  provost overlay\n"
                    "  provost overlay --drop 4      takes it back",
                    [this](const Context& context) { return overlay(context, supervise_); });
  all->add_option("cluster,--cluster", supervise_.cluster, "The cluster, where there are several")
      ->type_name("CLUSTER");
  all->add_option("--drop", supervise_.drop, "Take this one back")
      ->type_name("NUMBER")
      ->check(CLI::PositiveNumber);
}

void PeopleCommands::declare_jobs(Frame& frame) {
  CLI::App* job = frame.command("job", "Jobs of a department you supervise",
                                "  provost job hold 17\n"
                                "  provost job release 17\n"
                                "  provost job cancel 17",
                                {});
  job->require_subcommand(1);
  const auto add = [&](const char* name, const char* summary) {
    CLI::App* made = frame.command_below(job, name, summary, [this, name](const Context& context) {
      return act_on_job(context, name, supervise_);
    });
    made->add_option("job", supervise_.job, "Number of the job")->required()->type_name("JOB");
    add_cluster(made, supervise_.cluster);
  };
  add("hold", "One that waits does not start until it is released");
  add("release", "One that is held waits its turn again");
  add("cancel", "It ends, or does not start");
}

PeopleProgram::PeopleProgram()
    : Frame(Where::node, "What is yours on this cluster, and what you supervise.",
            "Examples:\n"
            "  provost my\n"
            "  provost why 17\n"
            "  provost member add duc nlp\n"
            "Exit status: 0 done, 1 failed, 2 wrong usage, 4 denied, 5 provostd does not answer") {
  people_.declare(*this);
  declare_help();
}

}  // namespace provost::cli
