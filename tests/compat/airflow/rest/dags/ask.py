"""Asks people."""

import datetime as dt

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import DAG, Param

with DAG("ask", schedule=None, start_date=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)):
    HITLOperator(
        task_id="choose",
        subject="What is it to be?",
        body="For lunch, at {{ ds_nodash | default('noon') }}",
        options=["soup", "salad", "pie"],
        multiple=True,
        params={"seats": Param(2, type="integer", minimum=1)},
    )
    ApprovalOperator(task_id="approve", subject="Is that all?")
