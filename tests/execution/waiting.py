"""Tasks that wait in every way there is."""

from __future__ import annotations

import datetime
import pathlib

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.sdk import BaseOperator, dag, task
from airflow.triggers.base import StartTriggerArgs

FOLDER = pathlib.Path(__file__).parent


class Waits(BaseOperator):
    """Goes on when a file is there and returns what is in it."""

    def execute(self, context):
        from waiting_trigger import FileArrives

        self.defer(trigger=FileArrives(str(FOLDER / "arrived.txt")), method_name="arrived", kwargs={"began": datetime.datetime.now(datetime.timezone.utc)})

    def arrived(self, context, event, began):
        assert began < datetime.datetime.now(datetime.timezone.utc)
        print("it has arrived")
        return event["text"]


class StartsWaiting(BaseOperator):
    """Has no process before its trigger has fired."""

    template_fields = ("path",)
    start_from_trigger = True

    def __init__(self, *, path, **kwargs):
        super().__init__(**kwargs)
        self.path = path
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls="waiting_trigger.FileArrives", trigger_kwargs={"path": path}, next_method="arrived", next_kwargs=None,
        )

    def execute(self, context):
        raise AssertionError("this is not to be called")

    def arrived(self, context, event):
        return event["text"]


@dag(schedule=None)
def waiting():
    @task.sensor(poke_interval=1, timeout=60, mode="reschedule")
    def looks():
        print("looking")
        return (FOLDER / "arrived.txt").exists()

    @task.sensor(poke_interval=1, timeout=60)
    def pokes():
        return (FOLDER / "arrived.txt").exists()

    @task(retries=0, execution_timeout=datetime.timedelta(seconds=2))
    def too_long():
        import time

        time.sleep(60)

    Waits(task_id="waits")
    StartsWaiting(task_id="starts_waiting", path=str(FOLDER) + "/{{ dag.dag_id }}.txt")
    DateTimeSensorAsync(task_id="until", target_time="{{ dag_run.run_after + macros.timedelta(seconds=3) }}")
    TimeDeltaSensor(task_id="delta", delta=datetime.timedelta(seconds=2), deferrable=True)
    ApprovalOperator(task_id="approval", subject="go on?")
    looks()
    pokes()
    too_long()


waiting()
