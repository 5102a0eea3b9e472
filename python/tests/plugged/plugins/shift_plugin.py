"""A plug-in as users write them."""

from __future__ import annotations

import time
from datetime import timedelta

from airflow.plugins_manager import AirflowPlugin
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import BaseOperatorLink
from airflow.task.priority_strategy import PriorityWeightStrategy
from airflow.timetables.base import DagRunInfo, DataInterval, Timetable


class Shifts(Timetable):
    description = "One run for each shift."

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes

    @property
    def summary(self) -> str:
        return f"every {self.minutes} min"

    def serialize(self) -> dict:
        return {"minutes": self.minutes}

    @classmethod
    def deserialize(cls, data: dict) -> Shifts:
        return cls(data["minutes"])

    def infer_manual_data_interval(self, *, run_after):
        return DataInterval(run_after - timedelta(minutes=self.minutes), run_after)

    def next_dagrun_info(self, *, last_automated_data_interval, restriction):
        if self.minutes < 0:
            time.sleep(3600)
        1 / self.minutes
        start = last_automated_data_interval.end if last_automated_data_interval else restriction.earliest
        if start is None or (restriction.latest and start > restriction.latest):
            return None
        return DagRunInfo.interval(start, start + timedelta(minutes=self.minutes))

    def generate_run_id(self, *, run_type, run_after, data_interval, **extra) -> str:
        return f"{run_type.value}__shift_{run_after:%H%M}"


class ByNeed(PriorityWeightStrategy):
    def get_weight(self, ti) -> int:
        return 100 * (7 if ti.task_id == "urgent" else ti.task.priority_weight)


def loudly(text: str) -> str:
    return f"{text.upper()}!"


class Roster(BaseOperatorLink):
    name = "Roster"
    operators = [BashOperator]

    def get_link(self, operator, *, ti_key) -> str:
        return f"https://roster.example/{ti_key.dag_id}/{ti_key.run_id}/{operator.task_id}"


class ShiftPlugin(AirflowPlugin):
    name = "shifts"
    timetables = [Shifts]
    priority_weight_strategies = [ByNeed]
    macros = [loudly]
    operator_extra_links = [Roster()]
