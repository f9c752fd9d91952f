#include <fmt/format.h>

#include <string_view>
#include <unordered_map>

#include "access/access.hpp"
#include "storage/storage.hpp"

namespace provost::storage {
namespace {

constexpr const char* kPeople = "/etc/provost/homes";
constexpr const char* kScript = "/opt/provost/lib/homes";
constexpr const char* kUnit = "provost-homes.service";

const std::string kMadeBy = "# Made by Provost; changes are overwritten.\n";

// One line a home, followed by the keys that open it: "home minh 2001", "key ssh-ed25519 AAAA...".
std::string people_file(const model::Cluster& cluster) {
  std::unordered_map<std::string_view, const model::Person*> people;
  if (cluster.campus) {
    for (const model::Person& each : cluster.campus->people) {
      people.emplace(each.name, &each);
    }
  }
  std::string text;
  for (const access::Identity& person : access::identities(cluster)) {
    text += fmt::format("home {} {}\n", person.name, person.uid);
    if (const auto known = people.find(person.name); known != people.end()) {
      for (const std::string& key : known->second->keys) {
        text += "key " + key + "\n";
      }
    }
  }
  return text;
}

// What is inside a home is its owner's and made under the owner's id: a link that a user left there
// turns no hand of root's. Keys from the campus file stand between two marks, the owner's own
// lines around them stay.
std::string homes_script() {
  return "#!/bin/bash\n" + kMadeBy +
         R"sh(# Homes on /fsx for everybody in /etc/provost/homes. Safe to repeat; nothing is ever removed.
set -euo pipefail
people=/etc/provost/homes

# fill HOME KEYS: as the owner, inside the home.
fill() {
  set -euo pipefail
  umask 077
  cd "$1"
  if [[ ! -e .bashrc ]]; then cp -rn /etc/skel/. .; fi
  mkdir -p .ssh
  [[ -e .ssh/id_ed25519 ]] || ssh-keygen -q -t ed25519 -N '' -C "$USER" -f .ssh/id_ed25519
  local begin='# from the campus file; changes below are overwritten' end='# end of the campus file'
  {
    if [[ -e .ssh/authorized_keys ]]; then
      sed "/^$begin\$/,/^$end\$/d" .ssh/authorized_keys
    else
      cat .ssh/id_ed25519.pub
    fi
    printf '%s\n%s%s\n' "$begin" "$2" "$end"
  } >.ssh/authorized_keys.new
  mv .ssh/authorized_keys.new .ssh/authorized_keys
}
export -f fill

make_home() {
  local name=$1 uid=$2 keys=$3 home=/fsx/home/$1
  if [[ ! -e $home ]]; then
    install -d -m 700 -o "$uid" -g "$uid" "$home.new"
    mv -T "$home.new" "$home"
  fi
  if ! setpriv --reuid="$uid" --regid="$uid" --clear-groups --reset-env \
       env HOME="$home" USER="$name" bash -c "$(declare -f fill)"$'\nfill "$@"' fill "$home" "$keys"; then
    echo "the home of $name could not be set up" >&2
    return 1
  fi
}

mkdir -p /fsx/home
failed=0 name='' uid='' keys=''
while read -r kind first rest; do
  case $kind in
    home)
      if [[ -n $name ]]; then make_home "$name" "$uid" "$keys" || failed=1; fi
      name=$first uid=$rest keys='' ;;
    key) keys+="$first $rest"$'\n' ;;
  esac
done <"$people"
if [[ -n $name ]]; then make_home "$name" "$uid" "$keys" || failed=1; fi
exit "$failed"
)sh";
}

std::string unit_file() {
  return kMadeBy + fmt::format(
                       "[Unit]\nDescription=Homes on /fsx\n"
                       "[Service]\nType=oneshot\nRemainAfterExit=yes\nNice=19\nExecStart={}\n",
                       kScript);
}

}  // namespace

model::NodePart part(const model::Cluster& cluster, const model::Layout& /*layout*/,
                     model::Role role) {
  model::NodePart part{.room = "storage", .directories = {}, .files = {}, .units = {}};
  if (role != model::Role::controller) {
    return part;
  }
  part.files.push_back({kPeople, people_file(cluster)});
  part.files.push_back({kScript, homes_script(), 0755});
  part.files.push_back({std::string("/etc/systemd/system/") + kUnit, unit_file()});
  part.units.push_back({.name = kUnit,
                        .stage = model::Stage::base,
                        .ready = {},
                        .then = {},
                        .restart_on = {kPeople, kScript}});
  return part;
}

}  // namespace provost::storage
