"""What a trigger asks the server: Variables, Connections, XComs, states of other tasks; from coroutines and from threads."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import threading
from collections.abc import Callable


class Comms:
    """Stands where a task has its supervisor, for many triggers at once. ``ask`` sends a numbered question."""

    def __init__(self, ask: Callable[[int, dict], None]) -> None:
        self.ask = ask
        self.count = itertools.count(1)
        self.waiting: dict[int, asyncio.Future] = {}

    def attach(self) -> None:
        """In the event loop that answers arrive in."""
        from airflow.sdk.execution_time.comms import ToTask
        from pydantic import TypeAdapter

        self.answers = TypeAdapter(ToTask)
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()

    def send(self, message):
        """Ask and wait, as ``CommsDecoder.send`` does: also from a trigger's own coroutine, by its greenlet portal."""
        if threading.get_ident() == self.thread:
            import greenback

            return greenback.await_(self.asend(message))
        return asyncio.run_coroutine_threadsafe(self.inside(contextvars.copy_context(), message), self.loop).result()

    async def asend(self, message):
        if asyncio.get_running_loop() is not self.loop:  # a loop of the trigger's own, in another thread
            inside = self.inside(contextvars.copy_context(), message)
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(inside, self.loop))
        return await self.exchange(message)

    async def inside(self, context: contextvars.Context, message):
        """The question counts as its trigger's, though it is asked by the loop."""
        return await asyncio.create_task(self.exchange(message), context=context)

    async def exchange(self, message):
        from airflow.sdk.exceptions import AirflowRuntimeError

        number = next(self.count)
        answer = self.waiting[number] = self.loop.create_future()
        try:
            self.ask(number, message.model_dump(mode="json"))
            body, error = await answer
        finally:
            self.waiting.pop(number, None)
        if error:
            raise AirflowRuntimeError(error=self.answers.validate_python(error))
        return None if body is None else self.answers.validate_python(body)

    def answered(self, message: dict) -> None:
        future = self.waiting.get(message["answer"])
        if future is not None and not future.done():
            future.set_result((message.get("body"), message.get("error")))
