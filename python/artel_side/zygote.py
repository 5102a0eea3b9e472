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
import sys
import time
from importlib import metadata

from artel_side import channel, processes, warm
from artel_side.task_process import SOCKETS, TaskProcess

PRELOAD = "numpy,pandas,sklearn,sklearn.datasets,mlflow,mlflow.sklearn,mlflow.data"  # in steps, so that no task waits long


class Zygote:
    """The fork server. ``tasks`` maps the pid of each living task to the id it was asked for with."""

    def __init__(self, control: socket.socket, preload: str) -> None:
        self.control = control
        self.preload = [name for name in preload.split(",") if name]  # to be imported when idle
        self.tasks: dict[int, str] = {}
        self.spare: TaskProcess | None = None  # waits for the next task
        self.without_spare = False  # there could be none; a task that starts all the same ends that
        self.passing: list[int] = []  # descriptors that came with a request, on their way to the task
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
                ready = {fd for fd, _ in poll.poll(0 if self.has_idle_work() else None)}
                if not ready:
                    self.work_when_idle()
                if self.wake.fileno() in ready:
                    self.drain_wake()
                    self.reap()
                if self.control.fileno() in ready:
                    self.request()
        except channel.Closed:
            pass
        finally:
            self.kill_descendants()

    def has_idle_work(self) -> bool:
        return bool(self.preload) or (self.spare is None and not self.without_spare)

    def work_when_idle(self) -> None:
        """Do one thing for the tasks to come. A spare process is made when everything is imported: it would lack the rest."""
        if self.preload:
            self.import_next()
        elif self.spare is None:
            self.prepare_spare()

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
        """Read one request and its file descriptors, give it to a process of its own, answer."""
        payload, self.passing = channel.receive_with_fds(self.control, SOCKETS)
        try:
            answer = self.start(json.loads(payload), payload)
        except ValueError as error:
            answer = refused({}, f"the request is not JSON: {error}")
        finally:
            self.close_passing()
        channel.send_json(self.control, answer)

    def close_passing(self) -> None:
        while self.passing:
            os.close(self.passing.pop())

    def start(self, wanted: dict, payload: bytes) -> dict:
        if wanted.get("op") != "fork":
            return refused(wanted, f"unknown op {wanted.get('op')!r}, only \"fork\" is known")
        if len(self.passing) != SOCKETS:
            return refused(wanted, f"{len(self.passing)} file descriptors came with the request, {SOCKETS} are needed")
        process, self.spare = self.spare, None
        try:
            if process is None or not process.start(payload, self.passing):
                process = TaskProcess(self.leave, ahead=False)
                process.start(payload, self.passing)
        except OSError as error:
            return refused(wanted, f"cannot fork: {error}")
        self.without_spare = False
        self.tasks[process.pid] = wanted.get("id", "")
        return {"event": "started", "id": self.tasks[process.pid], "pid": process.pid}

    def leave(self) -> None:
        """In a child: let go of what only this process needs."""
        for sock in (self.control, self.wake, self.wake_writer):
            sock.close()
        self.close_passing()

    def prepare_spare(self) -> None:
        """Have a process ready for the next task. Where none can be had now, the task's own request says so."""
        try:
            self.spare = TaskProcess(self.leave, ahead=True)
        except OSError:
            self.without_spare = True

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
            if self.spare and self.spare.pid == pid:
                self.spare = None
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
            if orphan == task or orphan in self.tasks or (self.spare and orphan == self.spare.pid):
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
        warm.before_serving()
    except Exception as error:  # whatever is wrong with the environment, the supervisor has to hear of it
        channel.send_json(control, channel.failed(error))
        sys.exit(1)
    channel.adopt_orphans()
    names = ("apache-airflow-core", "apache-airflow-task-sdk", "apache-airflow-providers-standard")
    zygote = Zygote(control, arguments.preload)
    channel.send_json(control, channel.ready(started, {name: metadata.version(name) for name in names}))
    zygote.serve()


if __name__ == "__main__":
    main()
