"""A DAG without a fault."""

import datetime as dt

from airflow.sdk import dag, task


@dag(schedule=None, start_date=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc), is_paused_upon_creation=False)
def good():
    @task
    def pour() -> int:
        return 3

    @task
    def drink(glasses: int) -> None:
        print(f"{glasses} glasses")

    drink(pour())


good()
