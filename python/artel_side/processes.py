"""Whose process is whose, by /proc, and how to end them."""

from __future__ import annotations

import os
import signal

MARK = "ARTEL_TASK_PID"  # set for each task, so that what it leaves in the background can be told from others' processes


def owner_of(pid: int) -> int | None:
    """The task that ``pid`` descends from, by the mark in its environment or else by its session."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            for entry in file.read().split(b"\0"):
                if entry.startswith(MARK.encode() + b"="):
                    return int(entry.partition(b"=")[2])
        return os.getsid(pid)
    except (OSError, ValueError):
        return None


def children(pid: int) -> list[int]:
    """Pids of the direct children of ``pid``, of whichever of its threads."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found += map(int, file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def kill_tree(pid: int) -> None:
    """Kill ``pid`` and what it started, parents first so that they cannot start more."""
    below = children(pid)
    kill_group(pid)
    for child in below:
        kill_tree(child)


def kill_group(pid: int) -> None:
    """Kill ``pid`` and the process group that it leads, if it leads one already."""
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
