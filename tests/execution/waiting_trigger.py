"""A trigger of a user's own."""

from __future__ import annotations

import asyncio
import pathlib

from airflow.sdk import Variable
from airflow.triggers.base import BaseTrigger, TriggerEvent


class FileArrives(BaseTrigger):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def serialize(self):
        return "waiting_trigger.FileArrives", {"path": self.path}

    async def run(self):
        self.log.info("waiting for %s, said the variable %s", self.path, Variable.get("word"))
        while not pathlib.Path(self.path).exists():
            await asyncio.sleep(0.1)
        yield TriggerEvent({"text": pathlib.Path(self.path).read_text()})
