"""The disk of provostd's state is full, read-only, or gives back a torn page: a clear message, nothing half
done, and on as before once it is well again."""

import json
import pathlib
import subprocess
import tempfile
import unittest

import host


class Disks(unittest.TestCase):
    def setUp(self):
        self.daemon = host.Provostd("disks", "10.213.192.0/20", 17544)
        self.unmount()
        subprocess.run(["rm", "-rf", "--one-file-system", self.daemon.state.parent], check=True)
        self.daemon.state.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "provost-test", self.daemon.state], check=True)
        self.addCleanup(self.unmount)
        self.addCleanup(self.daemon.kill)

    def unmount(self):
        while subprocess.run(["umount", self.daemon.state], capture_output=True).returncode == 0:
            pass

    def fill(self):
        for name, size in (("filler", 65536), ("rest", 4096)):
            with open(self.daemon.state / name, "wb", buffering=0) as file:
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError:
                    pass

    def tokens(self):
        return [each["name"] for each in self.daemon.provost("token", "list", "--json").json()["tokens"]]

    def refused(self, *arguments, words):
        ran = self.daemon.provost(*arguments, check=False)
        self.assertEqual(ran.status, 1, ran)
        for each in words:
            self.assertIn(each, ran.err)

    def test_a_full_disk_is_named_and_the_work_goes_on_when_there_is_space(self):
        self.daemon.start()
        self.daemon.provost("token", "create", "before")
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder, "cluster-config.json")
            config.write_text(json.dumps({"ClusterName": "full", "Orchestrator": {"Slurm": {}}, "InstanceGroups": [
                host.group("controller", "Controller"), host.group("work", "Compute")]}))
            self.fill()
            for number in range(200):  # the last pages of the journal are there already
                ran = self.daemon.provost("token", "create", f"t{number}", check=False)
                if ran.status != 0:
                    break
            self.assertEqual(ran.status, 1, ran)
            self.assertIn("full", ran.err)
            self.assertIn("free space on the file system that holds the state directory", ran.err)
            self.refused("create", "--cluster-config", config, words=["full"])
            self.assertEqual(self.daemon.provost("list", "--json").json()["clusters"], [])
            self.assertIn("before", self.tokens())
            kept = self.tokens()
            self.daemon.kill()
            (self.daemon.state / "filler").unlink()
            self.daemon.start()
            self.assertEqual(self.tokens(), kept)
            self.daemon.provost("token", "create", "after")

    def test_a_read_only_disk_is_named_at_the_start_and_nothing_is_lost(self):
        self.daemon.start()
        self.daemon.provost("token", "create", "before")
        self.daemon.stop()
        subprocess.run(["mount", "-o", "remount,ro", self.daemon.state], check=True)
        with self.assertRaises(AssertionError):
            self.daemon.start()
        said = (host.ROOT / "disks" / "provostd.log").read_text()
        self.assertIn("read-only", said.lower())
        self.assertIn("hint:", said)
        self.assertNotIn("AddressSanitizer", said)
        subprocess.run(["mount", "-o", "remount,rw", self.daemon.state], check=True)
        self.daemon.start()
        self.assertEqual(self.tokens(), ["before"])

    def test_a_torn_page_is_named_with_the_way_back(self):
        self.daemon.start()
        self.daemon.provost("token", "create", "before")
        self.daemon.stop()
        store = self.daemon.state / "provost.db"
        size = store.stat().st_size
        with open(store, "r+b") as file:
            for page in range(1, size // 4096):
                file.seek(page * 4096)
                file.write(b"\xff" * 4096)
        with self.assertRaises(AssertionError):
            self.daemon.start()
        said = (host.ROOT / "disks" / "provostd.log").read_text()
        self.assertIn("damaged", said)
        self.assertIn("backup", said)
        self.assertNotIn("AddressSanitizer", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
