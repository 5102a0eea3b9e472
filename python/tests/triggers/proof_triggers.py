"""Triggers of every temper, for the trigger host's tests."""

from __future__ import annotations

import asyncio
import datetime
import os
import pathlib

from airflow.sdk import Variable
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent


class Plain(BaseTrigger):
    """A trigger with one argument that it keeps."""

    def __init__(self, value=None):
        super().__init__()
        self.value = value

    def serialize(self):
        return f"proof_triggers.{type(self).__name__}", {"value": self.value}


class Fires(Plain):
    async def run(self):
        self.log.info("about to fire %s", self.value)
        yield TriggerEvent({"given": self.value, "at": datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc)})


class Ends(Plain):
    async def run(self):
        yield TaskSuccessEvent(xcoms={"return_value": self.value})


class Breaks(Plain):
    async def run(self):
        raise RuntimeError("the trigger broke")
        yield


class Leaves(Plain):
    async def run(self):
        return
        yield


class Asks(Plain):
    async def run(self):
        by_loop = Variable.get(self.value)  # blocking, from the loop
        by_thread = await asyncio.to_thread(Variable.get, self.value)
        yield TriggerEvent([by_loop, by_thread])


class Waits(Plain):
    """Waits for ever; ``value`` is a file that tells what happened to it."""

    def note(self, text):
        with pathlib.Path(self.value).open("a") as file:
            file.write(text + "\n")

    async def run(self):
        self.note("started")
        await asyncio.sleep(3600)
        yield TriggerEvent(None)

    async def on_kill(self):
        self.note("killed")

    async def cleanup(self):
        self.note("cleaned up")


class Odd(Plain):
    async def run(self):
        yield TriggerEvent(object())


class Exits(Plain):
    async def run(self):
        os._exit(3)
        yield
