"""What a failure does to the rest: of the run, and of the DAG."""

import datetime as dt

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

BEGIN = dt.datetime(2026, 1, 1)

with DAG("rule_fail_fast", schedule=None, start_date=BEGIN, fail_fast=True):
    BashOperator(task_id="fails", bash_command="sleep 10; exit 1")
    BashOperator(task_id="runs", bash_command="sleep 120") >> EmptyOperator(task_id="later")

with DAG("rule_two_failures_pause", schedule=None, start_date=BEGIN, max_consecutive_failed_dag_runs=2):
    BashOperator(task_id="fails", bash_command="exit 1")

# The run's state is that of its leaves.
with DAG("rule_leaf_decides", schedule=None, start_date=BEGIN):
    BashOperator(task_id="fails", bash_command="exit 1") >> EmptyOperator(task_id="leaf", trigger_rule="all_done")
