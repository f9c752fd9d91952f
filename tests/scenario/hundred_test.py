"""A hundred nodes on one machine: 3 compute nodes become 128, a job runs over all of them, they become 3 again,
and nothing is left behind. Under ./run-tests --full only: on two processors it takes some minutes and about
4 GiB of memory. With the release build: 131 agents with sanitizers would be measured, not Provost."""

import json
import pathlib
import tempfile
import unittest

import host
from host import group, wait_until

MANY = 128
CLUSTER = {"ClusterName": "hundred", "Orchestrator": {"Slurm": {"SlurmConfigStrategy": "Managed"}},
           "InstanceGroups": [group("controller", "Controller", 1), group("login", "Login", 2),
                              group("work", "Compute", 3, partitions=["main"])]}


class Hundred(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = host.Provostd("hundred", "10.213.128.0/20", 17488)
        cls.daemon.clear_leftovers()
        cls.before = host.picture_of_host()
        cls.daemon.start()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "cluster-config.json")
            path.write_text(json.dumps(CLUSTER))
            cls.daemon.provost("create", "--cluster-config", path)
        cls.small = cls.picture_of_nodes()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.remove_everything()

    @classmethod
    def picture_of_nodes(cls):
        """What may not grow with nodes that have gone: limits stay raised while there is a cluster."""
        found = host.picture_of_host()
        # Below a node's own control groups Slurm makes some with its first job, and keeps them.
        found["cgroups"] = [path for path in found["cgroups"] if pathlib.Path(path).name.startswith("pv-")]
        return {name: len(found[name]) for name in ("mounts", "links", "cgroups", "nspawn", "namespaces")} | {
            "machines": sorted(path.name for path in (cls.daemon.state / "machines" / "hundred").iterdir() if path.is_dir()),
            "processes": found["processes"]}

    def nodes(self):
        return self.daemon.provost("nodes", "--json").json()["nodes"]

    def slurm(self, command):
        return self.daemon.as_user("login-1", "ubuntu", command).out.split()

    def test_010_the_limits_that_were_raised_are_told(self):
        raised = self.daemon.provost("status", "--json").json()["host"]["raised_limits"]
        now = host.picture_of_host()["limits"]
        before = self.before["limits"]
        changed = [name for name in before if before[name] != now[name]]
        self.assertEqual(len(raised), len(changed), (raised, changed))
        if raised:
            self.assertIn(f"kernel limits raised: {raised[0]}", self.daemon.provost("events", "hundred").out)

    def test_020_three_become_many_and_a_job_runs_over_all(self):
        self.daemon.provost("scale", "hundred", f"work={MANY}", timeout=900)
        nodes = self.nodes()
        self.assertEqual(len(nodes), MANY + 3)
        self.assertEqual({node["status"] for node in nodes}, {"Running"})
        self.assertEqual({node["agent"] for node in nodes}, {"connected"})
        ran = self.slurm(f"srun -p main -N{MANY} hostname")
        self.assertEqual(sorted(ran), sorted(f"work-{number}" for number in range(1, MANY + 1)))
        wait_until(lambda: not self.slurm("squeue -h"), 60, "the job has ended on every node")

    def test_030_many_become_three_and_those_that_went_leave_nothing(self):
        self.daemon.provost("scale", "hundred", "work=3", timeout=900)
        self.assertEqual(sorted(node["name"] for node in self.nodes()),
                         ["controller-1", "login-1", "login-2", "work-1", "work-2", "work-3"])
        wait_until(lambda: self.picture_of_nodes() == self.small, 30, f"{self.picture_of_nodes()} is {self.small}")
        self.assertEqual(len(self.slurm("srun -p main -N3 hostname")), 3)

    def test_900_nothing_is_left_behind(self):
        self.daemon.provost("delete", "hundred", "--yes", "--with-data")
        self.assertEqual(host.picture_of_host(), self.before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
