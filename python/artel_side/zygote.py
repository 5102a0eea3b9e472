"""Warm process that forks Airflow's stock task runner for an outside supervisor.

Airflow is imported once; a task then costs a fork. The supervisor passes the four sockets that a task runner speaks on
and supervises the child itself; this process only forks, reaps and tells. Protocol: ../README.md.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from importlib import metadata

from artel_side import channel, plug_ins, processes

SOCKETS = 4  # requests, stdout, stderr, logs
PRELOAD = "numpy,pandas,sklearn,sklearn.datasets,mlflow,mlflow.sklearn,mlflow.data"  # in steps, so that no task waits long
BUNDLES = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"  # the one bundle of the task
LIMITS = {
    "address_space": resource.RLIMIT_AS,
    "core": resource.RLIMIT_CORE,
    "cpu_seconds": resource.RLIMIT_CPU,
    "file_size": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
}


def import_airflow() -> None:
    """Import what every task needs before its own DAG file is read."""
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "client")
    import airflow.dag_processing.bundles.manager
    import airflow.dag_processing.dagbag
    import airflow.providers.standard.decorators.bash
    import airflow.providers.standard.decorators.branch_python
    import airflow.providers.standard.decorators.python
    import airflow.providers.standard.decorators.sensor
    import airflow.providers.standard.decorators.short_circuit
    import airflow.providers.standard.operators.bash
    import airflow.providers.standard.operators.python
    import airflow.sdk.definitions.asset.metadata
    import airflow.sdk.definitions.decorators
    import airflow.sdk.execution_time.secrets
    import airflow.sdk.execution_time.supervisor
    import airflow.sdk.execution_time.task_runner
    import jinja2.ext  # noqa: F401 # every environment of templates asks for it


def quiet_skops() -> None:
    """Keep a thousand warnings out of the log of a task that saves a scikit-learn model.

    skops, MLflow's format for such models, looks each function up in every loaded module, and Airflow's modules of moved
    names warn at each look. Warnings about the user's own imports stay.
    """
    import warnings

    from airflow.utils.deprecation_tools import DeprecatedImportWarning

    warnings.filterwarnings("ignore", category=DeprecatedImportWarning, module=r"skops\.")


class Zygote:
    """The fork server. ``tasks`` maps the pid of each living task to the id it was asked for with."""

    def __init__(self, control: socket.socket, preload: str) -> None:
        self.control = control
        self.preload = [name for name in preload.split(",") if name]  # to be imported when idle
        self.tasks: dict[int, str] = {}
        self.wake, wake_writer = socket.socketpair()
        self.wake.setblocking(False)
        wake_writer.setblocking(False)
        self.wake_writer = wake_writer
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_writer.fileno(), warn_on_full_buffer=False)

    def serve(self) -> None:
        """Answer until the supervisor closes the control socket; then end with all descendants."""
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        poll.register(self.wake, select.POLLIN)
        try:
            while True:
                ready = {fd for fd, _ in poll.poll(0 if self.preload else None)}
                if not ready and self.preload:
                    self.import_next()
                if self.wake.fileno() in ready:
                    self.drain_wake()
                    self.reap()
                if self.control.fileno() in ready:
                    self.request()
        except channel.Closed:
            pass
        finally:
            self.kill_descendants()

    def import_next(self) -> None:
        """Import one more module for the tasks to come."""
        channel.preload(self.preload.pop(0))
        gc.freeze()  # keeps the collector from touching, and so copying, the pages shared with children
        if not self.preload:
            print("preloading is done", file=sys.stderr, flush=True)

    def drain_wake(self) -> None:
        try:
            while self.wake.recv(4096):
                pass
        except BlockingIOError:
            pass

    def request(self) -> None:
        """Read one request and its file descriptors, fork, answer."""
        head, fds, _, _ = socket.recv_fds(self.control, 4, SOCKETS)
        if not head:
            raise channel.Closed
        head += channel.read_exactly(self.control, 4 - len(head))
        payload = channel.read_exactly(self.control, struct.unpack(">I", head)[0])
        try:
            answer = self.fork(json.loads(payload), fds)
        except ValueError as error:
            answer = refused({}, f"the request is not JSON: {error}")
        finally:
            for fd in fds:
                os.close(fd)
        channel.send_json(self.control, answer)

    def fork(self, wanted: dict, fds: list[int]) -> dict:
        if wanted.get("op") != "fork":
            return refused(wanted, f"unknown op {wanted.get('op')!r}, only \"fork\" is known")
        if len(fds) != SOCKETS:
            return refused(wanted, f"{len(fds)} file descriptors came with the request, {SOCKETS} are needed")
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            return refused(wanted, f"cannot fork: {error}")
        if pid == 0:
            self.become_task(wanted, fds, parent)
        self.tasks[pid] = wanted.get("id", "")
        return {"event": "started", "id": self.tasks[pid], "pid": pid}

    def become_task(self, wanted: dict, fds: list[int], parent: int) -> None:
        """In the child: take on the task's surroundings, then hand over to Airflow. Never returns."""
        try:
            channel.own_session()
            channel.die_with_parent(parent)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for sock in (self.control, self.wake, self.wake_writer):
                sock.close()
            channel.after_fork()
            surround(wanted)
            for bundle in json.loads(os.environ.get(BUNDLES, "[]")):
                plug_ins.use_bundle(bundle.get("kwargs", {}).get("path", ""))
            from airflow.sdk.execution_time import supervisor

            requests, stdout, stderr, logs = fds
            supervisor._fork_main(
                socket.socket(fileno=requests),
                socket.socket(fileno=stdout),
                socket.socket(fileno=stderr),
                logs,
                supervisor._subprocess_main,
            )
        except BaseException as error:  # nothing may run on into the parent's loop
            os.write(fds[2], f"cannot start the task: {error}\n".encode())
        finally:
            os._exit(1)

    def reap(self) -> None:
        """Tell of every task that ended, and end what it left behind."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            pid = ended.si_pid
            task = self.tasks.pop(pid, None)
            if task is not None:  # else something that a task had left in the background
                self.kill_leftovers(pid)
            _, status, usage = os.wait4(pid, 0)  # the pid stays ours, and no other's, until here
            if task is not None:
                channel.send_json(self.control, exited(task, pid, status, usage))

    def kill_leftovers(self, task: int) -> None:
        """Kill what an ended task left running. What nobody can be named for goes with the last task."""
        processes.kill_group(task)
        for orphan in processes.children(os.getpid()):
            if orphan == task or orphan in self.tasks:
                continue
            owner = processes.owner_of(orphan)
            if owner == task or (owner not in self.tasks and not self.tasks):
                processes.kill_tree(orphan)

    def kill_descendants(self) -> None:
        """Kill until no descendant is left: those of a killed child come to us as the sub-reaper."""
        while found := processes.children(os.getpid()):
            for pid in found:
                processes.kill_tree(pid)
            try:
                os.wait()
            except ChildProcessError:
                return


def surround(wanted: dict) -> None:
    """Environment, folder, limits and priority that the request asks for."""
    for name in wanted.get("unset", ()):
        os.environ.pop(name, None)
    os.environ.update(wanted.get("env", {}))
    os.environ[processes.MARK] = str(os.getpid())
    # A bash whose stdin is a socket, as a task's is, takes itself for a remote login and reads ~/.bashrc, unless it is nested.
    os.environ.setdefault("SHLVL", "1")
    if folder := wanted.get("cwd"):
        os.chdir(folder)
    limits = dict(wanted.get("limits", {}))
    if memory := limits.pop("memory", None):
        limits["address_space"] = address_space() + memory
    for name, value in limits.items():
        _, hard = resource.getrlimit(LIMITS[name])
        if hard != resource.RLIM_INFINITY:
            resource.setrlimit(LIMITS[name], (min(value, hard),) * 2)
        else:
            resource.setrlimit(LIMITS[name], (value, value))
    if nice := wanted.get("nice"):
        os.nice(nice)


def address_space() -> int:
    """What this process has mapped already, in bytes: most of it shared with the zygote."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def refused(wanted: dict, error: str) -> dict:
    return {"event": "refused", "id": wanted.get("id", ""), "error": error}


def exited(task: str, pid: int, status: int, usage: resource.struct_rusage) -> dict:
    code = os.waitstatus_to_exitcode(status)
    return {
        "event": "exited",
        "id": task,
        "pid": pid,
        "code": code if code >= 0 else None,
        "signal": -code if code < 0 else None,
        "user_seconds": round(usage.ru_utime, 4),
        "system_seconds": round(usage.ru_stime, 4),
        "max_rss_bytes": usage.ru_maxrss * 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="artel_side.zygote")
    parser.add_argument("--control", default="fd:0", help="fd:N or the path of a Unix socket")
    parser.add_argument("--preload", default=PRELOAD, help="modules to import while idle, comma-separated")
    arguments = parser.parse_args()
    started = time.monotonic()
    channel.own_session()
    control = channel.connect(arguments.control)
    try:
        import_airflow()
    except Exception as error:  # whatever is wrong with the environment, the supervisor has to hear of it
        channel.send_json(control, channel.failed(error))
        sys.exit(1)
    quiet_skops()
    channel.adopt_orphans()
    gc.collect()
    gc.freeze()
    names = ("apache-airflow-core", "apache-airflow-task-sdk", "apache-airflow-providers-standard")
    zygote = Zygote(control, arguments.preload)
    channel.send_json(control, channel.ready(started, {name: metadata.version(name) for name in names}))
    zygote.serve()


if __name__ == "__main__":
    main()
