"""Six tasks in a pool of two slots; one of them takes both."""

import datetime as dt

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("rule_pool_slots", schedule=None, start_date=dt.datetime(2026, 1, 1)):
    for number in range(5):
        BashOperator(task_id=f"narrow_{number}", bash_command="sleep 1", pool="two_slots", do_xcom_push=False)
    BashOperator(task_id="wide", bash_command="sleep 1", pool="two_slots", pool_slots=2, priority_weight=2, do_xcom_push=False)
    # more slots than the pool has: it never runs
    BashOperator(task_id="too_wide", bash_command="true", pool="two_slots", pool_slots=3)
