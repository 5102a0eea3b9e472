"""Two DAGs whose first try waits for something that may never come."""

import datetime as dt
import os
import time
from pathlib import Path

from airflow.sdk import dag, get_current_context, task

MARKS = Path("@MARKS@")
SETTINGS = {"schedule": None, "start_date": dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc), "is_paused_upon_creation": False}


def linger() -> int:
    ti = get_current_context()["ti"]
    name = f"{ti.dag_id}-{ti.run_id}"
    with open(MARKS / f"{name}.starts", "a") as starts:
        starts.write(f"{ti.try_number} {os.getpid()}\n")
    deadline = time.monotonic() + 240
    while ti.try_number == 1 and not (MARKS / f"{name}.release").exists():
        if time.monotonic() > deadline:
            raise TimeoutError("nobody released the first try")
        time.sleep(0.05)
    (MARKS / f"{name}.worked").touch()
    print(f"try {ti.try_number} ends")
    return ti.try_number


@dag(**SETTINGS)
def retried():
    @task(retries=2, retry_delay=dt.timedelta(seconds=1))
    def work() -> int:
        return linger()

    @task
    def after(tries: int) -> None:
        print(f"work took {tries} tries")

    after(work())


@dag(**SETTINGS)
def once():
    @task
    def work() -> int:
        return linger()

    work()


retried()
once()
