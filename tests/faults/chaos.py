"""Many short tasks at once, each of which notes every start and every end of a try."""

import datetime as dt
import os
import time
from pathlib import Path

from airflow.sdk import dag, get_current_context, task

MARKS = Path("@MARKS@")
TASKS = int("@TASKS@")


@dag(schedule=None, start_date=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc), is_paused_upon_creation=False)
def chaos():
    @task
    def numbers() -> list[int]:
        return list(range(TASKS))

    @task(retries=30, retry_delay=dt.timedelta(milliseconds=200))
    def work(number: int) -> int:
        ti = get_current_context()["ti"]
        note(ti, "start")
        time.sleep(0.1 + number % 7 / 10)
        note(ti, "end")
        return number

    @task(retries=30, retry_delay=dt.timedelta(milliseconds=200))
    def total(found) -> int:
        return sum(found)

    total(work.expand(number=numbers()))


def note(ti, what: str) -> None:
    """One line, written at once: appending is atomic for so few bytes."""
    line = f"{what} {ti.map_index} {ti.try_number} {os.getpid()}\n"
    with open(MARKS / f"{ti.run_id}.notes", "ab", buffering=0) as notes:
        notes.write(line.encode())


chaos()
