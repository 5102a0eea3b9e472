"""The two schedulers that are compared: how each is started, and what its processes use.

What is counted as the scheduler's CPU time is what decides, keeps and serves the state of tasks. Stock: the API server,
the scheduler process itself, the DAG processor and the triggerer, each with its children; of the scheduler's children,
which are LocalExecutor's workers with the tasks below them, nothing. Artel: the process of its services, the DAG parser
and the trigger host; of `artel worker`, below which tasks run, nothing.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path

from parts import processes

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/compat/airflow"))

import stock  # noqa: E402
from ports import free_port  # noqa: E402

# How often the end of a run is asked for, in seconds.
ASK_EACH = 0.2


class Side(ABC):
    """A running scheduler. `root` are processes counted with all below them, `alone` without."""

    token = None
    idle = 0.0

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        data = None if body is None else json.dumps(body).encode()
        for last in (False,) * 9 + (True,):
            try:
                request = urllib.request.Request(self.url + path, data, headers, method=method)
                with urllib.request.urlopen(request, timeout=300) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return None
                if last or error.code != 500:  # stock answers so while its SQLite is locked
                    raise SystemExit(f"airflow bench: {method} {path} gave {error.code}: {error.read()[:500]}") from error
            time.sleep(0.3)

    def ready_or_stopped(self, wait):
        """Waits for the start; whatever ends that leaves no process behind."""
        try:
            wait()
        except BaseException:
            self.stop()
            raise

    def until(self, ask, what, seconds=3600, pause=0.02):
        """Asks until there is something in the answer."""
        until = time.monotonic() + seconds
        while not (answer := ask()):
            if time.monotonic() > until:
                raise SystemExit(f"airflow bench: {what}: not within {seconds} s")
            time.sleep(pause)
        return answer

    @abstractmethod
    def counted(self):
        """(processes counted with all below them, processes counted alone)"""

    def cpu_ms(self):
        whole, alone = self.counted()
        return processes.cpu_ms(pid for root in whole for pid in processes.tree(root)) + processes.cpu_ms(alone, ended_children=False)

    def resident_mb(self):
        whole, alone = self.counted()
        return processes.resident_mb([*(pid for root in whole for pid in processes.tree(root)), *alone])

    def work_ms(self):
        """A clock of what tasks cost: CPU time less what is used anyway."""
        return self.cpu_ms() - self.idle * time.monotonic()

    def ask_for(self, seconds, ask):
        """Passes the time; `ask` is asked as often as by whoever waits for a run."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if ask:
                ask()
            time.sleep(ASK_EACH)

    def settle(self, ask=None, seconds=10, at_most=120):
        """Waits for what is still done after the start; learns what is used when nothing runs, but for what `ask` asks each
        ASK_EACH seconds: whoever waits for a run asks so too."""
        until = time.monotonic() + at_most
        rate = None
        while rate is None or (rate > 400 and time.monotonic() < until):
            before, began = self.cpu_ms(), time.monotonic()
            self.ask_for(seconds, ask)
            rate = (self.cpu_ms() - before) / (time.monotonic() - began)
        self.idle = rate


class Stock(Side):
    def __init__(self, options, folder, dags):
        home = folder / "home"
        (home / "plugins").mkdir(parents=True)
        self.server = stock.Stock(options.stock, home, dags, {"AIRFLOW__CORE__PARALLELISM": str(2 * len(os.sched_getaffinity(0)))})
        self.ready_or_stopped(lambda: self.server.wait_ready(pause=0.05))
        self.start_s = time.monotonic() - self.server.started
        self.began = self.server.started
        self.url = self.server.url
        self.token = self.call("POST", "/auth/token", {"username": self.server.user, "password": self.server.password})["access_token"]

    def counted(self):
        found = {part: process.pid for part, process in self.server.processes.items()}
        return [found["api-server"], found["dag-processor"], found["triggerer"]], [found["scheduler"]]

    def stop(self):
        self.server.stop()


class Artel(Side):
    def __init__(self, options, folder, dags):
        port, grpc = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        cache = Path(os.environ.get("ARTEL_CACHE", Path.home() / ".cache/artel"))
        self.env = {
            **os.environ,
            "ARTEL_PYTHON__ENVIRONMENTS": os.environ.get("ARTEL_PYTHON__ENVIRONMENTS", str(cache / "environments")),
            "ARTEL_SCHEDULER__DAGS": str(dags),
            "ARTEL_SCHEDULER__PAUSED_AT_CREATION": "true",
            "ARTEL_SECURITY__SECRET": "the secret of the benchmark",
        }
        self.log, data = folder / "log", folder / "data"
        self.began = time.monotonic()
        grpc_listen = {"ARTEL_SERVER__GRPC_LISTEN": f"127.0.0.1:{grpc}"}
        # without serving: a process that has all services has a worker too
        serve = ["serve", "--only", "gateway,hub,tracking,registry,artifact,scheduler", "--auth", "none", "--data", data]
        self.process = self.start([options.binary, *serve, "--listen", f"127.0.0.1:{port}"], grpc_listen)
        self.worker = self.start([options.binary, "worker", "--data", data, "--server", f"http://127.0.0.1:{grpc}"], {})
        self.ready_or_stopped(self.wait_ready)
        self.start_s = time.monotonic() - self.began

    def start(self, command, env):
        with self.log.open("a") as log:
            return subprocess.Popen(command, env=self.env | env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def wait_ready(self):
        while not self.is_healthy():
            if self.process.poll() is not None or self.worker.poll() is not None or time.monotonic() - self.began > stock.START_SECONDS:
                sys.exit(f"airflow bench: artel did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.005)

    def is_healthy(self):
        try:
            with urllib.request.urlopen(f"{self.url}/api/v2/monitor/health", timeout=10) as answer:
                return json.load(answer)["scheduler"]["status"] == "healthy"
        except OSError:
            return False

    def counted(self):
        return processes.children(self.process.pid), [self.process.pid]

    def stop(self):
        for process in (self.worker, self.process):
            process.send_signal(signal.SIGTERM)
        for process in (self.worker, self.process):
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
