"""Retries: their delay, those that are used up, and failures that are not retried."""

import datetime as dt

from airflow.sdk import DAG, ExceptionRetryPolicy, RetryAction, RetryRule, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception=KeyError, action=RetryAction.FAIL, reason="a key will not come back"),
        RetryRule(exception=ConnectionError, action=RetryAction.RETRY, retry_delay=dt.timedelta(seconds=1), reason="sooner"),
    ]
)

with DAG("rule_retries", schedule=None, start_date=dt.datetime(2026, 1, 1), default_args={"retry_delay": dt.timedelta(seconds=3)}):

    @task(retries=3)
    def third_time(ti=None):
        if ti.try_number < 3:
            raise ValueError("not yet")
        return ti.try_number

    @task(retries=2)
    def never():
        raise ValueError("never")

    @task(retries=2, retry_delay=dt.timedelta(seconds=2), retry_exponential_backoff=2, max_retry_delay=dt.timedelta(seconds=3))
    def backing_off():
        raise ValueError("never")

    @task(retries=2)
    def fails_at_once():
        raise AirflowFailException("no retry")

    @task(retries=2)
    def skips_after_retry(ti=None):
        if ti.try_number == 1:
            raise ValueError("not yet")
        raise AirflowSkipException("not needed")

    @task(retries=2, retry_policy=POLICY)
    def policy_fails():
        raise KeyError("gone")

    @task(retries=1, retry_delay=dt.timedelta(minutes=30), retry_policy=POLICY)
    def policy_retries_sooner(ti=None):
        if ti.try_number == 1:
            raise ConnectionError("away")

    third_time(), never(), backing_off(), fails_at_once(), skips_after_retry(), policy_fails(), policy_retries_sooner()
