"""The servers that are compared: how each is started, and what its processes use."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from parts import processes

class Database:
    """A new database on a PostgreSQL server that nobody else uses meanwhile."""

    def __init__(self, url, name):
        self.server, self.name = url, name
        psql(url, f"CREATE DATABASE {name}")
        self.url = f"{url.rpartition('/')[0]}/{name}"
        data = psql(url, "SHOW data_directory")
        self.postmaster = int(Path(data, "postmaster.pid").read_text().split()[0])

    def drop(self):
        psql(self.server, f"DROP DATABASE {self.name} WITH (FORCE)")


def psql(url, statement):
    """What psql prints; ends the program when it fails."""
    done = subprocess.run(["psql", url, "-qAtc", statement], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"mlflow bench: {statement}: {done.stderr}")
    return done.stdout.strip()


def stock_command(options, folder, port, database, bucket):
    store = database.url.replace("postgres://", "postgresql://", 1) if database else f"sqlite:///{folder}/mlflow.db"
    artifacts = f"s3://{bucket['bucket']}/stock" if bucket else folder / "artifacts"
    return [
        options.stock, "server", "--host", "127.0.0.1", "--port", port, "--workers", "1",
        "--backend-store-uri", store, "--artifacts-destination", artifacts,
    ]  # fmt: skip


def artel_command(options, folder, port, database, bucket):
    command = [options.binary, "serve", "--auth", "none", "--data", folder, "--listen", f"127.0.0.1:{port}"]
    command += ["--database", database.url] if database else []
    return command + (["--artifacts", f"s3://{bucket['bucket']}/artel"] if bucket else [])


def environment(bucket):
    """Credentials for the bucket, for the stock server and for Artel; neither reports usage to its maker."""
    found = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    if bucket:
        found |= {
            "MLFLOW_S3_ENDPOINT_URL": bucket["endpoint"],
            "AWS_ACCESS_KEY_ID": bucket["key_id"],
            "AWS_SECRET_ACCESS_KEY": bucket["secret"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "ARTEL_S3__ENDPOINT": bucket["endpoint"],
            "ARTEL_S3__ACCESS_KEY_ID": bucket["key_id"],
            "ARTEL_S3__SECRET_ACCESS_KEY": bucket["secret"],
        }
    return found


class Server:
    """A server's process tree, with its CPU time and memory; PostgreSQL's CPU time is counted with it."""

    def __init__(self, command, options, folder, database=None, bucket=None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.database = database
        began = time.perf_counter()
        log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            list(map(str, command(options, folder, self.port, database, bucket))),
            stdout=log, stderr=log, env=environment(bucket), start_new_session=True,
        )  # fmt: skip
        while not self.answers():
            if self.process.poll() is not None:
                sys.exit(f"mlflow bench: the server ended:\n{(folder / 'log').read_text()}")
            time.sleep(0.005)
        self.start_ms = (time.perf_counter() - began) * 1000
        self.idle = 0.0

    def settle(self, seconds=3, at_most=180):
        """Waits for what a server still does after its first answer; learns what it uses when nobody asks."""
        until = time.monotonic() + at_most
        while True:
            before = self.cpu_ms()
            time.sleep(seconds)
            rate = (self.cpu_ms() - before) / seconds
            if rate < 50 or time.monotonic() > until:
                self.idle = rate
                return

    def answers(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def work_ms(self):
        """A clock of what requests cost: CPU time less what the server uses anyway."""
        return self.cpu_ms() - self.idle * time.monotonic()

    def cpu_ms(self):
        """CPU time so far, of processes that have ended as well."""
        roots = [self.process.pid, *([self.database.postmaster] if self.database else [])]
        return processes.cpu_ms(pid for root in roots for pid in processes.tree(root))

    def resident_mb(self):
        """Of the server alone, without PostgreSQL."""
        return processes.resident_mb(processes.tree(self.process.pid))

    def peak_mb(self):
        """The most that was resident since `forget_peak`, of all its processes."""
        return processes.peak_mb(processes.tree(self.process.pid))

    def forget_peak(self):
        processes.forget_peak(processes.tree(self.process.pid))

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # the stock server leaves processes of its job runner behind
        self.process.wait()
