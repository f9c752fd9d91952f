"""Daemons are killed with -9 while jobs run; all of it comes back by itself. Prints the seconds each takes.

By default each is killed once; PROVOST_TEST_SOAK=SECONDS (ten minutes with PROVOST_TEST_FULL=1) goes on,
at random, for that long.
"""

import json
import os
import pathlib
import random
import signal
import tempfile
import time
import unittest

import host
from host import group, wait_until

SOAK = float(os.environ.get("PROVOST_TEST_SOAK", "600" if os.environ.get("PROVOST_TEST_FULL") == "1" else "0"))
SEED = int(os.environ.get("PROVOST_TEST_SEED", "0"))


class Soak(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = host.Provostd("soak", "10.213.176.0/20", 17534)
        cls.daemon.clear_leftovers()
        cls.before = host.picture_of_host()
        cls.daemon.start()
        cls.folder = tempfile.TemporaryDirectory()
        config = pathlib.Path(cls.folder.name, "cluster-config.json")
        config.write_text(json.dumps({"ClusterName": "soak", "Orchestrator": {"Slurm": {}}, "InstanceGroups": [
            group("controller", "Controller"), group("work", "Compute", 2, partitions=["main"])]}))
        cls.daemon.provost("create", "--cluster-config", config)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.provost("delete", "soak", "--yes", "--with-data", check=False)
        cls.daemon.stop()
        cls.folder.cleanup()

    # Ways to die.

    def kill_provostd(self):
        self.daemon.kill()
        self.daemon.start()

    def kill_nspawn(self, node):
        for pid in (self.daemon.first_process_of(node), *self.daemon.supervisors_of(node)):
            os.kill(pid, signal.SIGKILL)

    def kill_within(self, node, program):
        """A daemon of a node, as the host sees it: nothing on the node is asked to do it."""
        first = self.daemon.first_process_of(node)
        space = os.stat(f"/proc/{first}/ns/pid").st_ino
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "comm").read_text().strip() == program[:15] and \
                        os.stat(entry / "ns" / "pid").st_ino == space:
                    os.kill(int(entry.name), signal.SIGKILL)
                    return
            except OSError:
                pass
        raise AssertionError(f"{program} does not run on {node}")

    def victims(self):
        yield "provostd", self.kill_provostd
        for node, program in (("controller-1", "provost-agent"), ("work-1", "provost-agent"), ("controller-1", "slurmctld"),
                              ("controller-1", "slurmdbd"), ("controller-1", "mariadbd"), ("controller-1", "munged"),
                              ("work-1", "munged"), ("work-2", "slurmd")):
            yield f"{program} of {node}", lambda node=node, program=program: self.kill_within(node, program)
        for node in ("work-1", "controller-1"):
            yield f"nspawn of {node}", lambda node=node: self.kill_nspawn(node)

    # What must come back.

    def slurm(self, command, check=True):
        return self.daemon.as_user("controller-1", "ubuntu", command, check=check)

    def serves(self):
        """Every agent is connected, a job runs over both nodes and its record is written."""
        nodes = self.daemon.provost("nodes", "--json", check=False)
        if nodes.status != 0 or any(node["agent"] != "connected" or node["status"] != "Running" for node in nodes.json()["nodes"]):
            return False
        ran = self.slurm("timeout 10 srun -N2 --immediate=5 hostname && timeout 10 sacctmgr -n show cluster", check=False)
        return ran.status == 0 and {"work-1", "work-2"} <= set(ran.out.split())

    def recovers(self, name, kill):
        records = set(self.slurm("sacct -n -X -S now-1day -o jobid").out.split())
        kill()
        began = time.monotonic()
        wait_until(self.serves, 120, f"all of it serves again after the death of {name}")
        took = time.monotonic() - began
        wait_until(lambda: records <= set(self.slurm("sacct -n -X -S now-1day -o jobid", check=False).out.split()), 60,
                   f"no job record is lost by the death of {name}")
        return took

    def test_100_each_is_killed_and_all_of_it_serves_again(self):
        self.assertTrue(self.serves())
        times = {}
        for name, kill in self.victims():
            times.setdefault(name, []).append(self.recovers(name, kill))
        chance, end = random.Random(SEED), time.monotonic() + SOAK
        while time.monotonic() < end:
            name, kill = chance.choice(list(self.victims()))
            times.setdefault(name, []).append(self.recovers(name, kill))
        print("\n  | killed | times | seconds until a job over both nodes has run: least, most |\n  |---|---|---|", flush=True)
        for name, took in times.items():
            print(f"  | {name} | {len(took)} | {min(took):.1f}, {max(took):.1f} |", flush=True)

    def test_900_nothing_is_left_behind(self):
        self.daemon.provost("delete", "soak", "--yes", "--with-data")
        self.assertEqual(host.differences(self.before, host.picture_of_host()), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
