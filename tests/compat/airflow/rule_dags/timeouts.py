"""A task that takes too long, and a run that does."""

import datetime as dt

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG("rule_execution_timeout", schedule=None, start_date=dt.datetime(2026, 1, 1)):
    late = BashOperator(
        task_id="late", bash_command="sleep 60", execution_timeout=dt.timedelta(seconds=1), retries=1, retry_delay=dt.timedelta(seconds=1)
    )
    late >> EmptyOperator(task_id="after")

with DAG("rule_dagrun_timeout", schedule=None, start_date=dt.datetime(2026, 1, 1), dagrun_timeout=dt.timedelta(seconds=15)):
    BashOperator(task_id="late", bash_command="sleep 120") >> EmptyOperator(task_id="after")
