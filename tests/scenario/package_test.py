"""The Debian package: installed, upgraded, removed and purged in a fresh Debian 12, where it leaves nothing but
data; its service under a systemd of its own; and an upgrade under a cluster whose job goes on.

The systemd part boots the Debian in a container; PROVOST_TEST_FULL=1 runs it."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock

import host
import small
from host import REPOSITORY, wait_until

NEW = "2"  # revision of the package that is upgraded to
#: What dpkg, apt and systemd keep for themselves.
BOOKKEEPING = re.compile(r"/var/lib/dpkg(/|$)|/var/cache/|/var/log/|/var/lib/apt/|/proc/|/sys/|/dev/|/run/systemd/")


def run(*command, check=True, **options):
    ran = subprocess.run([str(each) for each in command], capture_output=True, text=True, **options)
    if check and ran.returncode != 0:
        raise AssertionError(f"{command}: status {ran.returncode}\n{ran.stdout}\n{ran.stderr}")
    return ran


def make_package(folder):
    """The package of the build that is tested."""
    return pathlib.Path(run(REPOSITORY / "packaging" / "make-deb", "--build", host.BUILD, "--output", folder,
                            "--quick").stdout.strip())


def make_newer(package, folder):
    """The same with another revision."""
    tree = pathlib.Path(folder, "newer")
    run("dpkg-deb", "--raw-extract", package, tree)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^(Version: .*-)\d+$", r"\g<1>" + NEW, control.read_text()))
    newer = package.with_name(package.name.replace("-1_", f"-{NEW}_"))
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, newer)
    shutil.rmtree(tree)
    return newer


def depends(package):
    text = run("dpkg-deb", "--field", package, "Depends").stdout
    return sorted(re.sub(r"[ (|].*", "", each.strip()) for each in text.split(","))


def debian_tree(packages):
    """A Debian 12 with those packages, made once a list."""
    mark = hashlib.sha256("\n".join(packages).encode()).hexdigest()[:16]
    tree = host.CACHE / "package-root" / mark
    if not tree.exists():
        partial = tree.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        run("mmdebstrap", "--variant=minbase", "--quiet", "--include=" + ",".join(packages),
            '--aptopt=APT::Install-Recommends "false"', "bookworm", partial)
        partial.rename(tree)
    return tree


class Root:
    """A fresh Debian over the cached one, in a mount of its own."""

    def __init__(self, tree, folder):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / "root"
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True)
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={tree},upperdir={self.folder}/upper,workdir={self.folder}/work", self.path)

    def close(self):
        run("umount", self.path)
        run("rm", "-rf", "--one-file-system", self.folder)

    def put(self, file):
        shutil.copy(file, self.path / "root" / pathlib.Path(file).name)

    def run(self, *command, check=True, environment=()):
        """In namespaces of its own: nothing outlives it, and nobody outside is seen."""
        return run("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", f"--mount-proc={self.path}/proc",
                   "chroot", self.path, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                   "DEBIAN_FRONTEND=noninteractive", *environment, *command, check=check)

    def files(self):
        """Every path with its kind and owner."""
        found = run("find", self.path, "-xdev", "-printf", "/%P %y %m %U:%G %l\n").stdout.splitlines()
        return {line for line in found if not BOOKKEEPING.match(line)}


class Cgroups:
    """Control groups of its own in every hierarchy, which systemd in a container wants to be given."""

    def __enter__(self):
        points = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()
                  if line.split()[2] in ("cgroup", "cgroup2")]
        self.folders = [pathlib.Path(point, "provost-package-test") for point in points]
        for folder in self.folders:
            folder.mkdir(exist_ok=True)
            for name in ("cpuset.cpus", "cpuset.mems"):
                if (folder / name).exists() and not (folder / name).read_text().strip():
                    (folder / name).write_text((folder.parent / name).read_text())
        return self

    def join(self):
        for folder in self.folders:
            (folder / "cgroup.procs").write_text("0")

    def __exit__(self, *_):
        for folder in self.folders:
            for path in sorted(folder.glob("**/"), reverse=True):
                path.rmdir()


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(dir="/var/tmp")
        cls.old = make_package(cls.folder.name)
        cls.new = make_newer(cls.old, cls.folder.name)
        cls.tree = debian_tree(sorted({*depends(cls.old), "systemd-sysv", "dbus"}))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        self.root = Root(self.tree, pathlib.Path(self.folder.name, "over"))
        for package in (self.old, self.new):
            self.root.put(package)
        self.before = self.root.files()

    def tearDown(self):
        self.root.close()

    def install(self, package):
        return self.root.run("dpkg", "-i", f"/root/{package.name}")

    def state(self, *paths):
        for each in paths:
            path = self.root.path / "var/lib/provost" / each
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")

    def test_010_it_is_whole_and_leaves_no_trace(self):
        self.install(self.old)
        self.assertIn("provost ", self.root.run("provost", "--version").stdout)
        self.root.run("/usr/lib/provost/provostd", "--version")
        self.root.run("/usr/lib/provost/provost-agent", "--version")
        for part in ("man/man1/provost.1.gz", "man/man8/provostd.8.gz", "bash-completion/completions/provost",
                     "zsh/vendor-completions/_provost", "doc/provost/copyright", "doc/provost/examples/university/campus.toml"):
            self.assertTrue((self.root.path / "usr/share" / part).exists(), part)
        unit = (self.root.path / "usr/lib/systemd/system/provostd.service").read_text()
        self.assertIn("ExecStart=/usr/lib/provost/provostd\n", unit)
        self.assertIn("KillMode=process\n", unit)
        self.assertTrue((self.root.path / "etc/systemd/system/multi-user.target.wants/provostd.service").is_symlink())
        check = self.root.run("dpkg", "--verify", "provost").stdout
        self.assertEqual(check, "")
        self.root.run("apt-get", "check")
        self.root.run("dpkg", "--remove", "provost")
        self.assertEqual(self.root.files() - self.before, set())
        self.assertEqual(self.before - self.root.files(), set())

    def test_020_an_upgrade_replaces_everything(self):
        self.install(self.old)
        agent = self.root.path / "usr/lib/provost/provost-agent"
        with open(agent, "rb") as running:  # as a node has it mounted
            first = os.fstat(running.fileno()).st_ino
            self.state("provost.db")
            self.install(self.new)
            self.assertNotEqual(agent.stat().st_ino, first, "another file: the one in use is as it was")
            self.assertEqual(os.fstat(running.fileno()).st_size, agent.stat().st_size)
        self.assertIn(f"-{NEW}", self.root.run("dpkg-query", "-W", "provost").stdout)
        self.assertTrue((self.root.path / "var/lib/provost/provost.db").exists())

    def test_030_it_is_not_removed_under_clusters(self):
        self.install(self.old)
        self.state("machines/university/network.json", "machines/second/network.json")
        refused = self.root.run("dpkg", "--remove", "provost", check=False)
        self.assertNotEqual(refused.returncode, 0)
        for words in ("clusters are on this host: second university", "provost delete university",
                      "PROVOST_REMOVE_ANYWAY=yes"):
            self.assertIn(words, refused.stderr)
        self.assertIn("install ok installed", self.root.run("dpkg-query", "-W", "-f", "${Status}", "provost").stdout)
        self.install(self.new)  # an upgrade is no removal
        forced = self.root.run("dpkg", "--purge", "provost", environment=("PROVOST_REMOVE_ANYWAY=yes",))
        self.assertIn("is kept: clusters are on this host", forced.stderr)
        self.assertTrue((self.root.path / "var/lib/provost/machines/university/network.json").exists())

    def test_040_data_stay_and_a_purge_takes_the_state(self):
        self.install(self.old)
        self.state("provost.db", "provost.db-wal", "lock", "ssh/admin", "authority.pem", "logs/x/y", "images/h/rootfs/bin",
                   "replaced-20261124T100000Z/provost.db", "data/university/fsx/home/minh/result", "buckets/mine/on_create.sh")
        removed = self.root.run("dpkg", "--remove", "provost")
        self.assertIn("/var/lib/provost is kept", removed.stdout)
        self.assertTrue((self.root.path / "var/lib/provost/provost.db").exists())
        purged = self.root.run("dpkg", "--purge", "provost")
        self.assertIn("/var/lib/provost/data is kept", purged.stdout)
        self.assertIn("/var/lib/provost/buckets is kept", purged.stdout)
        left = {line.split()[0] for line in self.root.files() - self.before if line.split()[1] == "f"}
        self.assertEqual(left, {"/var/lib/provost/data/university/fsx/home/minh/result",
                                "/var/lib/provost/buckets/mine/on_create.sh"})

    @unittest.skipUnless(os.environ.get("PROVOST_TEST_FULL"), "boots a Debian: PROVOST_TEST_FULL=1")
    def test_050_systemd_keeps_it_running(self):
        self.root.path.joinpath("root/test").write_text(f"""#!/bin/bash
exec >/root/result 2>&1
pid() {{ systemctl show -P MainPID provostd; }}
dpkg -i /root/{self.old.name}; echo "installed: $?"
systemctl is-active provostd; provost status | head -n 1
first=$(pid); dpkg -i /root/{self.new.name}; echo "upgraded: $?"
systemctl is-active provostd; [[ $(pid) != "$first" ]] && echo "another process"
kill -9 "$(pid)"; sleep 3; systemctl is-active provostd; provost list
dpkg --purge provost; echo "purged: $?"
grep -lx provostd /proc/[0-9]*/comm || echo "no process"; ls -d /run/provost /var/lib/provost 2>&1
systemctl poweroff --force --force
""")
        unit = self.root.path / "etc/systemd/system/package-test.service"
        unit.write_text("[Unit]\nAfter=multi-user.target\n[Service]\nType=oneshot\nExecStart=/bin/bash /root/test\n")
        wants = self.root.path / "etc/systemd/system/default.target.wants"
        wants.mkdir(exist_ok=True)
        (wants / unit.name).symlink_to(f"/etc/systemd/system/{unit.name}")
        with Cgroups() as cgroups:
            run("systemd-nspawn", "--quiet", "--keep-unit", "--register=no", "--boot", "--private-network",
                "--console=pipe", "--machine=provost-package-test", f"--directory={self.root.path}",
                check=False, timeout=180 * host.PATIENCE, preexec_fn=cgroups.join, stdin=subprocess.DEVNULL)
            held = self.root.path.stat()
            for lock in (f"inode-{held.st_dev}:{held.st_ino}", "name-provost-package-test"):
                pathlib.Path("/run/systemd/nspawn/locks", lock).unlink(missing_ok=True)
            for left in ("propagate/provost-package-test", "propagate", "locks", "unix-export", ""):
                subprocess.run(["rmdir", f"/run/systemd/nspawn/{left}"], capture_output=True)  # where it is the last
        result = (self.root.path / "root/result").read_text()
        for words in ("installed: 0\nactive\nprovostd", "is ready", "upgraded: 0\nactive\nanother process\nactive\nno clusters",
                      "purged: 0\nno process"):
            self.assertIn(words, result)
        self.assertNotIn("\n/var/lib/provost\n", result)


class Upgraded(unittest.TestCase):
    """Programs of the package, upgraded under a provostd with a cluster."""

    def test_an_upgrade_leaves_a_cluster_and_its_job_alone(self):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            old = make_package(folder)
            new = make_newer(old, folder)
            tree = pathlib.Path(folder, "tree")
            run("dpkg-deb", "--extract", old, tree)
            daemon = host.Provostd("package", "10.213.224.0/20", 17594)
            daemon.clear_leftovers()
            before = host.picture_of_host()
            programs = {"provostd": tree / "usr/lib/provost/provostd", "agent": tree / "usr/lib/provost/provost-agent",
                        "provost": tree / "usr/bin/provost"}
            with unittest.mock.patch.dict(host.PROGRAMS, programs):
                self.upgrade_under_a_cluster(daemon, pathlib.Path(folder), new, tree)
            self.assertEqual(host.picture_of_host(), before)

    def upgrade_under_a_cluster(self, daemon, folder, new, tree):
        daemon.start()
        try:
            config = folder / "cluster-config.json"
            config.write_text(small.cluster("upgraded"))
            daemon.provost("create", "--cluster-config", config)
            job = small.submit(daemon, "upgraded", "sleep 600")
            start = wait_until(lambda: small.started(daemon, "upgraded", job), 30, "the job runs")
            run("dpkg-deb", "--extract", new, tree)  # new files under the running programs
            daemon.on("work-1", "/opt/provost/bin/provost-agent", "--version")
            daemon.on("work-1", "pkill", "-9", "provost-agent", check=False)
            daemon.restart()
            self.assertEqual(small.started(daemon, "upgraded", job), start, "the job has gone on")
            small.on_controller(daemon, "upgraded", f"scancel {job}")
            self.assertEqual(small.on_controller(daemon, "upgraded", "srun -N1 hostname"), "work-1")
        finally:
            daemon.provost("delete", "upgraded", "--yes", "--with-data", check=False)
            daemon.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
