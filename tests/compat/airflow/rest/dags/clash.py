"""Two assets of one name: one of them, by chance, cannot be activated."""

import datetime as dt

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset

ASSETS = [Asset("clash", uri=f"s3://clash/{number}") for number in (1, 2)]

with DAG("clash", schedule=ASSETS, start_date=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)):
    EmptyOperator(task_id="only")
