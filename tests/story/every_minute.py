"""A small DAG on a schedule, to see that the clock starts runs."""

import pendulum
from airflow.sdk import dag, task


@dag(schedule="* * * * *", start_date=pendulum.datetime(2026, 1, 1), catchup=False)
def every_minute():
    @task
    def tick(data_interval_end=None) -> str:
        return str(data_interval_end)

    tick()


every_minute()
