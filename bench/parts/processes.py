"""What processes use, from /proc."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def tree(root):
    """A process and all below it."""
    found = [root]
    for pid in found:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, read(children).split())
    return found


def children(pid):
    """The processes right below one."""
    return [int(child) for listed in Path(f"/proc/{pid}/task").glob("*/children") for child in read(listed).split()]


def read(path):
    """A file of /proc; nothing when its process has just ended."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def cpu_ms(pids, ended_children=True):
    """CPU time so far; of their children that have ended as well, or of the processes alone."""
    return sum(ticks for pid in pids for ticks in times(pid)[: 4 if ended_children else 2]) * 1000 / TICKS


def times(pid):
    """User and system time of a process, and of its children that have ended."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return list(map(int, fields[11:15]))


def resident_mb(pids):
    lines = (line for pid in pids for line in read(f"/proc/{pid}/status").splitlines())
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def command_line(pid):
    return read(f"/proc/{pid}/cmdline").replace("\0", " ")
