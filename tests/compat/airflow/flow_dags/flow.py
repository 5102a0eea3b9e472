"""What the published client drives in client_flows.py."""

import datetime as dt

from airflow.sdk import DAG, Param, Variable, task

with DAG("flow", schedule=None, start_date=dt.datetime(2026, 1, 1), tags=["flow"], params={"count": Param(2, type="integer", minimum=1)}):

    @task
    def numbers(params=None):
        print(f"counting to {params['count']}")
        return list(range(params["count"]))

    @task
    def double(number):
        return number * 2

    @task(pool="narrow")
    def judge(values):
        verdict = Variable.get("verdict", "guilty")
        print(f"the verdict is {verdict}")
        if verdict == "guilty":
            raise ValueError("guilty")
        return sum(values)

    @task
    def last():
        pass

    judge(double.expand(number=numbers())) >> last()

with DAG("flow_daily", schedule="@daily", start_date=dt.datetime(2026, 1, 1), catchup=False):

    @task
    def day(logical_date=None, dag_run=None):
        return [f"{logical_date:%Y-%m-%d}", dag_run.conf]

    day()
