"""The two hubs that are compared, each with its proxy: how they are started, and what their processes use. What they
start for their users is not counted."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path

from parts import processes, wire
from proxy_parts.measure import free_port

HERE = Path(__file__).resolve().parent
TOKEN = "the-token-of-the-benchmark"
PASSWORD = "correct horse battery staple"
# KiB, rounds, lanes: what Artel hashes passwords with.
ARGON2 = (19_456, 2, 1)
# Seconds that a server has to start, or to end.
PATIENCE = 120


def commands(options):
    """What a server is, by the profile that its start asks for; the same program on both sides."""
    as_root = ["--allow-root"] if os.geteuid() == 0 else []
    return {
        "stub": [str(options.load), "serve"],
        "real": [str(options.stock.parent / "jupyterhub-singleuser"), *as_root],
    }


class Side(ABC):
    """A hub with its proxy, on new stores."""

    def __init__(self, options, folder):
        self.folder, self.port, self.idle = folder, free_port(), 0.0
        command, environment = self.prepare(options)
        began = time.monotonic()
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                list(map(str, command)), cwd=folder, env=os.environ | environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() - began > PATIENCE:
                self.stop()
                sys.exit(f"hub bench: {command[0]} did not start:\n{(folder / 'log').read_text()[-4000:]}")
            time.sleep(0.01)
        self.start_s = time.monotonic() - began

    @abstractmethod
    def prepare(self, options):
        """(command, environment beside this process's own)"""

    def proxies(self):
        """Processes beside the hub's own."""
        return []

    @abstractmethod
    def add(self, names):
        """Makes users who log in with the password."""

    def is_up(self):
        try:
            one = wire.Wire(self.port)
            with one.socket:
                one.send(0, wire.request("GET", "/hub/api/"))
                return one.socket.recv(1000).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def ask(self, requests, connections, statuses=(200,)):
        return wire.ask(self.port, requests, connections, statuses)

    def call(self, method, path, body=None, statuses=(200, 201)):
        """What the hub's API answers to its administrator."""
        [answer] = self.ask([wire.request(method, f"/hub/api{path}", TOKEN, body)], 1, statuses)
        return json.loads(answer.body) if answer.body else None

    def settle(self, seconds=3, at_most=120):
        """Waits for what is still done after the start; learns what is used when nobody asks."""
        until = time.monotonic() + at_most
        while True:
            before = self.cpu_ms()
            time.sleep(seconds)
            self.idle = (self.cpu_ms() - before) / seconds
            if self.idle < 50 or time.monotonic() > until:
                return

    def pids(self):
        return [self.process.pid, *self.proxies()]

    def cpu_ms(self):
        return processes.cpu_ms(self.pids(), ended_children=False)

    def work_ms(self):
        """A clock of what requests cost: CPU time less what is used anyway."""
        return self.cpu_ms() - self.idle * time.monotonic()

    def resident_mb(self):
        return processes.resident_mb(self.pids())

    def stop(self):
        # a hub that has to be killed leaves its proxy and the servers behind, which are in sessions of their own
        everything = processes.tree(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=60)
        for pid in everything:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Stock(Side):
    def prepare(self, options):
        settings = {
            "port": self.port, "hub_port": free_port(), "api_port": free_port(), "proxy": str(options.chp),
            "commands": commands(options), "homes": str(self.folder / "homes"), "patience": PATIENCE,
            "token": TOKEN, "password": PASSWORD, "argon2": ARGON2,
        }  # fmt: skip
        (self.folder / "homes").mkdir()
        environment = {"BENCH_HUB": json.dumps(settings), "NODE_ENV": "production"}
        return [options.stock, "-m", "jupyterhub", "-f", HERE / "jupyterhub_config.py"], environment

    def proxies(self):
        below = processes.children(self.process.pid)
        return [pid for pid in below if "configurable-http-proxy" in processes.command_line(pid)]

    def add(self, names):
        self.call("POST", "/users", {"usernames": names})


class Artel(Side):
    def prepare(self, options):
        quoted = json.dumps  # of text and lists of text, TOML's form too
        profile = "[[hub.profiles]]\nslug = {}\noverrides = {{ command = {} }}\n"
        profiles = (profile.format(quoted(slug), quoted(command)) for slug, command in commands(options).items())
        settings = (
            f"[hub]\nstart_timeout_seconds = {PATIENCE}\nslow_seconds = {PATIENCE}\n"
            f'[[hub.services]]\nname = "bench"\nadmin = true\napi_token = {quoted(TOKEN)}\n'
        )
        (self.folder / "artel.toml").write_text(settings + "".join(profiles))
        command = [options.binary, "serve", "--only", "gateway,hub", "--listen", f"127.0.0.1:{self.port}"]
        return [*command, "--data", self.folder / "data", "--config", self.folder / "artel.toml"], {"ARTEL_LOG__FILTER": "warn"}

    def add(self, names):
        self.ask([wire.request("POST", f"/hub/api/users/{name}", TOKEN, {"password": PASSWORD}) for name in names], 4, (201,))
        self.check_hash(names[0])

    def check_hash(self, name):
        """The stock hub is to hash with the same."""
        with contextlib.closing(sqlite3.connect(self.folder / "data/db/hub.db")) as database:
            [(stored,)] = database.execute("SELECT password FROM users WHERE name = ?", [name])
        memory, rounds, lanes = ARGON2
        if not stored.startswith(f"$argon2id$v=19$m={memory},t={rounds},p={lanes}$"):
            sys.exit(f"hub bench: Artel hashes with {stored[:40]}…; write that into ARGON2 of hub_parts/sides.py")
