"""One side after the other: no proxy, CHP, Artel."""

import contextlib
import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time

from parts import processes

TOKEN = "bench"
PREFIX = "/user/ada"


def sides(options, folder):
    """The figures of each side, by name."""
    # thousands of sockets, on each side of the proxy
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    target = subprocess.Popen([options.load, "serve"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(target.stdout.readline())
        found = [figures(options, port, None)]
        for command in ([options.stock], [options.binary, "proxy"]):
            with Proxy(command, port, folder) as proxy:
                found.append(figures(options, proxy.port, proxy))
            # another process: this one has memory left over from the load
            with Proxy(command, port, folder) as proxy:
                found[-1][f"with {options.sockets:,} silent WebSockets, MB"] = silent(options, proxy)
        return found
    finally:
        target.kill()
        target.wait()


class Proxy:
    """A proxy with one route, and what its process uses."""

    def __init__(self, command, target, folder):
        self.port, self.api = free_port(), free_port()
        arguments = ["--ip", "127.0.0.1", "--port", self.port, "--api-ip", "127.0.0.1", "--api-port", self.api, "--log-level", "warn"]
        environment = {**os.environ, "CONFIGPROXY_AUTH_TOKEN": TOKEN, "NODE_ENV": "production"}
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            list(map(str, command + arguments)), stdout=self.log, stderr=self.log, env=environment, start_new_session=True
        )
        until = time.monotonic() + 30
        while not self.routed(target):
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                sys.exit(f"proxy bench: {command} did not start:\n{(folder / 'log').read_text()}")
            time.sleep(0.02)

    def routed(self, target):
        connection = http.client.HTTPConnection("127.0.0.1", self.api, timeout=5)
        body = json.dumps({"target": f"http://127.0.0.1:{target}"})
        try:
            connection.request("POST", f"/api/routes{PREFIX}", body, {"Authorization": f"token {TOKEN}"})
            return connection.getresponse().status == 201
        except OSError:
            return False

    def cpu_ms(self):
        return processes.cpu_ms(processes.tree(self.process.pid))

    def resident_mb(self):
        return processes.resident_mb(processes.tree(self.process.pid))

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def figures(options, port, proxy):
    found = {}
    if proxy:
        time.sleep(1)
        found["resident when idle, MB"] = proxy.resident_mb()
    url = f"127.0.0.1:{port}{PREFIX}/x"
    for connections in (1, 32):
        ask(options, "get", url, connections, 1)  # warm
        before = proxy.cpu_ms() if proxy else 0
        asked = ask(options, "get", url, connections, options.seconds)
        name = f"GET 1 KiB, {connections} connection{'s' if connections > 1 else ''}"
        found[f"{name}, per second"] = asked["per_second"]
        found[f"{name}, p50 µs"] = asked["p50"]
        found[f"{name}, p99 µs"] = asked["p99"]
        if proxy:
            found[f"{name}, CPU µs"] = (proxy.cpu_ms() - before) * 1000 / asked["count"]
    small = ask(options, "echo", url, 5000, 1024)
    found["WebSocket echo of 1 KiB, p50 µs"] = small["p50"]
    found["WebSocket echo of 1 KiB, p99 µs"] = small["p99"]
    large = ask(options, "echo", url, 32, 4 << 20)
    found["WebSocket echo of 4 MiB, MB per second"] = large["megabytes_per_second"]
    for name, what in (("download", "down"), ("upload", "up")):
        moved = ask(options, what, url, options.bulk_mb)
        found[f"{name} of {options.bulk_mb} MB, MB per second"] = moved["megabytes_per_second"]
    if proxy:
        found["resident afterwards, MB"] = proxy.resident_mb()
    return found


def silent(options, proxy):
    url = f"127.0.0.1:{proxy.port}{PREFIX}/x"
    client = subprocess.Popen([options.load, "idle", url, str(options.sockets)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    opened = client.stdout.readline().strip()
    time.sleep(1)
    resident = proxy.resident_mb()
    client.stdin.close()
    client.wait()
    if opened != str(options.sockets):
        sys.exit(f"proxy bench: of {options.sockets} WebSockets {opened or 'not all'} opened")
    return resident


def ask(options, *what):
    done = subprocess.run([options.load, *map(str, what)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"proxy bench: {what}: {done.stderr}")
    return json.loads(done.stdout)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
