"""Tasks that look at the run before: three days at once, the second of which fails."""

import datetime as dt

from airflow.sdk import DAG, task

DAYS = {"start_date": dt.datetime(2026, 1, 1), "end_date": dt.datetime(2026, 1, 3), "schedule": "@daily", "catchup": True, "max_active_runs": 3}

with DAG("rule_depends_on_past", **DAYS):

    @task(depends_on_past=True)
    def step(logical_date=None):
        if logical_date.day == 2:
            raise ValueError("the second day")

    @task
    def free():
        pass

    step(), free()

with DAG("rule_depends_on_past_skipped", **DAYS):

    @task.short_circuit
    def only_the_first_day(logical_date=None):
        return logical_date.day == 1

    @task(depends_on_past=True)
    def after():
        pass

    only_the_first_day() >> after()

with DAG("rule_wait_for_downstream", **DAYS):

    @task(wait_for_downstream=True)
    def first():
        pass

    @task.bash(do_xcom_push=False)
    def second():
        return "sleep 1"

    first() >> second()

with DAG("rule_wait_for_failed_downstream", **DAYS):

    @task(wait_for_downstream=True)
    def opens():
        pass

    @task
    def closes(logical_date=None):
        if logical_date.day == 1:
            raise ValueError("the first day")

    opens() >> closes()
