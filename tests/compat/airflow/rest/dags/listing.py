"""DAGs of four owners, schedules and shapes, to be listed and described."""

import datetime as dt

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, Param, TaskGroup

UTC = dt.timezone.utc
BEGIN = dt.datetime(2026, 1, 1, tzinfo=UTC)

with DAG(
    "alpha",
    dag_display_name="The First",
    description="of four",
    schedule=None,
    start_date=BEGIN,
    tags=["red", "blue"],
    doc_md="# Alpha",
    default_args={"owner": "ada", "retries": 2, "retry_delay": dt.timedelta(minutes=3), "email_on_failure": False},
    owner_links={"ada": "https://example.org/ada"},
    params={"count": Param(2, type="integer", minimum=1, description="how many"), "plain": "text"},
    max_active_tasks=3,
    max_active_runs=2,
    dagrun_timeout=dt.timedelta(hours=2),
    render_template_as_native_obj=True,
):
    first = EmptyOperator(task_id="first", task_display_name="Step One", doc_md="says *so*", priority_weight=3)
    never = BashOperator(task_id="never", bash_command="echo {{ ds }}", execution_timeout=dt.timedelta(minutes=5), pool="nowhere", trigger_rule="all_failed")
    with TaskGroup("side"):
        EmptyOperator(task_id="one") >> EmptyOperator(task_id="two", params={"own": 1})
    first >> never

with DAG("beta", schedule="@daily", start_date=BEGIN, end_date=dt.datetime(2026, 1, 5, tzinfo=UTC), catchup=True, tags=["red"], default_args={"owner": "bob"}):
    BashOperator.partial(task_id="many").expand(bash_command=["true", "false"])

with DAG("gamma", schedule=[Asset("orders"), Asset("s3://bills/all", extra={"kind": "paper"})], start_date=BEGIN, tags=["green"], is_paused_upon_creation=True):
    EmptyOperator(task_id="only", owner="cyd")

with DAG("delta_2", schedule=dt.timedelta(hours=6), start_date=BEGIN, end_date=dt.datetime(2026, 2, 1, tzinfo=UTC), catchup=True, max_consecutive_failed_dag_runs=3):
    EmptyOperator(task_id="only", outlets=[Asset("orders")], max_active_tis_per_dag=2)
