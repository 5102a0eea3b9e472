"""What both schedulers are asked to do, one after the other."""

import datetime
import statistics
import time

from . import dags
from .sides import ASK_EACH

PAGE = 100
# Seconds after a run's end in which what was put off (Artel stores logs together) counts as the run's.
AFTERWARDS = 15


def measure(side, options, folder):
    """Every figure, by its name, in the order of the table. `folder` is that of the DAG files."""
    figures = {"start to healthy, s": side.start_s}
    first = first_run(side)
    if wait(side, "bench_first", first) != "success":
        raise SystemExit(f"airflow bench: the first run of {type(side).__name__} failed")
    figures["start to the end of the first task of a DAG that is due, s"] = time.monotonic() - side.began
    side.settle()
    figures["CPU when idle, ms a second"] = side.idle
    figures["resident when idle, MB"] = side.resident_mb()
    figures["a new DAG file to its DAG in the API, s"] = visible(side, folder)
    whole, tasks = 0.0, 0
    for name, text, count in (
        ("sequential", dags.SEQUENTIAL, options.sequential),
        ("fan", dags.FAN, options.fan),
        ("long", dags.LONG, options.long),
        ("mapped", dags.MAPPED, options.mapped),
    ):
        if count:
            dags.write(folder, name, text, count=count)
            cpu, instances = run(side, f"bench_{name}", title(name, count), first, figures)
            whole, tasks = whole + cpu, tasks + instances
    figures["all of these: scheduler CPU ms a task"] = whole / max(1, tasks)
    figures["resident afterwards, MB"] = side.resident_mb()
    return figures


def title(name, count):
    return {
        "sequential": f"{count:,} no-op tasks one after the other",
        "fan": f"1 task, then {count:,} at once",
        "long": f"{count:,} tasks of 2 s one after the other",
        "mapped": f"a task mapped over {count:,} values",
    }[name]


def first_run(side):
    """The id of the run that the DAG's own schedule makes."""
    runs = side.until(lambda: (side.call("GET", "/api/v2/dags/bench_first/dagRuns") or {}).get("dag_runs"), "the first run")
    return runs[0]["dag_run_id"]


def visible(side, folder):
    """Seconds from the file in the folder to the DAG in the API."""
    dags.write(folder, "visible", dags.HEAD + dags.VISIBLE)
    began = time.monotonic()
    side.until(lambda: side.call("GET", "/api/v2/dags/bench_visible"), "the new DAG")
    return time.monotonic() - began


def run(side, dag, name, first, figures):
    """Runs a DAG once; `first` is the id of the first run of all, which has ended. Returns what CPU time the scheduler used, in
    milliseconds, and how many task instances there were."""
    side.until(lambda: side.call("GET", f"/api/v2/dags/{dag}"), dag, pause=0.5)
    side.call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})

    def asked():
        return state(side, "bench_first", first)

    side.settle(asked)
    before, began = side.work_ms(), time.monotonic()
    side.call("POST", f"/api/v2/dags/{dag}/dagRuns", {"dag_run_id": "bench", "logical_date": "2026-01-01T00:00:00Z"})
    wait(side, dag, "bench")
    wall = time.monotonic() - began
    side.ask_for(AFTERWARDS, asked)
    cpu = max(0.0, side.work_ms() - before)
    instances = listed(side, dag)
    wrong = [(instance["task_id"], instance["state"], instance["try_number"]) for instance in instances if instance["state"] != "success"]
    if wrong:
        raise SystemExit(f"airflow bench: {dag} of {type(side).__name__}: {wrong[:5]} did not succeed")
    figures[f"{name}: wall s"] = wall
    figures[f"{name}: scheduler CPU ms a task"] = cpu / len(instances)
    if dag in ("bench_sequential", "bench_long"):
        figures[f"{name}: end to next start, p50 ms"] = statistics.median(gaps(instances))
    return cpu, len(instances)


def wait(side, dag, run):
    """The state in which it ends."""

    def end():
        now = state(side, dag, run)
        return now if now in ("success", "failed") else None

    return side.until(end, f"the end of {dag}", pause=ASK_EACH)


def state(side, dag, run):
    return side.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run}")["state"]


def listed(side, dag):
    found, total = [], 1
    while len(found) < total:
        page = side.call("GET", f"/api/v2/dags/{dag}/dagRuns/bench/taskInstances?limit={PAGE}&offset={len(found)}&order_by=map_index")
        found += page["task_instances"]
        total = page["total_entries"]
    return found


def gaps(instances):
    """Milliseconds from each task's end to the start of the one after it."""
    ordered = sorted(instances, key=lambda instance: instance["task_id"])
    at = datetime.datetime.fromisoformat
    return [(at(after["start_date"]) - at(before["end_date"])).total_seconds() * 1000 for before, after in zip(ordered, ordered[1:])]
