"""What goes wrong on bad days, each tried for real: a clear message, and a cluster that arrives or one
that can be deleted. The clusters are small: a controller and one compute node, described the newer
way, without provisioning parameters and without a campus file."""

import json
import pathlib
import subprocess
import tempfile
import unittest

import host
from host import wait_until

ROLE = "arn:aws:iam::111122223333:role/R"


def group(name, kind, count=1, script=None, type_="ml.t3.medium", partitions=None):
    made = {"InstanceGroupName": name, "InstanceType": type_, "InstanceCount": count,
            "ExecutionRole": ROLE, "ThreadsPerCore": 1, "SlurmConfig": {"NodeType": kind}}
    if partitions:
        made["SlurmConfig"]["PartitionNames"] = partitions
    if script:
        made["LifeCycleConfig"] = {"SourceS3Uri": "s3://bad-days/lifecycle", "OnCreate": script}
    return made


def cluster(name="small", script=None, **changes):
    made = {"ClusterName": name, "InstanceGroups": [
        group("controller", "Controller"),
        group("work", "Compute", script=script, partitions=["main"])],
        "Orchestrator": {"Slurm": {"SlurmConfigStrategy": "Managed"}}}
    made.update(changes)
    return made


class BadDays(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = host.Provostd("bad-days", "10.213.64.0/20", 17454, ("--script-timeout", "3"))
        cls.daemon.clear_leftovers()
        subprocess.run(["ip", "link", "del", "pv-bad-days"], capture_output=True)
        cls.before = host.picture_of_host()
        cls.daemon.start()
        cls.folder = tempfile.TemporaryDirectory()
        scripts = pathlib.Path(cls.folder.name, "scripts")
        scripts.mkdir()
        for name, text in {"good.sh": "echo all is well", "slow.sh": "echo before; sleep 1; echo after",
                           "fails.sh": "echo mounting; echo 'no such disk: /dev/sdz' >&2; exit 3",
                           "hangs.sh": "echo waiting for a mirror; sleep 1000"}.items():
            pathlib.Path(scripts, name).write_text("#!/bin/bash\n" + text + "\n")
        cls.daemon.put_bucket(scripts, "bad-days")

    @classmethod
    def tearDownClass(cls):
        cls.daemon.remove_everything()
        cls.folder.cleanup()

    def tearDown(self):
        self.clear()

    def clear(self):
        """What a check that failed left behind must not fail the next one."""
        if self.daemon.process.poll() is not None:
            self.daemon.start()
        self.daemon.provost("delete", "small", "--yes", "--with-data", check=False)

    def file(self, content):
        path = pathlib.Path(self.folder.name, "cluster-config.json")
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return path

    def create(self, content, *more, check=False):
        return self.daemon.provost("create", *more, "--cluster-config", self.file(content), check=check)

    def clusters(self):
        return [each["name"] for each in self.daemon.provost("list", "--json").json()["clusters"]]

    def assert_refused(self, content, *words):
        ran = self.create(content)
        self.assertEqual(ran.status, 1, ran)
        for word in words:
            self.assertIn(word, ran.err)
        self.assertRegex(ran.err, r"cluster-config\.json:\d+:\d+: error: ")
        self.assertEqual(self.clusters(), [])

    def test_010_a_cluster_described_the_newer_way_runs_jobs_of_ubuntu(self):
        self.create(cluster(script="good.sh"), check=True)
        ran = self.daemon.as_user("controller-1", "ubuntu", "srun -N1 hostname")
        self.assertEqual(ran.out, "work-1\n")
        self.assertIn("dev", self.daemon.on("controller-1", "sinfo", "-h").out)

    def test_100_malformed_files_are_refused_with_their_place(self):
        self.assert_refused('{"ClusterName": "small",\n "InstanceGroups": [', "cluster-config.json:2")
        self.assert_refused(cluster(InstanceGroups=7), "InstanceGroups", "list")
        self.assert_refused(cluster(Clustername="x"), "Clustername", "ClusterName")
        self.assert_refused(cluster(InstanceGroups=[
            group("controller", "Controller"), group("work", "Compute", type_="ml.p99.huge")]), "ml.p99.huge")

    def test_101_all_faults_are_told_at_once(self):
        ran = self.create(cluster(InstanceGroups=[
            group("same", "Controller", count=2), group("same", "Compute", type_="ml.nothing"),
            group("other", "Compute", count="4")]))
        self.assertEqual(ran.status, 1)
        self.assertGreaterEqual(ran.err.count(": error: "), 4, ran.err)
        self.assertEqual(self.clusters(), [])

    def test_102_there_is_one_controller_neither_none_nor_two(self):
        for count in (0, 2):
            self.assert_refused(cluster(InstanceGroups=[
                group("controller", "Controller", count=count), group("work", "Compute")]), "controller")

    def test_103_a_bucket_or_script_that_is_missing_is_told_before_anything_is_made(self):
        missing = cluster(script="good.sh")
        missing["InstanceGroups"][1]["LifeCycleConfig"]["SourceS3Uri"] = "s3://nowhere/at-all"
        self.assert_refused(missing, "nowhere")
        self.assert_refused(cluster(script="not-there.sh"), "not-there.sh")

    def test_200_a_script_that_fails_is_shown_where_people_look(self):
        ran = self.create(cluster(script="fails.sh"))
        self.assertEqual(ran.status, 1)
        for place in (ran.err, self.daemon.provost("describe", "small").out):
            self.assertIn("status 3", place)
            self.assertIn("no such disk: /dev/sdz", place)
        self.assertEqual(self.daemon.cluster("small")["cluster"]["status"], "Failed")
        self.assertEqual(self.daemon.supervisors_of("work-1"), [])  # all or nothing
        events = self.daemon.provost("events", "small").out
        self.assertIn("fails.sh", events)
        self.assertIn("no such disk", events)
        self.assertIn("mounting", self.daemon.provost("logs", "work-1", "--unit", "lifecycle").out)
        self.daemon.provost("delete", "small", "--yes")

    def test_201_a_script_that_hangs_is_ended(self):
        ran = self.create(cluster(script="hangs.sh"), "--no-rollback")
        self.assertEqual(ran.status, 1)
        self.assertIn("status 124", ran.err)
        self.assertIn("waiting for a mirror", ran.err)
        self.assertNotEqual(self.daemon.on("work-1", "pgrep", "-f", "sleep 1000", check=False).status, 0)

    def test_300_a_range_that_is_taken_is_named(self):
        subprocess.run(["ip", "link", "add", "pv-bad-days", "type", "bridge"], check=True)
        try:
            subprocess.run(["ip", "addr", "add", "10.213.64.9/20", "dev", "pv-bad-days"], check=True)
            subprocess.run(["ip", "link", "set", "pv-bad-days", "up"], check=True)
            ran = self.create(cluster())
            self.assertEqual(ran.status, 1, ran)
            self.assertIn("pv-bad-days", ran.err)
            self.assertIn("10.213.64.0/20", ran.err)
            self.assertEqual(self.clusters(), [])
        finally:
            subprocess.run(["ip", "link", "del", "pv-bad-days"], check=True)

    def test_310_create_twice_at_once_makes_one_cluster(self):
        file = self.file(cluster())
        command = [host.PROGRAMS["provost"], "--socket", self.daemon.socket, "create",
                   "--cluster-config", file]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                for _ in range(2)]
        outputs = [each.communicate(timeout=120) for each in both]
        self.assertEqual(sorted(each.returncode for each in both), [0, 1], outputs)
        refused = next(out for each, out in zip(both, outputs) if each.returncode == 1)
        self.assertIn("small", refused[1])
        self.assertRegex(refused[1], "exists already|being created already")
        self.assertEqual(self.clusters(), ["small"])
        again = self.create(cluster())
        self.assertEqual(again.status, 1)
        self.assertIn("provost delete small", again.err)

    def test_400_provostd_killed_during_a_create_finishes_it(self):
        for point in ("commit.after:create", "act.before:small/network/create",
                      "act.after:small/controller-1/1/create", "commit.before:begin:small/work-1/1/create",
                      "act.after:small/work-1/1/create"):
            with self.subTest(point=point):
                self.clear()
                self.daemon.stop()
                self.daemon.start({"PROVOST_FAULT": point})
                self.create(cluster(script="slow.sh"), "--no-wait")
                wait_until(lambda: self.daemon.process.poll() is not None, 30, "provostd dies at " + point)
                self.daemon.start()
                self.daemon.provost("wait", "small", "--timeout", "60")
                self.assertEqual(self.daemon.as_user("controller-1", "ubuntu", "srun -N1 hostname").out,
                                 "work-1\n")
                log = self.daemon.provost("logs", "work-1", "--unit", "lifecycle", "--lines", "1000").out
                self.assertEqual(log.count("succeeded."), 1, log)
                self.daemon.provost("delete", "small", "--yes", "--with-data")
                self.assertEqual(host.differences(self.before, host.picture_of_host()), [])

    def test_410_provostd_killed_during_a_delete_finishes_it(self):
        for point in ("commit.after:delete", "act.before:small/work-1/remove",
                      "act.after:small/controller-1/remove", "act.after:small/network/remove"):
            with self.subTest(point=point):
                self.clear()
                self.create(cluster(), check=True)
                self.daemon.stop()
                self.daemon.start({"PROVOST_FAULT": point})
                self.daemon.provost("delete", "small", "--yes", "--no-wait", check=False)
                wait_until(lambda: self.daemon.process.poll() is not None, 30, "provostd dies at " + point)
                self.daemon.start()
                self.daemon.provost("wait", "small", "--for", "deleted", "--timeout", "60")
                self.assertEqual(host.differences(self.before, host.picture_of_host()), [])

    def test_420_nodes_whose_nspawn_was_killed_leave_nothing_when_deleted(self):
        self.create(cluster(), check=True)
        self.daemon.kill()  # so that nobody mends them meanwhile
        for pid in self.daemon.supervisors_of("work-1") + self.daemon.supervisors_of("controller-1"):
            subprocess.run(["kill", "-9", str(pid)], check=False)
        self.daemon.start()
        gone = self.daemon.provost("delete", "small", "--yes", "--with-data").out
        self.assertIn("was there", gone)
        self.assertNotIn("LEFT OVER", gone)
        self.assertEqual(host.differences(self.before, host.picture_of_host()), [])

    def test_430_an_agent_killed_comes_back(self):
        self.create(cluster(), check=True)
        self.daemon.on("work-1", "pkill", "-9", "provost-agent", check=False)
        wait_until(lambda: self.daemon.on("work-1", "true", check=False).status == 0, 30, "it is back")
        self.assertEqual(self.daemon.as_user("controller-1", "ubuntu", "srun -N1 hostname").out, "work-1\n")

    def test_500_two_clusters_of_the_same_files_live_side_by_side(self):
        file = self.file(cluster())
        for name in ("first", "second"):
            self.daemon.provost("create", name, "--cluster-config", file)
        for name in ("first", "second"):
            ran = self.daemon.provost("exec", "controller-1", "--cluster", name, "--",
                                      "su", "-l", "ubuntu", "-c", "srun -N1 hostname")
            self.assertEqual(ran.out, "work-1\n")
        ambiguous = self.daemon.provost("exec", "controller-1", "--", "true", check=False)
        self.assertEqual(ambiguous.status, 1)
        self.assertIn("--cluster", ambiguous.err)
        job = self.daemon.provost("exec", "controller-1", "--cluster", "second", "--", "su", "-l", "ubuntu",
                                  "-c", "sbatch --parsable --wrap 'sleep 4; echo survived > ~/note'").out.strip()
        self.daemon.provost("delete", "first", "--yes", "--with-data")
        self.assertEqual(self.clusters(), ["second"])
        note = self.daemon.state / "data" / "second" / "fsx" / "home" / "ubuntu" / "note"
        wait_until(lambda: note.exists() and note.read_text() == "survived\n", 30, f"job {job} goes on")
        self.daemon.provost("delete", "second", "--yes", "--with-data")
        self.assertEqual(host.differences(self.before, host.picture_of_host()), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
