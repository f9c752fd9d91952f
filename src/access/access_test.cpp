#include "access/access.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "slurm/golden_for_tests.hpp"

namespace provost::access {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

model::Cluster university() {
  model::Cluster cluster;
  cluster.name = "university";
  model::Campus campus;
  campus.administrators = {"ada"};
  campus.departments = {{"nlp", "NLP", {"linh"}, {"minh", "linh"}},
                        {"vision", "", {"an"}, {"minh"}}};
  campus.people = {{"minh", 2003, "Minh: \"x\", y", {}},
                   {"ada", 2000, "Ada", {}},
                   {"linh", 2001, "", {}},
                   {"an", 2002, "An", {}}};
  cluster.campus = campus;
  return cluster;
}

const model::ClusterSecrets kSecrets{"", "ssh-ed25519 AAAAadmin\n", "PRIVATE\n",
                                     "ssh-ed25519 AAAAhost\n"};

model::NodePlace place(const std::string& name, model::Role role, const std::string& address) {
  model::NodePlace node;
  node.name = name;
  node.role = role;
  node.address = address;
  return node;
}

const model::Layout kLayout{"university",
                            "",
                            "",
                            "",
                            {place("controller-1", model::Role::controller, "10.77.4.2"),
                             place("login-1", model::Role::login, "10.77.4.3"),
                             place("cpu-1", model::Role::compute, "10.77.4.4")}};

std::string file(const model::Cluster& cluster, std::size_t node, const std::string& path) {
  const auto made = part(cluster, kLayout, kSecrets, kLayout.nodes[node].role);
  for (const model::FilePart& each : made.files) {
    if (each.path == path) {
      return each.content;
    }
  }
  return "(no such file)";
}

TEST(Identities, HaveUbuntuFirstAndThePeopleByName) {
  const auto people = identities(university());
  ASSERT_EQ(people.size(), 5U);
  EXPECT_EQ(people[0].name, "ubuntu");
  EXPECT_EQ(people[0].uid, 1000);
  EXPECT_EQ(people[1].name, "ada");
  EXPECT_EQ(people[4].home, "/fsx/home/minh");
}

TEST(Groups, KeepTheirNumbersWhenDepartmentsComeAndGo) {
  const auto gid_of = [](const model::Cluster& cluster, const std::string& name) {
    for (const Group& group : groups(cluster)) {
      if (group.name == name) {
        return group.gid;
      }
    }
    return std::int64_t{0};
  };
  model::Cluster other = university();
  other.campus->departments.erase(other.campus->departments.begin());
  EXPECT_EQ(gid_of(university(), "vision"), gid_of(other, "vision"));
  EXPECT_EQ(gid_of(other, "nlp"), 0);
}

TEST(Groups, NeverShareANumber) {
  model::Cluster crowd = university();
  for (int i = 0; i < 3000; ++i) {
    crowd.campus->departments.push_back({fmt::format("d{}", i), "", {}, {}});
    crowd.campus->people.push_back({fmt::format("p{}", i), 50000 + i, "", {}});
  }
  std::set<std::int64_t> numbers;
  for (const Group& group : groups(crowd)) {
    EXPECT_TRUE(numbers.insert(group.gid).second) << group.name;
  }
}

TEST(Groups, MakeUbuntuAdministratorOnlyWithoutACampus) {
  model::Cluster none = university();
  none.campus.reset();
  EXPECT_THAT(groups(none).back().members, ElementsAre("ubuntu"));
  for (const Group& group : groups(university())) {
    EXPECT_THAT(group.members, Not(::testing::Contains("ubuntu"))) << group.name;
  }
}

TEST(Part, KeepsANameFromBreakingItsLine) {
  EXPECT_THAT(file(university(), 1, "/var/lib/extrausers/passwd"),
              HasSubstr("minh:x:2003:2003:Minh  \"x\"  y:/fsx/home/minh:/bin/bash\n"));
}

TEST(Part, LetsNobodyInByPassword) {
  EXPECT_THAT(file(university(), 1, "/var/lib/extrausers/shadow"), HasSubstr("minh:*:"));
  EXPECT_THAT(
      file(university(), 1, kLayout.nodes.empty() ? "" : "/etc/ssh/sshd_config.d/50-provost.conf"),
      HasSubstr("PasswordAuthentication no\n"));
}

TEST(Part, AsksForAJobOnComputeNodesOnly) {
  const std::string pam = file(university(), 2, "/etc/pam.d/sshd");
  EXPECT_THAT(
      pam, HasSubstr("pam_slurm_adopt.so action_adopt_failure=deny action_generic_failure=deny"));
  EXPECT_THAT(pam, Not(HasSubstr("pam_systemd")));
  EXPECT_THAT(pam, Not(HasSubstr("common-session")));
  EXPECT_LT(pam.find("ingroup provost-admins"), pam.find("pam_slurm_adopt"));
  EXPECT_EQ(file(university(), 1, "/etc/pam.d/sshd"), "(no such file)");
}

TEST(Part, KeepsUsersOffTheController) {
  EXPECT_THAT(file(university(), 0, "/etc/ssh/sshd_config.d/50-provost.conf"),
              HasSubstr("AllowGroups root provost-admins\n"));
}

TEST(Part, KnowsEveryNodeByNameAndAddress) {
  EXPECT_THAT(file(university(), 1, "/etc/ssh/ssh_known_hosts"),
              HasSubstr("cpu-1,ip-10-77-4-4,10.77.4.4 ssh-ed25519 AAAAhost\n"));
}

TEST(Part, IsAsKept) {
  for (const model::NodePlace& node : kLayout.nodes) {
    std::string all;
    for (const model::FilePart& each : part(university(), kLayout, kSecrets, node.role).files) {
      all += fmt::format("== {} {:o} {}:{}\n{}", each.path, each.mode, each.owner, each.group,
                         each.content);
    }
    slurm::expect_golden(TESTDATA, node.name + ".txt", all);
  }
  if (slurm::accepts_golden()) {
    GTEST_SKIP() << "files rewritten";
  }
}

}  // namespace
}  // namespace provost::access
