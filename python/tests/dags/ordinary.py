"""Every ordinary thing a DAG does, once."""

from __future__ import annotations

import datetime as dt
import os
import time

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Asset, Connection, Variable, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException


@dag(schedule="*/5 * * * *", start_date=dt.datetime(2026, 1, 1), catchup=False, tags=["proof"])
def ordinary():
    @task
    def make():
        Variable.set("made", "yes")
        print("made on stdout")
        return [1, 2, 3]

    @task
    def double(number: int):
        return number * 2

    @task(outlets=[Asset("totals")])
    def total(numbers):
        return sum(numbers)

    @task.branch
    def choose(value: int):
        return "big" if value > int(Variable.get("limit", default="5")) else "small"

    @task(retries=1, retry_delay=dt.timedelta(seconds=3))
    def flaky():
        if get_current_context()["ti"].try_number == 1:
            raise RuntimeError("fails the first time")
        return "recovered"

    @task
    def skips():
        raise AirflowSkipException("nothing to do")

    @task
    def fails():
        raise AirflowFailException("not worth a retry")

    @task
    def connects():
        connection = Connection.get("warehouse")
        return f"{connection.host}:{connection.port}"

    @task
    def lingers():
        print("started", flush=True)
        os.spawnlp(os.P_NOWAIT, "setsid", "setsid", "sleep", "600")
        time.sleep(600)

    @task
    def surroundings():
        return {"cwd": os.getcwd(), "given": os.environ.get("GIVEN"), "taken": os.environ.get("HOME"), "open_files": open_files()}

    small = BashOperator(task_id="small", bash_command="echo small {{ ds }} $GREETING", env={"GREETING": "hi"}, append_env=True)
    big = BashOperator(task_id="big", bash_command="echo big; exit 0")
    choose(total(double.expand(number=make()))) >> [small, big]
    [flaky(), skips(), fails(), connects(), lingers(), surroundings()]


def open_files() -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


ordinary()
