"""The other kind of host: a machine where systemd is the first process and control groups are version 2.

A virtual machine is made of Debian packages (Debian 12), given the release build, the node image and
the scenario tests, and runs tests/scenario/university_test.py. Under ./run-tests --full only: it takes
some minutes, and about ten where /dev/kvm is missing or of no use and the processor is emulated.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

import host
from host import REPOSITORY

PACKAGES = ("linux-image-amd64", "systemd-sysv", "dbus", "udev", "kmod", "python3", "procps", "iproute2",
            "e2fsprogs", "less")
UNIT = """[Unit]
Description=The scenario tests
After=systemd-logind.service dbus.service
[Service]
Type=oneshot
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
ExecStart=/bin/bash -c 'cd /test; stat -fc "cgroups are %%T" /sys/fs/cgroup; echo "first process: $(cat /proc/1/comm)"; \
  PROVOST_BUILD=/test/build PROVOST_TEST_CACHE=/test/cache PROVOST_TEST_PATIENCE=PATIENCE \
  PYTHONPATH=tests/scenario NO_COLOR=1 \
  python3 -W ignore tests/scenario/university_test.py; tail -n 30 /var/tmp/provost-tests/university/provostd.log; \
  systemctl poweroff --force'
[Install]
WantedBy=multi-user.target
"""


RELEASE = REPOSITORY / "build" / "release"
PROGRAMS = tuple(program.relative_to(host.BUILD) for program in host.PROGRAMS.values())


def run(*command, **options):
    return subprocess.run([str(each) for each in command], check=True, **options)


def run_time_packages():
    """Those of packaging/debian-packages that run, and the libraries that the programs are linked to."""
    names = set(PACKAGES)
    for line in (REPOSITORY / "packaging" / "debian-packages").read_text().splitlines():
        words = line.split()
        if len(words) > 1 and words[1] == "run":
            names.add(words[0])
    for program in PROGRAMS:
        for library in re.findall(r"=> (/\S+)", run("ldd", RELEASE / program, capture_output=True, text=True).stdout):
            owner = subprocess.run(["dpkg", "-S", os.path.realpath(library)], capture_output=True, text=True)
            names.add(owner.stdout.split(":")[0] if owner.returncode == 0 else "libc6")
    return sorted(names)


def debian_tree():
    """A Debian 12 with a kernel, made once a list of packages."""
    names = run_time_packages()
    mark = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    tree = host.CACHE / "other-host" / mark
    if not tree.exists():
        partial = tree.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        run("mmdebstrap", "--variant=minbase", "--quiet", "--include=" + ",".join(names),
            "--aptopt=APT::Install-Recommends \"false\"", "--dpkgopt=path-exclude=/usr/share/doc/*",
            "bookworm", partial)
        partial.rename(tree)
    return tree


def take_kernel(folder):
    boot = debian_tree() / "boot"
    shutil.copy(next(boot.glob("vmlinuz-*")), pathlib.Path(folder, "kernel"))
    shutil.copy(next(boot.glob("initrd.img-*")), pathlib.Path(folder, "initrd"))


def make_disk(folder, patience):
    """One file system: Debian, the programs, the node image, the tests."""
    root = pathlib.Path(folder, "root")
    run("cp", "-a", "--reflink=auto", debian_tree(), root)
    test = root / "test"
    for program in PROGRAMS:
        place = test / "build" / program
        place.parent.mkdir(parents=True, exist_ok=True)
        run("objcopy", "--strip-debug", RELEASE / program, place)
    image = subprocess.run([REPOSITORY / "images" / "make-node-image", "--state", host.CACHE, "--print-path",
                            "--quiet"], capture_output=True, text=True, check=True).stdout.strip()
    kept = test / "cache" / pathlib.Path(image).relative_to(host.CACHE)
    kept.parent.mkdir(parents=True)
    run("cp", "-a", "--reflink=auto", image, kept)
    for name in ("tests", "images", "examples"):
        run("cp", "-a", REPOSITORY / name, test / name)
    (root / "etc" / "systemd" / "system" / "scenario.service").write_text(UNIT.replace("=PATIENCE", f"={patience}"))
    wants = root / "etc" / "systemd" / "system" / "multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "scenario.service").symlink_to("../scenario.service")
    (root / "etc" / "hostname").write_text("other-host\n")
    (root / "etc" / "fstab").write_text("/dev/vda / ext4 defaults 0 1\n")
    disk = pathlib.Path(folder, "disk")
    run("truncate", "-s", "10G", disk)
    run("mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=1,lazy_journal_init=1", "-d", root, disk)
    shutil.rmtree(root)
    return disk


def qemu(folder, accelerator, *more):
    processor = "host" if accelerator == "kvm" else "max"
    return ["qemu-system-x86_64", "-accel", accelerator, "-cpu", processor, "-smp", "2", "-m", "8G",
            "-nographic", "-no-reboot", "-nic", "none", *more,
            "-kernel", f"{folder}/kernel", "-initrd", f"{folder}/initrd"]


def kvm_works(folder):
    """A /dev/kvm may be there and run nothing (in some clouds' machines): sees whether a kernel speaks."""
    if not os.access("/dev/kvm", os.W_OK):
        return False
    with subprocess.Popen(qemu(folder, "kvm", "-append", "console=ttyS0 panic=-1"), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as machine:
        threading.Timer(20, machine.kill).start()
        spoke = any(b"Linux version" in line for line in machine.stdout)
        machine.kill()
    return spoke


class OtherHost(unittest.TestCase):
    def test_the_university_lives_on_systemd_and_control_groups_v2(self):
        run("cmake", "--preset", "release", cwd=REPOSITORY, stdout=subprocess.DEVNULL)
        run("cmake", "--build", RELEASE, "--target", "provost", "provostd", "provost-agent", "provost-people", cwd=REPOSITORY,
            stdout=subprocess.DEVNULL)
        with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="provost-other-host-") as folder:
            take_kernel(folder)
            kvm = kvm_works(folder)
            disk = make_disk(folder, patience=1 if kvm else 15)
            command = qemu(folder, "kvm" if kvm else "tcg",
                           "-append", "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0 "
                           "systemd.mask=serial-getty@ttyS0.service",
                           "-drive", f"file={disk},format=raw,if=virtio,cache=unsafe")
            console = run(*command, capture_output=True, text=True, stdin=subprocess.DEVNULL, errors="replace",
                          timeout=900 if kvm else 2700).stdout
        print(console[-8000:])
        self.assertIn("cgroups are cgroup2fs", console, console[-4000:])
        self.assertIn("first process: systemd", console)
        report = re.search(r"^Ran (\d+) tests", console, re.M)
        self.assertTrue(report, console[-4000:])
        self.assertGreaterEqual(int(report[1]), 20)
        self.assertNotRegex(console, r"(?m)^FAILED \(")


if __name__ == "__main__":
    unittest.main(verbosity=2)
