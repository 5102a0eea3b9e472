"""Waiting for an alias."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException

from artel import server
from artel.triggers import ModelAliasTrigger


class ModelAliasSensor(BaseSensorOperator):
    """Wait until an alias of a registered model names a version, and return it.

    :param other_than: a version that does not count: waits until the alias names another one
    :param deferrable: wait in the trigger host, without a slot
    """

    template_fields: Sequence[str] = ("name", "alias", "other_than")
    ui_color = "#d6e7e5"

    def __init__(
        self,
        *,
        name: str,
        alias: str = "champion",
        other_than: str | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        mlflow_conn_id: str | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.name, self.alias, self.other_than = name, alias, other_than
        self.deferrable, self.mlflow_conn_id = deferrable, mlflow_conn_id

    def poke(self, context) -> PokeReturnValue:
        server.use(self.mlflow_conn_id)
        version = server.alias(dict(os.environ), self.name, self.alias)
        return PokeReturnValue(is_done=version is not None and version != self.unwanted(), xcom_value=version)

    def unwanted(self) -> str | None:
        return None if self.other_than is None else str(self.other_than)

    def execute(self, context):
        if not self.deferrable:
            return super().execute(context)
        done = self.poke(context)
        if done.is_done:
            return done.xcom_value
        trigger = ModelAliasTrigger(self.name, self.alias, self.unwanted(), self.poke_interval, self.mlflow_conn_id)
        self.defer(trigger=trigger, method_name="resume", timeout=datetime.timedelta(seconds=self.timeout))

    def resume(self, context, event: dict) -> str:
        if error := event.get("error"):
            raise AirflowException(error)
        return event["version"]
