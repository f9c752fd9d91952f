#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "cli/doctor.hpp"
#include "cli/documents.hpp"
#include "cli/findings.hpp"
#include "cli/pages.hpp"
#include "cli/program.hpp"
#include "cli/watch.hpp"
#include "os/files.hpp"
#include "os/process.hpp"

namespace provost::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Terminal kPlain;
const Terminal kScreen{.interactive = true, .colour = false, .width = 30};

TEST(Table, IsAsWideAsItsCellsAndLeavesEmptyColumnsOut) {
  Table table({"NAME", "NOTHING", "STATUS"});
  table.add({"một", "", "Running"});
  table.add({"login-1", "", "Pending"});
  EXPECT_EQ(table.text(kPlain), "NAME     STATUS\nmột      Running\nlogin-1  Pending\n");
}

TEST(Table, CutsItsLastColumnAtTheScreensEdge) {
  Table table({"NAME", "NOTE"});
  table.add({"cpu-1", "a note that is much longer than the screen"});
  EXPECT_EQ(columns(table.text(kScreen).substr(table.text(kScreen).find('\n') + 1)), 31U);
}

TEST(Wrap, BreaksBetweenWordsAndLosesNothing) {
  EXPECT_THAT(wrap("one two three", 8), ElementsAre("one two", "three"));
  EXPECT_THAT(wrap("một hai ba", 7), ElementsAre("một hai", "ba"));
  EXPECT_THAT(wrap("/a/path/without/blanks", 8), ElementsAre("/a/path/", "without/", "blanks"));
  EXPECT_THAT(wrap("", 8), ElementsAre(""));
  EXPECT_THAT(wrap("exactly8", 8), ElementsAre("exactly8"));
}

TEST(Doctor, GivesEachCheckOneLineOffATerminalAndTheScreensWidthOnIt) {
  const std::vector<support::Line> lines = {
      {.check = "memory", .finding = "12 of 16 MiB available", .by_hand = "free -m"},
      {.check = "store",
       .verdict = support::Verdict::fail,
       .finding = "the file /var/lib/provost/provost.db is damaged",
       .mend = "put a backup back",
       .by_hand = "sqlite3 /var/lib/provost/provost.db"}};
  const std::string plain = to_text(lines, kPlain);
  EXPECT_EQ(std::count(plain.begin(), plain.end(), '\n'), 3);
  EXPECT_THAT(plain, HasSubstr("FAIL    store   the file /var/lib/provost/provost.db is damaged  "
                               "put a backup back  sqlite3"));
  const Terminal screen{.interactive = true, .colour = false, .width = 100};
  std::istringstream shown(to_text(lines, screen));
  for (std::string line; std::getline(shown, line);) {
    EXPECT_LE(columns(line), 100U) << line;
    EXPECT_THAT(line, ::testing::Not(HasSubstr("…"))) << "nothing of a command is cut";
  }
}

TEST(Doctor, ReadsWhatProvostdSays) {
  const auto doctor = json::parse(R"({"certificate_ends_ms": 5000, "clusters": [{"name": "tiny",
    "status": "InService", "problem": null, "slurm_answers": true, "nodes": [{"name": "cpu-1",
    "role": "compute", "status": "Running", "agent": "connected", "seconds_since_heard": 3,
    "slurm": "idle", "reason": null, "units": [{"name": "slurmd.service", "state": "up"}]}]}]})");
  const support::Daemon daemon =
      read_daemon({{"version", "1"}, {"pid", 7}, {"state_directory", "/s"}}, doctor.as_object());
  EXPECT_TRUE(daemon.answers);
  EXPECT_EQ(daemon.pid, 7);
  EXPECT_EQ(daemon.certificate_ends, from_millis(5000));
  ASSERT_EQ(daemon.clusters.size(), 1U);
  EXPECT_EQ(check_cluster(daemon.clusters[0]).verdict, support::Verdict::pass);
  EXPECT_TRUE(read_daemon({}, {}).clusters.empty());
}

TEST(Excerpt, MarksThePlaceInLinesWithTabsAndUnicode) {
  EXPECT_EQ(excerpt("one\n\tname = ö x\n", 2, 12, 80), "     name = ö x\n              ^\n")
      << excerpt("one\n\tname = ö x\n", 2, 12, 80);
  EXPECT_EQ(excerpt("one\n", 9, 1, 80), "");
  EXPECT_EQ(excerpt("one\n", 0, 0, 80), "");
}

TEST(Excerpt, ShowsThePartOfALongLineThatMatters) {
  const std::string line = std::string(500, 'a') + "X" + std::string(500, 'b');
  const std::string shown = excerpt(line, 1, 501, 80);
  EXPECT_THAT(shown, HasSubstr("aX"));
  EXPECT_LT(shown.size(), 200U);
}

TEST(Findings, SayPlaceWhatAndWhatWouldBeRight) {
  const json::array findings = {json::object{{"severity", "error"},
                                             {"what", "the count is 0"},
                                             {"better", "1 to 6758"},
                                             {"file", "a.json"},
                                             {"line", 3},
                                             {"column", 7}}};
  EXPECT_EQ(findings_text(findings, {}, kPlain), "a.json:3:7: error: the count is 0; 1 to 6758\n");
  EXPECT_EQ(errors_in(findings), 1U);
}

TEST(Arguments, TakeGlobalOptionsBeforeAndAfterTheCommand) {
  Program before;
  EXPECT_EQ(before.parse({"--json", "list"}), "");
  EXPECT_TRUE(before.global().json);
  Program after;
  EXPECT_EQ(after.parse({"list", "--json", "--socket", "/x"}), "");
  EXPECT_TRUE(after.global().json);
  EXPECT_EQ(after.global().socket, "/x");
}

TEST(Arguments, HandTheCommandAfterTwoDashesOnUnchanged) {
  Program program;
  EXPECT_EQ(
      program.parse({"exec", "cpu-1", "--cluster", "u", "--", "ls", "--json", "-l", "--help"}), "");
  EXPECT_EQ(program.node().node, "cpu-1");
  EXPECT_EQ(program.node().cluster, "u");
  EXPECT_THAT(program.node().command, ElementsAre("ls", "--json", "-l", "--help"));
  EXPECT_FALSE(program.global().json);
}

TEST(Arguments, OnALoginNodeAreThoseOfPeople) {
  EXPECT_EQ(PeopleProgram().parse({"my"}), "");
  EXPECT_EQ(PeopleProgram().parse({"why", "17", "--json"}), "");
  EXPECT_EQ(PeopleProgram().parse({"member", "add", "duc", "nlp"}), "");
  EXPECT_EQ(PeopleProgram().parse({"project", "add", "speech", "nlp", "--lead", "minh"}), "");
  EXPECT_EQ(PeopleProgram().parse({"project", "remove", "speech"}), "");
  EXPECT_EQ(PeopleProgram().parse({"limit", "nlp", "gpus_per_user=4"}), "");
  EXPECT_EQ(PeopleProgram().parse({"overlay", "--drop", "4"}), "");
  EXPECT_EQ(PeopleProgram().parse({"job", "cancel", "17"}), "");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"create"},
                                                {"exec", "cpu-1"},
                                                {"my", "--as", "an"},
                                                {"drift"},
                                                {"member", "add", "duc"},
                                                {"job", "kill", "17"},
                                                {"overlay", "--drop", "-4"}}) {
    EXPECT_NE(PeopleProgram().parse(words), "") << words.front();
  }
}

TEST(Arguments, ThatAreMissingAreSaid) {
  EXPECT_NE(Program().parse({"exec", "cpu-1"}), "");
  EXPECT_NE(Program().parse({"create"}), "");
  EXPECT_NE(Program().parse({}), "");
}

std::vector<std::string> command_names(Program& program) {
  std::vector<std::string> names;
  for (const CLI::App* each : manual::commands_of(program.app())) {
    names.push_back(each->get_name());
  }
  return names;
}

TEST(Manual, HasAPageOfEachCommandAndOfNoOther) {
  Program program;
  std::vector<std::string> with_pages;
  for (const std::string_view each : commands_with_pages()) {
    with_pages.emplace_back(each);
  }
  EXPECT_THAT(with_pages, ::testing::UnorderedElementsAreArray(command_names(program)))
      << "each command has its words in src/cli/pages.cpp";
  const std::string all = *manual_of(program.app(), "");
  for (const std::string& name : command_names(program)) {
    const auto page = manual_of(program.app(), name);
    ASSERT_TRUE(page) << name;
    for (const char* part : {".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH OPTIONS",
                             ".SH EXAMPLES", ".SH EXIT STATUS", ".SH SEE ALSO"}) {
      EXPECT_THAT(*page, HasSubstr(part)) << name;
    }
    EXPECT_THAT(all, HasSubstr("\\-" + name + "\\fR(1)"));
  }
}

TEST(Manual, SendsReadersToPagesThatAreThere) {
  Program program;
  const auto names = command_names(program);
  for (const std::string& name : names) {
    const auto page = *command_page(name);
    for (const std::string& other : page.see_also) {
      if (other.starts_with("provost-") && other.ends_with("(1)")) {
        EXPECT_THAT(names, ::testing::Contains(other.substr(8, other.size() - 11))) << name;
      }
    }
  }
}

TEST(Manual, IsRoffWithoutWarnings) {
  if (std::system("command -v groff >/dev/null") != 0) {  // NOLINT
    GTEST_SKIP() << "groff is not installed";
  }
  const std::string folder = (std::filesystem::temp_directory_path() / "provost-man-").string() +
                             std::to_string(::getpid());
  Program program;
  ASSERT_TRUE(write_manual(program.app(), folder));
  for (const std::string& file : os::list_directory(folder)) {
    const auto ran =
        os::run({.argv = {"groff", "-ww", "-man", "-z", fmt::format("{}/{}", folder, file)}});
    ASSERT_TRUE(ran);
    EXPECT_EQ(ran->err, "") << file;
    EXPECT_EQ(ran->status, 0);
  }
  EXPECT_EQ(os::list_directory(folder).size(), command_names(program).size() + 1);
  std::filesystem::remove_all(folder);
}

TEST(Help, IsTheSameHoweverItIsAskedFor) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"create"}, {"token"}, {"token", "create"}, {"restore"}}) {
    Program asked;
    auto arguments = words;
    arguments.emplace_back("--help");
    EXPECT_NE(asked.parse(arguments), "");
    EXPECT_EQ(*help_of(Program().app(), words), asked.app().help()) << words.back();
    EXPECT_THAT(asked.app().help(), HasSubstr("provost " + words.front()));
  }
  const auto unknown = help_of(Program().app(), {"craete"});
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("create"));
}

std::string offered(const std::vector<std::string>& words) {
  Program program;
  return completion_answer(program.app(), words, "/nonexistent");
}

TEST(Completion, OffersCommandsOptionsValuesAndFiles) {
  EXPECT_THAT(offered({"des"}), HasSubstr("describe\tAll there is"));
  EXPECT_EQ(offered({"wait", "university", "--for", "d"}).substr(0, 8), "deleted\t");
  EXPECT_THAT(offered({"create", "--cl"}), HasSubstr("--cluster-config\t"));
  EXPECT_EQ(offered({"create", "--cluster-config", ""}), ":files\n");
  EXPECT_EQ(offered({"bucket", "put", ""}), ":directories\n");
  EXPECT_THAT(offered({"token", ""}), HasSubstr("delete\t"));
  EXPECT_EQ(offered({"describe", ""}), "") << "provostd does not answer";
  EXPECT_EQ(offered({"exec", "cpu-1", "--", "l"}), "");
}

TEST(Events, AreOneLineWithTheirBecause) {
  const json::object event = {{"time", "2026-11-24T05:01:12.919Z"},
                              {"level", "Info"},
                              {"node", "cpu-1"},
                              {"cluster", "u"},
                              {"what", "cpu-1 is Running"},
                              {"because", "it is set up"}};
  EXPECT_EQ(event_line(event, kPlain),
            "05:01:12  cpu-1           cpu-1 is Running  because it is set up\n");
}

}  // namespace
}  // namespace provost::cli
