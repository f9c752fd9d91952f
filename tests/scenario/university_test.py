"""The example university, as a stranger would try it: one real cluster, looked at from all sides."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

import host
from host import REPOSITORY, wait_until

UNIVERSITY = REPOSITORY / "examples" / "university"
FILES = (
    "--cluster-config", UNIVERSITY / "cluster-config.json",
    "--provisioning-parameters", UNIVERSITY / "provisioning-parameters.json",
    "--campus", UNIVERSITY / "campus.toml",
)


class University(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = host.Provostd("university", "10.213.0.0/18", 17444)
        cls.daemon.clear_leftovers()
        cls.before = host.picture_of_host()
        cls.daemon.start()
        cls.daemon.put_bucket(UNIVERSITY / "lifecycle")
        cls.created = cls.daemon.provost("create", *FILES)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.provost("delete", "university", "--yes", "--with-data", check=False)
        cls.daemon.stop()

    def on(self, *arguments, **options):
        return self.daemon.on(*arguments, **options)

    def as_minh(self, command, node="login-1", **options):
        return self.daemon.as_user(node, "minh", command, **options)

    def test_010_create_ends_in_service_with_six_nodes_running(self):
        described = self.daemon.cluster("university")
        self.assertEqual(described["cluster"]["status"], "InService")
        self.assertEqual(described["cluster"]["node_count"], 6)
        self.assertEqual({node["status"] for node in described["nodes"]}, {"Running"})
        self.assertEqual(sorted(node["name"] for node in described["nodes"]),
                         ["controller-1", "cpu-1", "cpu-2", "gpu-1", "login-1", "login-2"])

    def test_020_emulated_gpus_and_what_the_host_lacks_are_said(self):
        shown = self.daemon.provost("describe", "university").out
        if not pathlib.Path("/dev/nvidia0").exists():
            self.assertIn("emulated", shown)
            self.assertTrue(any("emulated" in lack
                                for lack in self.daemon.cluster("university")["cluster"]["lacks"]))

    def test_030_a_job_runs_over_two_nodes_for_a_researcher(self):
        ran = self.as_minh("srun -p cpu -N2 hostname")
        self.assertEqual(sorted(ran.out.split()), ["cpu-1", "cpu-2"])

    def test_031_root_on_a_login_node_reaches_slurm_and_names_resolve_both_ways(self):
        self.assertIn("cpu", self.on("login-1", "sinfo", "-h").out)
        address = next(node["address"] for node in self.daemon.cluster("university")["nodes"]
                       if node["name"] == "cpu-1")
        aws_name = "ip-" + address.replace(".", "-")
        self.assertIn(address, self.on("login-1", "getent", "hosts", aws_name).out)

    def test_040_login_and_controller_never_run_jobs(self):
        nodes = self.on("controller-1", "sinfo", "-h", "-N", "-o", "%N").out.split()
        self.assertEqual(sorted(set(nodes)), ["cpu-1", "cpu-2", "gpu-1"])
        for node in ("login-1", "login-2", "controller-1"):
            self.assertNotEqual(self.on(node, "pgrep", "-x", "slurmd", check=False).status, 0, node)

    def test_050_partitions_follow_the_files_and_dev_is_for_administrators(self):
        shown = self.on("controller-1", "scontrol", "-o", "show", "partition").out
        partitions = {re.search(r"PartitionName=(\S+)", line)[1]: line for line in shown.splitlines()}
        self.assertEqual(set(partitions), {"cpu", "gpu", "nlp", "debug", "scavenger", "dev"})
        self.assertIn("Default=NO", partitions["dev"])
        refused = self.as_minh("srun -p dev true", check=False)
        self.assertNotEqual(refused.status, 0)
        self.assertIn("partition", refused.err)

    def test_060_a_job_gets_the_gpu_it_asked_for_and_no_job_without_one_reaches_it(self):
        with_gpu = self.as_minh("srun -p gpu --gpus=1 bash -c 'echo $CUDA_VISIBLE_DEVICES; "
                                "cat /dev/provost-gpu0'", check=False)
        self.assertIn("0", with_gpu.out.splitlines()[0])
        self.assertIn("No such device", with_gpu.err)  # given, and emulated: nothing behind it
        without = self.as_minh("srun -p gpu cat /dev/provost-gpu0", check=False)
        self.assertIn("Operation not permitted", without.err)

    def test_070_nothing_is_unlimited_by_accident(self):
        job = self.as_minh("srun -p cpu bash -c 'scontrol -o show job $SLURM_JOB_ID'").out
        self.assertIn("TimeLimit=01:00:00", job)
        self.assertNotIn("mem=0", job)
        self.assertIn("Requeue=1", self.as_minh(
            "scontrol -o show job $(sbatch --parsable -p cpu --wrap 'true')").out)
        too_long = self.as_minh("srun -p cpu -t 400-0 true", check=False)
        self.assertNotEqual(too_long.status, 0)
        host_allows = subprocess.run(["bash", "-c", "ulimit -l unlimited 2>/dev/null; ulimit -l"],
                                     capture_output=True, text=True).stdout
        self.assertEqual(self.as_minh("srun -p cpu bash -c 'ulimit -l'").out, host_allows)

    def test_071_each_job_has_a_tmp_of_its_own(self):
        self.as_minh("srun -p cpu -w cpu-1 touch /tmp/mine")
        seen = self.as_minh("srun -p cpu -w cpu-1 ls /tmp").out
        self.assertNotIn("mine", seen)

    def test_072_memory_is_a_wall(self):
        hungry = self.as_minh("srun -p cpu --mem=64M python3 -c 'x = bytearray(300 << 20)'", check=False)
        self.assertNotEqual(hungry.status, 0)

    def test_080_accounts_follow_the_departments_and_strangers_are_refused(self):
        associations = self.on("controller-1", "sacctmgr", "-nP", "show", "assoc",
                               "format=account,user").out
        self.assertIn("nlp|minh", associations)
        refused = self.on("login-1", "runuser", "-u", "nobody", "--", "srun", "-p", "cpu", "true", check=False)
        self.assertNotEqual(refused.status, 0)

    def test_090_people_have_homes_and_keys_on_fsx_on_every_node(self):
        for node in ("login-1", "cpu-1", "gpu-1", "controller-1"):
            self.assertIn("/fsx/home/minh", self.on(node, "getent", "passwd", "minh").out)
        self.as_minh("echo hello > ~/note && stat -c %a ~ ~/.ssh/id_ed25519")
        self.assertEqual(self.on("gpu-1", "cat", "/fsx/home/minh/note").out, "hello\n")
        other = self.daemon.as_user("login-1", "an", "cat /fsx/home/minh/note", check=False)
        self.assertNotEqual(other.status, 0)

    def test_091_a_compute_node_is_open_only_to_those_with_a_job_there(self):
        ssh = "ssh -o BatchMode=yes cpu-2 true"
        refused = self.as_minh(ssh, check=False)
        self.assertNotEqual(refused.status, 0)
        self.assertIn("no active jobs", refused.err)
        job = self.as_minh("sbatch --parsable -p cpu -w cpu-2 --wrap 'sleep 60'").out.strip()
        wait_until(lambda: "RUNNING" in self.as_minh(f"squeue -h -j {job} -o %T").out, 20, "the job runs")
        self.assertEqual(self.as_minh(ssh, check=False).status, 0)
        self.as_minh(f"scancel {job}")

    def test_100_the_lifecycle_script_ran_once_with_what_hyperpod_gives_it(self):
        for node in ("login-1", "cpu-1"):
            log = self.daemon.provost("logs", node, "--unit", "lifecycle", "--lines", "1000").out
            self.assertEqual(log.count("[SageMaker] The lifecycle scripts succeeded."), 1, log)
        config = json.loads(self.on("cpu-1", "cat", "/opt/ml/config/resource_config.json").out)
        self.assertEqual(config["ClusterType"], "Slurm")
        self.assertEqual({group["Name"] for group in config["InstanceGroups"]},
                         {"controller", "login", "cpu", "gpu"})

    def test_105_a_configuration_that_slurmctld_refuses_leaves_the_old_one_running(self):
        script = "/opt/provost/lib/slurm-config"
        delivered, live = "/etc/provost/slurm/slurm.conf", "/etc/slurm/slurm.conf"
        before = self.on("controller-1", "cat", live).out
        job = self.as_minh("sbatch --parsable -p cpu --wrap 'sleep 60'").out.strip()
        attempt = (f"sed -i 's,^SelectType=.*,SelectType=select/nothing,' {delivered}; cd /etc/provost/slurm; "
                   "digest=$(cat slurm.conf gres.conf cgroup.conf job_container.conf 2>/dev/null | sha256sum); "
                   f"{script} try ${{digest%% *}}; status=$?; [ $status = 4 ] || exit $status")
        refused = self.on("controller-1", "bash", "-c",  # the agent may put the delivered file right meanwhile
                          f"for try in 1 2 3 4 5 6 7 8; do {attempt}; done", check=False)
        self.on("controller-1", "cp", "-p", live, delivered)
        self.assertEqual(refused.status, 3, refused)
        self.assertIn("select/nothing", refused.err)
        self.assertEqual(self.on("controller-1", "cat", live).out, before)
        self.assertIn(job, self.as_minh("squeue -h -o %i").out)
        self.as_minh(f"scancel {job}")
        self.as_minh("srun -p cpu true")

    def test_110_seeing_it(self):
        listed = self.daemon.provost("list", "--json").json()["clusters"]
        self.assertEqual([cluster["name"] for cluster in listed], ["university"])
        nodes = self.daemon.provost("nodes", "university").out
        self.assertIn("gpu-1", nodes)
        events = self.events()
        self.assertTrue(all(event["because"] for event in events), "every event has its because")
        self.assertEqual([event["id"] for event in events], sorted(event["id"] for event in events))
        self.assertIn("slurmd", self.daemon.provost("logs", "cpu-1", "--unit", "slurmd").out)
        self.assertEqual(self.on("cpu-1", "bash", "-c", "exit 7", check=False).status, 7)
        through = self.daemon.provost("ssh", "login-1", "--", "hostname")
        self.assertEqual(through.out.strip(), "login-1")
        missing = self.daemon.provost("describe", "universty", check=False)
        self.assertEqual(missing.status, 1)
        self.assertIn("university", missing.err)

    def test_120_the_training_job_resumes_to_the_same_weights_bit_for_bit(self):
        source = REPOSITORY / "examples" / "train"
        fsx = self.daemon.state / "data" / "university" / "fsx"
        for name in ("whole", "cut"):
            target = fsx / "home" / "minh" / name
            subprocess.run(["cp", "-r", source, target], check=True)
            subprocess.run(["chown", "-R", "--reference", fsx / "home" / "minh", target], check=True)

        shorter = "--steps 100" if host.PATIENCE > 1 else ""

        def submit(name, delay):
            return self.as_minh(f"cd ~/{name} && CHECKPOINT_DIR=~/{name}/checkpoints "
                                f"sbatch --parsable train.sbatch {shorter} {delay}").out.strip()

        def output(name):
            return self.on("login-1", "bash", "-c", f"cat /fsx/home/minh/{name}/*.out || true").out

        def final(name):
            found = re.search(r"^final: .*$", output(name), re.M)
            return found and found[0]

        submit("whole", "")
        whole = wait_until(lambda: final("whole"), 120, "the training ends")
        losses = [float(each) for each in re.findall(r"step\s+\d+.*?train\S*\s+([0-9.]+)", output("whole"))]
        self.assertLess(losses[-1], losses[0])
        job = submit("cut", "--step-delay 0.2")
        wait_until(lambda: len(re.findall(r"checkpoint", output("cut"))) > 2, 60, "checkpoints appear")
        self.on("cpu-1", "pkill", "-9", "-f", "train.py", check=False)
        self.on("cpu-2", "pkill", "-9", "-f", "train.py", check=False)
        wait_until(lambda: not self.as_minh(f"squeue -h -j {job}", check=False).out.strip(), 60, "it ended")
        submit("cut", "")
        self.assertEqual(wait_until(lambda: final("cut"), 120, "the resumed training ends"), whole)

    def test_130_provostd_killed_and_started_again_changes_nothing(self):
        job = self.as_minh("sbatch --parsable -p cpu --wrap 'sleep 20'").out.strip()
        before = self.daemon.cluster("university")
        self.daemon.kill(signal.SIGKILL)
        self.daemon.start()
        wait_until(lambda: all(node["agent"] == "connected"
                               for node in self.daemon.cluster("university")["nodes"]), 30,
                   "agents come back")
        after = self.daemon.cluster("university")
        self.assertEqual(after["cluster"]["status"], "InService")
        self.assertEqual([node["instance_id"] for node in before["nodes"]],
                         [node["instance_id"] for node in after["nodes"]])
        self.assertIn(job, self.as_minh("squeue -h -o %i").out)
        self.as_minh(f"scancel {job}")

    def test_140_a_node_that_dies_comes_back(self):
        newest = self.events()[-1]["id"]
        os.kill(self.daemon.first_process_of("cpu-2"), signal.SIGKILL)
        wait_until(lambda: any(event["id"] > newest and event["node"] == "cpu-2" and
                               "create" in event["what"] for event in self.events()), 30,
                   "its loss is seen and it is made again")
        wait_until(lambda: self.node("cpu-2")["status"] == "Running" and
                   self.node("cpu-2")["agent"] == "connected", 60, "it is back")
        wait_until(lambda: self.as_minh("srun -p cpu -w cpu-2 --immediate=20 hostname", check=False).out
                   == "cpu-2\n", 60, "it runs jobs again")

    def events(self):
        return self.daemon.provost("events", "university", "--json").json()["events"]

    def node(self, name):
        return self.daemon.provost("nodes", "university", "--json").json() and next(
            node for node in self.daemon.cluster("university")["nodes"] if node["name"] == name)

    def test_150_tokens_over_tls(self):
        secret = self.daemon.provost("token", "create", "test", "--json").json()["token"]["secret"]
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(secret)
            file.flush()
            remote = ("--server", f"https://127.0.0.1:{self.daemon.agent_port + 1}",
                      "--authority", self.daemon.state / "authority.pem", "--token-file", file.name)
            listed = subprocess.run([host.PROGRAMS["provost"], *map(str, remote), "list", "--json"],
                                    capture_output=True, text=True)
            self.assertEqual(listed.returncode, 0, listed.stderr)
            self.assertIn("university", listed.stdout)
            refused = subprocess.run([host.PROGRAMS["provost"], *map(str, remote), "ssh", "login-1"],
                                     capture_output=True, text=True)
            self.assertEqual(refused.returncode, 4, refused.stderr)
            self.daemon.provost("token", "delete", "test")
            gone = subprocess.run([host.PROGRAMS["provost"], *map(str, remote), "list"],
                                  capture_output=True, text=True)
            self.assertEqual(gone.returncode, 4, gone.stderr)
        database = (self.daemon.state / "provost.db").read_bytes()
        self.assertNotIn(secret.encode(), database)

    def test_900_delete_leaves_the_host_as_it_was_and_keeps_the_data(self):
        refused = self.daemon.provost("delete", "university", check=False, stdin="")
        self.assertEqual(refused.status, 2)
        gone = self.daemon.provost("delete", "university", "--yes").out
        self.assertIn("kept", gone)
        self.assertEqual(host.differences(self.before, host.picture_of_host()), [])
        data = self.daemon.state / "data" / "university" / "fsx"
        self.assertTrue((data / "home" / "minh" / "note").exists(), "data outlive the cluster")
        self.assertFalse((self.daemon.state / "machines").exists())
        missing = self.daemon.provost("describe", "university", check=False)
        self.assertNotEqual(missing.status, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
