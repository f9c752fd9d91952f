"""A campus's policy at work: what Slurm does with real jobs of departments, projects and people."""

import datetime
import json
import re
import sys
import threading
import unittest

import host
from host import Provostd, group, wait_until

CONFIG = json.dumps({"ClusterName": "campus", "InstanceGroups": [
    group("controller", "Controller"), group("login", "Login"),
    group("cpu", "Compute", 2, "ml.c5.xlarge"), group("gpu", "Compute", 2, "ml.g5.48xlarge")],
    "Orchestrator": {"Slurm": {"SlurmConfigStrategy": "Managed"}}})

PEOPLE = {"minh": 2001, "linh": 2002, "an": 2003, "thu": 2004, "duc": 2005, "hoa": 2006, "chi": 2007}

CAMPUS = """[campus]
name = "Example University"
administrators = ["hoa"]
selftest = "on demand"

[scheduler]
half_life = "7d"
weights = { age = 10, fairshare = 100000, qos = 1000, project = 1000 }
defaults = { time = "30m" }

[[qos]]
name = "normal"
priority = 10
limits = { gpus_per_user = 8, wall = "3d", jobs_per_user = 4 }

[[qos]]
name = "strict"
refuse = true
limits = { gpus_per_user = 2 }

[[qos]]
name = "scavenger"
preempted_by = ["normal"]
charge = "25%"

[[partition]]
name = "debug"
groups = ["cpu"]
max_time = "30m"

[[department]]
name = "nlp"
title = "Natural Language Processing"
supervisors = ["linh"]
members = ["minh", "an"]
owns = ["gpu"]
qos = ["normal", "strict", "scavenger"]
share = 10
limits = { gpus = 16 }

[[department.project]]
name = "viet-llm"
lead = "minh"
members = ["an"]
share = 60
priority = 100
limits = { cpus_per_user = 3 }

[[department]]
name = "vision"
title = "Computer Vision"
supervisors = ["thu"]
members = ["duc", "minh"]
partitions = ["cpu"]
qos = ["normal", "scavenger"]
share = 30

[[department]]
name = "math"
members = ["chi"]
qos = ["normal"]
share = 30
""" + "".join(f'\n[[person]]\nname = "{name}"\nuid = {uid}\n' for name, uid in PEOPLE.items())


def line_of(text, campus=CAMPUS):
    """The line of campus.toml that holds a text."""
    return campus[:campus.index(text)].count("\n") + 1


class Departments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Provostd("departments", "10.214.64.0/20", 17640)
        cls.daemon.clear_leftovers()
        cls.files = host.ROOT / "departments"
        cls.daemon.start()
        cls.write(CAMPUS)
        (cls.files / "config.json").write_text(CONFIG)
        cls.daemon.provost("create", "--cluster-config", cls.files / "config.json",
                           "--campus", cls.files / "campus.toml")
        cls.daemon.on("controller-1", "true")

    @classmethod
    def tearDownClass(cls):
        cls.daemon.remove_everything()

    def tearDown(self):
        self.daemon.on("controller-1", "bash", "-c", "squeue -h -a -o %A | xargs -r scancel")
        wait_until(lambda: not self.on("squeue -h -a"), 60, "no job is left")

    @classmethod
    def write(cls, campus):
        cls.files.mkdir(parents=True, exist_ok=True)
        (cls.files / "campus.toml").write_text(campus)

    def apply(self, campus, *more, check=True):
        self.write(campus)
        return self.daemon.provost("apply", "campus", "--campus", self.files / "campus.toml", *more, check=check)

    def plan(self, campus):
        self.write(campus)
        return self.daemon.provost("plan", "campus", "--campus", self.files / "campus.toml", check=False)

    def on(self, command):
        return self.daemon.on("controller-1", "bash", "-c", command).out.strip()

    def run_as(self, user, command, check=True):
        return self.daemon.as_user("login-1", user, command, check=check)

    def submit(self, user, options, command="sleep 300"):
        return self.run_as(user, f"sbatch --parsable -o /dev/null {options} --wrap '{command}'").out.strip()

    def reason(self, job):
        return self.on(f"squeue -h -j {job} -o %r")

    def state(self, job):
        return self.on(f"sacct -nX -j {job} -o state | tr -d ' '")

    def running(self, job):
        wait_until(lambda: self.on(f"squeue -h -j {job} -o %T") == "RUNNING", 60, f"job {job} runs")

    def test_010_accounts_are_a_tree_with_shares_and_coordinators(self):
        shown = self.on("sacctmgr -nP show assoc wopl format=account,parentname,user,share,priority,grptres,qos,defaultqos")
        self.assertIn("nlp|university||10||gres/gpu=16|normal,scavenger,strict|normal", shown)
        self.assertIn("viet-llm|nlp||60|100||", shown)
        self.assertIn("viet-llm||an|1||cpu=3|", shown)
        coordinators = self.on("sacctmgr -nP show account withcoord format=account,coordinators")
        self.assertIn("nlp|linh", coordinators)
        self.assertIn("vision|thu", coordinators)

    def test_020_the_ninth_gpu_of_a_user_waits_with_its_reason(self):
        first = self.submit("minh", "-p nlp --gpus=8 -c1")
        self.running(first)
        ninth = self.submit("minh", "-p nlp --gpus=1 -c1")
        wait_until(lambda: self.reason(ninth) == "QOSMaxGRESPerUser", 60, "the ninth GPU waits")
        other = self.submit("an", "-p nlp --gpus=1 -c1")
        self.running(other)

    def test_030_where_the_policy_refuses_it_is_refused(self):
        refused = self.run_as("minh", "sbatch -p nlp --qos=strict --gpus=3 --wrap true", check=False)
        self.assertNotEqual(refused.status, 0)
        self.assertIn("QOS", refused.err + refused.out)

    def test_040_a_job_too_long_is_refused_in_words(self):
        refused = self.run_as("minh", "sbatch -p nlp -t 5-0 --wrap true", check=False)
        self.assertNotEqual(refused.status, 0)
        wall = line_of("gpus_per_user = 8, wall")
        for words in ("5 days is longer than QoS normal allows, 3 days", f"campus.toml:{wall}",
                      "Natural Language Processing", "linh", "hoa"):
            self.assertIn(words, refused.err)
        debug = self.run_as("duc", "sbatch -p debug -t 2:00:00 --wrap true", check=False)
        self.assertIn("2 hours is longer than partition debug allows, 30 minutes", debug.err)

    def test_050_a_forbidden_partition_is_refused_in_words(self):
        refused = self.run_as("duc", "srun -p nlp true", check=False)
        self.assertNotEqual(refused.status, 0)
        self.assertIn("partition nlp is not for account vision", refused.err)
        self.assertIn("Open to it: cpu, debug, scavenger", refused.err)
        universal = self.run_as("duc", "srun -p dev true", check=False)
        self.assertNotEqual(universal.status, 0)

    def test_060_jobs_go_where_their_department_sends_them(self):
        mine = self.submit("linh", "")
        self.assertEqual(self.on(f"squeue -h -j {mine} -o '%P|%a|%q'"), "nlp|nlp|normal")
        theirs = self.submit("duc", "")
        self.assertEqual(self.on(f"squeue -h -j {theirs} -o '%P|%a|%q'"), "cpu|vision|normal")
        project = self.submit("minh", "-A viet-llm")
        self.assertEqual(self.on(f"squeue -h -j {project} -o '%P|%a|%q'"), "nlp|viet-llm|normal")

    def test_070_a_scavenger_gives_way_and_finishes_later(self):
        for options, words in (("srun --qos=scavenger true", "interactive"),
                               ("sbatch --qos=scavenger --no-requeue --wrap true", "--no-requeue")):
            refused = self.run_as("duc", options, check=False)
            self.assertNotEqual(refused.status, 0)
            self.assertIn(words, refused.err)
        scavengers = [self.submit("duc", "--qos=scavenger --gpus=8 -c1 -N1", "sleep 4") for _ in range(2)]
        for each in scavengers:
            self.running(each)
        owner = self.submit("linh", "--gpus=8 -c1 -N1", "sleep 1")
        wait_until(lambda: self.state(owner) == "COMPLETED", 90, "the owner's job ran at once")
        wait_until(lambda: any(int(self.on(f"scontrol -o show job {each} | grep -oP 'Restarts=\\K[0-9]+'") or 0)
                               for each in scavengers), 30, "a scavenger was queued again")
        wait_until(lambda: all(self.state(each) == "COMPLETED" for each in scavengers), 180, "they finish later")

    def test_080_two_jobs_share_a_nodes_memory_and_gpus(self):
        first = self.submit("minh", "-w gpu-1 --gpus=2 --mem=1G -c1")
        second = self.submit("an", "-w gpu-1 --gpus=2 --mem=1G -c1")
        self.running(first)
        self.running(second)

    def test_090_a_department_with_unused_share_starts_first(self):
        for _ in range(2):
            self.running(self.submit("duc", "-p cpu -N1 --exclusive -t 9"))
        used = self.submit("duc", "-p debug -N1 --exclusive -t 5", "sleep 1")
        fresh = self.submit("chi", "-p debug -N1 --exclusive -t 5", "sleep 1")
        priority = lambda job: int(self.on(f"squeue -h -j {job} -o %Q"))
        wait_until(lambda: priority(fresh) > priority(used), 180, "who used nothing is first")

    def test_092_why_names_the_limit_its_line_and_the_way_out(self):
        first = self.submit("minh", "--gpus=6 -c1")
        self.running(first)
        second = self.submit("minh", "--gpus=4 -c1")
        wait_until(lambda: self.reason(second) == "QOSMaxGRESPerUser", 60, "the tenth GPU waits")
        told = self.daemon.provost("why", second).out
        for words in ("6 of 8 GPUs per user of QoS normal are in use", f"campus.toml:{line_of('gpus_per_user = 8')}",
                      f"job {first} with 6", "it asks for 4", "2 or less"):
            self.assertIn(words, told)
        later = self.submit("minh", f"--dependency=afterok:{first}")
        self.assertIn("depends on", self.daemon.provost("why", later).out)
        self.assertIn("runs since", self.daemon.provost("why", first).out)
        missing = self.daemon.provost("why", "99999", check=False)
        self.assertEqual(missing.status, 1)
        self.assertIn("sacct", missing.err)

    def test_094_my_and_department_show_limits_with_their_use(self):
        self.running(self.submit("an", "-A viet-llm --gpus=2 -c2"))
        mine = self.daemon.provost("my", "--as", "an", "--json").json()["my"]
        accounts = {each["account"]: each for each in mine["accounts"]}
        self.assertEqual(set(accounts), {"nlp", "viet-llm"})
        limits = {(each["where"], each["what"]): each["shown"] for each in accounts["viet-llm"]["limits"]}
        self.assertEqual(limits["QoS normal", "GPUs per user"], "2 of 8")
        self.assertEqual(limits["project viet-llm", "CPUs per user"], "2 of 3")
        self.assertEqual(limits["department nlp", "GPUs together"], "2 of 16")
        self.assertIn("nlp", accounts["nlp"]["partitions"])
        shown = self.daemon.provost("my", "--as", "an").out
        self.assertIn("viet-llm, a project of nlp", shown)
        department = self.daemon.provost("department", "nlp").out
        self.assertIn("linh", department)
        self.assertIn("project viet-llm", department)
        self.assertEqual(self.daemon.provost("department", "nobody", check=False).status, 1)

    def test_096_usage_adds_up_whoever_it_is_asked_by(self):
        done = self.submit("minh", "--gpus=2 -c2", "sleep 6")
        wait_until(lambda: self.state(done) == "COMPLETED", 90, "a job of known size ends")
        totals = []
        for by in ("department", "project", "user"):
            usage = self.daemon.provost("usage", "--by", by, "--last", "day", "--json").json()["usage"]
            rows = {each["name"]: each for each in usage["rows"]}
            self.assertAlmostEqual(sum(each["gpu_hours"] for each in rows.values()), usage["total"]["gpu_hours"], 6)
            totals.append(usage["total"]["jobs"])
            if by == "department":
                self.assertEqual(set(rows), {"nlp", "vision"})
        self.assertEqual(len(set(totals)), 1)
        seconds = int(self.on(f"sacct -nX -j {done} -o elapsedraw"))
        self.assertGreaterEqual(seconds, 6)
        header, *lines = self.daemon.provost("usage", "--by", "user", "--csv").out.splitlines()
        self.assertTrue(header.startswith("name,title,jobs,cpu_hours"))
        self.assertTrue(any(each.startswith("minh,") for each in lines))
        self.assertIn("GPU H", self.daemon.provost("usage").out)
        wrong = self.daemon.provost("usage", "--from", "2027-02-30", check=False)
        self.assertEqual(wrong.status, 2)
        self.assertIn("a day as in 2027-03-01", wrong.err)

    def test_100_nothing_is_left_to_plan(self):
        self.assertEqual(self.plan(CAMPUS).status, 0)

    def test_110_a_changed_limit_is_told_and_in_force(self):
        more = CAMPUS.replace("gpus_per_user = 8", "gpus_per_user = 4")
        plan = self.plan(more)
        self.assertEqual(plan.status, 3)
        self.assertIn("QoS normal", plan.out)
        self.assertIn("from 8 to 4 GPUs per user", plan.out)
        self.apply(more)
        self.submit("minh", "--gpus=4 -c1")
        fifth = self.submit("minh", "--gpus=1 -c1")
        wait_until(lambda: self.reason(fifth) == "QOSMaxGRESPerUser", 60, "the fifth GPU waits")
        raised = self.plan(CAMPUS)
        self.assertIn("1 waiting job could start", raised.out)
        self.apply(CAMPUS)
        self.running(fifth)

    def test_120_who_leaves_ends_running_jobs_and_submits_no_more(self):
        job = self.submit("an", "--gpus=1 -c1", "sleep 25")
        self.running(job)
        waiting = self.submit("an", "--gpus=1 -c1 --begin=now+1hour")
        without = CAMPUS.replace('members = ["minh", "an"]', 'members = ["minh"]').replace(
            'lead = "minh"\nmembers = ["an"]', 'lead = "minh"\nmembers = []').replace(
            'members = ["duc", "minh"]', 'members = ["duc", "minh", "an"]')
        plan = self.plan(without)
        self.assertIn("an leaves nlp", plan.out)
        self.apply(without, "--no-wait")
        wait_until(lambda: self.run_as("an", "sbatch -A nlp --wrap true", check=False).status != 0, 60, "no new jobs")
        wait_until(lambda: self.state(waiting).startswith("CANCELLED"), 60, "the waiting job is cancelled")
        self.assertEqual(self.state(job), "RUNNING")
        wait_until(lambda: self.state(job) == "COMPLETED", 90, "the running job ends by itself")
        wait_until(lambda: "|an|" not in self.on("sacctmgr -nP show assoc account=nlp format=account,user,share"),
                   120, "then the association goes")
        self.apply(CAMPUS)

    def test_125_a_project_that_has_ended_takes_no_new_jobs(self):
        ended = CAMPUS.replace('lead = "minh"', 'lead = "minh"\nuntil = 2020-01-31')
        self.assertIn("last day of project viet-llm is 2020-01-31", self.plan(ended).out)
        self.apply(ended)
        refused = self.run_as("an", "sbatch -A viet-llm --wrap true", check=False)
        self.assertNotEqual(refused.status, 0)
        self.assertIn("its last day was 2020-01-31", refused.err)
        self.assertIn("it has ended", self.daemon.provost("my", "--as", "an").out)
        self.submit("an", "-A nlp", "true")
        self.apply(CAMPUS)

    def test_130_what_is_changed_by_hand_is_found(self):
        self.on("sleep 2; sacctmgr -i modify qos where name=normal set MaxTRESPerUser=gres/gpu=99")
        self.on("sacctmgr -i modify user where name=minh account=nlp set GrpTRES=cpu=1")
        drift = wait_until(lambda: (lambda ran: ran if "MaxTRESPerUser" in ran.out else None)(
            self.daemon.provost("drift", "campus", check=False)), 120, "drift is found")
        self.assertEqual(drift.status, 3)
        self.assertIn("root", drift.out)
        self.assertIn("user minh in account nlp", drift.out)
        self.assertRegex(drift.out, rf"MaxTRESPerUser.*99.*\(campus.toml:{line_of('gpus_per_user = 8')}\)")
        self.assertIn("99", self.on("sacctmgr -nP show qos normal format=maxtrespu"))
        self.daemon.provost("drift", "campus", "--mend")
        wait_until(lambda: self.on("sacctmgr -nP show qos normal format=maxtrespu") == "gres/gpu=8", 60, "it is mended")
        self.assertEqual(self.daemon.provost("drift", "campus").status, 0)

    # --- nothing stays half done

    def crowd(self, count):
        names = [f"s{number:03}" for number in range(count)]
        return (CAMPUS + f'\n[[department]]\nname = "crowd"\nmembers = {json.dumps(names)}\nlimits = {{ cpus_per_user = 2 }}\n'
                + "".join(f'\n[[person]]\nname = "{name}"\nuid = {3000 + number}\n' for number, name in enumerate(names)))

    def settled(self, users):
        """Everything is as wanted, and Slurm has so many users in the crowd."""
        wait_until(lambda: self.daemon.cluster("campus")["cluster"]["status"] == "InService", 180, "the change is done")
        self.assertEqual(self.daemon.provost("drift", "campus").status, 0)
        shown = self.on("sacctmgr -nP show assoc account=crowd format=user,grptres wopl")
        self.assertEqual(len([line for line in shown.splitlines() if line.endswith("|cpu=2")]), users,
                         self.daemon.provost("events", "campus", "--limit", 40).out)

    def syncing(self):
        """slurmdbd has some of the crowd and not all of it."""
        return 0 < len(self.on("sacctmgr -nP show assoc account=crowd format=user").splitlines())

    def test_132_a_slurmdbd_that_is_down_is_waited_for(self):
        self.daemon.on("controller-1", "systemctl", "stop", "slurmdbd")
        try:
            self.apply(CAMPUS.replace("share = 10", "share = 11"), "--no-wait")
            wait_until(lambda: any("sync" in step["line"] and step["state"] != "done"
                                   for step in self.daemon.cluster("campus")["steps"]), 60, "it waits for slurmdbd")
        finally:
            self.daemon.on("controller-1", "systemctl", "start", "slurmdbd")
        wait_until(lambda: "nlp|11" in self.on("sacctmgr -nP show assoc account=nlp format=account,share wopl || true"), 120, "then it goes on")
        self.apply(CAMPUS)

    def test_134_a_slurmdbd_killed_in_the_middle_loses_nothing(self):
        self.apply(self.crowd(300), "--no-wait")
        wait_until(lambda: self.syncing() or self.daemon.cluster("campus")["cluster"]["status"] == "InService", 60, "it begins")
        self.daemon.on("controller-1", "systemctl", "kill", "-s", "KILL", "slurmdbd")
        wait_until(lambda: self.daemon.on("controller-1", "sacctmgr", "-n", "show", "cluster", check=False).status == 0,
                   60, "slurmdbd is back")
        self.settled(300)

    def test_136_a_provostd_killed_in_the_middle_goes_on(self):
        self.apply(CAMPUS, "--no-wait")
        self.daemon.restart()
        wait_until(lambda: self.daemon.cluster("campus")["cluster"]["status"] == "InService", 180, "the crowd is gone")
        self.apply(self.crowd(200), "--no-wait")
        wait_until(lambda: self.syncing() or self.daemon.cluster("campus")["cluster"]["status"] == "InService", 60, "it begins")
        self.daemon.restart()
        self.settled(200)
        self.apply(CAMPUS)
        self.assertEqual(self.daemon.provost("drift", "campus").status, 0)

    # --- coming in where a job runs

    def ssh(self, user, node, command, check=False):
        return self.run_as(user, f"ssh -o BatchMode=yes -o ConnectTimeout=20 {node} {json.dumps(command)}", check=check)

    def test_140_a_compute_node_opens_for_a_job_and_tells_how_to_get_one(self):
        refused = self.ssh("minh", "gpu-1", "true")
        self.assertNotEqual(refused.status, 0)
        self.assertIn("srun --pty", refused.out + refused.err)
        self.assertEqual(self.run_as("minh", "hostname").out.strip(), "login-1")
        self.assertEqual(self.ssh("hoa", "gpu-1", "hostname").out.strip(), "gpu-1")
        inside = self.ssh("hoa", "gpu-1", "cat /proc/self/cgroup").out
        self.assertNotIn("step_extern", inside)
        # Who is refused again and again locks out nobody else who comes from the same login node.
        for _ in range(8):
            self.assertIn("srun --pty", self.ssh("minh", "gpu-1", "true").err)
        self.assertEqual(self.ssh("hoa", "gpu-1", "hostname").out.strip(), "gpu-1")

    def test_142_a_session_is_the_jobs_with_its_memory_gpus_and_tmp(self):
        job = self.submit("minh", "-w gpu-1 --gpus=2 -c1 --mem=200M", "touch /tmp/of-the-job; sleep 300")
        self.running(job)
        wait_until(lambda: self.ssh("minh", "gpu-1", "ls /tmp").out.strip() == "of-the-job", 30, "the job's own /tmp")
        self.assertIn(f"job_{job}/step_extern", self.ssh("minh", "gpu-1", "cat /proc/self/cgroup").out)
        given = self.on(f"scontrol -d -o show job {job} | grep -oP 'IDX:\\K[0-9,-]+'")
        first, _, last = given.partition("-") if "-" in given else given.partition(",")
        mine = {int(first), int(last)}
        self.run_as("minh", "cat >open.py <<'X'\n"
                    "import glob\n"
                    "for path in sorted(glob.glob('/dev/provost-gpu*')):\n"
                    "    try: open(path)\n"
                    "    except OSError as problem: print(path, problem.strerror, sep=':')\nX")
        for where in (self.ssh("minh", "gpu-1", "python3 open.py").out,
                      self.ssh("minh", "gpu-1", "bash -c 'bash -c \"python3 open.py\"'").out,
                      self.run_as("minh", f"srun --jobid={job} --overlap python3 open.py").out):
            found = dict(line.split(":", 1) for line in where.splitlines() if ":" in line)
            self.assertEqual(len(found), 8, where)
            for path, words in found.items():
                expected = "No such device" if int(path[len("/dev/provost-gpu"):]) in mine else "Operation not permitted"
                self.assertIn(expected, words, f"{path} of {given}")
        hungry = self.ssh("minh", "gpu-1", "python3 -c 'x = bytearray(500 << 20)'")
        self.assertNotEqual(hungry.status, 0)

    def test_144_the_session_ends_with_its_job(self):
        job = self.submit("minh", "-w gpu-1 --gpus=1 -c1")
        self.running(job)
        self.run_as("minh", "(ssh -o BatchMode=yes gpu-1 sleep 1000 >/dev/null 2>&1 &) ; sleep 2")
        self.assertTrue(self.sessions("sleep 1000"))
        self.on(f"scancel {job}")
        wait_until(lambda: not self.sessions("sleep 1000"), 3, "the session ends with its job")

    def sessions(self, words):
        return self.daemon.on("gpu-1", "bash", "-c", f"pgrep -u minh -f '^{words}' || true").out.strip()

    def test_146_the_rule_holds_while_slurmctld_is_down(self):
        job = self.submit("minh", "-w gpu-1 --gpus=1 -c1")
        self.running(job)
        self.daemon.on("controller-1", "systemctl", "kill", "-s", "STOP", "slurmctld")
        try:
            self.assertEqual(self.ssh("minh", "gpu-1", "hostname").out.strip(), "gpu-1")
            self.assertNotEqual(self.ssh("minh", "gpu-2", "hostname").status, 0)
            self.assertEqual(self.run_as("an", "hostname").out.strip(), "login-1")
        finally:
            self.daemon.on("controller-1", "systemctl", "kill", "-s", "CONT", "slurmctld")

    def test_148_and_while_a_node_is_rebooted(self):
        self.daemon.on("gpu-2", "systemctl", "reboot", check=False)
        answers = []

        def tried():
            answers.append(self.ssh("an", "gpu-2", "hostname"))
            return "idle" in self.on("sinfo -h -n gpu-2 -p gpu -o %T") and len(answers) > 3
        wait_until(tried, 120, "the node is back")
        self.assertTrue(all(each.status != 0 for each in answers))

    # --- allocations that nobody uses

    def event_lines(self):
        return self.daemon.provost("events", "campus", "--limit", "20000").out

    def test_160_what_nobody_uses_is_warned_about_and_released(self):
        idle = CAMPUS + '\n[idle]\nafter = "2m"\nwarn = "1m"\nexempt = ["chi"]\n'
        self.assertIn("interactive allocations unused for 2 minutes are released", self.plan(idle).out)
        self.apply(idle)
        # Four at once: one that nobody uses, one whose user computes, one exempt, and a batch job that sleeps.
        self.run_as("minh", "(salloc -A vision -p cpu -c1 sleep 900 >salloc.out 2>&1 &) ; sleep 1")
        self.run_as("duc", "(srun -p cpu -c1 python3 -c 'while True: pass' >/dev/null 2>&1 &) ; sleep 1")
        self.run_as("chi", "(salloc -p debug -c1 sleep 900 >/dev/null 2>&1 &) ; sleep 1")
        batch = self.submit("an", "-c1", "sleep 900")
        wait_until(lambda: self.on("squeue -h -a -t R -o %u | sort").split() == ["an", "chi", "duc", "minh"], 60, "all run")
        job, node = self.on("squeue -h -u minh -o '%A %N'").split()
        self.run_as("minh", f"(ssh -tt -o BatchMode=yes {node} sleep 900 >session.out 2>&1 </dev/null &) ; sleep 1")
        told = lambda: json.loads(self.daemon.provost("idle", "campus", "--json").out)["idle"]["jobs"]
        wait_until(lambda: len(told()) == 4, 60, "provostd has looked")
        alone = {each["user"]: each["left_alone"] for each in told()}
        self.assertIn("chi is exempt", alone["chi"])
        wait_until(lambda: {e["user"]: e["left_alone"] for e in told()}["an"] == "it has a batch script", 60, "it is known")

        wait_until(lambda: f"minh is warned: job {job} is released at" in self.event_lines(), 120, "its owner is warned")
        line = line_of("[idle]", idle)
        self.assertRegex(self.event_lines(), rf"job {job} of minh \(vision\): 1 CPU unused for .* of CPU time in it; campus.toml:{line}")
        words = f"Job {job} has not used its 1 CPU for"
        wait_until(lambda: words in self.run_as("minh", "cat salloc.out").out, 20, "salloc tells")
        wait_until(lambda: words in self.run_as("minh", "cat session.out").out, 20, "the ssh session tells")
        letters = self.daemon.provost("mail", "--full").out
        self.assertIn(f"Job {job} on campus is not used", letters)
        self.assertIn(words, letters)
        self.assertIn("unless it is used", self.daemon.provost("my", "--as", "minh").out)
        self.assertIn("unless it is used", self.daemon.provost("why", job).out)

        self.daemon.restart()  # kill -9: what was decided stays decided
        wait_until(lambda: self.state(job).startswith("CANCELLED"), 150, "it is released")
        wait_until(lambda: f"job {job} of minh is released" in self.event_lines(), 10, "an event says so")
        self.assertEqual(self.event_lines().count(f"minh is warned: job {job}"), 1, "warned once")
        self.assertIn("released by provost", self.on(f"sacct -nX -j {job} -o admincomment%200"))
        self.assertIn("was released", self.daemon.provost("mail").out)
        self.assertEqual(self.on("squeue -h -a -t R -o %u | sort").split(), ["an", "chi", "duc"])
        self.assertEqual(self.on(f"squeue -h -j {batch} -o %T"), "RUNNING")

    def test_162_without_the_rule_nothing_is_watched(self):
        self.apply(CAMPUS)
        asked = self.daemon.provost("idle", "campus", check=False)
        self.assertEqual(asked.status, 1)
        self.assertIn("[idle]", asked.err)

    # --- the calendar

    def reservations(self):
        shown = self.on("scontrol -o show reservations")
        return {re.search("ReservationName=(\\S+)", line)[1]: line for line in shown.splitlines() if "ReservationName" in line}

    def test_170_reservations_of_the_policy_are_slurms(self):
        now = datetime.datetime.utcnow()
        at = lambda **later: (now + datetime.timedelta(**later)).strftime("%Y-%m-%dT%H:%M:%S")
        calendar = CAMPUS + f"""
[[reservation]]
name = "exam"
department = "vision"
groups = ["cpu"]
nodes = 1
from = {at(minutes=-5)}
until = {at(hours=1)}

[[reservation]]
name = "course"
department = "nlp"
groups = ["gpu"]
every = "Tue,Thu 02:00-03:00"

[[reservation]]
name = "service"
maintenance = true
from = {at(days=3)[:10]}
until = {at(days=3)[:10]}

[[reservation]]
name = "ended"
maintenance = true
from = {at(days=-3)[:10]}
until = {at(days=-2)[:10]}
"""
        self.assertIn("reserves exam: 1 node of cpu", self.plan(calendar).out)
        self.apply(calendar)
        wait_until(lambda: set(self.reservations()) == {"exam", "course-tue", "course-thu", "service"}, 60, "Slurm has them")
        made = self.reservations()
        self.assertIn("Nodes=cpu-1 ", made["exam"])
        self.assertIn("Accounts=vision", made["exam"])
        self.assertIn("WEEKLY", made["course-tue"])
        self.assertIn("MAINT", made["service"])
        self.assertIn("Nodes=cpu-[1-2],gpu-[1-2] ", made["service"])
        mine = self.submit("duc", "-p cpu -w cpu-1 -t 5")
        self.running(mine)
        self.assertIn("Reservation=exam", self.on(f"scontrol -o show job {mine}"))
        other = self.submit("chi", "-p debug -w cpu-1 -t 5")
        wait_until(lambda: self.reason(other) not in ("None", "Priority", ""), 60, "others wait")
        self.assertEqual(self.on(f"squeue -h -j {other} -o %T"), "PENDING")
        for person, concerns, others in (("duc", "exam", "course"), ("an", "course-tue", "exam"), ("chi", "service", "exam")):
            shown = self.daemon.provost("my", "--as", person).out.partition("two weeks")[2]
            self.assertIn(concerns, shown)
            self.assertIn("service", shown)
            self.assertNotIn(others, shown)
        # By hand: what is taken away comes back, what is made is left alone.
        self.on("scontrol create reservation ReservationName=mine StartTime=now+600 Duration=10 Users=root Nodes=cpu-2")
        self.on("scontrol delete ReservationName=service")
        wait_until(lambda: "service" in self.reservations(), 120, "it is made again")
        shown = self.daemon.provost("calendar", "campus").out
        self.assertIn("Made by hand", shown)
        self.assertIn(f"campus.toml:{line_of('[[reservation]]', calendar)}", shown)
        self.apply(CAMPUS)
        self.on(f"scancel {mine} {other}")
        wait_until(lambda: set(self.reservations()) == {"mine"}, 120, "only what was made by hand is left")
        self.on("scontrol delete ReservationName=mine")


    # ---- The policy proves itself

    def selftest(self, status):
        """A run; its checks by name, and what a person reads."""
        ran = self.daemon.provost("selftest", "campus", check=False)
        self.assertEqual(ran.status, status, ran)
        checks = self.daemon.provost("selftest", "campus", "--last", "--json", check=False).json()["selftest"]["checks"]
        return {check["name"]: check for check in checks}, ran.out

    def assert_nothing_left(self):
        """The test's user has no jobs, accounts, keys or homes."""
        self.assertEqual(self.on("squeue -h -a -u provost-selftest"), "")
        self.assertEqual(self.on("sacctmgr -nP show user provost-selftest; sacctmgr -nP show assoc user=provost-selftest"), "")
        for node in ("login-1", "cpu-1", "gpu-1", "gpu-2"):
            self.assertEqual(self.daemon.on(node, "ls", "/var/lib/provost-selftest", check=False).status, 2, node)
        drift = self.daemon.provost("drift", "campus", "--json", check=False).json()["drift"]
        self.assertEqual(drift["accounts"], [])

    def test_180_the_policy_is_tried_and_holds(self):
        self.apply(CAMPUS)
        mine = self.submit("duc", "-p cpu -n 1 -t 10")
        self.running(mine)
        checks, table = self.selftest(0)
        self.assertEqual({check["proof"] for check in checks.values()}, {"held"}, table)
        self.assertEqual(set(checks), {"login-open", "compute-closed", "compute-open", "session-adopted", "gpus-closed",
                                       "gpus-own", "session-ends", "limit", "partition"})
        self.assertRegex(checks["gpus-own"]["found"], "/dev/provost-gpu[0-7] opened, 7 closed")
        self.assertIn("nlp" if "nlp" in checks["limit"]["found"] else "3 days", checks["limit"]["found"])
        self.assertEqual(checks["limit"]["line"], line_of('limits = { gpus_per_user = 8'))
        self.assertIn(f"campus.toml:{checks['partition']['line']}", table)
        self.assertEqual(self.state(mine), "RUNNING", "nobody's job was disturbed")
        self.assertIn("the policy was tried: 9 held, 0 failed", self.daemon.provost("events", "campus", "--limit", "20000").out)
        self.assert_nothing_left()

    def test_181_it_is_tried_after_a_change_where_the_campus_says_so(self):
        before = self.daemon.provost("selftest", "campus", "--last", "--json").json()["selftest"]["ended"]
        self.apply(CAMPUS.replace('selftest = "on demand"\n', ""))

        def last():
            found = self.daemon.provost("selftest", "campus", "--last", "--json", check=False).json()["selftest"]
            return found if not found["waiting"] and found["ended"] != before else None
        found = wait_until(last, 90, "the policy is tried after the change")
        self.assertEqual(found["because"], "after a change")
        self.assertEqual({check["proof"] for check in found["checks"]}, {"held"}, found)
        self.apply(CAMPUS)
        self.assert_nothing_left()

    def sabotaged(self, spoil, mend, least, only=None, stands=lambda: True):
        """What fails while something is spoilt: `least` at least, `only` at most. provostd puts its own files right
        within a minute: what does not stand any more at the end of a run is spoilt anew."""
        for _ in range(4):
            spoil()
            try:
                ran = self.daemon.provost("selftest", "campus", check=False)
                stood = stands()
            finally:
                mend()
            checks = self.daemon.provost("selftest", "campus", "--last", "--json", check=False).json()["selftest"]["checks"]
            found = {check["name"] for check in checks if check["proof"] == "failed"}
            if stood or least <= found:
                break
        self.assertEqual(ran.status, 1, ran)
        self.assertLessEqual(least, found, ran)
        self.assertLessEqual(found, only or least, ran)
        self.assert_nothing_left()

    def on_compute(self, command):
        for node in ("cpu-1", "cpu-2", "gpu-1", "gpu-2"):
            self.daemon.on(node, "bash", "-c", command)

    def test_182_a_closed_login_node_is_found(self):
        self.sabotaged(lambda: self.daemon.on("login-1", "touch", "/etc/nologin"),
                       lambda: self.daemon.on("login-1", "rm", "/etc/nologin"), {"login-open"})

    def test_183_an_open_compute_node_is_found(self):
        self.sabotaged(
            lambda: self.on_compute("cp -p /etc/pam.d/sshd /root/sshd.pam; sed -i /pam_slurm_adopt/d /etc/pam.d/sshd; "
                                    "sed -i 's/^account.*pam_deny.so/account required pam_permit.so/' /etc/pam.d/sshd"),
            lambda: self.on_compute("cp -p /root/sshd.pam /etc/pam.d/sshd"),
            {"compute-closed", "session-adopted", "session-ends", "gpus-closed"},
            {"compute-closed", "session-adopted", "session-ends", "gpus-closed", "gpus-own"})

    def test_184_a_compute_node_that_lets_nobody_in_is_found(self):
        self.sabotaged(
            lambda: self.on_compute("cp -p /etc/pam.d/sshd /root/sshd.pam; echo 'account required pam_deny.so' >/etc/pam.d/sshd"),
            lambda: self.on_compute("cp -p /root/sshd.pam /etc/pam.d/sshd"), {"compute-closed", "compute-open"})

    def test_185_open_devices_are_found(self):
        def constrain(was, becomes):
            self.on(f"sed -i s/ConstrainDevices={was}/ConstrainDevices={becomes}/ /etc/slurm/cgroup.conf; scontrol reconfigure")
            self.on_compute("systemctl restart slurmd")
            wait_until(lambda: self.on("sinfo -h -o %T | sort -u") == "idle", 60, "the nodes are back")
        self.sabotaged(lambda: constrain("yes", "no"), lambda: constrain("no", "yes"), {"gpus-closed", "gpus-own"},
                       stands=lambda: "ConstrainDevices=no" in self.on("cat /etc/slurm/cgroup.conf"))

    def test_186_limits_and_closed_partitions_that_do_not_hold_are_found(self):
        lua = "/etc/slurm/job_submit.lua"
        allowed = self.on("scontrol -o show partition cpu | grep -o 'AllowAccounts=[^ ]*'")
        self.sabotaged(
            # slurmctld overlooks a file changed in the second in which it read it.
            lambda: self.on(f"sleep 2; cp -p {lua} /root/job_submit.lua; "
                            "printf 'function slurm_job_submit() return slurm.SUCCESS end\n"
                            "function slurm_job_modify() return slurm.SUCCESS end\n' "
                            f">{lua}; scontrol update PartitionName=cpu AllowAccounts=ALL"),
            lambda: self.on(f"sleep 2; cp -p /root/job_submit.lua {lua}; touch {lua}; scontrol update PartitionName=cpu {allowed}"),
            {"limit", "partition"},
            stands=lambda: "AllowAccounts=ALL" in self.on("scontrol -o show partition cpu")
            and int(self.on(f"wc -l <{lua}")) == 2)

    def test_187_a_provostd_killed_while_it_tries_takes_everything_away(self):
        asked = threading.Thread(target=lambda: self.daemon.provost("selftest", "campus", check=False))
        asked.start()
        wait_until(lambda: self.on("squeue -h -a -u provost-selftest -o %A"), 60, "the test has a job")
        self.daemon.kill()
        asked.join()
        self.daemon.start()

        def ended():
            found = self.daemon.provost("selftest", "campus", "--last", "--json", check=False).json()["selftest"]
            return None if found["waiting"] else found
        self.assertEqual({check["proof"] for check in wait_until(ended, 120, "it is tried anew")["checks"]}, {"held"})
        self.assert_nothing_left()

    def test_188_where_there_is_no_room_nothing_is_tried_and_no_job_disturbed(self):
        jobs = [self.submit("minh", "-A nlp -p nlp --exclusive -t 10 --nodelist=gpu-1"),
                self.submit("linh", "-A nlp -p nlp --exclusive -t 10 --nodelist=gpu-2"),
                self.submit("duc", "-p cpu --exclusive -t 10 --nodelist=cpu-1"),
                self.submit("chi", "-p debug --exclusive -t 10 --nodelist=cpu-2")]
        for job in jobs:
            self.running(job)
        # What provostd knows of Slurm is some seconds old.
        wait_until(lambda: self.daemon.provost("nodes", "campus").out.count("allocated") == 4, 60, "provostd sees them")
        checks, table = self.selftest(0)
        self.assertEqual({name for name, check in checks.items() if check["proof"] == "held"},
                         {"login-open", "limit", "partition"}, table)
        self.assertIn("no node that a department may use is up and without jobs", checks["compute-open"]["found"])
        self.assertEqual([self.state(job) for job in jobs], ["RUNNING"] * 4)
        self.assert_nothing_left()

    def test_189_it_is_an_administrators_matter_and_wants_a_policy(self):
        ran = self.daemon.provost("selftest", "nowhere", check=False)
        self.assertEqual(ran.status, 1)
        self.assertIn("there is no cluster named nowhere", ran.err)

    # ---- The people's door

    def asked_by(self, person, path, method="GET", node="login-1"):
        """What provostd answers a user of a node: status and body."""
        script = ("import http.client, socket, sys\n"
                  "class Door(http.client.HTTPConnection):\n"
                  "    def connect(self):\n"
                  "        self.sock = socket.socket(socket.AF_UNIX)\n"
                  "        self.sock.connect('/run/provost/provostd.sock')\n"
                  "door = Door('door')\n"
                  f"door.request('{method}', '{path}', headers={{'x-provost-uid': '0'}})\n"
                  "answer = door.getresponse()\n"
                  "print(answer.status)\n"
                  "print(answer.read().decode())\n")
        ran = self.daemon.on(node, "runuser", "-u", person, "--", "python3", "-c", script)
        status, _, body = ran.out.partition("\n")
        return int(status), json.loads(body)

    def test_190_people_ask_provostd_from_a_login_node(self):
        status, body = self.asked_by("duc", "/v1/clusters/campus/my")
        self.assertEqual((status, body["my"]["name"]), (200, "duc"), body)
        self.assertEqual([each["name"] for each in self.asked_by("duc", "/v1/clusters")[1]["clusters"]], ["campus"])
        job = self.submit("minh", "-A nlp -p nlp -n 1 -t 5 -H")
        self.assertIn("holds", self.asked_by("minh", f"/v1/clusters/campus/why/{job}")[1]["job"]["why"])
        self.assertEqual(self.asked_by("linh", f"/v1/clusters/campus/why/{job}")[0], 200, "she supervises nlp")
        self.assertEqual(self.asked_by("linh", "/v1/clusters/campus/department/nlp")[0], 200)
        for person, path in (("duc", f"/v1/clusters/campus/why/{job}"), ("duc", "/v1/clusters/campus/department/nlp"),
                             ("duc", "/v1/clusters/campus/my?as=minh")):
            self.assertEqual(self.asked_by(person, path)[0], 403, path)
        self.on(f"scancel {job}")

    def test_191_what_is_an_administrators_is_not_for_people(self):
        for method, path in (("GET", "/v1/clusters/campus"), ("DELETE", "/v1/clusters/campus"), ("GET", "/v1/tokens"),
                             ("GET", "/v1/clusters/campus/files"), ("POST", "/v1/clusters"), ("GET", "/v1/events"),
                             ("POST", "/v1/clusters/campus/selftest"), ("GET", "/v1/clusters/campus/drift"), ("GET", "/v1/nodes")):
            for person in ("duc", "linh", "hoa"):
                status, body = self.asked_by(person, path, method)
                self.assertEqual(status, 403, (person, method, path, body))
                self.assertIn("is for administrators", body["error"]["message"])
        for person, why in (("root", "is no person of the campus"), ("nobody", "is no person of campus.toml")):
            status, body = self.asked_by(person, "/v1/clusters/campus/my")
            self.assertEqual(status, 403)
            self.assertIn(why, body["error"]["message"])
        self.assertEqual(self.daemon.on("cpu-1", "test", "-e", "/run/provost/provostd.sock", check=False).status, 1)

    # ---- Supervisors act

    def says(self, user, command, status=0):
        """What `provost` on a login node says to somebody."""
        ran = self.run_as(user, "provost " + command, check=False)
        self.assertEqual(ran.status, status, ran)
        return ran.out if status == 0 else ran.err

    def in_force(self, job):
        """A submission that a change just made allows: slurmctld has it within seconds."""
        def tried():
            ran = self.run_as(*job, check=False)
            return ran.status == 0 and ran.out.strip()
        return wait_until(tried, 30, f"{job} is taken")

    def nothing_changed(self):
        self.assertEqual(json.loads(self.says("hoa", "overlay --json"))["overlay"]["amendments"], [])
        wait_until(lambda: self.daemon.provost("drift", "campus", check=False).status == 0, 30, "slurmdbd has it")

    def test_192_people_have_provost_on_login_nodes(self):
        job = self.submit("minh", "-A nlp -p nlp -n 1 -t 5 -H")
        self.assertIn("nlp (Natural Language Processing), your default", self.says("minh", "my"))
        self.assertIn(f"Job {job} waits: its owner holds it", self.says("minh", f"why {job}"))
        self.assertIn(job, self.says("linh", "department nlp"))
        self.assertIn(f"job {job} is minh's", self.says("duc", f"why {job}", 4))
        self.assertIn("duc does not supervise nlp", self.says("duc", "department nlp", 4))
        self.assertEqual(json.loads(self.says("duc", "my --json"))["my"]["name"], "duc")
        self.assertIn("there is no command", self.says("duc", "create", 2))
        self.assertIn("member", self.says("duc", "help"))
        ran = self.daemon.on("login-1", "provost", "my", check=False)
        self.assertIn("root of a node is no person of the campus", ran.err)
        self.on(f"scancel {job}")

    def test_193_a_supervisor_adds_and_removes_a_member(self):
        why = self.says("duc", "member add duc nlp", 4)
        self.assertIn("duc does not supervise nlp", why)
        self.assertIn("ask linh, who supervises nlp", why)
        self.assertIn("duc is a member of nlp (linh supervises nlp)", self.says("linh", "member add duc nlp"))
        job = self.in_force(("duc", "sbatch --parsable -o /dev/null -A nlp -p nlp -n 1 -t 5 --wrap 'sleep 300'"))
        self.assertIn("nlp (Natural Language Processing)", self.says("duc", "my"))
        # The file, applied again and changed, loses nothing of it.
        self.assertIn("is as its files", self.daemon.provost("drift", "campus").out)
        self.assertEqual(self.plan(CAMPUS).status, 0)
        self.apply(CAMPUS.replace("share = 10\n", "share = 11\n"))
        self.assertEqual(self.on("sacctmgr -nP show assoc where account=nlp user=duc format=user"), "duc")
        shown = self.daemon.provost("explain", "--cluster", "campus").out
        self.assertRegex(shown, r"duc is a member of nlp +linh")
        self.assertIn("linh supervises nlp", self.daemon.provost("events", "campus", "--limit", "20000").out)
        # Where the file says the same, the overlay says so.
        said = self.apply(CAMPUS.replace('members = ["minh", "an"]', 'members = ["minh", "an", "duc"]')).err
        for shown in (said, self.daemon.provost("explain", "--cluster", "campus").out):
            self.assertIn("campus.toml has duc as a member of nlp", shown)
        self.apply(CAMPUS)
        # Out again: what runs ends by itself, and nothing new begins.
        self.running(job)
        self.says("linh", "member remove duc nlp")
        wait_until(lambda: self.run_as("duc", "sbatch --parsable -A nlp -p nlp --wrap true", check=False).status, 30,
                   "no new job is taken")
        self.assertEqual(self.on(f"squeue -h -j {job} -o %T"), "RUNNING")
        self.on(f"scancel {job}")
        self.nothing_changed()

    def test_194_a_limit_below_the_departments_own(self):
        why = self.says("linh", "limit nlp gpus=17", 4)
        self.assertIn(f"nlp has 16 of GPUs together (campus.toml:{line_of('limits = { gpus = 16 }')})", why)
        self.assertIn("QoS normal limits gpus_per_user", self.says("linh", "limit nlp gpus_per_user=1", 1))
        self.assertIn("did you mean gpus?", self.says("linh", "limit nlp gpu=1", 1))
        self.assertIn("a whole number", self.says("linh", "limit nlp gpus=-1", 1))
        self.assertIn("NAME=VALUE", self.says("linh", "limit nlp gpus", 2))
        self.assertIn("linh does not supervise vision", self.says("linh", "limit vision gpus=1", 4))
        self.assertIn("nlp is limited to 1 GPUs together", self.says("linh", "limit nlp gpus=1"))
        number = json.loads(self.says("linh", "overlay --json"))["overlay"]["amendments"][0]["id"]
        wait_until(lambda: self.limit_of("nlp") == "1", 30, "slurmctld has it")
        job = self.submit("minh", "-A nlp -p nlp --gres gpu:2 -t 5")
        wait_until(lambda: self.reason(job) == "AssocGrpGRES", 30, "it waits")
        self.assertIn(f"(overlay {number})", self.says("minh", f"why {job}"))
        self.assertIn(f"overlay {number}", self.says("minh", "my"))
        self.assertIn(f"overlay {number}", self.says("linh", "department nlp"))
        self.assertEqual(self.daemon.provost("drift", "campus").status, 0)
        # A file that says less holds; one that says more does not raise it.
        self.apply(CAMPUS.replace("limits = { gpus = 16 }", "limits = { gpus = 12 }"))
        self.assertEqual(self.limit_of("nlp"), "1")
        self.assertIn("duc supervises no department", self.says("duc", f"overlay --drop {number}", 4)
                      + self.says("duc", "overlay", 4))
        self.says("linh", f"overlay --drop {number}")
        wait_until(lambda: self.limit_of("nlp") == "12", 30, "the file's own holds again")
        self.running(job)
        self.on(f"scancel {job}")
        self.apply(CAMPUS)
        self.nothing_changed()

    def limit_of(self, account):
        """As slurmctld has it, which hears of it from slurmdbd."""
        shown = self.on(f"scontrol show assoc_mgr accounts={account} flags=assoc | grep -m1 GrpTRES=")
        return re.search(r"gres/gpu=(\w+)", shown)[1]

    def test_195_a_project_with_its_lead(self):
        self.assertIn("minh does not supervise nlp", self.says("minh", "project add speech nlp", 4))
        self.assertIn("cannot be a project's name", self.says("linh", "project add 'Speech Lab' nlp", 1))
        self.assertIn("nlp has a project speech, led by minh",
                      self.says("linh", "project add speech nlp --title 'Speech and tones' --lead minh"))
        self.assertIn("an is a member of speech (minh leads speech)", self.says("minh", "member add an speech"))
        self.assertIn("no more", self.says("minh", "limit speech cpus=1", 4))
        job = self.in_force(("an", "sbatch --parsable -o /dev/null -A speech -p nlp -n 1 -t 5 --wrap 'sleep 300'"))
        self.running(job)
        self.assertIn("Speech and tones", self.says("an", "my"))
        self.assertEqual(self.daemon.provost("drift", "campus").status, 0)
        self.assertIn("project viet-llm stands in campus.toml", self.says("linh", "project remove viet-llm", 4))
        self.on(f"scancel {job}")
        self.says("linh", "project remove speech")
        wait_until(lambda: self.on("sacctmgr -nP show account speech format=account") == "", 60, "it is gone")
        self.nothing_changed()

    def test_196_a_supervisor_holds_releases_and_cancels(self):
        job = self.submit("minh", "-A nlp -p nlp -n 1 -t 5 --begin=now+1hour")
        for person in ("duc", "thu"):
            self.assertIn(f"{person} does not supervise nlp", self.says(person, f"job cancel {job}", 4))
        self.assertIn(f"scontrol hold {job}", self.says("minh", f"job hold {job}", 4))
        self.assertIn(f"job {job} of minh is held (linh supervises nlp)", self.says("linh", f"job hold {job}"))
        wait_until(lambda: self.reason(job) == "JobHeldAdmin", 30, "it is held")
        self.assertIn("an administrator or supervisor holds it", self.says("minh", f"why {job}"))
        self.assertNotEqual(self.run_as("minh", f"scontrol release {job}", check=False).status, 0)
        self.says("linh", f"job release {job}")
        self.assertIn("is not held", self.says("linh", f"job release {job}", 1))
        self.on(f"scontrol update JobId={job} StartTime=now")
        self.running(job)
        self.assertIn("has begun", self.says("linh", f"job hold {job}", 1))
        self.says("linh", f"job cancel {job}")
        wait_until(lambda: self.state(job).startswith("CANCELLED"), 30, "it is cancelled")
        self.assertRegex(self.says("linh", f"job cancel {job}", 1), f"no job {job} runs or waits|is ending already")
        self.assertIn("minh", self.says("linh", "usage --by user --last day"))
        self.assertNotIn("minh", self.says("duc", "usage --by user --last day"))
        self.assertIn("is no job's number", self.says("linh", "job cancel '1;2'", 1))
        events = self.daemon.provost("events", "campus", "--limit", "20000", "--json").json()["events"]
        acts = [each["what"] for each in events if each["actor"] == "linh" and f"job {job} of minh" in each["what"]]
        self.assertEqual(acts, [f"job {job} of minh is {did}" for did in ("held", "released", "cancelled")])

    def test_197_sacctmgr_is_closed_to_coordinators(self):
        ran = self.run_as("linh", "sacctmgr -i add user duc account=nlp", check=False)
        self.assertNotEqual(ran.status, 0, ran)
        self.assertEqual(self.on("sacctmgr -nP show assoc where account=nlp user=duc format=user"), "")

    def test_198_what_supervisors_changed_outlives_provostd(self):
        self.says("linh", "member add chi nlp")
        self.daemon.restart()
        self.assertIn("chi is a member of nlp", self.daemon.provost("overlay").out)
        wait_until(lambda: self.on("sacctmgr -nP show assoc where account=nlp user=chi format=user") == "chi", 60,
                   "slurmdbd has it")
        self.daemon.provost("member", "remove", "chi", "nlp")
        self.nothing_changed()


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
