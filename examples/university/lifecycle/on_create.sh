#!/bin/bash
# Example University's lifecycle script: runs once as root on each new node, before Slurm starts.
#
# It finds out which node it is on, says so in the log, and writes a message of the day. Add what
# your nodes need at the end. Running it again does no harm. What it prints is in the node's log.
set -euo pipefail

log() { printf '[on_create] %s\n' "$*"; }

# Where HyperPod puts the description of the cluster. Neither a variable nor a file means that the
# image is used outside a cluster: nothing to do.
resources=${SAGEMAKER_RESOURCE_CONFIG_PATH:-/opt/ml/config/resource_config.json}
if [[ ! -r $resources ]]; then
  if [[ -n ${SAGEMAKER_RESOURCE_CONFIG_PATH:-} ]]; then
    log "SAGEMAKER_RESOURCE_CONFIG_PATH is $resources, which cannot be read" >&2
    exit 1
  fi
  log "no $resources: not a node of a cluster, nothing to do"
  exit 0
fi

# The Slurm side: given to the node, or lying beside this script. Without it the role is unknown.
parameters=/dev/null
for file in /opt/ml/config/provisioning_parameters.json \
            "${BASH_SOURCE[0]%/*}/provisioning_parameters.json"; do
  if [[ -r $file ]]; then parameters=$file; break; fi
done

# One jq for everything: the instance that has one of our addresses or our name, and its group.
# shellcheck disable=SC2016  # the dollars are jq's
query='
  ($parameters[0] // {}) as $p
  | ($addresses | split(" ")) as $mine
  | [.InstanceGroups[] as $g | $g.Instances[] | {group: $g.Name, type: $g.InstanceType} + .] as $all
  | ([$all[] | select(.CustomerIpAddress | IN($mine[]))]
     + [$all[] | select(.InstanceName == $host)] | first) as $me
  | if $me == null then error("neither the name \($host) nor an address of \($mine) is in the cluster")
    else . end
  | def names($group): [$all[] | select(.group == $group) | .InstanceName] | join(" ");
    def partitions(workers): [workers | .partition_name] | unique | join(" ");
  # What may be empty comes first: the shell drops empty lines at the end.
  partitions($p.worker_groups[]? | select(.instance_group_name == $me.group)),
  partitions($p.worker_groups[]?),
  names($p.login_group),
  .ClusterConfig.ClusterName,
  $me.InstanceName,
  $me.group,
  $me.type,
  (if $me.group == $p.controller_group then "controller"
   elif $me.group == $p.login_group then "login"
   elif any($p.worker_groups[]?; .instance_group_name == $me.group) then "compute"
   else "unknown" end)'

host=$(</proc/sys/kernel/hostname)
answer=$(jq -r --arg host "$host" --arg addresses "$(hostname -I)" \
            --slurpfile parameters "$parameters" "$query" "$resources")
{ read -r own_partitions; read -r all_partitions; read -r logins
  read -r cluster; read -r node; read -r group; read -r type; read -r role; } <<<"$answer"

log "cluster $cluster: $node of group $group ($type), role $role"
[[ -z $own_partitions ]] || log "its partition: $own_partitions"

case $role in
  controller) tip="Slurm's controller runs here. Please work on a login node: ${logins:-none yet}." ;;
  login)      tip="Submit from here:  sbatch job.sbatch   srun -p ${all_partitions%% *} --pty bash
  What is free:      sinfo      Your jobs: squeue --me
  Your files:        /fsx is the same on every node" ;;
  compute)    tip="Jobs of partition $own_partitions run here. Scratch files in /tmp stay on this node only." ;;
  *)          tip="No provisioning_parameters.json names the group $group." ;;
esac

printf '\n  %s: %s, role %s, type %s\n  Partitions: %s\n\n  %s\n\n' \
  "$cluster" "$node" "$role" "$type" "${all_partitions:-unknown}" "$tip" >/etc/motd
log "wrote /etc/motd"
