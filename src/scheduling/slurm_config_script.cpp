#include "scheduling/slurm_config_script.hpp"

#include <string_view>

namespace provost::scheduling {

namespace {

constexpr std::string_view kScript = R"sh(#!/bin/bash
# Made by Provost; changes are overwritten.
#
# slurm-config first        before slurmctld's first start: put the delivered files in force
# slurm-config seen         print the SHA-256 of the files in force, and that of the files Provost put in
#                           force last; where they are not the same, both as base64, and whether
#                           slurmctld has read the changed ones
# slurm-config try DIGEST   put the delivered files in force in a running slurmctld; when it refuses,
#                           put the old ones back. Exit: 0 in force, 3 refused, 4 the files of that
#                           digest were not delivered yet, 5 slurmctld does not answer, 6 somebody
#                           changed the files in force by hand (never with a third word, "over"),
#                           7 slurmctld still has to forget ended jobs
#
# The files in force before are kept in $before while a try runs. A try that was killed leaves them
# there, and the next run of any kind puts them back first. $agreed has what was put in force last.
set -u -o pipefail
umask 022
wanted=/etc/provost/slurm
live=/etc/slurm
before=/var/lib/provost/slurm-before
agreed=/var/lib/provost/slurm-agreed
files=(slurm.conf gres.conf cgroup.conf job_container.conf)

digest() { (cd "$1" 2>/dev/null && cat "${files[@]}" 2>/dev/null | sha256sum | cut -d' ' -f1); }

# copy FROM TO: each file replaced whole, never seen half written.
copy() {
  mkdir -p "$2" || return
  local file
  for file in "${files[@]}"; do
    if [ -e "$1/$file" ]; then
      install -m 644 -o root -g root "$1/$file" "$2/.$file.new" && mv -f "$2/.$file.new" "$2/$file" || return
    else
      rm -f "$2/$file"
    fi
  done
}

# put_back: the files kept in $before are in force again.
put_back() {
  [ -d "$before" ] || return 0
  copy "$before" "$live" && rm -rf "$before"
}

by_hand() { [ "$(digest "$live")" != "$(digest "$agreed")" ]; }

# is_read: slurmctld started, or executed itself anew on reconfigure, after the last change.
is_read() {
  local pid file changed=()
  pid=$(systemctl show -P MainPID slurmctld.service) && [ "${pid:-0}" -gt 0 ] || return 1
  for file in "${files[@]}"; do
    [ ! -e "$live/$file" ] || changed+=("$(stat -c %.Y "$live/$file")")
  done
  # Of its line in /proc the 22nd word is when it started, in hundredths since the machine did.
  sed 's/.*) //' "/proc/$pid/stat" | awk -v now="$(date +%s.%N)" -v up="$(cut -d' ' -f1 /proc/uptime)" \
    -v changed="${changed[*]}" '{
      started = now - up + $20 / 100
      for (i = split(changed, at, " "); i > 0; --i) if (at[i] > started) exit 1
    }'
}

seen() {
  local file
  echo "live $(digest "$live")"
  echo "agreed $(digest "$agreed")"
  by_hand || return 0
  if is_read; then echo "read yes"; else echo "read no"; fi
  for file in "${files[@]}"; do
    echo "file live $file $(base64 -w0 "$live/$file" 2>/dev/null)"
    echo "file agreed $file $(base64 -w0 "$agreed/$file" 2>/dev/null)"
  done
}

answers() { timeout 10 scontrol ping >/dev/null 2>&1; }

# is_silence WORDS: a client's words (none: it was ended) that tell of no answer, good or bad.
is_silence() { [ -z "$1" ] || grep -qiE 'timed out|unable to contact|connection|zero bytes|communication' <<<"$1"; }

# answers_soon: slurmctld executes itself anew on reconfigure and is away for a moment.
answers_soon() {
  local try
  for try in 1 2 3 4 5 6 7 8 9 10; do
    answers && return 0
    sleep 1
  done
  return 1
}

# words SINCE: the complaint of slurmctld itself that says most, the first before what ended it; its
# client only says "Unspecified error".
words() {
  local said
  said=$(journalctl -q -u slurmctld.service --since "@$1" -o cat 2>/dev/null |
    grep -E '(fatal|error): ' |
    grep -vE 'plugstack|Include|state file|NOTE:|Persist|slurmdbd|Connection|Unable to contact')
  { grep -m 1 'fatal: ' <<<"$said" || head -n 1 <<<"$said"; } | sed 's/^slurmctld: //'
}

# shard_nodes DIRECTORY: the nodes that its slurm.conf gives shards, one a line.
shard_nodes() {
  local names
  names=$(sed -nE 's/^NodeName=([^ ]+) .*[,=]shard:.*/\1/p' "$1/slurm.conf" 2>/dev/null | paste -sd,)
  [ -z "$names" ] || scontrol show hostnames "$names" | sort
}

# remembers_shards: slurmctld 24.11 dies reading its records anew when they hold ended jobs with shards
# on nodes that are gone. It forgets them after MinJobAge.
remembers_shards() {
  local gone
  gone=$(comm -23 <(shard_nodes "$live") <(shard_nodes "$next") | paste -sd,)
  [ -n "$gone" ] && squeue -h -a -t all -w "$gone" -O tres-alloc:500 2>/dev/null | grep -q gres/shard
}

try() {
  [ "$(digest "$wanted")" = "$1" ] || { echo "the files were not delivered yet" >&2; exit 4; }
  answers || { echo "slurmctld does not answer" >&2; exit 5; }
  if [ "${2:-}" != over ] && by_hand; then
    echo "somebody changed the files in force" >&2
    exit 6
  fi
  local keeping="$before.new" next=/var/lib/provost/slurm-next since said
  # Another delivery may come in at any time: what is put in force is looked at once.
  rm -rf "$next" && copy "$wanted" "$next" || exit 1
  [ "$(digest "$next")" = "$1" ] || { echo "the files are being delivered" >&2; exit 4; }
  if remembers_shards; then echo "ended jobs with shards are remembered" >&2; exit 7; fi
  rm -rf "$keeping" && copy "$live" "$keeping" && mv "$keeping" "$before" || exit 1
  copy "$next" "$live" || { put_back; exit 1; }
  since=$(date +%s)
  if said=$(timeout 60 scontrol reconfigure 2>&1) && answers_soon; then
    copy "$next" "$agreed" && rm -rf "$before" "$next"
    return 0
  fi
  local why
  why=$(words "$since")
  put_back
  # Busy is not refused: a slurmctld that waits for its slurmdbd answers nobody, and goes on. What it
  # still reads of this try are the old files.
  if [ -z "$why" ] && systemctl -q is-active slurmctld.service && is_silence "$said"; then
    echo "slurmctld does not answer" >&2
    exit 5
  fi
  answers || systemctl restart slurmctld.service
  echo "${why:-${said:-slurmctld ended}}" >&2
  exit 3
}

mkdir -p /var/lib/provost
exec 9>/var/lib/provost/slurm-config.lock && flock 9
# The killed try may have come as far as $agreed.
if [ -d "$before" ]; then copy "$before" "$agreed" && put_back || exit 1; fi
# A controller of an earlier Provost has no such files: what is in force is what was agreed.
[ -d "$agreed" ] || [ ! -e "$live/slurm.conf" ] || copy "$live" "$agreed" || exit 1
case "${1:-}" in
  first) [ -e "$live/slurm.conf" ] || { copy "$wanted" "$live" && copy "$live" "$agreed"; } ;;
  seen) seen ;;
  try) try "${2:-}" "${3:-}" ;;
  *) echo "usage: slurm-config first | seen | try DIGEST [over]" >&2; exit 2 ;;
esac
)sh";

}  // namespace

std::string slurm_config_script() { return std::string(kScript); }

}  // namespace provost::scheduling
