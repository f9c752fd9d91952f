"""A provostd of a test's own, and pictures of the host to compare.

Everything a test makes carries names, ranges and ports of its own; `Provostd.clear_leftovers` takes
away what a killed run left behind.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PROVOST_BUILD", REPOSITORY / "build" / "asan"))
CACHE = pathlib.Path(os.environ.get("PROVOST_TEST_CACHE", "/var/cache/provost-tests"))
PATIENCE = float(os.environ.get("PROVOST_TEST_PATIENCE", "1"))  # times every limit: an emulated machine is slow
ROOT = pathlib.Path("/var/tmp/provost-tests")
PROGRAMS = {
    "provost": BUILD / "src" / "cli" / "provost",
    "provostd": BUILD / "src" / "daemon" / "provostd",
    "agent": BUILD / "src" / "agent" / "provost-agent",
}


def wait_until(condition, seconds, what):
    """Asks `condition` until it gives something true; its value is returned."""
    deadline = time.monotonic() + seconds * PATIENCE
    never = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds * PATIENCE:.0f} s: {what}")
        never.wait(0.1)


class Ran:
    """How a command of `provost` ended."""

    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"status {self.status}\n--- out\n{self.out}\n--- err\n{self.err}"


class Provostd:
    """One provostd with a state directory, socket, address range and ports of its own."""

    def __init__(self, name, network, agent_port, extra=()):
        self.name = name
        self.state = ROOT / name / "state"
        self.run_directory = ROOT / name / "run"
        self.socket = self.run_directory / "provostd.sock"
        self.network = network
        self.agent_port = agent_port
        self.extra = list(extra)
        self.process = None

    def start(self, environment=None, wait=True):
        self.run_directory.mkdir(parents=True, exist_ok=True)
        with open(ROOT / self.name / "provostd.log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    PROGRAMS["provostd"],
                    "--state", self.state,
                    "--run", self.run_directory,
                    "--listen", f"127.0.0.1:{self.agent_port + 1}",
                    "--agent-port", str(self.agent_port),
                    "--network", self.network,
                    "--images", REPOSITORY / "images",
                    "--image-cache", CACHE,
                    "--agent", PROGRAMS["agent"],
                    *self.extra,
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        if wait:
            wait_until(self.is_ready, 30, f"provostd is ready; see {ROOT / self.name}/provostd.log")

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"provostd ended with {self.process.returncode}; see {ROOT / self.name}/provostd.log")
        return self.provost("status", check=False).status == 0

    def kill(self, number=signal.SIGKILL):
        """Ends provostd alone, as a crash would; nodes live on."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60 * PATIENCE)

    def restart(self):
        """As a crash would, and until the nodes' agents have found the new one."""
        self.kill()
        self.start()
        wait_until(lambda: all(node["agent"] == "connected" for node in self.provost("nodes", "--json").json()["nodes"]),
                   30, "all agents are connected again")

    def stop(self):
        self.kill(signal.SIGTERM)

    def provost(self, *arguments, check=True, stdin=None, timeout=600, environment=None):
        process = subprocess.run(
            [PROGRAMS["provost"], "--socket", self.socket, *map(str, arguments)],
            input=stdin, capture_output=True, text=True, timeout=timeout * PATIENCE,
            env={**os.environ, "NO_COLOR": "1", **(environment or {})},
        )
        ran = Ran(process)
        if check and ran.status != 0:
            raise AssertionError(f"provost {' '.join(map(str, arguments))}: {ran}")
        return ran

    def on(self, node, *argv, check=True, timeout=120):
        """Runs a command as root on a node."""
        return self.provost("exec", node, "--", *argv, check=check, timeout=timeout)

    def supervisors_of(self, node):
        """Process ids of the systemd-nspawn of this provostd's nodes of that name."""
        return [pid for pid in processes_with(f"--hostname={node}\0") if str(self.state).encode() in
                pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]

    def first_process_of(self, node):
        """The node's own first process, as the host numbers it: nspawn's child."""
        for supervisor in self.supervisors_of(node):
            for child in lines_of("pgrep", "-P", str(supervisor)):
                return int(child)
        raise AssertionError(f"node {node} does not run")

    def as_user(self, node, user, command, check=True, timeout=300):
        """Runs a shell line as a user in a login shell on a node."""
        return self.on(node, "su", "-l", user, "-c", command, check=check, timeout=timeout)

    def cluster(self, name):
        return self.provost("describe", name, "--json").json()

    def remove_everything(self):
        """All clusters with their data, then provostd itself."""
        for each in self.provost("list", "--json").json()["clusters"]:
            self.provost("delete", each["name"], "--yes", "--with-data", check=False)
        self.stop()

    def put_bucket(self, directory, bucket="sagemaker-university", prefix="lifecycle"):
        self.provost("bucket", "put", directory, f"s3://{bucket}/{prefix}")

    def clear_leftovers(self):
        """Takes away what an earlier run of this test left, by the product's own means."""
        if not self.state.exists():
            return
        for pid in processes_with(str(self.state)):
            if b"provostd" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
                wait_until(lambda pid=pid: not os.path.exists(f"/proc/{pid}"), 30, f"process {pid} is gone")
        try:
            self.start()
            for cluster in self.provost("list", "--json").json()["clusters"]:
                self.provost("delete", cluster["name"], "--yes", "--with-data", timeout=120)
        finally:
            self.stop()
        subprocess.run(["rm", "-rf", "--one-file-system", ROOT / self.name], check=True)


def group(name, kind, count=1, type_="ml.t3.medium", partitions=(), **more):
    """An instance group of cluster-config.json; `kind` is its NodeType."""
    made = {"InstanceGroupName": name, "InstanceType": type_, "InstanceCount": count,
            "ExecutionRole": "arn:aws:iam::111122223333:role/R", "ThreadsPerCore": 1, "SlurmConfig": {"NodeType": kind}}
    if kind == "Compute":
        made["SlurmConfig"]["PartitionNames"] = list(partitions or [name])
    return {**made, **more}


def processes_with(text):
    """Process ids whose command line holds `text`."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if text.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


def lines_of(*command):
    return sorted(subprocess.run(command, capture_output=True, text=True).stdout.splitlines())


def cgroup_directories():
    found = set()
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, point, kind, *_ = line.split()
        if kind in ("cgroup", "cgroup2"):
            found |= {str(path) for path in pathlib.Path(point).glob("provost*/**/")}
            found |= {str(path) for path in pathlib.Path(point).glob("slurm*/")}
    return sorted(found)


KERNEL_LIMITS = (
    "/proc/sys/fs/inotify/max_user_instances",
    "/proc/sys/fs/inotify/max_user_watches",
    "/proc/sys/kernel/keys/maxkeys",
    "/proc/sys/kernel/keys/maxbytes",
    "/proc/sys/net/ipv4/neigh/default/gc_thresh1",
    "/proc/sys/net/ipv4/neigh/default/gc_thresh2",
    "/proc/sys/net/ipv4/neigh/default/gc_thresh3",
    "/proc/sys/kernel/pid_max",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/kernel/core_pattern",
)


def picture_of_host():
    """What a deleted cluster must leave as it was. Mount ids and interface indices do not count."""
    mounts = sorted(line.split(" ", 3)[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines())
    return {
        "processes": sorted(name for name in ("systemd-nspawn", "slurmctld", "slurmd", "slurmdbd",
                                              "provost-agent", "mariadbd", "munged")
                            for _ in lines_of("pgrep", "--runstates", "D,R,S,T,I", "-x", name[:15])),
        "mounts": mounts,
        "links": sorted(os.listdir("/sys/class/net")),
        "routes": [re.sub(r" expires \d+sec", "", line) for line in lines_of("ip", "route", "show", "table", "all")],
        "rules": lines_of("nft", "list", "tables"),
        "cgroups": cgroup_directories(),
        "nspawn": lines_of("find", "/run/systemd/nspawn", "-mindepth", "2"),
        "namespaces": sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else [],
        "units": lines_of("find", "/run/systemd/transient", "/etc/systemd/system", "-name", "pv-*"),
        "limits": {name: pathlib.Path(name).read_text().strip() for name in KERNEL_LIMITS},
    }


def differences(before, after):
    """What two pictures of the host do not share: nothing, or lines "+ kind what" and "- kind what"."""
    found = []
    for kind, was in before.items():
        now = after[kind]
        if isinstance(was, dict):
            was, now = ([f"{name}={value}" for name, value in each.items()] for each in (was, now))
        found += [f"+ {kind} {each}" for each in now if now.count(each) > was.count(each)]
        found += [f"- {kind} {each}" for each in was if was.count(each) > now.count(each)]
    return found
