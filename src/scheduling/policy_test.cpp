// From a campus's policy to Slurm: accounts and QoS, partitions, job_submit.lua.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/text.hpp"
#include "model/limits.hpp"
#include "scheduling/accounts.hpp"
#include "scheduling/configuration.hpp"
#include "scheduling/job_submit.hpp"
#include "scheduling/partitions.hpp"
#include "scheduling/policy_words.hpp"
#include "scheduling/samples_for_tests.hpp"
#include "slurm/golden_for_tests.hpp"

namespace provost::scheduling {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// The example university with a policy: nlp owns the GPU node, others come in as scavengers.
model::Cluster with_policy() {
  model::Cluster cluster = samples::university();
  model::Campus& campus = *cluster.campus;
  campus.departments[1].name = "vision";
  campus.lines = {{"scheduler.half_life", 5}, {"scheduler.weights.age", 6}};
  campus.qos = {
      {.name = "normal", .limits = {{"gpus_per_user", {8, 11}}, {"wall", {4320, 12}}}, .line = 10},
      {.name = "scavenger", .preempted_by = {"normal"}, .charge = 0.25, .line = 20}};
  campus.departments[0].owns = {"gpu"};
  campus.departments[0].share = 40;
  campus.departments[0].limits = {{"gpus", {64, 31}}, {"cpus_per_user", {16, 32}}};
  campus.departments[0].projects = {{.name = "viet-llm",
                                     .lead = "linh",
                                     .members = {"minh"},
                                     .share = 60,
                                     .priority = 100,
                                     .line = 40}};
  campus.departments[1].partitions = {"cpu"};
  campus.partitions = {
      {.name = "debug", .groups = {"cpu"}, .max_time_minutes = 30, .priority = 5, .line = 50}};
  return cluster;
}

const slurm::Partition& partition(const std::vector<slurm::Partition>& all,
                                  const std::string& name) {
  static const slurm::Partition none;
  for (const slurm::Partition& each : all) {
    if (each.name == name) {
      return each;
    }
  }
  ADD_FAILURE() << "no partition " << name;
  return none;
}

TEST(Policy, LimitsSharesAndQosStandWhereSlurmLooksForThem) {
  const Accounts wanted = accounts_wanted(with_policy());
  const Account& nlp = wanted.accounts.at("nlp");
  EXPECT_EQ(nlp.parent, kUniversity);
  EXPECT_EQ(nlp.settings.at("Fairshare"), "40");
  EXPECT_EQ(nlp.settings.at("GrpTRES:gres/gpu"), "64");
  EXPECT_EQ(nlp.settings.at("DefaultQOS"), "normal");
  EXPECT_EQ(nlp.of_users.at("minh").at("GrpTRES:cpu"), "16");
  const Account& project = wanted.accounts.at("viet-llm");
  EXPECT_EQ(project.parent, "nlp");
  EXPECT_EQ(project.settings.at("Priority"), "100");
  EXPECT_THAT(project.users, ElementsAre("linh", "minh"));
  EXPECT_EQ(wanted.qos.at("normal").settings.at("MaxTRESPerUser:gres/gpu"), "8");
  EXPECT_EQ(wanted.qos.at("normal").settings.at("MaxWallDurationPerJob"), "3-00:00:00");
  EXPECT_EQ(wanted.qos.at("normal").settings.at("Preempt"), "scavenger");
  EXPECT_EQ(wanted.qos.at("scavenger").settings.at("PreemptMode"), "requeue");
  EXPECT_EQ(wanted.qos.at("scavenger").settings.at("UsageFactor"), "0.25");
}

TEST(Policy, ADepartmentsOwnNodesAreItsPartitionAndScavengersHaveOneOfTheirs) {
  const model::Cluster cluster = with_policy();
  const auto lines = slurm_conf_of(cluster, samples::layout_of(cluster)).partitions;
  EXPECT_THAT(partition(lines, "nlp").nodes, ElementsAre("gpu-1"));
  EXPECT_THAT(partition(lines, "nlp").allow_accounts, ElementsAre("nlp", "administration"));
  EXPECT_THAT(partition(lines, "gpu").allow_accounts, Contains("nlp"));
  EXPECT_THAT(partition(lines, "scavenger").allow_qos, ElementsAre("scavenger"));
  EXPECT_GT(partition(lines, "nlp").tier, partition(lines, "scavenger").tier);
  EXPECT_THAT(partition(lines, "cpu").allow_accounts, ElementsAre("vision", "administration"));
  EXPECT_EQ(partition(lines, "debug").max_time, "00:30:00");
  EXPECT_EQ(partition(lines, "debug").default_time, "00:30:00");
}

TEST(Policy, SlurmConfAndTheScriptAreAsKept) {
  const model::Cluster cluster = with_policy();
  slurm::expect_golden(TESTDATA, "policy-slurm.conf",
                       slurm::slurm_conf(slurm_conf_of(cluster, samples::layout_of(cluster))));
  slurm::expect_golden(TESTDATA, "policy-job_submit.lua", job_submit_lua(cluster));
  std::string lines = join(commands(accounts_wanted(cluster), {}, "university"), "\n") + "\n";
  slurm::expect_golden(TESTDATA, "policy-sacctmgr.txt", lines);
  if (slurm::accepts_golden()) {
    GTEST_SKIP() << "files rewritten";
  }
}

TEST(Policy, ATitleCannotBreakOutOfTheScript) {
  model::Cluster cluster = with_policy();
  cluster.campus->departments[0].title = "x\"}} os.execute(\"\\\n";
  EXPECT_THAT(job_submit_lua(cluster), HasSubstr("nlp (x }} os.execute(   )"));
}

TEST(Policy, AProjectEndsWithItsDepartmentAtTheLatest) {
  model::Cluster cluster = with_policy();
  cluster.campus->departments[0].until = "2027-06-30";
  cluster.campus->departments[0].projects[0].until = "2027-09-30";
  const std::string script = job_submit_lua(cluster);
  EXPECT_THAT(script, Not(HasSubstr("2027-09-30")));
  EXPECT_THAT(script, HasSubstr("ends = \"2027-06-30\""));
}

TEST(Policy, WhoLeavesWithJobsMaySubmitNoMoreAndStaysUntilTheyEnd) {
  const Accounts before = accounts_wanted(with_policy());
  model::Cluster after = with_policy();
  after.campus->departments[0].members = {};
  const Accounts wanted = accounts_wanted(after);
  const Busy gone = leavers(wanted, before);
  EXPECT_TRUE(gone.contains({"minh", "nlp"}));
  const auto busy = commands(wanted, before, "u", gone);
  EXPECT_THAT(busy, Contains("modify user where name=minh cluster=u account=nlp set "
                             "MaxSubmitJobs=0"));
  EXPECT_THAT(busy, Not(Contains(HasSubstr("delete user"))));
  EXPECT_THAT(commands(wanted, before, "u"),
              Contains("delete user name=minh cluster=u account=nlp"));
}

std::vector<std::string> sentences(const model::Cluster& before, const model::Cluster& after,
                                   const std::vector<slurm::JobSeen>& jobs = {}) {
  std::vector<std::string> all;
  for (const PolicyChange& each : policy_changes(*before.campus, *after.campus, jobs)) {
    all.push_back(each.sentence);
  }
  return all;
}

TEST(PolicyWords, SayWhatALimitWasAndIsAndWhoCouldStart) {
  model::Cluster after = with_policy();
  after.campus->qos[0].limits["gpus_per_user"].value = 16;
  slurm::JobSeen job;
  job.id = "7";
  job.state = "PENDING";
  job.qos = "normal";
  job.reason = "QOSMaxGRESPerUser";
  EXPECT_THAT(sentences(with_policy(), after, {job}),
              ElementsAre("raises the limit of QoS normal from 8 to 16 GPUs per user; 1 waiting "
                          "job could start"));
  EXPECT_THAT(sentences(after, with_policy(), {job}),
              ElementsAre("lowers the limit of QoS normal from 16 to 8 GPUs per user"));
}

TEST(PolicyWords, NameTheLineOfWhatChanges) {
  model::Cluster after = with_policy();
  model::Campus& campus = *after.campus;
  campus.scheduler.weight_age = 5;
  campus.departments[0].share = 41;
  campus.departments[1].members.push_back("ada");
  campus.qos[0].priority = 7;
  campus.administrators.emplace_back("an");
  campus.lines = {{"scheduler.weights.age", 3},
                  {"nlp.share", 4},
                  {"vision.members/ada", -2},
                  {"qos normal.priority", 6},
                  {"campus.administrators/an", 7}};
  std::vector<std::string> all;
  for (const PolicyChange& each : policy_changes(*with_policy().campus, campus, {})) {
    all.push_back(each.because + ": " + each.sentence.substr(0, 12));
  }
  EXPECT_THAT(all, ::testing::UnorderedElementsAre(
                       "campus.toml:3: weight of ag", "campus.toml:4: share of dep",
                       "overlay 2: ada joins vi", "campus.toml:6: priority of ",
                       "campus.toml:7: an administe"));
}

TEST(PolicyWords, SayWhoLeavesAndWhatBecomesOfTheirJobs) {
  model::Cluster after = with_policy();
  after.campus->departments[1].members = {};
  slurm::JobSeen running;
  running.id = "8";
  running.user = "minh";
  running.account = "vision";
  running.state = "RUNNING";
  EXPECT_THAT(sentences(with_policy(), after, {running}),
              ElementsAre("minh leaves vision: no new jobs; 1 running job ends first"));
  EXPECT_THAT(sentences(with_policy(), with_policy()), IsEmpty());
}

// --- what sacctmgr would make of commands, to hold plans against

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char each : line) {
    quoted = each == '"' ? !quoted : quoted;
    if (each == ' ' && !quoted) {
      words.push_back(std::exchange(word, {}));
    } else if (each != '"') {
      word += each;
    }
  }
  words.push_back(word);
  return words;
}

/// The few commands of sacctmgr that `commands` uses, on values.
class Sacctmgr {
 public:
  explicit Sacctmgr(Accounts state) : state_(std::move(state)) {}
  Accounts state() const { return state_; }

  void run(const std::string& line) {
    const auto words = words_of(line);
    std::map<std::string, std::string> where;
    std::vector<std::pair<std::string, std::string>> set;
    bool setting = false;
    for (std::size_t i = 2; i < words.size(); ++i) {
      if (words[i] == "where" || words[i] == "set") {
        setting = words[i] == "set";
        continue;
      }
      const std::size_t equals = words[i].find('=');
      const auto pair = std::pair(words[i].substr(0, equals), words[i].substr(equals + 1));
      if (setting) {
        set.push_back(pair);
      } else {
        where[pair.first] = pair.second;
      }
    }
    for (const std::string& name : split(where["name"], ',')) {
      one(words[0], words[1], name, where, set);
    }
  }

 private:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  static void put(Settings& settings, const Pairs& set) {
    for (auto [name, value] : set) {
      const std::size_t tres = value.find('=');
      if (tres != std::string::npos && name.find("TRES") != std::string::npos) {
        name += ":" + value.substr(0, tres);
        value = value.substr(tres + 1);
      }
      const bool initial = value == "-1" || value.empty() || value == "cluster" ||
                           (value == "1" && (name == "Fairshare" || name == "UsageFactor"));
      if (initial) {
        settings.erase(name);
      } else {
        settings[name] = value;
      }
    }
  }

  void one(const std::string& verb, const std::string& what, const std::string& name,
           std::map<std::string, std::string>& where, const Pairs& set) {
    if (verb == "add") {
      add(what, name, where);
    } else if (verb == "delete") {
      remove(what, name, where);
    } else if (what == "qos") {
      modify_qos(name, set);
    } else if (what == "account") {
      modify_account(name, set);
    } else {
      modify_user(name, where, set);
    }
  }

  void add(const std::string& what, const std::string& name,
           std::map<std::string, std::string>& where) {
    if (what == "qos") {
      state_.qos[name] = {};
    } else if (what == "account") {
      ASSERT_TRUE(where["parent"] == "root" || state_.accounts.contains(where["parent"]))
          << name << " before its parent";
      state_.accounts[name].parent = where["parent"];
    } else if (what == "coordinator") {
      ASSERT_TRUE(state_.users.contains(name)) << name << " coordinates before they are a user";
      own_[where["account"]].insert(name);
      inherit();
    } else {
      ASSERT_TRUE(state_.accounts.contains(where["account"]));
      state_.accounts[where["account"]].users.insert(name);
      state_.users.try_emplace(name, User{where["account"], false});
    }
  }

  void remove(const std::string& what, const std::string& name,
              std::map<std::string, std::string>& where) {
    if (what == "qos") {
      state_.qos.erase(name);
    } else if (what == "account") {
      for (const auto& [other, account] : state_.accounts) {
        ASSERT_NE(account.parent, name) << other << " is still below it";
      }
      state_.accounts.erase(name);
      own_.erase(name);
    } else if (what == "coordinator") {
      own_[where["account"]].erase(name);
      inherit();
    } else if (where["account"].empty()) {
      for (auto& [other, account] : state_.accounts) {
        account.users.erase(name);
        account.of_users.erase(name);
        own_[other].erase(name);
      }
      state_.users.erase(name);
      inherit();
    } else {
      Account& account = state_.accounts[where["account"]];
      ASSERT_NE(state_.users[name].default_account, where["account"]) << "default of " << name;
      account.users.erase(name);
      account.of_users.erase(name);
    }
  }

  void modify_qos(const std::string& name, const Pairs& set) {
    ASSERT_TRUE(state_.qos.contains(name));
    if (set.front().first == "description") {
      state_.qos[name].ours = set.front().second == kOurs;
      return;
    }
    for (const auto& [key, value] : set) {
      if (key == "Preempt") {
        for (const std::string& each : split(value, ',')) {
          ASSERT_TRUE(value.empty() || state_.qos.contains(each));
        }
      }
    }
    put(state_.qos[name].settings, set);
  }

  void modify_account(const std::string& name, const Pairs& set) {
    Account& account = state_.accounts.at(name);
    if (set.front().first == "organization") {
      account.ours = true;
    } else if (set.front().first == "parent") {
      ASSERT_TRUE(state_.accounts.contains(set.front().second));
      account.parent = set.front().second;
      inherit();
    } else {
      put(account.settings, set);
      const auto usual = account.settings.find("DefaultQOS");
      if (usual != account.settings.end()) {
        const auto list = split(account.settings["QosLevel"], ',');
        ASSERT_THAT(list, Contains(usual->second)) << name << " has no access to its default";
      }
    }
  }

  void modify_user(const std::string& name, std::map<std::string, std::string>& where,
                   const Pairs& set) {
    if (set.front().first == "defaultaccount") {
      ASSERT_TRUE(state_.accounts[set.front().second].users.contains(name));
      state_.users[name].default_account = set.front().second;
    } else if (set.front().first == "adminlevel") {
      state_.users[name].administrator = set.front().second == "Administrator";
    } else {
      Account& account = state_.accounts.at(where["account"]);
      put(account.of_users[name], set);
      if (account.of_users[name].empty()) {
        account.of_users.erase(name);
      }
    }
  }

  void inherit() {
    for (auto& [name, account] : state_.accounts) {
      account.coordinators.clear();
      for (std::string at = name; state_.accounts.contains(at); at = state_.accounts[at].parent) {
        account.coordinators.insert(own_[at].begin(), own_[at].end());
      }
    }
  }

  Accounts state_;
  std::map<std::string, std::set<std::string>> own_;
};

/// A policy that a dice wrote, sound as `validate` would have it.
class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}

  model::Cluster cluster() {
    model::Cluster cluster = samples::university();
    model::Campus campus;
    campus.name = "Dice";
    campus.qos = qualities();
    const int departments = number(0, 4);
    for (int i = 0; i < departments; ++i) {
      campus.departments.push_back(department(fmt::format("d{}", i), campus));
    }
    if (number(0, 1) == 1) {
      campus.administrators = people(2);
    }
    cluster.campus = campus;
    return cluster;
  }

 private:
  int number(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }

  std::vector<std::string> people(int most) {
    std::set<std::string> names;
    for (int i = number(0, most); i > 0; --i) {
      names.insert(fmt::format("p{}", number(0, 7)));
    }
    return {names.begin(), names.end()};
  }

  model::Limits limits(bool qos) {
    model::Limits made;
    for (int i = number(0, 5); i > 0; --i) {
      const model::LimitKind& kind =
          model::kLimitKinds[static_cast<std::size_t>(number(0, model::kLimitKinds.size() - 1))];
      if (!(qos ? kind.on_qos : kind.on_account).empty()) {
        made[std::string(kind.name)] = {number(2, 5000), 1};
      }
    }
    return made;
  }

  std::vector<model::Qos> qualities() {
    std::vector<model::Qos> made;
    for (int i = number(0, 3); i > 0; --i) {
      model::Qos qos{.name = fmt::format("q{}", i), .limits = limits(true)};
      qos.priority = number(0, 2) * 50;
      qos.charge = number(0, 1) == 1 ? 0.5 : 1;
      qos.refuses = number(0, 1) == 1;
      if (!made.empty() && number(0, 1) == 1) {
        qos.preempted_by = {made.front().name};
      }
      made.push_back(qos);
    }
    return made;
  }

  model::Department department(const std::string& name, const model::Campus& campus) {
    model::Department made{.name = name, .supervisors = people(2), .members = people(5)};
    made.share = number(1, 3);
    made.limits = limits(false);
    if (!campus.qos.empty() && number(0, 1) == 1) {
      made.qos = {
          campus.qos[static_cast<std::size_t>(number(0, static_cast<int>(campus.qos.size()) - 1))]
              .name};
    }
    for (int i = number(0, 3); i > 0; --i) {
      model::Project project{.name = fmt::format("{}-{}", name, i), .members = people(3)};
      project.lead = number(0, 1) == 1 ? fmt::format("p{}", number(0, 7)) : "";
      project.limits = limits(false);
      project.priority = number(0, 2);
      if (!made.projects.empty() && number(0, 1) == 1) {
        project.parent = made.projects.front().name;
      }
      made.projects.push_back(project);
    }
    return made;
  }

  std::mt19937 random_;
};

TEST(Policy, APlanAppliedGivesWhatIsWantedAndPlanningAgainGivesNothing) {
  constexpr unsigned kPolicies = 300;
  Sacctmgr slurm({});
  for (unsigned seed = 0; seed < kPolicies; ++seed) {
    const Accounts wanted = accounts_wanted(Dice(seed).cluster());
    for (const std::string& line : commands(wanted, slurm.state(), "u")) {
      slurm.run(line);
      ASSERT_FALSE(::testing::Test::HasFatalFailure()) << "seed " << seed << ": " << line;
    }
    ASSERT_THAT(differences(wanted, slurm.state()), IsEmpty()) << "seed " << seed;
    ASSERT_THAT(commands(wanted, slurm.state(), "u"), IsEmpty()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace provost::scheduling
