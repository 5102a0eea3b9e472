"""The process of one task, from its fork to Airflow's stock task runner.

It may be forked before there is a task for it: then it waits as a spare, and what tasks do first is done already.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
from collections.abc import Callable
from typing import NoReturn

from artel_side import channel, plug_ins, processes, warm

SOCKETS = 4  # requests, stdout, stderr, logs
BUNDLES = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"  # the one bundle of the task
LIMITS = {
    "address_space": resource.RLIMIT_AS,
    "core": resource.RLIMIT_CORE,
    "cpu_seconds": resource.RLIMIT_CPU,
    "file_size": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
}


class TaskProcess:
    """A forked process that waits for its task, seen from the process that has forked it."""

    def __init__(self, leave: Callable[[], None], ahead: bool) -> None:
        """Fork. ``leave`` lets go, in the child, of what only the parent needs; ``ahead`` says that nobody waits yet."""
        parent = os.getpid()
        self.order, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self.order.close()
            become_task(theirs, leave, parent, ahead)
        theirs.close()

    def start(self, payload: bytes, fds: list[int]) -> bool:
        """Hand the request over with its sockets; ``False`` when the process is gone."""
        with self.order:
            try:
                channel.send_with_fds(self.order, payload, fds)
            except OSError:
                return False
        return True


def become_task(order: socket.socket, leave: Callable[[], None], parent: int, ahead: bool) -> NoReturn:
    """In the child: wait for the task, take on its surroundings, then hand over to Airflow."""
    stderr = 2
    try:
        channel.own_session()
        channel.die_with_parent(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        leave()
        channel.after_fork()
        if ahead:
            warm.rehearse()
        payload, (requests, stdout, stderr, logs) = channel.receive_with_fds(order, SOCKETS)
        wanted = json.loads(payload)
        order.close()
        surround(wanted)
        for bundle in json.loads(os.environ.get(BUNDLES, "[]")):
            plug_ins.use_bundle(bundle.get("kwargs", {}).get("path", ""))
        from airflow.sdk.execution_time import supervisor

        supervisor._fork_main(
            socket.socket(fileno=requests),
            socket.socket(fileno=stdout),
            socket.socket(fileno=stderr),
            logs,
            supervisor._subprocess_main,
        )
    except channel.Closed:  # it is not needed any more
        os._exit(0)
    except BaseException as error:  # nothing may run on into the parent's loop
        os.write(stderr, f"cannot start the task: {error}\n".encode())
    finally:
        os._exit(1)


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
