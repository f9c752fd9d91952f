"""HyperPod's ways to provision a cluster: all nodes or none, with the way back; continuously, with what
fails tried again; scripts in place of the image's configuration or after it."""

import json
import pathlib
import re
import tempfile
import unittest

import host
from host import wait_until

ON_CREATE = "#!/bin/sh\nset -e\necho mounting\n[ -e /fsx/good ] || { echo 'no such licence: FLUENT'; exit 3; }\n"
COMPLETES = ("#!/bin/sh\nset -e\nmkdir -p /fsx/order\n"
             "echo \"$(systemctl is-active slurmctld slurmd | tr '\\n' ' ')\" >> /fsx/order/$(hostname)\n")


def group(name, kind, count=1, script=None, when="OnCreate", least=None):
    more = {"LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-modes/src", when: script}} if script else {}
    return host.group(name, kind, count, **more, **({} if least is None else {"MinInstanceCount": least}))


def cluster(*groups, continuous=False):
    made = {"ClusterName": "modes", "InstanceGroups": list(groups), "Orchestrator": {"Slurm": {}}}
    if continuous:
        made["NodeProvisioningMode"] = "Continuous"
    return made


class Modes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = host.Provostd("modes", "10.213.160.0/20", 17524, ("--minimum-timeout", "25"))
        cls.daemon.clear_leftovers()
        cls.before = host.picture_of_host()
        cls.daemon.start()
        cls.folder = tempfile.TemporaryDirectory()
        scripts = pathlib.Path(cls.folder.name, "src")
        scripts.mkdir()
        for name, text in (("on_create.sh", ON_CREATE), ("completes.sh", COMPLETES)):
            (scripts / name).write_text(text)
        cls.daemon.put_bucket(scripts, "sagemaker-modes", "src")

    @classmethod
    def tearDownClass(cls):
        cls.daemon.remove_everything()
        cls.folder.cleanup()

    def file(self, content):
        path = pathlib.Path(self.folder.name, "cluster-config.json")
        path.write_text(json.dumps(content, indent=1))
        return path

    def ask(self, verb, content, *more):
        return self.daemon.provost(verb, *more, "--cluster-config", self.file(content), check=False)

    def state(self):
        return self.daemon.cluster("modes")["cluster"]

    def group(self, name):
        return next(each for each in self.state()["groups"] if each["name"] == name)

    def events(self):
        return self.daemon.provost("events", "modes", "--limit", 10000).out

    def test_010_a_creation_comes_whole_or_not_at_all(self):
        wanted = cluster(group("controller", "Controller"), group("work", "Compute", 2, "on_create.sh"))
        ran = self.ask("create", wanted)
        self.assertEqual(ran.status, 1, ran)
        for words in ("no such licence: FLUENT", "provost apply modes", "--unit lifecycle"):
            self.assertIn(words, ran.err)
        self.assertEqual(self.state()["status"], "Failed")
        self.assertIn("no such licence: FLUENT", self.state()["failure"])
        for node in ("controller-1", "work-1", "work-2"):
            self.assertEqual(self.daemon.supervisors_of(node), [])
        failed = re.search(r"logs (work-[12]) ", ran.err)[1]  # the other may not have come to its script
        self.assertIn("mounting", self.daemon.provost("logs", failed, "--unit", "lifecycle").out)
        self.assertIn("modes is RollingBack", self.events())
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.state()["status"], "Failed")  # it stays where it is

    def test_020_what_was_mended_is_made_from_its_beginning(self):
        planned = self.daemon.provost("plan", "modes", check=False)
        self.assertEqual(planned.status, 3, planned)
        self.assertIn("+ work-2  create", planned.out)
        pathlib.Path(self.daemon.state, "data", "modes", "fsx", "good").write_text("")
        ran = self.daemon.provost("apply", "modes")
        self.assertIn("modes is InService", ran.out)
        self.assertIsNone(self.state()["failure"])
        both = self.daemon.as_user("controller-1", "ubuntu", "srun -p work -N2 hostname").out
        self.assertEqual(sorted(both.split()), ["work-1", "work-2"])

    def test_030_a_change_that_fails_is_taken_back_and_says_why(self):
        job = self.daemon.as_user("controller-1", "ubuntu", "sbatch --parsable -o /dev/null -w work-1 --wrap 'sleep 300'").out
        runs = lambda: "RUNNING" in self.daemon.on("controller-1", "scontrol", "show", "job", job.strip()).out
        wait_until(runs, 60, "the job runs")
        pathlib.Path(self.daemon.state, "data", "modes", "fsx", "good").unlink()
        wanted = cluster(group("controller", "Controller"), group("work", "Compute", 3, "on_create.sh"),
                         group("more", "Compute", 1))
        ran = self.ask("apply", wanted)
        self.assertEqual(ran.status, 1, ran)
        self.assertIn("the change was rolled back: work-3", ran.err)
        self.assertIn("no such licence: FLUENT", ran.err)
        state = self.state()
        self.assertEqual(state["status"], "InService")
        self.assertIn("no such licence: FLUENT", state["failure"])
        self.assertEqual(sorted(node["name"] for node in self.daemon.cluster("modes")["nodes"]),
                         ["controller-1", "work-1", "work-2"])
        self.assertEqual(self.daemon.provost("plan", "modes", check=False).status, 0)  # the files before
        self.assertTrue(runs())
        self.assertNotIn("more", self.daemon.as_user("controller-1", "ubuntu", "sinfo -h -o %R").out)
        self.daemon.provost("delete", "modes", "--yes", "--with-data")

    def test_040_continuous_serves_with_its_controller_and_tries_the_rest_for_ever(self):
        wanted = cluster(group("controller", "Controller", 1, "completes.sh", "OnInitComplete"), group("login", "Login", 1),
                         group("cpu", "Compute", 1, "completes.sh", "OnInitComplete"),
                         group("late", "Compute", 1, "on_create.sh"), continuous=True)
        refused = json.loads(json.dumps(wanted))
        refused["Orchestrator"]["Slurm"]["SlurmConfigStrategy"] = "Managed"
        ran = self.ask("create", refused)
        self.assertEqual(ran.status, 1)
        self.assertIn("with Continuous it is always Merge", ran.err)
        ran = self.ask("create", wanted)
        self.assertEqual(ran.status, 0, ran)
        self.assertIn("modes is InService", ran.out)
        begun = [line for line in self.events().splitlines() if "  create  " in line]
        self.assertIn("+ controller-1", next(line for line in begun if "network" not in line))
        wait_until(lambda: self.group("cpu")["status"] == "InService", 60, "cpu serves while late does not")
        self.assertIn("cpu-1", self.daemon.as_user("login-1", "ubuntu", "srun -p cpu hostname").out)
        wait_until(lambda: "late-1 is made anew, for the 2. time" in self.events(), 90, "late is tried again")
        self.assertEqual((self.state()["status"], self.group("late")["status"]), ("InService", "Creating"))
        self.daemon.on("login-1", "touch", "/fsx/good")
        self.daemon.provost("exec", "login-1", "--", "true")
        wait_until(lambda: self.group("late")["status"] == "InService", 180, "late serves after all")
        self.assertIn("late-1", self.daemon.as_user("login-1", "ubuntu", "srun -p late hostname").out)
        wait_until(lambda: "modes has all its nodes" in self.events(), 60, "the creation is whole")

    def test_050_a_script_on_init_complete_finds_everything_set_up_and_runs_once(self):
        order = pathlib.Path(self.daemon.state, "data", "modes", "fsx", "order")
        self.assertTrue((order / "controller-1").read_text().startswith("active"))
        self.assertEqual((order / "cpu-1").read_text().split()[-1], "active")
        self.daemon.kill()
        for pid in (self.daemon.first_process_of("cpu-1"), *self.daemon.supervisors_of("cpu-1")):
            host.os.kill(pid, 9)
        self.daemon.start()
        wait_until(lambda: "cpu-1" in self.daemon.as_user("login-1", "ubuntu", "timeout 5 srun -p cpu hostname",
                                                          check=False).out, 90, "the node is back")
        self.assertEqual(len((order / "cpu-1").read_text().splitlines()), 1)  # a reboot runs no script

    def test_060_a_group_below_its_least_count_is_rolled_back_in_time(self):
        pathlib.Path(self.daemon.state, "data", "modes", "fsx", "good").unlink()
        groups = [group("controller", "Controller", 1, "completes.sh", "OnInitComplete"), group("login", "Login", 1),
                  group("cpu", "Compute", 1, "completes.sh", "OnInitComplete"), group("late", "Compute", 1, "on_create.sh")]
        many = self.ask("apply", cluster(*groups, group("new", "Compute", 2, "on_create.sh", least=3), continuous=True))
        self.assertIn("MinInstanceCount", many.err)
        self.assertIn("at most 2", many.err)
        ran = self.ask("apply", cluster(*groups, group("new", "Compute", 2, "on_create.sh", least=1), continuous=True),
                       "--no-wait")
        self.assertEqual(ran.status, 0, ran)
        self.assertEqual((self.state()["status"], self.group("new")["status"]), ("InService", "Creating"))
        wait_until(lambda: "rollback of group new initiated" in self.events(), 90, "the time is over")
        wait_until(lambda: not self.state()["changing"], 90, "the group is gone")
        self.assertEqual(self.group("new")["count"], 0)
        self.assertIn("0 of at least 1 nodes run", self.state()["failure"])
        self.assertEqual(self.group("cpu")["running"], 1)

    def test_900_nothing_is_left_behind(self):
        self.daemon.provost("delete", "modes", "--yes", "--with-data")
        self.assertEqual(host.differences(self.before, host.picture_of_host()), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
