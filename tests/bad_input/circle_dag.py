"""Two tasks that wait for each other."""

import datetime as dt

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import dag


@dag(schedule=None, start_date=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc))
def circle():
    hen, egg = EmptyOperator(task_id="hen"), EmptyOperator(task_id="egg")
    hen >> egg >> hen


circle()
