"""A provostd whose machines are simulated, and the agents of those machines: shared by bench/thousand and
bench/recovery."""

import http.client
import json
import pathlib
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
TICKS = 100  # a second, in /proc/PID/stat


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)


class Site:
    """A simulated provostd and the agents of its machines."""

    def __init__(self, build, folder, jobs=1000):
        self.build, self.folder, self.jobs = build, folder, jobs
        self.socket = folder / "run" / "provostd.sock"
        self.log = open(folder / "log", "ab")
        self.daemon = self.agents = None

    def start(self):
        self.daemon = subprocess.Popen(
            [self.build / "bench" / "simulated_provostd", "--state", self.folder / "state", "--run", self.folder / "run",
             "--listen", "none", "--network", "127.212.0.0/16", "--agent-port", "17468", "--images", ROOT / "images"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        return self.ready("/v1/ready", 60)

    def start_agents(self):
        self.agents = subprocess.Popen([self.build / "bench" / "simulated_agents", self.folder / "state", "--jobs", str(self.jobs)],
                                       stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def ready(self, path, seconds):
        """Seconds until a GET of `path` answers 200."""
        begin = time.perf_counter()
        while time.perf_counter() - begin < seconds:
            try:
                if self.ask("GET", path)[0] == 200:
                    return time.perf_counter() - begin
            except OSError:
                pass
            if self.daemon.poll() is not None:
                sys.exit(f"{pathlib.Path(sys.argv[0]).name}: provostd ended:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.002)
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {path} does not answer after {seconds} s:\n{(self.folder / 'log').read_text()[-2000:]}")

    def ask(self, method, path, body=None):
        connection = Unix(self.socket)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def wait(self, condition, seconds, what):
        begin = time.perf_counter()
        while not condition():
            if time.perf_counter() - begin > seconds:
                sys.exit(f"{pathlib.Path(sys.argv[0]).name}: not within {seconds} s: {what}\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.5)
        return time.perf_counter() - begin

    def create(self, config):
        status, answer = self.ask("POST", "/v1/clusters",
                                  {"cluster_config": {"name": "cluster-config.json", "text": json.dumps(config, indent=1)}})
        if status != 202:
            sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {json.dumps(answer)[:2000]}")

    def status(self):
        return [each["status"] for each in self.ask("GET", "/v1/clusters")[1]["clusters"]]

    def nodes(self):
        return self.ask("GET", "/v1/nodes")[1]["nodes"]

    def memory(self, field="VmRSS"):
        for line in pathlib.Path(f"/proc/{self.daemon.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        return 0.0

    def used(self):
        """CPU-seconds of provostd so far."""
        fields = pathlib.Path(f"/proc/{self.daemon.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def stop(self):
        for process in (self.agents, self.daemon):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
