"""`provost doctor` and `provost report` on a real host with a real cluster: each exit status provoked by a
real fault, leftovers removed and nothing else, and an archive in which no planted secret is."""

import ctypes
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

import host
from host import wait_until

ROLE = "arn:aws:iam::111122223333:role/R"
INSTANCES = pathlib.Path("/proc/sys/fs/inotify/max_user_instances")
PLANTED = r"p(v-)?zlost[13]\b|provost_zlost1$|provost/zlost1\b|pv-zlost1-|/doctor/state/machines/gone\b"
SECRETS = {
    "journal": "Swordfish-in-the-journal",
    "script": "Swordfish-in-the-script",
    "file": "Swordfish-in-the-campus-file",
    "conf": "Swordfish-in-slurmdbd-conf",
}


def group(name, kind, partitions=None):
    made = {"InstanceGroupName": name, "InstanceType": "ml.t3.medium", "InstanceCount": 1, "ExecutionRole": ROLE,
            "ThreadsPerCore": 1, "SlurmConfig": {"NodeType": kind},
            "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-doctor/lifecycle", "OnCreate": "on_create.sh"}}
    if partitions:
        made["SlurmConfig"]["PartitionNames"] = partitions
    return made


CLUSTER = {"ClusterName": "patient", "InstanceGroups": [group("head", "Controller"), group("work", "Compute", ["main"])],
           "Orchestrator": {"Slurm": {"SlurmConfigStrategy": "Managed"}}}
CAMPUS = f"""# The old wiki's password: {SECRETS["file"]}
[campus]
name = "Patient"
[[department]]
name = "lab"
supervisors = ["linh"]
members = ["linh"]
[[person]]
name = "linh"
uid = 2002
"""


class Timex(ctypes.Structure):  # adjtimex(2)
    _fields_ = [("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
                ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long), ("status", ctypes.c_int),
                ("rest", ctypes.c_byte * 256)]


def clock(status=None):
    """The kernel's opinion of its clock; with a status, that from now on."""
    now = Timex()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.adjtimex(ctypes.byref(now))
    before = now.status
    if status is not None:
        change = Timex(modes=0x10 | 0x04 | 0x08, status=status, maxerror=0, esterror=0)
        if libc.adjtimex(ctypes.byref(change)) < 0:
            raise OSError(ctypes.get_errno(), "adjtimex")
    return before


def sh(*command):
    subprocess.run(command, check=True, capture_output=True)


def control_group(*parts):
    """A directory in each hierarchy, as provostd makes them where systemd is not the first process."""
    return [pathlib.Path(line.split()[1], "provost", *parts) for line in pathlib.Path("/proc/mounts").read_text().splitlines()
            if line.split()[2] in ("cgroup", "cgroup2")]


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = host.Provostd("doctor", "10.213.144.0/20", 17514)
        cls.daemon.clear_leftovers()
        cls.before = host.picture_of_host()
        cls.clock = clock()
        cls.daemon.start()
        cls.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.folder.name)
        (folder / "lifecycle").mkdir()
        (folder / "lifecycle" / "on_create.sh").write_text(
            f'#!/bin/bash\necho "set up with"\necho "export HF_TOKEN={SECRETS["script"]}"\n')
        (folder / "cluster-config.json").write_text(json.dumps(CLUSTER))
        (folder / "campus.toml").write_text(CAMPUS)
        cls.daemon.put_bucket(folder / "lifecycle", "sagemaker-doctor")
        cls.daemon.provost("create", "--cluster-config", folder / "cluster-config.json",
                           "--campus", folder / "campus.toml")

    @classmethod
    def tearDownClass(cls):
        clock(cls.clock)
        cls.daemon.provost("delete", "patient", "--yes", "--with-data", check=False)
        cls.daemon.stop()
        cls.folder.cleanup()

    def doctor(self, *arguments):
        """Exit status, and the lines by their check. --fix is for the whole host: it is asked for only when
        nothing but what this test planted would be removed."""
        if "--fix" in arguments:
            _, lines, _ = self.doctor()
            strange = [each for each in lines["leftovers"]["details"] if not re.search(PLANTED, each)]
            self.assertEqual(strange, [], "leftovers that this test did not plant: look whose they are first")
        ran = self.daemon.provost("doctor", "--json", *arguments, check=False)
        self.assertNotIn("Sanitizer", ran.err)
        answer = ran.json()
        self.assertEqual({"PASS": 0, "WARN": 6, "FAIL": 1}[answer["verdict"]], ran.status, answer)
        return ran.status, {line["check"]: line for line in answer["lines"]}, answer

    def assert_line(self, lines, check, verdict, words):
        self.assertEqual(lines[check]["verdict"], verdict, lines[check])
        self.assertIn(words, lines[check]["finding"])
        self.assertTrue(lines[check]["by_hand"])

    def test_010_a_host_on_which_all_is_well(self):
        clock(0x2001)  # as an NTP client says that it steers the clock
        status, lines, _ = self.doctor()
        self.assertEqual(status, 0, lines)
        self.assert_line(lines, "cluster patient", "PASS", "2 agents connected, every daemon is up")
        self.assert_line(lines, "ports", "PASS", "17515 (the API) is provostd's, 17514 (agents) is provostd's")
        shown = self.daemon.provost("doctor").out.splitlines()
        self.assertEqual(len([line for line in shown if line.startswith("PASS")]), len(lines), "one line a check")
        self.assertIn("all is well", shown[-1])

    def test_020_leftovers_go_and_what_somebody_owns_stays(self):
        state, elsewhere = self.daemon.state, host.ROOT / "doctor-elsewhere"
        machine = state / "machines" / "gone" / "cpu-1"
        spaces = self.daemon.run_directory / "netns" / "pv-zlost1-0405"
        (elsewhere / "machines" / "theirs").mkdir(parents=True)
        (elsewhere / "machines" / "theirs" / "network.json").write_text('{"id": "zelse1", "subnet": "10.0.0.0/22"}')
        note = pathlib.Path("/run/provost-states/doctor-elsewhere")
        note.symlink_to(elsewhere)
        links = ("pv-zlost1", "pv-zelse1", "pv-zlost3")
        try:
            for link in links:
                sh("ip", "link", "add", link, "type", "bridge")
            sh("ip", "link", "add", "pzlost1-0405", "type", "veth", "peer", "name", "pzlost1-peer")
            sh("nft", "add", "table", "inet", "provost_zlost1")
            for directory in control_group("zlost1", "pv-zlost1-0405"):
                directory.mkdir(parents=True)
            for part in ("upper", "work", "root", "lower"):
                (machine / part).mkdir(parents=True)
            (machine / "machine.json").write_text(json.dumps(
                {"cluster": "gone", "network_id": "zlost2", "node": "cpu-1", "address": "10.213.144.9",
                 "prefix_length": 22, "incarnation": 1}))
            sh("mount", "-t", "overlay", "provost", "-o",
               f"lowerdir={machine}/lower,upperdir={machine}/upper,workdir={machine}/work", machine / "root")
            spaces.touch()
            sh("unshare", f"--net={spaces}", "true")
            status, lines, _ = self.doctor()
            self.assertEqual(status, 6, lines)
            self.assertTrue(lines["leftovers"]["mend"].startswith("provost doctor --fix --unclaimed"), lines)
            named = "\n".join(lines["leftovers"]["details"])
            for words in ("bridge pv-zlost1", "veth pzlost1-0405", "nft table provost_zlost1", "control group /",
                          f"network namespace {spaces}", f"machine {machine}", f"mount {machine}/root"):
                self.assertIn(words, named)
            self.assertNotIn("zelse1", named, "another state directory's record names it")
            status, lines, answer = self.doctor("--fix")
            self.assertEqual(status, 6, answer)
            self.assertEqual([each["what"] for each in answer["mended"] if not each["done"]],
                             ["removed bridge pv-zlost3"], "nothing says whose it is")
            self.assertEqual(lines["leftovers"]["details"], ["bridge pv-zlost3 (names no owner)"])
            self.assertTrue(os.path.exists("/sys/class/net/pv-zlost3"))
            self.assertEqual(self.doctor("--fix", "--unclaimed")[0], 0)
            self.assertFalse(os.path.exists("/sys/class/net/pv-zlost3"))
            self.assertIn("removed bridge pv-zlost1", [each["what"] for each in answer["mended"]])
            self.assertTrue(os.path.exists("/sys/class/net/pv-zelse1"))
            for gone in ("/sys/class/net/pv-zlost1", "/sys/class/net/pzlost1-0405", machine.parent, spaces,
                         *control_group("zlost1")):
                self.assertFalse(os.path.exists(gone), gone)
            self.assertEqual(self.daemon.on("work-1", "hostname").out.strip(), "work-1", "its own cluster runs on")
        finally:
            note.unlink()
            shutil.rmtree(elsewhere)
            for link in (*links, "pzlost1-0405"):
                subprocess.run(["ip", "link", "del", link], capture_output=True)

    def test_030_a_kernel_limit_that_was_lowered(self):
        raised = INSTANCES.read_text()
        record = self.daemon.state / "machines.kernel-limits.json"
        recorded = record.exists()  # not where somebody else on this host had raised it already
        try:
            INSTANCES.write_text("128")
            status, lines, _ = self.doctor()
            self.assertEqual(status, 6, lines)
            self.assert_line(lines, "kernel limits", "WARN", "fs.inotify.max_user_instances is 128")
            status, _, answer = self.doctor("--fix")
            self.assertEqual(status, 0, answer)
            self.assertEqual(INSTANCES.read_text(), raised)
        finally:
            INSTANCES.write_text(raised)
            if not recorded:
                record.unlink(missing_ok=True)

    def test_040_a_directory_that_others_may_read(self):
        self.daemon.state.chmod(0o755)
        status, lines, _ = self.doctor()
        self.assertEqual(status, 1)
        self.assert_line(lines, "permissions", "FAIL", "0755")
        self.assertEqual(self.doctor("--fix")[0], 0)
        self.assertEqual(self.daemon.state.stat().st_mode & 0o777, 0o700)

    def test_050_a_report_holds_what_helps_and_no_secret(self):
        for node in ("work-1", "head-1"):
            self.daemon.on(node, "logger", "-t", "munge", f"munge_key={SECRETS['journal']}")
            unit = "munge.service"
            self.daemon.on(node, "systemd-cat", "-t", unit, "echo", f"password: {SECRETS['journal']}")
        self.daemon.on("head-1", "sed", "-i", f"$ a #StoragePass={SECRETS['conf']}", "/etc/slurm/slurmdbd.conf")
        self.daemon.on("work-1", "systemd-run", "--wait", "--unit=planted", "cat", "/etc/munge/munge.key",
                       "/etc/provost/agent/key.pem", check=False)
        munge_key = self.daemon.on("head-1", "base64", "-w0", "/etc/munge/munge.key").out
        self.daemon.on("work-1", "mkdir", "-p", "/run/systemd/system/munge.service.d")
        # What the unit itself says is in its log: the key as base64, a private key and a header.
        self.daemon.on("work-1", "bash", "-c",
                       "printf '[Service]\\nExecStartPost=+/bin/bash -c \"base64 -w0 /etc/munge/munge.key; echo; "
                       "cat /etc/provost/agent/key.pem; echo Authorization: Bearer " + SECRETS["journal"] + "\"\\n' "
                       ">/run/systemd/system/munge.service.d/planted.conf; systemctl daemon-reload; "
                       "systemctl restart munge; rm -r /run/systemd/system/munge.service.d; systemctl daemon-reload")
        planted = self.daemon.provost("logs", "work-1", "--unit", "munge").out
        self.assertIn(munge_key, planted, "the secret is where the report looks")
        self.assertIn("BEGIN PRIVATE KEY", planted)
        self.assertIn(SECRETS["script"], self.daemon.provost("logs", "work-1", "--unit", "lifecycle").out)
        file = pathlib.Path(self.folder.name, "report.tar.gz")
        made = self.daemon.provost("report", "patient", "--output", file, "--json").json()
        self.assertEqual(made["file"], str(file))
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        with tarfile.open(file) as archive:
            texts = {member.name.split("/", 1)[1]: archive.extractfile(member).read().decode(errors="replace")
                     for member in archive.getmembers() if member.isfile()}
        key = self.daemon.on("work-1", "cat", "/etc/provost/agent/key.pem").out
        for secret in (*SECRETS.values(), munge_key, key.splitlines()[1], "BEGIN PRIVATE KEY"):
            for name, text in texts.items():
                self.assertNotIn(secret, text, name)
        for name, words in {
                "MANIFEST": "nodes/work-1/slurmd.log", "description.json": '"patient"', "steps.txt": "nothing",
                "files/cluster-config.json": "ClusterName", "files/campus.toml": "[removed]",
                "events.txt": "patient", "doctor.txt": "cluster patient", "doctor.json": '"verdict"',
                "host/provostd.log": "ready on", "host/kernel.txt": "Linux", "host/os-release.txt": "Debian",
                "nodes/work-1/lifecycle.log": "HF_TOKEN=[removed]", "nodes/work-1/munge.log": "[removed",
                "nodes/work-1/slurmd.log": "slurmd", "nodes/head-1/slurmctld.log": "slurmctld",
                "nodes/head-1/slurmdbd.log": "slurmdbd", "nodes/work-1/versions.txt": "slurm",
                "nodes/work-1/provost-agent.log": "", "nodes/work-1/sshd.log": "",
                "slurm/slurm.conf": "ClusterName", "slurm/slurmdbd.conf": "StoragePass=[removed]",
                "slurm/config-in-force.txt": "SlurmctldHost", "slurm/sinfo.txt": "work-1", "slurm/squeue.txt": "JOBID",
                "slurm/sacctmgr-associations.txt": "linh"}.items():
            self.assertIn(name, texts)
            self.assertIn(words, texts[name], name)
        nobody = self.daemon.provost("report", "nobody", check=False)
        self.assertEqual((nobody.status, "there is no cluster named nobody" in nobody.err), (1, True), nobody)

    def test_060_without_provostd_both_say_what_they_can(self):
        self.daemon.stop()
        status, lines, _ = self.doctor()
        self.assertEqual(status, 1)
        self.assert_line(lines, "provostd", "FAIL", "does not answer")
        self.assert_line(lines, "cluster patient", "WARN", "not known")
        self.assert_line(lines, "leftovers", "PASS", "nothing")
        file = pathlib.Path(self.folder.name, "alone.tar.gz")
        made = self.daemon.provost("report", "patient", "--output", file, "--json").json()
        self.assertIn("nodes", [each["path"] for each in made["missing"]])
        self.assertIn("doctor.txt", [each["path"] for each in made["contents"]])

    def test_070_a_torn_store_is_told_and_nothing_is_touched(self):
        store = self.daemon.state / "provost.db"
        whole = store.read_bytes()
        try:
            with open(store, "r+b") as file:
                for page in range(4, len(whole) // 4096, 3):
                    file.seek(page * 4096 + 50)
                    file.write(b"torn" * 900)
            status, lines, answer = self.doctor("--fix")
            self.assertEqual(status, 1)
            self.assert_line(lines, "store", "FAIL", f"{store} is damaged")
            self.assertIn("backup", lines["store"]["mend"])
            self.assert_line(lines, "leftovers", "WARN", "cannot be told")
            self.assertEqual(answer["mended"], [])
            self.assertTrue(self.daemon.supervisors_of("work-1"), "its nodes run on")
        finally:
            for more in ("-wal", "-shm"):
                pathlib.Path(str(store) + more).unlink(missing_ok=True)
            store.write_bytes(whole)
        self.daemon.start()
        wait_until(lambda: self.doctor()[0] == 0, 30, "all is well again")

    def test_090_nothing_of_it_stays(self):
        self.daemon.provost("delete", "patient", "--yes", "--with-data")
        self.assertEqual(host.picture_of_host(), self.before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
