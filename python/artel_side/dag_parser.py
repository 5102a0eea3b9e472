"""Warm process that turns DAG files into Airflow's own serialized JSON.

Airflow is imported once; each file is then parsed in a forked child, so that a file that crashes, hangs or changes global
state harms nobody. This process relays between the children and the server and keeps their time. Protocol: ../README.md.
"""

from __future__ import annotations

import argparse
import collections
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import time
import traceback
from importlib import metadata

from artel_side import channel, plug_ins, processes
from artel_side.dag_file import Asks, parse

DEFAULT_TIMEOUT = 30.0  # seconds
GRACE = 2.0  # seconds after Airflow's own import timeout, before the child is killed
# Libraries that take long to import and start no threads by it. One that a DAG file imports at its top level is imported
# here too, once there is nothing else to do, and costs the next parse nothing.
HEAVY = {"matplotlib", "mlflow", "numpy", "pandas", "scipy", "sklearn"}


def import_airflow() -> None:
    """Import what every parse needs."""
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "client"
    import airflow.dag_processing.dagbag
    import airflow.models.serialized_dag
    import airflow.providers.standard.operators.bash
    import airflow.providers.standard.operators.python
    import airflow.sdk
    import airflow.sdk.execution_time.task_runner
    import airflow.serialization.serialized_objects
    import airflow.utils.dag_version_inflation_checker  # noqa: F401


class Child:
    """One file being parsed. Frames from the child: one byte, then JSON.

    ``A`` is an ask and ``R`` the result, both for the server; ``H`` names the heavy libraries that the file imported.
    """

    def __init__(self, request: dict, pid: int, sock: socket.socket) -> None:
        self.id, self.path, self.pid, self.sock = request["id"], request.get("path", request["bundle_path"]), pid, sock
        self.is_question = "op" in request
        self.bundle_path = request["bundle_path"]
        self.timeout = float(request.get("timeout") or DEFAULT_TIMEOUT)
        self.started = time.monotonic()
        self.deadline = self.started + self.timeout + GRACE
        self.buffer = bytearray()
        self.answered = False

    def frames(self) -> list[tuple[bytes, bytes]]:
        """Take the complete frames out of the buffer."""
        found = []
        while len(self.buffer) >= 4:
            (size,) = struct.unpack_from(">I", self.buffer)
            if len(self.buffer) < 4 + size:
                break
            found.append((bytes(self.buffer[4:5]), bytes(self.buffer[5 : 4 + size])))
            del self.buffer[: 4 + size]
        return found

    def import_error(self, message: str) -> dict:
        """The answer when the child could not give one."""
        if self.is_question:
            return {"id": self.id, "error": message}
        file = os.path.relpath(self.path, self.bundle_path)
        return {
            "id": self.id, "dags": {}, "about": {}, "source": {}, "depends_on": [], "warnings": [],
            "import_errors": {file: message}, "seconds": round(time.monotonic() - self.started, 3),
        }


    def how_it_ended(self, status: int) -> str:
        code = os.waitstatus_to_exitcode(status)
        did, must_not = ("asked the plug-in", "it") if self.is_question else ("parsed the file", "the file's top level")
        if code >= 0:
            return f"the process that {did} ended with status {code}: {must_not} must not exit"
        return f"the process that {did} was killed by {signal.Signals(-code).name}"

    def overdue(self) -> str:
        if self.is_question:
            return f"the plug-in did not answer within {self.timeout:g} s and was stopped"
        return (
            f"the file was not parsed within {self.timeout:g} s and was stopped: "
            "move slow work from its top level into tasks"
        )


class Parser:
    """Relays between the server and up to ``parallel`` children."""

    def __init__(self, control: socket.socket, parallel: int) -> None:
        self.control, self.parallel = control, parallel
        self.waiting: collections.deque[dict] = collections.deque()
        self.children: dict[int, Child] = {}  # by the fd of its socket
        self.heavy: list[str] = []  # to be imported when idle
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)

    def serve(self) -> None:
        """Answer until the server closes the control socket."""
        try:
            while True:
                for fd, _ in self.poll.poll(self.patience()):
                    if fd == self.control.fileno():
                        self.request(channel.receive_json(self.control))
                    elif fd in self.children:
                        self.hear(self.children[fd])
                self.stop_overdue()
                while self.waiting and len(self.children) < self.parallel:
                    self.fork(self.waiting.popleft())
                if self.heavy and not self.children and not self.poll.poll(0):
                    channel.preload(self.heavy.pop())
                    gc.freeze()
        except channel.Closed:
            pass
        finally:
            for child in self.children.values():
                processes.kill_group(child.pid)

    def patience(self) -> float | None:
        """Milliseconds until the next child is overdue."""
        if not self.children:
            return 0 if self.heavy else None
        nearest = min(child.deadline for child in self.children.values())
        return max(0.0, nearest - time.monotonic()) * 1000 + 1

    def request(self, message: dict) -> None:
        if "answer" in message:
            for child in self.children.values():
                if child.id == message["id"]:
                    self.tell(child, message)
        elif message.get("op") == "cancel":
            self.cancel(message["id"])
        elif message.get("op") in ("timetable", "links", "installed"):
            self.waiting.append(message)
        elif missing := {"id", "path", "bundle_path", "bundle_name"} - message.keys():
            print(f"a request lacks {', '.join(sorted(missing))}: {message}", file=sys.stderr, flush=True)
        else:
            self.waiting.append(message)

    def tell(self, child: Child, message: dict) -> None:
        try:
            channel.send_json(child.sock, message)
        except channel.Closed:
            pass  # it has ended meanwhile; its end of file is on the way

    def cancel(self, number: object) -> None:
        for request in list(self.waiting):
            if request["id"] == number:
                self.waiting.remove(request)
                answer = Child(request, 0, self.control).import_error("the parse was cancelled before it began")
                channel.send_json(self.control, answer)
        for child in list(self.children.values()):
            if child.id == number:
                self.end(child, "the parse was cancelled")

    def fork(self, request: dict) -> None:
        if "path" in request:
            pre_import(request["path"])
        ours, theirs = socket.socketpair()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self.become_child(request, theirs, ours, parent)
        theirs.close()
        child = Child(request, pid, ours)
        self.children[ours.fileno()] = child
        self.poll.register(ours, select.POLLIN)

    def become_child(self, request: dict, sock: socket.socket, other: socket.socket, parent: int) -> None:
        """In the child: parse, send the result, leave. Never returns."""
        try:
            channel.own_session()
            channel.die_with_parent(parent)
            for open_socket in (self.control, other, *(child.sock for child in self.children.values())):
                open_socket.close()
            channel.after_fork()
            sys.dont_write_bytecode = True  # a stale cache could hide a file that is saved twice within a second
            os.environ.update(request.get("env", {}))
            timeout = float(request.get("timeout") or DEFAULT_TIMEOUT)
            os.environ["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"] = str(timeout)
            known = set(sys.modules)
            asks = Asks(sock, request["id"])
            result = plug_ins.answer(request, asks) if "op" in request else parse(request, asks)
            channel.send_json(sock, sorted(HEAVY & (sys.modules.keys() - known)), mark=b"H")
            channel.send_json(sock, result, mark=b"R")
            sys.stdout.flush()
            os._exit(0)
        except BaseException:  # nothing may run on into the parent's loop
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(1)

    def hear(self, child: Child) -> None:
        try:
            data = child.sock.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        child.buffer += data
        for mark, payload in child.frames():
            if mark == b"H":
                self.heavy = sorted({*self.heavy, *json.loads(payload)} - sys.modules.keys())
                continue
            channel.send(self.control, payload)
            child.answered = child.answered or mark == b"R"
        if child.answered or not data:
            self.end(child)

    def stop_overdue(self) -> None:
        now = time.monotonic()
        for child in list(self.children.values()):
            if now >= child.deadline:
                self.end(child, child.overdue())

    def end(self, child: Child, why: str = "") -> None:
        """Reap the child and what it started, and answer for it if it could not."""
        self.poll.unregister(child.sock)
        del self.children[child.sock.fileno()]
        if why or child.answered:
            processes.kill_group(child.pid)
        child.sock.close()
        _, status = os.waitpid(child.pid, 0)
        if not child.answered:
            channel.send_json(self.control, child.import_error(why or child.how_it_ended(status)))


def pre_import(path: str) -> None:
    """Import the Airflow modules that the file names, so that children share them; upstream does the same."""
    from airflow.utils.file import iter_airflow_imports

    try:
        names = list(iter_airflow_imports(path))
    except Exception:  # what is wrong with the file, the child will find out and say
        return
    channel.preload(",".join(names))


def main() -> None:
    arguments = argparse.ArgumentParser(prog="artel_side.dag_parser")
    arguments.add_argument("--control", default="fd:0", help="fd:N or the path of a Unix socket")
    arguments.add_argument("--parallel", type=int, default=2, help="files parsed at a time")
    arguments.add_argument("--preload", default="", help="more modules to import before the first fork, comma-separated")
    given = arguments.parse_args()
    started = time.monotonic()
    channel.own_session()
    control = channel.connect(given.control)
    try:
        import_airflow()
    except Exception as error:  # whatever is wrong with the environment, the server has to hear of it
        channel.send_json(control, channel.failed(error))
        sys.exit(1)
    channel.preload(given.preload)
    gc.collect()
    gc.freeze()  # keeps the collector from touching, and so copying, the pages shared with children
    names = ("apache-airflow-core", "apache-airflow-task-sdk", "apache-airflow-providers-standard")
    channel.send_json(control, channel.ready(started, {name: metadata.version(name) for name in names}))
    Parser(control, max(1, given.parallel)).serve()


if __name__ == "__main__":
    main()
