"""Tasks that wait in a closed pool, and start by their weights, and those of one weight by their run's logical date."""

import datetime as dt

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

WEIGHTS = {"c": 3, "a": 1, "f": 6, "b": 2, "e": 5, "d": 4}

with DAG("rule_priorities", schedule=None, start_date=dt.datetime(2026, 1, 1)):
    for name, weight in WEIGHTS.items():
        BashOperator(task_id=name, bash_command="true", pool="gate", priority_weight=weight, weight_rule="absolute")

with DAG("rule_priority_ties", schedule=None, start_date=dt.datetime(2026, 1, 1)):
    BashOperator(task_id="one", bash_command="true", pool="gate")

# What each task weighs is compared; the pool stays closed for them.
for rule in ("downstream", "upstream", "absolute"):
    with DAG(f"rule_weights_{rule}", schedule=None, start_date=dt.datetime(2026, 1, 1), default_args={"weight_rule": rule}):
        first, left, right, last = (
            BashOperator(task_id=name, bash_command="true", priority_weight=weight, pool="gate")
            for name, weight in (("first", 1), ("left", 2), ("right", 3), ("last", 5))
        )
        first >> [left, right] >> last
