"""Whole GPUs, shards and MIG's partitions side by side on one cluster: who gets which device, and what stays
closed. The devices are emulated: character devices without a driver, which say "No such device" to who may open
them and "Operation not permitted" to everybody else."""

import json
import re
import sys
import unittest

import host
from host import Provostd, group, wait_until

CONFIG = json.dumps({"ClusterName": "gpus", "InstanceGroups": [
    group("controller", "Controller"), group("whole", "Compute", 1, "ml.g5.12xlarge"),
    group("shared", "Compute", 1, "ml.g5.12xlarge"), group("mig", "Compute", 1, "ml.p4d.24xlarge")],
    "Orchestrator": {"Slurm": {"SlurmConfigStrategy": "Managed"}}})

CAMPUS = """[campus]
name = "Example University"
selftest = "on demand"

[[gpus]]
groups = ["shared"]
sharing = { mode = "shard", per_gpu = 4 }

[[gpus]]
groups = ["mig"]
sharing = { mode = "mig", profile = "3g.20gb", per_gpu = 2 }

[[department]]
name = "nlp"
members = ["minh", "an"]

[[person]]
name = "minh"
uid = 2001

[[person]]
name = "an"
uid = 2002
"""

OPEN = """import glob, os
for path in sorted(glob.glob("/dev/provost-gpu*")):
    try:
        open(path)
    except OSError as problem:
        print(path[len("/dev/provost-gpu"):], problem.strerror, sep=":")
print("visible", os.environ.get("CUDA_VISIBLE_DEVICES"))
"""


class Gpus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Provostd("gpus", "10.214.112.0/20", 17680)
        cls.daemon.clear_leftovers()
        cls.files = host.ROOT / "gpus"
        cls.daemon.start()
        (cls.files / "config.json").write_text(CONFIG)
        cls.write(CAMPUS)
        cls.daemon.provost("create", "--cluster-config", cls.files / "config.json", "--campus", cls.files / "campus.toml")
        cls.daemon.on("controller-1", "bash", "-c", f"cat >/fsx/home/minh/open.py <<'X'\n{OPEN}X\nchmod 644 /fsx/home/minh/open.py; "
                                                    "chmod 755 /fsx/home/minh")

    @classmethod
    def tearDownClass(cls):
        cls.daemon.remove_everything()

    def tearDown(self):
        self.on("squeue -h -a -o %A | xargs -r scancel")

    @classmethod
    def write(cls, campus):
        (cls.files / "campus.toml").write_text(campus)

    def on(self, command, check=True):
        return self.daemon.on("controller-1", "bash", "-c", command, check=check).out.strip()

    def run_as(self, user, command, check=True):
        return self.daemon.as_user("controller-1", user, command, check=check)

    def submit(self, user, options):
        job = self.run_as(user, f"sbatch --parsable -D /tmp -o /dev/null {options} --wrap 'sleep 300'").out.strip()
        wait_until(lambda: self.on(f"squeue -h -j {job} -o %T") == "RUNNING", 60, f"job {job} runs")
        return job

    def opened(self, job):
        """Of each device whether the job may open it, and what it is told to use."""
        out = self.run_as("minh", f"srun -D /tmp --jobid={job} --overlap python3 /fsx/home/minh/open.py").out
        *lines, visible = out.splitlines()
        found = dict(line.split(":", 1) for line in lines)
        for words in found.values():
            self.assertIn(words, ("No such device", "No such device or address", "Operation not permitted"))
        return {int(number) for number, words in found.items() if words != "Operation not permitted"}, len(found), visible

    def test_010_each_group_counts_what_it_shares(self):
        nodes = self.on("scontrol -o show nodes")
        gres = dict(re.findall(r"NodeName=(\S+) .*? Gres=(\S+) ", nodes))
        self.assertEqual(gres["whole-1"], "gpu:a10g:4")
        self.assertRegex(gres["shared-1"], "^gpu:a10g:4,shard:(a10g:)?16$")
        self.assertEqual(gres["mig-1"], "gpu:a100_3g.20gb:16")
        described = self.daemon.provost("describe", "gpus").out
        self.assertIn("4 x a10g in 16 shards (emulated)", described)
        self.assertIn("nothing but good manners", described)
        self.assertIn("fenced by the GPU itself", described)

    def test_020_a_whole_gpu_is_one_jobs_alone(self):
        job = self.submit("minh", "-p whole --gpus=2 -c1")
        mine, devices, visible = self.opened(job)
        self.assertEqual((len(mine), devices), (2, 4))
        self.assertEqual(len(visible.split()[1].split(",")), 2)

    def test_030_two_jobs_share_a_gpu_by_shards(self):
        first = self.submit("minh", "-p shared --gres=shard:2 -c1")
        second = self.submit("minh", "-p shared --gres=shard:2 -c1")
        one, devices, _ = self.opened(first)
        other, _, _ = self.opened(second)
        self.assertEqual(devices, 4)
        self.assertEqual(len(one), 1)
        self.assertEqual(one, other, "both on one GPU")

    def test_040_whole_and_shard_on_one_node(self):
        shard = self.submit("minh", "-p shared --gres=shard:1 -c1")
        whole = self.submit("minh", "-p shared --gpus=2 -c1")
        shared, _, _ = self.opened(shard)
        mine, _, _ = self.opened(whole)
        self.assertEqual(len(mine), 2)
        self.assertFalse(shared & mine)
        refused = self.run_as("minh", "sbatch -p shared --gres=gpu:1,shard:1 --wrap true", check=False)
        self.assertNotEqual(refused.status, 0)

    def test_050_a_partition_of_mig_is_fenced(self):
        first = self.submit("minh", "-p mig --gpus=1 -c1")
        second = self.submit("minh", "-p mig --gpus=a100_3g.20gb:3 -c1")
        one, devices, _ = self.opened(first)
        others, _, _ = self.opened(second)
        self.assertEqual((len(one), len(others), devices), (1, 3, 16))
        self.assertFalse(one & others)

    def test_055_the_policy_is_tried_on_a_cluster_without_a_login_node(self):
        wait_until(lambda: not self.on("squeue -h -a"), 60, "no job is left")
        ran = self.daemon.provost("selftest", "gpus", "--json").json()["selftest"]["checks"]
        checks = {check["name"]: check for check in ran}
        for name in ("compute-closed", "compute-open", "session-adopted", "gpus-closed", "gpus-own", "session-ends"):
            self.assertEqual(checks[name]["proof"], "held", checks[name])
        self.assertRegex(checks["gpus-own"]["found"], "opened, 3 closed")
        for name, words in (("login-open", "no login node"), ("limit", "has a limit of time"), ("partition", "open to every")):
            self.assertEqual(checks[name]["proof"], "not tried", checks[name])
            self.assertIn(words, checks[name]["found"])

    def test_060_how_gpus_are_shared_changes_on_nodes_that_are_new(self):
        other = CAMPUS.replace("per_gpu = 4", "per_gpu = 8")
        self.write(other)
        refused = self.daemon.provost("plan", "gpus", "--campus", self.files / "campus.toml", check=False)
        self.assertEqual(refused.status, 1)
        self.assertIn("provost scale gpus shared=0", refused.err)
        self.daemon.provost("scale", "gpus", "shared=0")
        self.daemon.provost("apply", "gpus", "--campus", self.files / "campus.toml")
        self.daemon.provost("scale", "gpus", "shared=1")
        self.assertRegex(self.on("scontrol -o show node shared-1"), "shard:(a10g:)?32")
        eight = [self.submit("minh", "-p shared --gres=shard:1 -c1") for _ in range(2)]
        self.assertEqual(len({tuple(self.opened(job)[0]) for job in eight}), 1)

    def test_070_what_is_not_offered_says_why(self):
        for wrong, words in ((CAMPUS.replace('mode = "shard", per_gpu = 4', 'mode = "mps"'), "one user at a time"),
                             (CAMPUS.replace('groups = ["shared"]', 'groups = ["controller"]'), "no instance group"),
                             (CAMPUS.replace("per_gpu = 2", "per_gpu = 3"), "at most per_gpu = 2"),
                             (CAMPUS.replace('groups = ["mig"]', 'groups = ["whole"]'), "have no MIG")):
            self.write(wrong)
            ran = self.daemon.provost("validate", "--cluster-config", self.files / "config.json",
                                      "--campus", self.files / "campus.toml", check=False)
            self.assertEqual(ran.status, 1)
            self.assertIn(words, ran.out + ran.err)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
