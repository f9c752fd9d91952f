"""Completion as shells do it: bash and zsh run the installed scripts, with a provostd that answers, without a
cluster."""

import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import host

BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
compopt() { :; }
_provost
printf '%s\\n' "${COMPREPLY[@]}"
"""

# zsh completes only at a terminal: one of its own, typed into.
ZSH = r"""
zmodload zsh/zpty
zpty shell 'zsh -f -i'
zpty -w shell "PS1=; fpath=($1 \$fpath); autoload -U compinit; compinit -u -D; zstyle ':completion:*' list-prompt ''; cd $2; print READY\$((1+1))"
zpty -r -m shell text '*READY2*'
zpty -n -w shell "$3"$'\t'
for ((i = 0; i < 20; i++)); do zpty -r -t shell more && { text+=$more; i=0 }; sleep 0.05; done
print -r -- "$text"
"""


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.programs = pathlib.Path(cls.folder.name, "programs")
        cls.files = pathlib.Path(cls.folder.name, "files")
        for each in (cls.programs, cls.files, cls.files / "folder"):
            each.mkdir()
        (cls.programs / "provost").symlink_to(host.PROGRAMS["provost"])
        for name in ("campus.toml", "cluster-config.json"):
            (cls.files / name).touch()
        for shell, name in (("bash", "provost.bash"), ("zsh", "_provost")):
            (cls.programs / name).write_text(cls.provost("completion", shell))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def provost(cls, *arguments):
        return subprocess.run([host.PROGRAMS["provost"], *arguments], check=True, capture_output=True, text=True).stdout

    def environment(self, socket="/nonexistent"):
        return {"PATH": f"{self.programs}:/usr/sbin:/usr/bin:/sbin:/bin", "PROVOST_SOCKET": str(socket), "TERM": "dumb",
                "HOME": self.folder.name}

    def bash(self, *words, socket="/nonexistent"):
        ran = subprocess.run(["bash", "-c", BASH, "bash", self.programs / "provost.bash", "provost", *words], cwd=self.files,
                             env=self.environment(socket), capture_output=True, text=True, timeout=60 * host.PATIENCE)
        self.assertEqual(ran.stderr, "")
        return ran.stdout.split()

    def zsh(self, line):
        ran = subprocess.run(["zsh", "-f", "-c", ZSH, "zsh", self.programs, self.files, line], cwd=self.files,
                             env=self.environment(), capture_output=True, text=True, timeout=60 * host.PATIENCE)
        return ran.stdout

    def test_bash_completes_commands_options_values_and_files(self):
        self.assertEqual(self.bash("desc"), ["describe"])
        self.assertEqual(sorted(self.bash("token", "")), ["create", "delete", "list"])
        self.assertIn("--cluster-config", self.bash("create", "--"))
        self.assertIn("--json", self.bash("create", "--"))
        self.assertEqual(sorted(self.bash("create", "--campus", "c")), ["campus.toml", "cluster-config.json"])
        self.assertEqual(self.bash("create", "--campus", "=", "ca"), ["campus.toml"])
        self.assertEqual(self.bash("wait", "some", "--for", "="), ["InService", "deleted"])
        self.assertEqual(self.bash("bucket", "put", ""), ["folder"])
        self.assertEqual(self.bash("restore", "clu"), ["cluster-config.json"])
        self.assertEqual(self.bash("nonsense", ""), [])

    def test_a_provostd_that_does_not_answer_costs_nobody_patience(self):
        began = time.monotonic()
        self.assertEqual(self.bash("describe", ""), [])
        silent = pathlib.Path(self.folder.name, "silent.sock")
        listener = subprocess.Popen(["python3", "-c", "import socket, sys, time; s = socket.socket(socket.AF_UNIX); "
                                     "s.bind(sys.argv[1]); s.listen(); print(flush=True); time.sleep(60)", silent],
                                    stdout=subprocess.PIPE)
        try:
            listener.stdout.readline()
            self.assertEqual(self.bash("describe", "", socket=silent), [])
        finally:
            listener.kill()
            listener.communicate()
        self.assertLess(time.monotonic() - began, 5 * host.PATIENCE)

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh_completes_commands_and_files(self):
        self.assertIn("scribe", self.zsh("provost desc"))
        self.assertIn("pus.toml", self.zsh("provost create --campus cam"))
        self.assertIn("pus.toml", self.zsh("provost create --campus=cam"))
        listed = self.zsh("provost token ")
        for each in ("create", "delete", "list"):
            self.assertIn(each, listed)


if __name__ == "__main__":
    unittest.main(verbosity=2)
