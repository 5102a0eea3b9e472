"""Thousands of DAGs with schedules, on Artel alone: how late runs start, and how much memory that takes."""

import datetime
import statistics
import time

from parts import processes

from . import dags
from .sides import Artel

IN_A_FILE = 100
MINUTES = 3
SETTLE_SECONDS = 1800
GOALS = "Goals: all that is due at one time has started within a second, in under 500 MB."


def measure(options, folder):
    """Rows of (what, figure)."""
    files = folder / "dags"
    files.mkdir()
    for number in range(0, options.dags, IN_A_FILE):
        dags.write(files, f"many_{number:06}", dags.many(f"{number:06}", min(IN_A_FILE, options.dags - number)))
    side = Artel(options, folder, files)
    try:
        parsed = until_parsed(side, options.dags)
        lateness, cpu = watch(side, options.dags)
        memory, whole = processes.resident_mb([side.process.pid]), side.resident_mb()
    finally:
        side.stop()
    return [
        ("start to all DAGs parsed, s", parsed),
        ("runs that came due", len(lateness)),
        ("due to started, p50 ms", statistics.median(lateness)),
        ("due to started, worst ms", max(lateness)),
        ("CPU of the process, ms a second", cpu),
        ("resident, MB", memory),
        ("resident with the DAG parser and the trigger host, MB", whole),
    ]


def until_parsed(side, count):
    side.until(lambda: side.call("GET", "/api/v2/dags?limit=1")["total_entries"] >= count, f"{count} DAGs", SETTLE_SECONDS, pause=1)
    return time.monotonic() - side.began


def watch(side, count):
    """Milliseconds from due to started of every run that comes due in whole minutes from now on, and the CPU meanwhile."""
    time.sleep(60 - time.time() % 60 + 30)  # the runs that were due at the start are over, and half a minute is left
    begin = datetime.datetime.now(datetime.timezone.utc)
    before = processes.cpu_ms([side.process.pid], ended_children=False)
    time.sleep(60 * MINUTES)
    cpu = (processes.cpu_ms([side.process.pid], ended_children=False) - before) / (60 * MINUTES)
    now, at = datetime.datetime.now(datetime.timezone.utc), datetime.datetime.fromisoformat
    made = runs(side, begin)
    minutes = {(begin + datetime.timedelta(minutes=later)).minute for later in range(1, MINUTES + 1)}
    due = sum(number % IN_A_FILE % 60 in minutes for number in range(count))
    if len(made) != due or not due:
        raise SystemExit(f"airflow bench: {len(made)} runs were made where {due} came due")
    # one that has not started yet is so late at least
    return [((at(run["start_date"]) if run["start_date"] else now) - at(run["run_after"])).total_seconds() * 1000 for run in made], cpu


def runs(side, begin):
    found, total = [], 1
    while len(found) < total:
        since = begin.strftime("%Y-%m-%dT%H:%M:%SZ")
        page = side.call("GET", f"/api/v2/dags/~/dagRuns?limit=100&offset={len(found)}&run_after_gte={since}&order_by=run_after")
        found += page["dag_runs"]
        total = page["total_entries"]
        if not page["dag_runs"]:
            break
    return found


def table(rows):
    return "\n".join([GOALS, "", "| | |", "|---|--:|", *(f"| {name} | {value:,.1f} |" for name, value in rows)])
