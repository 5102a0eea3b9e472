"""One asyncio process that runs the triggers of deferred tasks.

Triggers are Airflow's: imported by their class path, run as asynchronous generators until they fire. This process keeps no
state that matters: when it dies, the server starts it again and hands every trigger over once more. Protocol: ../README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextvars
import json
import os
import queue
import sys
import threading
import time
import traceback
from importlib import metadata

from artel_side import channel
from artel_side.trigger_code import Code
from artel_side.trigger_comms import Comms

ON_KILL_SECONDS = 30.0  # upstream's [triggerer] on_kill_timeout
BLOCKED_SECONDS = 2.0  # a trigger that holds the loop longer than this is complained about
USER_ACTION = "somebody acted on the task"

current_trigger: contextvars.ContextVar[str | None] = contextvars.ContextVar("current_trigger", default=None)


def import_airflow() -> None:
    """Import what every trigger needs."""
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "client"
    import airflow.providers.standard.triggers.temporal
    import airflow.sdk.execution_time.task_runner
    import airflow.sdk.serde
    import airflow.serialization.decoders
    import airflow.serialization.serialized_objects
    import airflow.triggers.base  # noqa: F401


class Lines:
    """Where Airflow's logging writes its JSON lines: those of a trigger go into its task's log, the rest to stderr."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def write(self, text: str | bytes) -> int:
        lines = text.decode(errors="replace") if isinstance(text, bytes) else text
        for line in lines.splitlines():
            self.put(line)
        return len(text)

    def put(self, line: str) -> None:
        try:
            trigger = json.loads(line).get("trigger_id")
        except (ValueError, AttributeError):
            trigger = None
        if trigger is None:
            print(line, file=sys.stderr, flush=True)
        else:
            self.host.tell({"event": "log", "id": trigger, "line": line})

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


class Host:
    """Runs triggers and tells the server what becomes of them. ``tasks`` maps the server's ids to running ones."""

    def __init__(self, control) -> None:
        self.control = control
        self.tasks: dict[str, asyncio.Task] = {}
        self.outgoing: queue.SimpleQueue[dict] = queue.SimpleQueue()
        threading.Thread(target=self.write, name="write", daemon=True).start()
        self.comms = Comms(self.ask)
        self.code = Code()

    def tell(self, message: dict) -> None:
        """Send a frame, from whichever thread, without waiting for a server that is slow to read."""
        self.outgoing.put(message)

    def write(self) -> None:
        try:
            while True:
                channel.send_json(self.control, self.outgoing.get())
        except channel.Closed:
            pass  # the process is ended for it

    def ask(self, number: int, body: dict) -> None:
        self.tell({"ask": number, "id": current_trigger.get(), "body": body})

    async def serve(self, hello: dict) -> None:
        """Answer until the server closes the control socket; the thread that reads it ends the process then."""
        from airflow.sdk.execution_time import task_runner
        from airflow.sdk.log import configure_logging

        configure_logging(json_output=True, output=Lines(self))
        self.comms.attach()
        task_runner.SUPERVISOR_COMMS = self.comms
        self.streams = shared_streams()
        self.loop = asyncio.get_running_loop()
        threading.Thread(target=self.read, name="read", daemon=True).start()
        self.tell(hello)
        await complain_when_blocked()

    def read(self) -> None:
        try:
            while True:
                self.loop.call_soon_threadsafe(self.take, channel.receive_json(self.control))
        except (channel.Closed, ConnectionResetError):
            os._exit(0)

    def take(self, message: dict) -> None:
        if "answer" in message:
            self.comms.answered(message)
        elif message.get("op") == "run":
            self.start(message)
        elif message.get("op") == "stored":
            self.streams.confirm_persisted([message["sequence"]])
        elif message.get("op") == "cancel":
            if task := self.tasks.get(message["id"]):
                task.cancel(USER_ACTION if message.get("kill") else None)
        else:
            print(f"unknown message {message}", file=sys.stderr, flush=True)

    def start(self, wanted: dict) -> None:
        number = wanted["id"]
        if number in self.tasks:
            return
        task = asyncio.create_task(self.run(wanted), name=f"trigger {number}")
        self.tasks[number] = task
        task.add_done_callback(lambda _: self.tasks.pop(number, None))

    async def run(self, wanted: dict) -> None:
        """From its class path to its end; everything that goes wrong on the way fails the trigger, and it alone."""
        import greenback
        import structlog

        number = wanted["id"]
        current_trigger.set(number)
        structlog.contextvars.clear_contextvars()
        watches = wanted.get("watches")
        if watches is None:
            ti = wanted["ti"]
            names = ("dag_id", "task_id", "run_id", "try_number", "map_index")
            structlog.contextvars.bind_contextvars(trigger_id=number, ti_id=ti["id"], **{name: ti[name] for name in names})
        else:
            structlog.contextvars.bind_contextvars(watches=",".join(watches))
        try:
            await greenback.ensure_portal()  # lets a trigger call the SDK's blocking functions
            trigger, context = self.build(wanted)
            if watches is None:
                await self.drive(number, trigger, context)
            else:
                await self.watch(number, trigger)
        except asyncio.CancelledError:
            self.tell({"event": "stopped", "id": number})
        except BaseException as error:  # a trigger may fail in any way, and must not take its neighbours along
            structlog.get_logger("trigger").exception("Trigger failed", error=str(error))
            lines = traceback.format_exception(type(error), error, error.__traceback__)
            self.tell({"event": "failed", "id": number, "traceback": lines})

    def build(self, wanted: dict):
        """The trigger, and the template context where its task started from it (triggerer_job_runner.py `create_triggers`)."""
        from airflow.sdk.serde import deserialize
        from airflow.serialization.decoders import smart_decode_trigger_kwargs

        made = self.code.class_of(wanted["classpath"], wanted.get("path"))
        arguments = {name: smart_decode_trigger_kwargs(value) for name, value in decode(deserialize, wanted["kwargs"]).items()}
        trigger = made(**arguments)
        trigger.trigger_id = wanted["id"]
        context = None
        if wanted.get("watches") is not None:
            trigger.asset_state_store = asset_state(wanted["watches"])
        elif wanted.get("dag") is None:
            trigger.task_instance = task_instance(wanted["ti"])
        else:
            runtime = runtime_task_instance(wanted)
            context = runtime.get_template_context()
            trigger.task_instance = runtime
        return trigger, context

    async def drive(self, number: str, trigger, context) -> None:
        """Run it to its first event: the task goes on then, and what the trigger might say later interests nobody."""
        import structlog

        log = structlog.get_logger("trigger")
        fired = False
        try:
            if context is not None:
                trigger.render_template_fields(context=context)
            log.info("Trigger starting", trigger=type(trigger).__name__)
            async for event in trigger.run():
                log.info("Trigger fired event", result=repr(event))
                self.tell({"id": number, **told(event)})
                fired = True
                break
        except asyncio.CancelledError as error:
            if error.args and error.args[0] == USER_ACTION:
                await on_kill(trigger, log)
            raise
        finally:
            try:
                await trigger.cleanup()
            except Exception:
                log.exception("Trigger could not clean up")
        if not fired:
            log.error("Trigger exited without sending an event")
            self.tell({"event": "failed", "id": number, "traceback": None})


    async def watch(self, number: str, trigger) -> None:
        """Run a watcher's trigger to its end: every event is news of what it watches (`TriggerRunner.run_trigger`)."""
        import structlog

        log = structlog.get_logger("trigger")
        log.info("Watcher starting", trigger=type(trigger).__name__)
        key = trigger.shared_stream_key()
        try:
            if key is None:
                events = trigger.run()
            else:  # several watchers read from one stream
                events = trigger.filter_shared_stream(self.streams.subscribe(trigger_id=number, trigger=trigger, key=key))
            async for event in events:
                json.dumps(event.payload, allow_nan=False)
                sequence = None if key is None else self.streams.bind_pending_event(trigger_id=number, key=key)
                self.tell({"event": "news", "id": number, "payload": event.payload, "sequence": sequence})
        finally:
            if key is not None:
                await self.streams.unsubscribe(number, key)
            try:
                await trigger.cleanup()
            except Exception:
                log.exception("Trigger could not clean up")
        self.tell({"event": "finished", "id": number})


def shared_streams():
    """Upstream's manager of streams that several watchers read from, with upstream's settings."""
    from airflow.configuration import conf
    from airflow.triggers.shared_stream import SharedStreamManager

    return SharedStreamManager(
        max_subscriber_queue=conf.getint("triggerer", "shared_stream_subscriber_queue_size"),
        ack_timeout=conf.getfloat("triggerer", "shared_stream_ack_timeout"),
        cohort_grace_period=conf.getfloat("triggerer", "shared_stream_cohort_grace_period"),
    )


def asset_state(watches: dict[str, str]):
    """What a watcher keeps with its assets."""
    from airflow.sdk import Asset
    from airflow.sdk.execution_time.context import AssetStateStoreAccessors

    return AssetStateStoreAccessors(inlets=[Asset(name=name, uri=uri) for name, uri in watches.items()])


async def on_kill(trigger, log) -> None:
    log.info("Trigger cancelled by user action, invoking on_kill")
    try:
        await asyncio.wait_for(trigger.on_kill(), ON_KILL_SECONDS)
    except Exception:
        log.exception("on_kill did not succeed")


def decode(deserialize, kwargs: dict) -> dict:
    """Arguments as a task serialized them, or as a DAG was serialized with them (models/trigger.py `_decrypt_kwargs`)."""
    from airflow.serialization.serialized_objects import BaseSerialization

    try:
        return deserialize(kwargs)
    except (ImportError, KeyError, AttributeError, TypeError):
        return BaseSerialization.deserialize(kwargs)


def told(event) -> dict:
    """What the server is told of an event: a payload for the task to go on with, or how the task ends."""
    from airflow.sdk.serde import serialize
    from airflow.triggers.base import BaseTaskEndEvent

    if isinstance(event, BaseTaskEndEvent):
        return {"event": "ended", "state": str(event.task_instance_state.value), "xcoms": event.xcoms or {}}
    try:
        payload = serialize(event.payload)
        json.dumps(payload, allow_nan=False)
    except Exception as error:  # upstream fails the task with this message too (models/trigger.py `handle_event_submit`)
        reason = f"Could not resume the task: the event payload could not be serialized ({type(error).__name__}: {error})"
        return {"event": "failed", "error": reason, "traceback": traceback.format_exception(error)}
    return {"event": "fired", "payload": payload}


def task_instance(ti: dict):
    from airflow.executors.workloads.task import TaskInstanceDTO

    return TaskInstanceDTO.model_validate(ti)


def runtime_task_instance(wanted: dict):
    """What templates of a task that starts from its trigger are rendered with (`TriggerRunner.create_runtime_ti`)."""
    from airflow.sdk.api.datamodels._generated import DagRun, TIRunContext
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    from airflow.serialization.serialized_objects import DagSerialization

    task = DagSerialization.from_dict(wanted["dag"]).get_task(wanted["ti"]["task_id"])
    run = DagRun.model_validate(wanted["dag_run"])
    context = TIRunContext.model_construct(dag_run=run, max_tries=task.retries)
    given = task_instance(wanted["ti"]).model_dump(exclude_unset=True)
    return RuntimeTaskInstance.model_construct(**given, task=task, _ti_context_from_server=context)


async def complain_when_blocked() -> None:
    """A trigger that does not give the loop back holds up every other one: say so."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.5)
        blocked = time.monotonic() - before - 0.5
        if blocked > BLOCKED_SECONDS:
            print(f"the triggers' event loop was blocked for {blocked:.1f} s by one of them", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="artel_side.trigger_host")
    parser.add_argument("--control", default="fd:0", help="fd:N or the path of a Unix socket")
    parser.add_argument("--path", action="append", default=[], help="a folder that triggers may be imported from")
    arguments = parser.parse_args()
    started = time.monotonic()
    channel.own_session()
    control = channel.connect(arguments.control)
    channel.exit_on_hangup(control)
    sys.path.extend(arguments.path)
    try:
        import_airflow()
    except Exception as error:  # whatever is wrong with the environment, the server has to hear of it
        channel.send_json(control, channel.failed(error))
        sys.exit(1)
    names = ("apache-airflow-core", "apache-airflow-task-sdk", "apache-airflow-providers-standard")
    hello = channel.ready(started, {name: metadata.version(name) for name in names})
    asyncio.run(Host(control).serve(hello))


if __name__ == "__main__":
    main()
