"""How many at a time: of a DAG run, of a task over all runs, of a task in one run, and of runs."""

import datetime as dt

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

BEGIN = dt.datetime(2026, 1, 1)


def sleeping(**limits):
    BashOperator.partial(task_id="mapped", do_xcom_push=False, **limits).expand(bash_command=["sleep 1"] * 3)


with DAG("rule_max_active_tasks", schedule=None, start_date=BEGIN, max_active_tasks=2):
    for number in range(5):
        BashOperator(task_id=f"task_{number}", bash_command="sleep 1", do_xcom_push=False)

with DAG("rule_tis_per_dag", schedule=None, start_date=BEGIN):
    sleeping(max_active_tis_per_dag=1)

with DAG("rule_tis_per_dagrun", schedule=None, start_date=BEGIN):
    sleeping(max_active_tis_per_dagrun=1)

with DAG("rule_max_active_runs", schedule=None, start_date=BEGIN, max_active_runs=1):
    BashOperator(task_id="task", bash_command="sleep 1", do_xcom_push=False)
