"""Has a link, by an operator that starts another DAG; and writes a log."""

import datetime as dt
import logging

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, task

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)

with DAG("linking", schedule=None, start_date=BEGIN):
    TriggerDagRunOperator(task_id="start", trigger_dag_id="linked", trigger_run_id="started")

    @task
    def tell():
        logging.getLogger("shop").warning("a line of the log")

    tell()

    @task
    def show():
        print("a printed line")
        print("::group::Inside\nof a group\n::endgroup::")

    show()

    @task(retries=1, retry_delay=dt.timedelta(seconds=0))
    def fail():
        raise ValueError("on purpose")

    fail()

with DAG("linked", schedule=None, start_date=BEGIN):
    EmptyOperator(task_id="only")
