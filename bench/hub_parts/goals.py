"""The table, and what Artel is to reach in it."""

from .measure import load_name, stubs_name, users_name

SOCKETS_MB = 300
ADDED = 1 / 3


def least(options):
    """How many times better Artel is to be, by the name of the figure."""
    whoami = load_name("GET /hub/api/user", 32)
    return {
        f"{whoami}, per second": 50,
        f"{whoami}, p50 ms": 50,
        f"{whoami}, CPU ms": 50,
        f"{stubs_name(options)} started, wall s": 8,
        f"{load_name('GET 1 KiB of a notebook', 32)}, per second": 5,
        f"{users_name(options)}, a request each, 8 at a time, per second": 50,
        "resident when idle, MB": 4,
        "resident afterwards, MB": 4,
    }


def sockets_name(options):
    return f"resident with {options.sockets:,} silent WebSockets, MB"


def table(options, direct, stock, artel):
    """(every figure with its ratio and its goal, whether all goals are met)"""
    rows = ["| | direct | stock | Artel | ratio | goal |", "|---|--:|--:|--:|--:|:--|"]
    goals, missed = least(options), []
    for name, theirs in stock.items():
        ours = artel[name]
        better = ratio(name, theirs, ours)
        goal, met = judge(options, goals, name, (direct.get(name), theirs, ours), better)
        missed += [] if met else [name]
        own = f"{direct[name]:,.2f}" if name in direct else ""
        said = goal if met else f"{goal}: missed"
        rows.append(f"| {name} | {own} | {theirs:,.2f} | {ours:,.2f} | {better:,.1f}× | {said} |")
    return "\n".join(rows), missed


def ratio(name, theirs, ours):
    if "per second" in name:
        return ours / theirs
    return theirs / ours if ours else float("inf")


def judge(options, goals, name, figures, better):
    """(the goal in words, whether it is met); no goal is always met."""
    direct, theirs, ours = figures
    if name in goals:
        return f"at least {goals[name]}×", better >= goals[name]
    if name == sockets_name(options):
        return f"under {SOCKETS_MB} MB", ours < SOCKETS_MB
    if name == f"{load_name('GET 1 KiB of a notebook', 32)}, p50 µs":
        part = (ours - direct) / (theirs - direct)
        return f"at most 0.33 of what stock adds; {part:.2f}", part <= ADDED
    return "", True
