"""Assets that are made by nobody, by one task and by two, and who waits for them."""

import datetime as dt

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, AssetAlias, task

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
ORDERS, BILLS = Asset("orders", uri="s3://shop/orders", extra={"kind": "paper"}), Asset("s3://shop/bills")
PARTS, LONELY = Asset("parts", group="stock"), Asset("lonely")

with DAG("make_orders", schedule=None, start_date=BEGIN):
    EmptyOperator(task_id="write", outlets=[ORDERS])

for number in (1, 2):
    with DAG(f"make_parts_{number}", schedule=None, start_date=BEGIN):
        EmptyOperator(task_id="write", outlets=[PARTS])

with DAG("make_bills", schedule="@daily", start_date=BEGIN, end_date=BEGIN, allowed_run_types=["manual", "scheduled"]):
    EmptyOperator(task_id="write", outlets=[BILLS])

with DAG("make_some", schedule=None, start_date=BEGIN):

    @task(outlets=[AssetAlias("some", group="names")])
    def write(*, outlet_events):
        outlet_events[AssetAlias("some")].add(Asset("lonely"), extra={"rows": 3})

    write()

# Never has both: what comes is queued.
with DAG("use_both", schedule=[ORDERS, BILLS], start_date=BEGIN):
    EmptyOperator(task_id="read", inlets=[ORDERS, LONELY])

with DAG("use_orders", schedule=[ORDERS], start_date=BEGIN):
    EmptyOperator(task_id="read")
