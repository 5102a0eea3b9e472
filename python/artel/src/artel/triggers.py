"""The waiting side of a deferred sensor."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk.bases.hook import BaseHook
from airflow.triggers.base import BaseTrigger, TriggerEvent


class ModelAliasTrigger(BaseTrigger):
    """Fires when an alias names a version other than ``other_than``."""

    def __init__(self, name: str, alias: str, other_than: str | None, poll_interval: float, mlflow_conn_id: str | None) -> None:
        super().__init__()
        self.name, self.alias, self.other_than = name, alias, other_than
        self.poll_interval, self.mlflow_conn_id = poll_interval, mlflow_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        given = {
            "name": self.name,
            "alias": self.alias,
            "other_than": self.other_than,
            "poll_interval": self.poll_interval,
            "mlflow_conn_id": self.mlflow_conn_id,
        }
        return "artel.triggers.ModelAliasTrigger", given

    async def run(self) -> AsyncIterator[TriggerEvent]:
        while True:
            try:
                version = await self.version()
            except Exception as error:  # whatever it is, the task has to hear of it
                yield TriggerEvent({"error": f"cannot look for {self.name}@{self.alias}: {error}"})
                return
            if version is not None:
                yield TriggerEvent({"version": version})
                return
            await asyncio.sleep(self.poll_interval)

    async def version(self) -> str | None:
        """The trigger host serves many servers at a time, so nothing is set for the whole process: one request is made."""
        from artel import server

        if self.mlflow_conn_id is None:
            where = dict(os.environ)
        else:
            where = server.variables(await BaseHook.aget_connection(self.mlflow_conn_id))
        found = await asyncio.to_thread(server.alias, where, self.name, self.alias)
        return None if found == self.other_than else found
