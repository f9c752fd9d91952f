"""The smallest cluster that runs jobs, for tests that need any cluster at all."""

import json

ROLE = "arn:aws:iam::111122223333:role/R"


def group(name, kind, **more):
    return {"InstanceGroupName": name, "InstanceType": "ml.t3.medium", "InstanceCount": 1, "ExecutionRole": ROLE,
            "ThreadsPerCore": 1, "SlurmConfig": {"NodeType": kind, **more}}


def cluster(name):
    """cluster-config.json of a controller and one compute node, work-1."""
    return json.dumps({"ClusterName": name, "InstanceGroups": [
        group("controller", "Controller"), group("work", "Compute", PartitionNames=["main"])],
        "Orchestrator": {"Slurm": {"SlurmConfigStrategy": "Managed"}}}, indent=1)


def submit(daemon, cluster_name, line):
    """A job of the user ubuntu; its number."""
    return on_controller(daemon, cluster_name, f"sbatch --parsable -N1 --wrap '{line}'")


def on_controller(daemon, cluster_name, line):
    """A shell line of the user ubuntu on the controller; its output."""
    return daemon.provost("exec", "controller-1", "--cluster", cluster_name, "--",
                          "su", "-l", "ubuntu", "-c", line).out.strip()


def started(daemon, cluster_name, job):
    """Its start as Slurm knows it, once the job runs: another one means that it was begun again."""
    fields = on_controller(daemon, cluster_name, f"scontrol -o show job {job}").split()
    known = dict(each.split("=", 1) for each in fields if "=" in each)
    return known["StartTime"] if known.get("JobState") == "RUNNING" else None
