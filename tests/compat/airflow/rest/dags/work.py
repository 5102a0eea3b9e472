"""Runs with every kind of end, and DAGs whose runs cost nothing."""

import datetime as dt

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, CronPartitionTimetable, Param, TaskGroup, task

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
END = dt.datetime(2026, 1, 31, tzinfo=dt.timezone.utc)

with DAG("works", schedule=None, start_date=BEGIN, params={"count": Param(2, type="integer", minimum=1)}, tags=["works"]):

    @task
    def numbers(params=None):
        print(f"counting to {params['count']}")
        return list(range(params["count"]))

    @task(map_index_template="{{ 'of %s' % task.op_kwargs['number'] }}")
    def double(number):
        return number * 2

    @task(doc_md="fails")
    def judge(values):
        raise ValueError("guilty")

    @task.short_circuit
    def no():
        return False

    judge(double.expand(number=numbers())) >> EmptyOperator(task_id="last")
    no() >> EmptyOperator(task_id="left_out")
    with TaskGroup("side"):
        EmptyOperator(task_id="one") >> EmptyOperator(task_id="two")

# Nothing of it is run by a process.
with DAG("quick", schedule=None, start_date=BEGIN, dag_display_name="As Quick", params={"count": Param(2, type="integer", minimum=1)}):
    EmptyOperator(task_id="a") >> EmptyOperator(task_id="b") >> EmptyOperator(task_id="c")

with DAG("daily", schedule="@daily", start_date=BEGIN, end_date=END, catchup=False):
    EmptyOperator(task_id="a") >> EmptyOperator(task_id="b")

# These stay paused: their runs stay queued.
with DAG("still", schedule=None, start_date=BEGIN):
    EmptyOperator(task_id="a") >> EmptyOperator(task_id="b")
    with TaskGroup("side"):
        EmptyOperator(task_id="one") >> EmptyOperator(task_id="two")

with DAG("waits", schedule=None, start_date=BEGIN, params={"count": Param(2, type="integer", minimum=1)}):
    EmptyOperator(task_id="a")

with DAG("no_manual", schedule="@daily", start_date=BEGIN, end_date=END, catchup=False, allowed_run_types=["backfill", "scheduled"]):
    EmptyOperator(task_id="a")

with DAG("parted", schedule=CronPartitionTimetable("0 0 * * *", timezone="UTC"), start_date=BEGIN, end_date=dt.datetime(2026, 1, 4, tzinfo=dt.timezone.utc), catchup=False):
    EmptyOperator(task_id="a")
