"""A cluster in service is changed: planned in plain words, applied without harm to the jobs that run,
killed in the middle, refused where it can't be done."""

import json
import os
import pathlib
import re
import signal
import tempfile
import time
import unittest

import host
from host import group, wait_until


def cluster(work=2, more=(), controller="controller", work_type="ml.t3.medium", strategy="Managed"):
    return {"ClusterName": "grows", "InstanceGroups": [
        group(controller, "Controller"), group("work", "Compute", work, work_type, ["main"]), *more],
        "Orchestrator": {"Slurm": {"SlurmConfigStrategy": strategy}}}


GPU = group("gpu", "Compute", 1, "ml.g5.xlarge", ["gpus"])


class Changes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = host.Provostd("change", "10.213.96.0/20", 17484)
        cls.daemon.clear_leftovers()
        cls.before = host.picture_of_host()
        cls.daemon.start()
        cls.folder = tempfile.TemporaryDirectory()
        cls.daemon.provost("create", "--cluster-config", cls.file(cluster()))

    @classmethod
    def tearDownClass(cls):
        cls.daemon.remove_everything()
        cls.folder.cleanup()

    @classmethod
    def file(cls, content):
        path = pathlib.Path(cls.folder.name, "cluster-config.json")
        path.write_text(json.dumps(content, indent=1))
        return path

    def plan(self, content, *more):
        return self.daemon.provost("plan", *more, "--cluster-config", self.file(content), check=False)

    def apply(self, content, *more, check=True):
        return self.daemon.provost("apply", *more, "--cluster-config", self.file(content), check=check)

    def nodes(self):
        return sorted(node["name"] for node in self.daemon.cluster("grows")["nodes"])

    def slurm(self, command):
        return self.daemon.as_user("controller-1", "ubuntu", command).out.strip()

    def submit(self, command, *options):
        return self.slurm(f"sbatch --parsable -o /dev/null {' '.join(options)} --wrap '{command}'")

    def job(self, number):
        words = self.daemon.on("controller-1", "scontrol", "-o", "show", "job", number).out.split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def wait_for_state(self, number, state):
        wait_until(lambda: self.job(number)["JobState"] == state, 60, f"job {number} is {state}")

    def all_at_rest(self, *nodes):
        wait_until(lambda: set(self.slurm("sinfo -h -N -o %t").split()) == {"idle"}, 60, "all nodes are idle")
        self.assertEqual(self.nodes(), sorted(nodes))

    def test_010_the_same_files_change_nothing(self):
        same = self.plan(cluster())
        self.assertEqual((same.status, same.out), (0, "grows is what the files say: nothing to change\n"))
        self.assertIn("nothing to change", self.apply(cluster()).out)

    def test_020_nodes_a_group_and_a_partition_join_while_jobs_run_and_wait(self):
        running = self.submit("sleep 30", "-p main", "-N2", "--exclusive")
        self.wait_for_state(running, "RUNNING")
        waiting = self.submit("true", "-p main", "-N2", "--exclusive")
        wanted = cluster(work=3, more=[GPU])
        planned = self.plan(wanted)
        self.assertEqual(planned.status, 3, planned)
        for words in ("+ work-3  create  ml.t3.medium", "InstanceCount of work is 3 instead of 2",
                      "+ gpu-1  create  ml.g5.xlarge", "group gpu is new in the files", "+ partition gpus",
                      "~ slurm.conf  reconfigure", "jobs: none is ended", "a month"):
            self.assertIn(words, planned.out)
        self.assertEqual(self.nodes(), ["controller-1", "work-1", "work-2"])
        changes = self.plan(wanted, "--json").json()
        self.assertEqual(len(changes["fingerprint"]), 16)
        self.assertGreater(changes["cost"]["per_hour_after"], changes["cost"]["per_hour_before"])
        applied = self.apply(wanted)
        self.assertIn("InService", applied.out)
        self.assertIn("gpu-1", self.slurm("srun -p gpus -N1 --gres=gpu:1 hostname"))
        for number in (running, waiting):
            self.assertEqual((self.job(number)["Restarts"], self.job(number)["Requeue"]), ("0", "1"))
        self.slurm(f"scancel {running}")
        self.wait_for_state(waiting, "COMPLETED")
        self.assertEqual(len(self.slurm("srun -p main -N3 hostname").split()), 3)
        self.assertEqual(self.plan(wanted).status, 0)

    def test_030_what_cannot_be_is_refused_with_the_way_to_do_it(self):
        for wanted, words in (
                (cluster(3, [GPU], controller="head"), "another controller is another cluster"),
                (cluster(3, [GPU], work_type="ml.c5.xlarge"), "add a group of another name with ml.c5.xlarge"),
                (cluster(3), "set its InstanceCount to 0 and apply that first"),
                (cluster("3", [GPU]), "cluster-config.json:")):
            for refused in (self.plan(wanted), self.apply(wanted, check=False)):
                self.assertEqual(refused.status, 1, refused)
                self.assertIn(words, refused.err)
        self.assertEqual(self.nodes(), ["controller-1", "gpu-1", "work-1", "work-2", "work-3"])
        self.assertEqual(self.plan(cluster(3, [GPU])).status, 0)
        nobody = self.plan(cluster(), "nobody")
        self.assertEqual(nobody.status, 1)
        self.assertIn("there is no cluster named nobody", nobody.err)

    def test_040_a_plan_that_is_not_the_plan_any_more_is_not_carried_out(self):
        old = self.plan(cluster(2, [GPU]), "--json").json()["fingerprint"]
        late = self.apply(cluster(1, [GPU]), "--fingerprint", old, check=False)
        self.assertEqual(late.status, 1, late)
        self.assertIn("is not what it was when the plan was made", late.err)
        self.assertEqual(len(self.nodes()), 5)

    def test_050_nodes_leave_idle_ones_first_and_wait_for_their_jobs(self):
        busy = self.submit("sleep 60", "-w work-3")
        self.wait_for_state(busy, "RUNNING")
        planned = self.plan(cluster(2, [GPU]))
        self.assertIn("- work-2  drain, wait for its jobs, remove", planned.out)
        self.assertNotIn("work-3  drain", planned.out)
        type(self).held = self.submit("true", "-p main", "-H")
        planned = self.plan(cluster(0, [GPU]))
        self.assertIn(f"waits for 1 running job: {busy}", planned.out)
        self.apply(cluster(0, [GPU]), "--no-wait")
        wait_until(lambda: "work-2" not in self.nodes() and "work-1" not in self.nodes(), 60, "the idle ones are gone")
        self.assertEqual(self.daemon.cluster("grows")["cluster"]["status"], "Updating")
        self.daemon.restart()  # the half-done change goes on
        self.assertEqual(self.job(busy)["JobState"], "RUNNING")
        self.assertIn("drain", self.slurm("sinfo -h -N -n work-3 -o %T"))
        self.slurm(f"scancel {busy}")
        self.daemon.provost("wait", "grows")
        self.all_at_rest("controller-1", "gpu-1")
        self.assertEqual(self.job(busy)["Restarts"], "0")

    def test_055_a_partition_without_nodes_keeps_its_jobs_until_it_has_some(self):
        waiting = self.held
        self.assertEqual(self.job(waiting)["JobState"], "PENDING")
        elsewhere = cluster(0, [GPU])
        elsewhere["InstanceGroups"][1]["SlurmConfig"]["PartitionNames"] = ["other"]
        refused = self.plan(elsewhere)
        self.assertEqual(refused.status, 1, refused)
        self.assertIn(f"partition main has 1 job ({waiting})", refused.err)
        self.assertIn("scancel --partition=main", refused.err)
        self.apply(cluster(1, [GPU]))
        self.slurm(f"scontrol release {waiting}")
        self.wait_for_state(waiting, "COMPLETED")

    def test_060_a_node_that_was_to_leave_stays_after_all(self):
        self.apply(cluster(2, [GPU]))
        busy = self.submit("sleep 60", "-w work-2")
        self.wait_for_state(busy, "RUNNING")
        self.apply(cluster(0, [GPU]), "--no-wait")
        wait_until(lambda: "drain" in self.slurm("sinfo -h -N -n work-2 -o %T"), 60, "work-2 takes no more jobs")
        planned = self.plan(cluster(1, [GPU]))
        self.assertIn("~ work-2  stays after all", planned.out)
        self.apply(cluster(1, [GPU]))
        wait_until(lambda: "drain" not in self.slurm("sinfo -h -N -n work-2 -o %T"), 60, "work-2 takes jobs")
        self.assertEqual(self.job(busy)["JobState"], "RUNNING")
        self.slurm(f"scancel {busy}")
        self.all_at_rest("controller-1", "gpu-1", "work-2")

    def test_070_now_does_not_wait_and_queues_jobs_again(self):
        busy = self.submit("sleep 300", "-p main")
        self.wait_for_state(busy, "RUNNING")
        planned = self.plan(cluster(0, [GPU]), "--now")
        self.assertIn(f"jobs: ends 1 running job: {busy}", planned.out)
        ran = self.apply(cluster(1, [GPU, group("spare", "Compute", 1, partitions=["main"])]))
        self.assertIn("InService", ran.out)
        self.apply(cluster(0, [GPU, group("spare", "Compute", 1, partitions=["main"])]), "--now")
        self.wait_for_state(busy, "PENDING")
        self.daemon.on("controller-1", "scontrol", "update", f"JobId={busy}", "StartTime=now")  # else in 2 minutes
        wait_until(lambda: self.job(busy).get("NodeList") == "spare-1", 60, "the job runs elsewhere")
        self.assertEqual(self.job(busy)["Restarts"], "1")
        self.slurm(f"scancel {busy}")
        self.all_at_rest("controller-1", "gpu-1", "spare-1")

    def test_075_scale_changes_a_count_and_nothing_else(self):
        planned = self.daemon.provost("scale", "grows", "work=1", "spare=0", "--plan", check=False)
        self.assertEqual(planned.status, 3, planned)
        self.assertIn("+ work-1  create", planned.out)
        self.assertIn("- spare-1  drain", planned.out)
        for wrong, words in (("wrok=1", "the groups are controller, work, gpu, spare"), ("work=many", "is not GROUP=COUNT"),
                             ("controller=2", "controller")):
            refused = self.daemon.provost("scale", "grows", wrong, check=False)
            self.assertEqual(refused.status, 1, refused)
            self.assertIn(words, refused.err)
        self.daemon.provost("scale", "grows", "work=1", "spare=0")
        self.all_at_rest("controller-1", "gpu-1", "work-1")
        self.assertEqual(self.plan(cluster(1, [GPU, group("spare", "Compute", 0, partitions=["main"])])).status, 0)

    def test_080_every_change_is_an_event_with_its_reason(self):
        events = self.daemon.provost("events", "grows", "--limit", 10000).out
        for words in ("grows is Updating", "root asked for it", "work-2 is gone", "because group work has fewer nodes",
                      "the change is done"):
            self.assertIn(words, events)

    # What somebody changed by hand in slurm.conf, as each strategy has it.

    def with_strategy(self, strategy, work=1):
        return cluster(work, [GPU, group("spare", "Compute", 0, partitions=["main"])], strategy=strategy)

    def edit_by_hand(self, reconfigure=True):
        self.daemon.on("controller-1", "sh", "-c", "printf 'MaxStepCount=4321\\nPartitionName=byhand Nodes=work-1\\n' "
                       ">> /etc/slurm/slurm.conf")
        if reconfigure:
            self.daemon.on("controller-1", "scontrol", "reconfigure")

    def max_steps(self):
        return re.search(r"MaxStepCount\s*= (\d+)", self.daemon.on("controller-1", "scontrol", "show", "config").out)[1]

    def test_081_managed_shows_what_was_changed_by_hand_and_takes_no_change_until_it_is_settled(self):
        self.edit_by_hand()
        for refused in (self.plan(self.with_strategy("Managed")), self.plan(self.with_strategy("Managed", 2)),
                        self.apply(self.with_strategy("Managed", 2), check=False),
                        self.daemon.provost("scale", "grows", "work=2", check=False)):
            self.assertEqual(refused.status, 1, refused)
            for words in ("Configuration drift detected", "MaxStepCount=4321", "PartitionName=byhand Nodes=work-1",
                          '"Overwrite" undoes it'):
                self.assertIn(words, refused.err)
        self.assertIn("SlurmConfigStrategy Managed", self.daemon.provost("describe", "grows").out)
        self.daemon.restart()
        self.assertEqual(self.max_steps(), "4321")  # nobody touched it
        self.assertIn("byhand", self.slurm("sinfo -h -o %R"))

    def test_082_overwrite_undoes_it(self):
        planned = self.plan(self.with_strategy("Overwrite"))
        self.assertEqual(planned.status, 3, planned)
        self.assertIn("~ undo by hand  slurm.conf: + MaxStepCount=4321", planned.out)
        self.apply(self.with_strategy("Overwrite"))
        wait_until(lambda: self.max_steps() == "40000", 30, "the setting is Slurm's own again")
        self.assertNotIn("byhand", self.slurm("sinfo -h -o %R"))
        self.assertEqual(self.plan(self.with_strategy("Overwrite")).status, 0)

    def test_083_merge_keeps_it_in_every_change_to_come(self):
        self.apply(self.with_strategy("Merge"))
        self.edit_by_hand(reconfigure=False)
        unread = self.apply(self.with_strategy("Merge", 2), check=False)
        self.assertEqual(unread.status, 1, unread)
        self.assertIn("slurmctld has not read it yet", unread.err)
        self.daemon.on("controller-1", "scontrol", "reconfigure")
        self.apply(self.with_strategy("Merge", 2))
        self.all_at_rest("controller-1", "gpu-1", "work-1", "work-2")
        self.assertEqual(self.max_steps(), "4321")
        self.assertEqual(self.slurm("sinfo -h -p byhand -N -o %N"), "work-1")
        self.assertIn("PartitionName=byhand", self.daemon.provost("describe", "grows").out)
        self.assertIn("work-2", self.slurm("srun -p main -w work-2 hostname"))
        wait_until(lambda: not self.slurm("squeue -h -a"), 30, "its job is gone: a plan names those that run")
        self.apply(self.with_strategy("Merge", 0))  # without its node the partition stays, empty
        self.assertEqual(self.max_steps(), "4321")
        self.assertIn("byhand", self.daemon.on("controller-1", "scontrol", "-o", "show", "partition").out)
        self.apply(self.with_strategy("Merge", 1))
        self.assertEqual(self.slurm("sinfo -h -p byhand -N -o %N"), "work-1")
        self.apply(self.with_strategy("Overwrite"))
        wait_until(lambda: self.max_steps() == "40000", 30, "what was kept is undone")
        self.apply(self.with_strategy("Managed"))

    def test_085_a_host_that_restarts_brings_back_the_queue_the_accounts_and_fsx(self):
        running = self.submit("sleep 600", "-w work-1")
        self.wait_for_state(running, "RUNNING")
        waiting = self.submit("true", "-H")
        self.daemon.on("controller-1", "sh", "-c", "echo kept > /fsx/kept && sync")
        submitted = time.time()  # slurmctld writes its queue down a few seconds later: that is Slurm's own interval
        wait_until(lambda: float(self.daemon.on("controller-1", "stat", "-c", "%Y",
                                                "/var/lib/slurm/slurmctld/job_state").out) > submitted, 30, "saved")
        records = len(self.slurm("sacct -n -X -S now-1hour -o jobid").split())
        nodes = self.nodes()
        self.daemon.kill()
        for node in nodes:  # all at once, as when the power fails
            for pid in (self.daemon.first_process_of(node), *self.daemon.supervisors_of(node)):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(self.daemon.supervisors_of(node) for node in nodes), 30, "nothing runs")
        self.daemon.start()
        wait_until(lambda: {(node["status"], node["agent"]) for node in self.daemon.cluster("grows")["nodes"]}
                   == {("Running", "connected")}, 120, "all nodes run")
        wait_until(lambda: set(self.slurm("sinfo -h -N -o %t").split()) <= {"idle", "mix", "alloc"}, 120, "Slurm has them")
        self.assertEqual(self.nodes(), nodes)
        self.assertIn(self.job(running)["JobState"], ("RUNNING", "PENDING"))
        self.assertEqual(self.job(waiting)["Reason"], "JobHeldUser")
        self.assertGreaterEqual(len(self.slurm("sacct -n -X -S now-1hour -o jobid").split()), records)
        self.assertEqual(self.daemon.on("work-1", "cat", "/fsx/kept").out, "kept\n")
        self.slurm(f"scancel {running} {waiting}")
        self.assertIn("work-1", self.slurm("srun -w work-1 hostname"))

    def test_900_nothing_is_left_behind(self):
        self.daemon.provost("delete", "grows", "--yes", "--with-data")
        self.assertEqual(host.differences(self.before, host.picture_of_host()), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
