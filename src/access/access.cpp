#include "access/access.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace provost::access {
namespace {

using model::NodePart;
using model::Role;

constexpr const char* kSshd = "/etc/ssh/sshd_config.d/50-provost.conf";
constexpr const char* kHostKey = "/etc/ssh/provost_host_key";

constexpr const char* kNoJob = "/etc/provost/no-job.txt";
const std::string kMadeBy = "# Made by Provost; changes are overwritten.\n";

// A full name in passwd's fifth field: no colon, no line end, no comma (which cuts it short).
std::string gecos(std::string_view title) {
  std::string text;
  for (const char each : title) {
    const bool plain = static_cast<unsigned char>(each) >= 0x20 && each != ':' && each != ',';
    text += plain ? each : ' ';
  }
  return text;
}

// No header here: libnss-extrausers reads every line as an entry.
void add_users(NodePart& part, const model::Cluster& cluster) {
  std::string passwd;
  std::string shadow;
  for (const Identity& person : identities(cluster)) {
    passwd += fmt::format("{}:x:{}:{}:{}:{}:/bin/bash\n", person.name, person.uid, person.uid,
                          gecos(person.title), person.home);
    shadow += person.name + ":*:19000:0:99999:7:::\n";
  }
  std::string group;
  for (const Group& each : groups(cluster)) {
    group += fmt::format("{}:x:{}:{}\n", each.name, each.gid, join(each.members, ","));
  }
  if (cluster.campus) {
    passwd += fmt::format("{0}:x:{1}:{1}:tries the policy:{2}:/bin/bash\n", model::kSelftestUser,
                          model::kSelftestUid, model::kSelftestHome);
    shadow += fmt::format("{}:*:19000:0:99999:7:::\n", model::kSelftestUser);
    group += fmt::format("{}:x:{}:\n", model::kSelftestUser, model::kSelftestUid);
  }
  part.directories.push_back({"/var/lib/extrausers", 0755});
  part.files.push_back({"/var/lib/extrausers/passwd", passwd});
  part.files.push_back({"/var/lib/extrausers/group", group});
  part.files.push_back({"/var/lib/extrausers/shadow", shadow, 0640, "root", "shadow"});
}

// All nodes of a cluster show the same host key. Nodes are made anew under their old names, and
// login nodes stand behind one address: with keys of their own, each of that would make ssh refuse.
// The key is worth no more than the munge key, which every node holds too.
std::string sshd_config(const model::Cluster& cluster, Role role) {
  std::string text = kMadeBy + fmt::format(
                                   "HostKey {}\n"
                                   "PubkeyAuthentication yes\n"
                                   "PasswordAuthentication no\n"
                                   "KbdInteractiveAuthentication no\n"
                                   "HostbasedAuthentication no\n"
                                   "PermitRootLogin prohibit-password\n"
                                   "AuthorizedKeysFile .ssh/authorized_keys\n"
                                   "UsePAM yes\n"
                                   "UseDNS no\n"
                                   "MaxStartups 100:30:500\n",
                                   kHostKey);
  if (role != Role::login) {
    // Everybody's ssh comes from the few addresses of the login nodes: the one who has no job here
    // and tries again must not lock out all others. Source: sshd_config(5), PerSourcePenalties.
    text += "PerSourcePenalties no\n";
  }
  if (role == Role::controller) {
    text += fmt::format("# The controller is for administrators.\nAllowGroups root {}{}\n",
                        kAdministrators, cluster.campus ? "" : " ubuntu");
  }
  return text;
}

// Debian's stack with two changes. Account: administrators come in without a job, and
// pam_slurm_adopt, last, refuses everybody else who has none here (also when it cannot tell).
// What it says of a refusal is followed by the way in; pam_deny makes an end of everything else.
// Session: without pam_systemd, which would take the session out of the job's control group again.
// Source: pam_slurm_adopt's README.
std::string compute_pam() {
  return kMadeBy + fmt::format(
                       "@include common-auth\n"
                       "\n"
                       "account    required     pam_nologin.so\n"
                       "@include common-account\n"
                       "account    sufficient   pam_succeed_if.so quiet uid = 0\n"
                       "account    sufficient   pam_succeed_if.so quiet user ingroup {}\n"
                       "account    [success=done default=ignore] pam_slurm_adopt.so "
                       "action_adopt_failure=deny action_generic_failure=deny\n"
                       "account    optional     pam_echo.so file={}\n"
                       "account    required     pam_deny.so\n"
                       "\n"
                       "session    required     pam_loginuid.so\n"
                       "session    optional     pam_keyinit.so force revoke\n"
                       "session    required     pam_unix.so\n"
                       "session    optional     pam_motd.so noupdate\n"
                       "session    required     pam_limits.so\n"
                       "session    required     pam_env.so\n"
                       "session    required     pam_env.so envfile=/etc/default/locale\n"
                       "\n"
                       "@include common-password\n",
                       kAdministrators, kNoJob);
}

std::string known_hosts(const model::Layout& layout, const model::ClusterSecrets& secrets) {
  std::string text = kMadeBy;
  for (const model::NodePlace& node : layout.nodes) {
    text += fmt::format("{},{},{} {}\n", node.name, model::aws_host_name(node.address),
                        node.address, trim(secrets.login_host_key_public));
  }
  return text;
}

void add_ssh(NodePart& part, const model::Cluster& cluster, const model::Layout& layout,
             const model::ClusterSecrets& secrets, Role role) {
  part.directories.push_back({"/root/.ssh", 0700});
  part.files.push_back({"/root/.ssh/authorized_keys",
                        kMadeBy + std::string(trim(secrets.admin_key_public)) + "\n", 0600});
  part.files.push_back({kHostKey, secrets.login_host_key, 0600});
  part.files.push_back({kSshd, sshd_config(cluster, role)});
  part.files.push_back({"/etc/ssh/ssh_known_hosts", known_hosts(layout, secrets)});
  if (role == Role::compute) {
    part.files.push_back({kNoJob,
                          "No job of yours runs on this node, so it is closed to you.\n"
                          "From a login node: salloc, or srun --pty bash; then come back while the "
                          "job runs.\n"});
    part.files.push_back({"/etc/pam.d/sshd", compute_pam()});
  }
  part.units.push_back({.name = "ssh.service",
                        .stage = model::Stage::base,
                        .ready = {"/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/22"},
                        .then = {},
                        .restart_on = {kSshd, kHostKey}});
}

}  // namespace

model::NodePart part(const model::Cluster& cluster, const model::Layout& layout,
                     const model::ClusterSecrets& secrets, model::Role role) {
  NodePart part{.room = "access", .directories = {}, .files = {}, .units = {}};
  add_users(part, cluster);
  add_ssh(part, cluster, layout, secrets, role);
  part.files.push_back({"/etc/sudoers.d/provost-admins",
                        kMadeBy + fmt::format("%{} ALL=(ALL:ALL) NOPASSWD: ALL\n", kAdministrators),
                        0440});
  return part;
}

}  // namespace provost::access
