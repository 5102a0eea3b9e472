"""DAGs with callbacks that write down that they were called."""

from __future__ import annotations

import os
import pathlib
import time

from airflow.sdk import DAG, Variable, task


def note(text):
    with pathlib.Path(os.environ["CALLBACK_NOTES"]).open("a") as file:
        file.write(text + "\n")


def failed(context):
    note(f"failed {context['run_id']} {context['reason']} {context['ti'].task_id if 'ti' in context else '-'} {Variable.get('who')}")


def succeeded(context):
    note(f"succeeded {context['run_id']}")
    raise RuntimeError("the callback broke")


def second(context):
    note("second")


def task_failed(context):
    note(f"task failed {context['ti'].task_id} {context['ti'].try_number}")


def task_retries(context):
    note(f"task retries {context['ti'].task_id}")


def late(word, context):
    note(f"late {word} {context['dag_run']['run_id']}")


async def late_too(word, **kwargs):
    note(f"late_too {word} {kwargs['context']['dag_run']['run_id']}")


def hang(context):
    time.sleep(3600)


with DAG("called", schedule=None, on_failure_callback=failed, on_success_callback=[succeeded, second]):

    @task(on_failure_callback=task_failed, on_retry_callback=task_retries)
    def work():
        pass

    work()

with DAG("hanging", schedule=None, on_failure_callback=hang):

    @task
    def work():
        pass

    work()
