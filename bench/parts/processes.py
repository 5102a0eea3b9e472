"""What processes use, from /proc."""

import os
import time
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
    return sum(own_ms(pid) + (ended_ms(pid) if ended_children else 0) for pid in pids)


def own_ms(pid):
    """What a process itself has used. Its clock (linux/posix-timers.h, CPUCLOCK_SCHED) counts nanoseconds, /proc ticks of ten
    milliseconds, which is as much as some fifty requests take."""
    try:
        return time.clock_gettime((~pid << 3) | 2) * 1000
    except OSError:
        return 0.0


def ended_ms(pid):
    """User and system time of a process's children that have ended."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return sum(map(int, fields[13:15])) * 1000 / TICKS


def resident_mb(pids):
    return status_mb(pids, "VmRSS:")


def peak_mb(pids):
    """The most that each had resident since its start or `forget_peak`, together."""
    return status_mb(pids, "VmHWM:")


def forget_peak(pids):
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def status_mb(pids, name):
    lines = (line for pid in pids for line in read(f"/proc/{pid}/status").splitlines())
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def command_line(pid):
    return read(f"/proc/{pid}/cmdline").replace("\0", " ")
