"""Tasks that misbehave, and what has to go on beside them."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time

from airflow.sdk import dag, task

FOLDER = pathlib.Path(__file__).parent


def noted(context):
    with (FOLDER / "noted.txt").open("a") as file:
        file.write(f"{context['dag'].dag_id} {context['run_id']} {context['reason']}\n")


@dag(schedule=None, on_failure_callback=noted)
def contained():
    @task
    def hog():
        return len(bytearray(8 << 30))

    @task
    def loud():
        for _ in range(100):
            sys.stdout.write("x" * (1 << 20) + "\n")

    @task
    def large():
        return "x" * (50 << 20)

    @task
    def measures(text):
        return len(text)

    @task
    def stubborn():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ignore = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(611)"
        subprocess.Popen([sys.executable, "-c", ignore], start_new_session=True)
        if os.fork() == 0:
            time.sleep(612)
        (FOLDER / "stubborn.txt").touch()
        time.sleep(613)

    hog(), loud(), stubborn()
    measures(large())


@dag(schedule=None, on_success_callback=noted)
def stock():
    @task(queue="stock", retries=1)
    def works(ti=None):
        from airflow.sdk import Variable

        Variable.set("told_by", "a stock worker")
        ti.xcom_push(key="more", value={"n": [1, 2]})
        return ti.try_number

    works()


contained()
stock()
