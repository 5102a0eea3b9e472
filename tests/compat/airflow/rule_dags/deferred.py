"""A task that is deferred, and one behind it in the same pool of one slot."""

import datetime as dt

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import DAG, BaseOperator


class Waits(BaseOperator):
    def execute(self, context):
        self.defer(trigger=TimeDeltaTrigger(dt.timedelta(seconds=15)), method_name="resume")

    def resume(self, context, event=None):
        pass


for pool in ("counts_deferred", "forgets_deferred"):
    with DAG(f"rule_{pool}", schedule=None, start_date=dt.datetime(2026, 1, 1)):
        Waits(task_id="waits", pool=pool, priority_weight=2)
        BashOperator(task_id="other", bash_command="true", pool=pool)
