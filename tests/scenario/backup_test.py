"""A backup of a provostd at work, and the way back after its store was damaged: with a real cluster whose
job goes on through all of it."""

import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

import host
import small
from host import wait_until


class Backup(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = host.Provostd("backup", "10.213.208.0/20", 17584)
        cls.daemon.clear_leftovers()
        cls.before = host.picture_of_host()
        cls.folder = tempfile.TemporaryDirectory()
        cls.file = pathlib.Path(cls.folder.name, "backup.tar.gz")
        cls.daemon.start()
        cls.create("small")

    @classmethod
    def tearDownClass(cls):
        if cls.daemon.process.poll() is not None:
            cls.daemon.start()
        cls.daemon.remove_everything()
        cls.folder.cleanup()

    @classmethod
    def create(cls, name):
        config = pathlib.Path(cls.folder.name, name + ".json")
        config.write_text(small.cluster(name))
        cls.daemon.provost("create", "--cluster-config", config)

    def restore(self, *more, check=True):
        return self.daemon.provost("restore", self.file, "--state", self.daemon.state, *more, check=check)

    def connected(self):
        nodes = self.daemon.provost("nodes", "small", "--json").json()["nodes"]
        return all(node["agent"] == "connected" and node["status"] == "Running" for node in nodes)

    def test_010_a_backup_is_made_while_a_cluster_is_at_work(self):
        made = self.daemon.provost("backup", self.file)  # asks provostd where its state is
        self.assertIn("small (2 nodes)", made.out)
        self.assertEqual(self.file.stat().st_mode & 0o7777, 0o600)
        again = self.daemon.provost("backup", self.file, check=False)
        self.assertEqual(again.status, 1)
        self.assertIn("stays as it is", again.err)
        refused = self.restore(check=False)
        self.assertEqual(refused.status, 1)
        self.assertIn("a provostd works on", refused.err)
        self.assertIn("systemctl stop provostd", refused.err)

    def test_015_a_shell_is_told_the_names_of_clusters_and_nodes(self):
        def offered(*words):
            ran = subprocess.run([host.PROGRAMS["provost"], "__complete", *words], capture_output=True, text=True,
                                 env={**os.environ, "PROVOST_SOCKET": str(self.daemon.socket)})
            return ran.stdout
        self.assertEqual(offered("describe", ""), "small\tInService\n")
        self.assertEqual(offered("logs", "w"), "work-1\tRunning\n")
        self.assertEqual(offered("ssh", "--cluster", "other", ""), "")

    def test_020_a_torn_store_is_told_and_a_backup_brings_the_cluster_back(self):
        job = small.submit(self.daemon, "small", "sleep 600")
        start = wait_until(lambda: small.started(self.daemon, "small", job), 30, "the job runs")
        self.create("later")
        self.daemon.stop()
        store = self.daemon.state / "provost.db"
        self.assertFalse(pathlib.Path(str(store) + "-wal").exists(), "an orderly end leaves one file")
        with open(store, "r+b") as file:
            file.seek(4096)
            file.write(os.urandom(3 * 4096))
        self.daemon.start(wait=False)
        self.assertEqual(self.daemon.process.wait(30), 1)
        log = (host.ROOT / "backup" / "provostd.log").read_text()
        self.assertIn("damaged", log)
        self.assertIn("provost restore", log)

        said = self.restore("--check")
        self.assertIn("strays", said.out)
        restored = self.restore("--json").json()
        self.assertEqual(restored["found"], ["small"])
        self.assertEqual(restored["strays"], ["later"])
        self.assertTrue(pathlib.Path(restored["replaced_store"], "provost.db").exists())
        self.daemon.start()
        wait_until(self.connected, 30, "all agents are connected again")
        self.assertEqual(small.started(self.daemon, "small", job), start, "the job has gone on")
        small.on_controller(self.daemon, "small", f"scancel {job}")
        self.assertEqual(small.on_controller(self.daemon, "small", "srun -N1 hostname"), "work-1")
        self.daemon.provost("exec", "work-1", "--", "true")

    def test_030_a_cluster_made_since_is_left_alone_until_somebody_asks(self):
        status = self.daemon.provost("status").out
        self.assertIn("later", status)
        self.assertIn("provost delete later --stray", status)
        self.assertTrue(self.daemon.supervisors_of("controller-1"))
        self.assertEqual(len(self.daemon.supervisors_of("work-1")), 2, "its nodes run")
        taken = self.daemon.provost("create", "later", "--cluster-config",
                                    pathlib.Path(self.folder.name, "later.json"), check=False)
        self.assertEqual(taken.status, 1)
        self.assertIn("--stray", taken.err)
        wrong = self.daemon.provost("delete", "small", "--stray", "--yes", check=False)
        self.assertEqual(wrong.status, 1)
        gone = self.daemon.provost("delete", "later", "--stray", "--yes")
        self.assertIn("later is gone: controller-1, work-1", gone.out)
        self.assertEqual(len(self.daemon.supervisors_of("work-1")), 1)
        self.assertNotIn("later", self.daemon.provost("status").out)

    def test_040_restored_over_a_kill_in_the_middle(self):
        self.daemon.stop()
        command = [host.PROGRAMS["provost"], "restore", self.file, "--state", self.daemon.state]
        ran = subprocess.run(command, env={**os.environ, "PROVOST_FAULT": "restore.kept"}, capture_output=True)
        self.assertEqual(ran.returncode, -signal.SIGKILL)
        self.daemon.start()
        wait_until(self.connected, 30, "all agents are connected again")

    def test_050_a_cluster_deleted_since_is_made_anew_unless_it_is_left_out(self):
        self.daemon.provost("delete", "small", "--yes", "--with-data")
        self.assertEqual(host.picture_of_host(), self.before)
        self.daemon.stop()
        self.assertEqual(self.restore("--check", "--json").json()["absent"], ["small"])
        self.restore("--without", "small")
        self.daemon.start()
        self.assertEqual(self.daemon.provost("list", "--json").json()["clusters"], [])
        self.daemon.stop()
        self.restore()
        self.daemon.start()
        self.daemon.provost("wait", "small", "--timeout", "60")
        wait_until(self.connected, 30, "its nodes were made anew")
        self.assertEqual(small.on_controller(self.daemon, "small", "srun -N1 hostname"), "work-1")
        self.daemon.provost("delete", "small", "--yes", "--with-data")
        self.assertEqual(host.picture_of_host(), self.before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
