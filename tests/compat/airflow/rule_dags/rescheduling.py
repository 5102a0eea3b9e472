"""Sensors that give their slot back between two looks, and one that is given up."""

import datetime as dt

from airflow.sdk import DAG, Variable, task

with DAG("rule_reschedule", schedule=None, start_date=dt.datetime(2026, 1, 1)):

    @task.sensor(mode="reschedule", poke_interval=1)
    def third_look():
        looks = int(Variable.get("rule_looks", "0")) + 1
        Variable.set("rule_looks", str(looks))
        return looks == 3

    @task.sensor(mode="reschedule", poke_interval=1, timeout=3)
    def gives_up():
        return False

    @task.sensor(mode="reschedule", poke_interval=1, timeout=3, soft_fail=True)
    def skips():
        return False

    third_look(), gives_up(), skips()
