"""What both hubs are asked to do, one after the other, and what can be asked without a hub."""

import contextlib
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from parts import wire
from proxy_parts import measure as proxies

from . import sides

# Whose server is the target of requests and WebSockets that are passed on: `/user/ada`, as in `bench/proxy`.
USER = proxies.PREFIX.rpartition("/")[2]
CONNECTIONS = (1, 32)
CREATORS = 8


def measure(side, options):
    """Every figure of a hub, by its name, in the order of the table."""
    figures = {"start to the hub's first answer, s": side.start_s}
    side.settle()
    figures["CPU when idle, ms a second"] = side.idle
    figures["resident when idle, MB"] = side.resident_mb()
    whoami(side, options, figures)
    for kind in ("plain", "hashed"):
        logins(side, options, kind, figures)
    stubs(side, options, figures)
    real(side, figures)
    with notebook(side):
        passed_on(options, side.port, side, figures)
    users(side, options, figures)
    figures["resident afterwards, MB"] = side.resident_mb()
    return figures


def direct(options):
    """The same of a server that only answers, and of stubs that nobody keeps."""
    figures = {}
    port = proxies.free_port()
    with started(sides.commands(options)["stub"], port):
        for connections in CONNECTIONS:
            note_load(figures, "GET /hub/api/user", connections, port, [wire.request("GET", "/hub/api/user", sides.TOKEN)], options)
        passed_on(options, port, None, figures)
    with contextlib.ExitStack() as all_stubs:
        began = time.perf_counter()
        for port in (ports := [proxies.free_port() for _ in range(options.spawns)]):
            all_stubs.enter_context(started(sides.commands(options)["stub"], port, wait=False))
        for port in ports:
            wait_for(port)
        figures[f"{stubs_name(options)} started, wall s"] = time.perf_counter() - began
    return figures


def silent(side, options):
    """What the hub and its proxy hold with many WebSockets that say nothing."""
    with notebook(side):
        return proxies.silent(options, side)


def whoami(side, options, figures):
    names = [f"reader-{i}" for i in range(max(CONNECTIONS))]
    side.call("POST", "/users", {"usernames": names})
    tokens = [side.call("POST", f"/users/{name}/tokens")["token"] for name in names]
    requests = [wire.request("GET", "/hub/api/user", token) for token in tokens]
    wire.load(side.port, requests, max(CONNECTIONS), 1)  # warm
    for connections in CONNECTIONS:
        before = side.work_ms()
        count = note_load(figures, "GET /hub/api/user", connections, side.port, requests[:connections], options)
        figures[f"{load_name('GET /hub/api/user', connections)}, CPU ms"] = max(0.0, side.work_ms() - before) / count


def load_name(what, connections):
    return f"{what}, {connections} connection{'s' if connections > 1 else ''}"


def note_load(figures, what, connections, port, requests, options):
    times, took = wire.load(port, requests, connections, options.seconds)
    figures[f"{load_name(what, connections)}, per second"] = len(times) / took
    figures[f"{load_name(what, connections)}, p50 ms"] = statistics.median(times) * 1000
    return len(times)


def logins(side, options, kind, figures):
    """The form is fetched, filled in and sent; done is who has a session's cookie."""
    names = [f"{kind}-{i}" for i in range(options.logins)]
    side.add(names)
    what = {"plain": "no hash, stock", "hashed": "argon2id, both"}[kind]
    name = f"{options.logins} logins at once ({what})"
    with at_once(side, name, figures, options.logins):
        forms = side.ask([wire.request("GET", "/hub/login")] * options.logins, options.logins, (200, 302))
        filled = [fill_in(name, form.cookies()) for name, form in zip(names, forms, strict=True)]
        answers = side.ask(filled, options.logins, (302,))
    figures[f"{name}, p50 ms of the form sent"] = statistics.median(answer.seconds for answer in answers) * 1000
    strangers = [answer for answer in answers if "jupyterhub-session-id" not in answer.cookies()]
    if strangers:
        raise SystemExit(f"hub bench: not logged in: {strangers[0].raw[:1000]!r}")


def fill_in(name, cookies):
    form = {"username": name, "password": sides.PASSWORD, "_xsrf": cookies["_xsrf"]}
    return wire.request("POST", "/hub/login", form=form, cookies=cookies)


@contextlib.contextmanager
def at_once(side, name, figures, count):
    """Notes how long it takes, and the CPU time of the hub and its proxy for each."""
    before, began = side.work_ms(), time.perf_counter()
    yield
    figures[f"{name}, wall s"] = time.perf_counter() - began
    figures[f"{name}, CPU ms each"] = max(0.0, side.work_ms() - before) / count


def stubs_name(options):
    return f"{options.spawns} stub servers at once"


def stubs(side, options, figures):
    names = [f"starter-{i}" for i in range(options.spawns)]
    side.call("POST", "/users", {"usernames": names})
    name = stubs_name(options)
    with at_once(side, f"{name} started", figures, options.spawns):
        side.ask([start(user, "stub") for user in names], options.spawns, (201,))
    with at_once(side, f"{name} stopped", figures, options.spawns):
        side.ask([stop(user) for user in names], options.spawns, (204,))


def real(side, figures):
    """The second start of the same server: the first writes its home."""
    side.call("POST", "/users", {"usernames": ["real"]})
    for _ in range(2):
        began = time.perf_counter()
        side.ask([start("real", "real")], 1, (201,))
        figures["a jupyterhub-singleuser started, wall s"] = time.perf_counter() - began
        side.ask([stop("real")], 1, (204,))


def start(user, profile):
    return wire.request("POST", f"/hub/api/users/{user}/server", sides.TOKEN, {"profile": profile})


def stop(user):
    return wire.request("DELETE", f"/hub/api/users/{user}/server", sides.TOKEN)


@contextlib.contextmanager
def notebook(side):
    """The target, as the server of a user."""
    side.call("POST", "/users", {"usernames": [USER]}, (201, 409))
    side.ask([start(USER, "stub")], 1, (201,))
    yield
    side.ask([stop(USER)], 1, (204,))


def passed_on(options, port, side, figures):
    """Small requests to the target; without a side it is asked itself."""
    url = f"127.0.0.1:{port}{proxies.PREFIX}/x"
    for connections in CONNECTIONS:
        proxies.ask(options, "get", url, connections, 1)  # warm
        before = side.work_ms() if side else 0
        asked = proxies.ask(options, "get", url, connections, options.seconds)
        name = load_name("GET 1 KiB of a notebook", connections)
        figures |= {f"{name}, per second": asked["per_second"], f"{name}, p50 µs": asked["p50"], f"{name}, p99 µs": asked["p99"]}
        if side:
            figures[f"{name}, CPU µs"] = max(0.0, side.work_ms() - before) * 1000 / asked["count"]


def users_name(options):
    return f"{options.users:,} users created"


def users(side, options, figures):
    requests = [wire.request("POST", f"/hub/api/users/one-{i}", sides.TOKEN) for i in range(options.users)]
    name = f"{users_name(options)}, a request each, {CREATORS} at a time"
    with at_once(side, name, figures, options.users):
        side.ask(requests, CREATORS, (201,))
    figures[f"{name}, per second"] = options.users / figures.pop(f"{name}, wall s")
    name = f"{users_name(options)}, all in one request"
    with at_once(side, name, figures, options.users):
        side.call("POST", "/users", {"usernames": [f"many-{i}" for i in range(options.users)]}, (201,))


@contextlib.contextmanager
def started(command, port, wait=True):
    """A server of those that hubs start, without one."""
    environment = os.environ | {"JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}{proxies.PREFIX}/"}
    with tempfile.TemporaryDirectory(prefix="artel-bench-") as home:
        process = subprocess.Popen(command, cwd=Path(home), env=environment, stdin=subprocess.DEVNULL)
        try:
            if wait:
                wait_for(port)
            yield
        finally:
            process.kill()
            process.wait()


def wait_for(port):
    until = time.monotonic() + sides.PATIENCE
    while True:
        with contextlib.suppress(OSError):
            wire.ask(port, [wire.request("GET", f"{proxies.PREFIX}/api")], 1)
            return
        if time.monotonic() > until:
            raise SystemExit("hub bench: a server that was started without a hub does not answer")
        time.sleep(0.005)
