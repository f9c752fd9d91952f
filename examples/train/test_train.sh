#!/bin/bash
# Checks what train.py promises, with mpirun on one machine: about half a minute.
#
#   ./test_train.sh [RANKS]       (4 by default)
# shellcheck disable=SC2317  # functions that `check` calls by name
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ranks=${1:-4}
work=$(mktemp -d)
running=''    # the mpirun that was started in the background
failed=0

# Processes below one that we started: mpirun's ranks are in process groups of their own.
below() {
  local child
  for child in $(pgrep -P "$1" || true); do
    echo "$child"
    below "$child"
  done
}
kill_run() {
  [[ -n $running ]] || return 0
  local all
  all="$running $(below "$running")"
  # shellcheck disable=SC2086  # a list of process ids
  kill -9 $all 2>/dev/null || true
  wait "$running" 2>/dev/null || true
  running=''
}
trap 'kill_run; rm -rf "$work"' EXIT

for program in mpirun python3 pgrep; do
  command -v "$program" >/dev/null || { echo "test_train: needs $program" >&2; exit 2; }
done
python3 -c 'import numpy, mpi4py' || { echo "test_train: needs numpy and mpi4py" >&2; exit 2; }

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl=self,sm
options=(--steps 60 --hidden 48 --batch 256 --checkpoint-every 10 --report-every 5)

# train FOLDER [OPTION...]: prints to FOLDER.log, each time anew, and returns train.py's status.
train() {
  local folder=$1
  shift
  mpirun --oversubscribe -n "$ranks" python3 "$here/train.py" "${options[@]}" \
    --checkpoints "$work/$folder" "$@" >"$work/$folder.log" 2>&1
}
start() { train "$@" & running=$!; }
await() {   # await FOLDER TEXT: until the log holds TEXT, at most 60 s
  local turn
  for ((turn = 0; turn < 600; turn++)); do
    if grep -q "$2" "$work/$1.log" 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  echo "no \"$2\" in the log:"; cat "$work/$1.log"; return 1
}
says() { grep -q "$2" "$work/$1.log"; }
hash_of() { sed -n 's/^final: .* sha256 //p' "$work/$1.log"; }
same_as_whole() { [[ -n $(hash_of whole) && $(hash_of "$1") == "$(hash_of whole)" ]]; }
newest() {
  local all=("$work/$1"/step-*.ckpt)
  echo "${all[-1]}"
}
check() {   # check WHAT FOLDER COMMAND...
  local what=$1 folder=$2
  shift 2
  if "$@"; then
    echo "ok    $what"
  else
    echo "FAIL  $what"; sed 's/^/      | /' "$work/$folder.log"; failed=1
  fi
}
# kill_at FOLDER STEP: starts a slow run and kills mpirun and all its ranks with -9 at that step.
kill_at() {
  start "$1" --step-delay 0.05
  await "$1" "^step *$2 "
  kill_run
}

train whole
check "a run of $ranks ranks ends: $(hash_of whole | cut -c1-16)..." whole test -n "$(hash_of whole)"
train whole_again
check "the same run again has the same weights" whole_again same_as_whole whole_again

kill_at killed 25
train killed
check "killed with -9 after step 25, it resumes" killed says killed 'resuming from step-00000020'
check "and ends with the same weights, bit for bit" killed same_as_whole killed

kill_at twice 15
kill_at twice 45
train twice
check "killed twice, it ends with the same weights" twice same_as_whole twice

kill_at torn 35
torn=$(newest torn)
truncate -s "$(($(stat -c %s "$torn") / 2))" "$torn"
train torn
check "a torn newest checkpoint is skipped" torn says torn "skipping ${torn##*/}: its checksum"
check "the one before it is used" torn says torn 'resuming from step-00000020'
check "and ends with the same weights" torn same_as_whole torn

kill_at damaged 35
damaged=$(newest damaged)
printf 'X' | dd of="$damaged" bs=1 seek=5000 conv=notrunc status=none
touch "$work/damaged/step-00000040.ckpt.unfinished"
train damaged
check "one with a changed byte is skipped too" damaged says damaged "skipping ${damaged##*/}: its checksum"
check "and ends with the same weights" damaged same_as_whole damaged
check "no unfinished file is left" damaged test ! -e "$work/damaged/step-00000040.ckpt.unfinished"

for signal in USR1 TERM; do
  folder=stopped_$signal
  start "$folder" --step-delay 0.05
  await "$folder" '^step *15 '
  rank=$(sed -n 's/.*rank 0 is process //p' "$work/$folder.log")
  kill "-$signal" "$rank"
  status=0
  wait "$running" || status=$?
  running=''
  check "SIG$signal: it saves, says so and ends with 75" "$folder" \
    eval "says $folder 'stopped by SIG$signal' && [[ $status == 75 && -e $work/$folder/stopped ]]"
  train "$folder"
  check "and goes on to the same weights" "$folder" same_as_whole "$folder"
  check "and is not marked as stopped any more" "$folder" test ! -e "$work/$folder/stopped"
done

status=0; train whole --hidden 64 || status=$?
check "another width is refused" whole \
  eval "[[ $status == 2 ]] && says whole 'was made with hidden 48; this run has hidden 64'"
status=0; ranks=$((ranks + 1)) train whole || status=$?
check "another number of ranks is refused" whole \
  eval "[[ $status == 2 ]] && says whole 'made with ranks $ranks; this run has ranks $((ranks + 1))'"
status=0; train notext --text /nonexistent || status=$?
check "a text that is not there is named" notext \
  eval "[[ $status == 2 ]] && says notext 'cannot read the text /nonexistent'"

alone() { python3 "$here/train.py" "${options[@]}" --checkpoints "$work/alone" >"$work/alone.log" 2>&1; }
alone
check "one process without mpirun trains too" alone says alone '^final: step 60 '

[[ $failed == 0 ]] && echo "all well"
exit "$failed"
