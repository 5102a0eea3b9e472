"""Artel alone with a million runs, and with an experiment of ten million points.

The points go in through the API. Runs are made by copying one that went in through the API inside the stopped server's
SQLite file, every row that belongs to it with it: a million requests would take an hour and prove nothing more.
"""

import sqlite3
import sys
import time
from contextlib import closing

from .client import PREFIX, Client, at_once, curve, timed
from .servers import Server, artel_command

# What differs from copy to copy; `n` counts them. Everything else is the template's.
VARIED = {
    ("runs", "run_id"): "lower(hex(randomblob(16)))",
    ("runs", "name"): "name || '-' || n",
    ("runs", "name_start"): "substr(name || '-' || n, 1, 100)",
    ("runs", "name_parts"): "name_parts(name || '-' || n)",
    ("runs", "start_time"): "start_time + n * 1000",
    ("params", "value"): "CASE key WHEN 'p' THEN CAST(n % 10 AS TEXT) ELSE value END",
    ("latest_metrics", "value"): "abs(random() % 1000003) / 1000003.0",
}
CHUNK = 100_000
GOAL_MS = 100


def measure(options, folder):
    """Rows of (what, p50 ms, CPU ms)."""
    server = Server(artel_command, options, folder)
    try:
        client = Client(server)
        template = make_template(client)
        seconds = write_points(server, client.experiment("deep"), options.points)
        print(f"mlflow bench: {options.points:,} points in {seconds:.0f} s", file=sys.stderr)
    finally:
        server.stop()
    began = time.perf_counter()
    multiply(tracking_file(folder), template, options.large_runs)
    print(f"mlflow bench: {options.large_runs:,} runs in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    server = Server(artel_command, options, folder)
    try:
        return [("start, ms", server.start_ms, 0.0), *first_pages(server, options), ("resident, MB", server.resident_mb(), 0.0)]
    finally:
        server.stop()


def make_template(client):
    """A run in an experiment of its own."""
    run = client.run(client.experiment("large"))
    client.post(
        "runs/log-batch",
        {
            "run_id": run,
            "metrics": [{"key": f"m{k}", "value": 0.5, "timestamp": 1, "step": 0} for k in range(3)],
            "params": [{"key": "p", "value": "0"}, {"key": "kind", "value": "copied"}],
            "tags": [{"key": "team", "value": "wine"}],
        },
    )
    return run


def write_points(server, experiment, points, count=100, threads=4):
    """`count` runs with a curve each."""
    steps = points // count

    def write(part):
        client = Client(server)
        for _ in range(part, count, threads):
            run = client.run(experiment)
            for begin in range(0, steps, 1000):
                client.post("runs/log-batch", curve(run, "loss", begin, min(begin + 1000, steps)))

    return at_once([lambda part=part: write(part) for part in range(threads)])


def tracking_file(folder):
    for path in folder.rglob("*"):
        if path.is_file() and path.open("rb").read(15) == b"SQLite format 3":
            with closing(sqlite3.connect(path)) as database:
                if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'latest_metrics'").fetchone():
                    return path
    sys.exit(f"mlflow bench: no database of tracking in {folder}")


def multiply(path, run_id, copies):
    """Copies the run and its rows, in every table that has a column `run`."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.create_function("name_parts", 1, name_parts, deterministic=True)
        (run,) = database.execute("SELECT id FROM runs WHERE run_id = ?", [run_id]).fetchone()
        (newest,) = database.execute("SELECT max(id) FROM runs").fetchone()
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        # The copies' numbers begin where those of the runs end.
        shift = newest - run
        for begin in range(1, copies + 1, CHUNK):
            numbers = f"WITH RECURSIVE numbers(n) AS (VALUES({begin}) UNION ALL SELECT n + 1 FROM numbers WHERE n < {min(begin + CHUNK - 1, copies)})"
            for table in tables:
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                owner = "id" if table == "runs" else "run"
                if owner in columns:
                    values = ", ".join(varied(table, column, shift) for column in columns)
                    database.execute(
                        f"INSERT INTO {table} ({', '.join(columns)}) {numbers} SELECT {values} FROM {table}, numbers WHERE {owner} = {run}"
                    )
            database.commit()
        database.execute("UPDATE sequences SET next = ? WHERE name = 'run'", [newest + copies + 1])
        database.commit()


def name_parts(name):
    """What services/tracking/src/name_parts.rs works out for a name of ASCII letters."""
    text, bits = name.lower().encode(), 0
    for one, two, three in zip(text, text[1:], text[2:]):
        bits |= 1 << ((one * 961 + two * 31 + three) % 63)
    return bits


def varied(table, column, shift):
    if (table, column) == ("runs", "id") or column == "run":
        return f"{column} + {shift} + n"
    return VARIED.get((table, column), f'"{column}"')


def first_pages(server, options):
    client = Client(server)
    ids = {name: client.post("experiments/search", {"filter": f"name = '{name}'", "max_results": 1})["experiments"][0]["experiment_id"] for name in ("large", "deep")}
    query = {"experiment_ids": [ids["large"]], "max_results": 100}
    searches = {
        "newest": {},
        "by a param": {"filter": "params.p = '3'"},
        "by a metric": {"filter": "metrics.m1 > 0.999"},
        "in metric order": {"order_by": ["metrics.m1 DESC"]},
        "by a metric and a param, in metric order": {"filter": "metrics.m1 > 0.1 and params.p = '3'", "order_by": ["metrics.m1 DESC"]},
        "by a tag that all have, in metric order": {"filter": "tags.team = 'wine'", "order_by": ["metrics.m2 ASC"]},
        "by a name": {"filter": f"attributes.run_name LIKE '%-{options.large_runs // 2}'"},
        "by a param that none has": {"filter": "params.p = 'none'"},
    }
    rows = []
    for name, more in searches.items():
        answer = client.post("runs/search", {**query, **more})
        found = len(answer.get("runs", []))
        assert (found > 0) != name.endswith("none has"), f"{name}: {found} runs came"
        cpu, p50, _ = timed(server, client, 9, lambda _, more=more: client.post("runs/search", {**query, **more}))
        rows.append((f"{options.large_runs:,} runs, first page {name}", p50, cpu))
    deep = [run["info"]["run_id"] for run in client.post("runs/search", {"experiment_ids": [ids["deep"]], "max_results": 10})["runs"]]
    chart = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?metric_key=loss&max_results=320&" + "&".join(f"run_ids={run}" for run in deep)
    page = f"{PREFIX}metrics/get-history?run_id={deep[0]}&metric_key=loss&max_results=25000"
    for name, path in (("first page of 25,000 of a history", page), ("chart of 10 runs, 320 points each", chart)):
        cpu, p50, _ = timed(server, client, 9, lambda _, path=path: client.call("GET", path))
        rows.append((f"{options.points:,} points, {name}", p50, cpu))
    cpu, p50, _ = timed(server, client, 9, lambda _: client.post("runs/search", {"experiment_ids": [ids["deep"]], "order_by": ["metrics.loss DESC"]}))
    rows.append((f"{options.points:,} points, first page of runs in metric order", p50, cpu))
    return rows
