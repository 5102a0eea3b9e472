"""Runs callbacks of DAGs and of tasks that were ended from outside: code of DAG files, so each in a child of its own.

Airflow is imported once; a request is answered by a forked child that parses the file and runs the callbacks as upstream's
DAG processor does. One at a time: the child speaks on the control socket itself. Protocol: ../README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import inspect
import os
import pathlib
import select
import signal
import socket
import sys
import time
import traceback
from importlib import metadata

from artel_side import channel, plug_ins, processes
from artel_side.dag_file import Asks

DEFAULT_TIMEOUT = 60.0  # seconds


def import_airflow() -> None:
    """Import what every callback needs."""
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "client"
    import airflow.dag_processing.dagbag
    import airflow.dag_processing.processor
    import airflow.sdk.execution_time.task_runner  # noqa: F401


def run(request: dict, asks: Asks) -> str | None:
    """Parse the file and run what the request names; why it could not be, if so. A callback that raises is only logged."""
    import structlog
    from airflow.callbacks.callback_requests import CallbackRequest
    from airflow.dag_processing import processor
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.sdk.execution_time import task_runner
    from pydantic import TypeAdapter

    task_runner.SUPERVISOR_COMMS = asks
    plug_ins.use_bundle(request["bundle_path"])
    if request["callback"].get("type") == "DeadlineCallback":
        return missed_deadline(request["callback"], request["bundle_path"])
    wanted = TypeAdapter(CallbackRequest).validate_python(request["callback"])
    path = os.path.join(request["bundle_path"], wanted.filepath)
    bag = BundleDagBag(
        dag_folder=path, bundle_path=pathlib.Path(request["bundle_path"]), bundle_name=wanted.bundle_name, load_op_links=False
    )
    if bag.import_errors:
        return "the DAG file cannot be imported: " + "\n".join(bag.import_errors.values())
    processor._execute_callbacks(bag, [wanted], structlog.get_logger("callbacks"))
    return None


def missed_deadline(callback: dict, bundle_path: str) -> str | None:
    """Call what a DeadlineAlert names, a function or a coroutine function (triggers/callback.py, callback_supervisor.py)."""
    from airflow.sdk._shared.module_loading import accepts_context, import_string

    sys.path.insert(0, bundle_path)
    called = import_string(callback["path"])
    context = {"context": callback["context"]} if accepts_context(called) else {}
    result = called(**callback["kwargs"], **context)
    if inspect.isawaitable(result):
        asyncio.run(finish(result))
    return None


async def finish(awaitable) -> None:
    await awaitable


class Runner:
    """Forks a child for each request and keeps its time."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control

    def serve(self) -> None:
        """Answer until the server closes the control socket."""
        try:
            while True:
                self.request(channel.receive_json(self.control))
        except channel.Closed:
            pass

    def request(self, message: dict) -> None:
        reader, writer = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            self.become_child(message, writer, parent)
        os.close(writer)
        why = self.wait(pid, reader, float(message.get("timeout") or DEFAULT_TIMEOUT))
        os.close(reader)
        channel.send_json(self.control, {"id": message["id"], "error": why})

    def become_child(self, message: dict, writer: int, parent: int) -> None:
        """In the child: run, leave word of what went wrong. Never returns."""
        try:
            channel.own_session()
            channel.die_with_parent(parent)
            channel.after_fork()
            why = run(message, Asks(self.control, message["id"], mark=b""))
            os.write(writer, (why or "").encode()[:4096] or b"\0")
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
        except BaseException:  # nothing may run on into the parent's loop
            os.write(writer, traceback.format_exc(limit=-3).encode()[-4096:])
        finally:
            os._exit(1)

    def wait(self, pid: int, reader: int, timeout: float) -> str | None:
        """What the child said, or how it ended when it said nothing; with it ends what it started."""
        ready, _, _ = select.select([reader], [], [], timeout)
        said = os.read(reader, 4096) if ready else b""
        processes.kill_group(pid)
        _, status = os.waitpid(pid, 0)
        if said:
            return None if said == b"\0" else said.decode(errors="replace")
        code = os.waitstatus_to_exitcode(status)
        if not ready:
            return f"the callbacks did not end within {timeout:g} s and were stopped"
        return f"the process of the callbacks was killed by {signal.Signals(-code).name}" if code < 0 else f"it ended with status {code}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="artel_side.callback_runner")
    parser.add_argument("--control", default="fd:0", help="fd:N or the path of a Unix socket")
    arguments = parser.parse_args()
    started = time.monotonic()
    channel.own_session()
    control = channel.connect(arguments.control)
    try:
        import_airflow()
    except Exception as error:  # whatever is wrong with the environment, the server has to hear of it
        channel.send_json(control, channel.failed(error))
        sys.exit(1)
    gc.collect()
    gc.freeze()
    channel.send_json(control, channel.ready(started, {"apache-airflow-core": metadata.version("apache-airflow-core")}))
    Runner(control).serve()


if __name__ == "__main__":
    main()
