"""A supervisor outside Airflow: speaks the task runner's msgpack protocol and keeps the server's state in memory.

It stands for the Rust supervisor in these tests and records what is said for PROTOCOL.md.
"""

from __future__ import annotations

import array
import datetime as dt
import json
import socket
import struct
import threading
import uuid

import msgpack

from side import PATIENCE, Side


def now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


class State:
    """Variables, XComs and what tasks said about themselves."""

    def __init__(self, variables: dict[str, str] | None = None) -> None:
        self.variables = dict(variables or {})
        self.connections: dict[str, dict] = {}
        self.xcoms: dict[tuple, object] = {}
        self.rendered: dict[str, dict] = {}
        self.skipped: dict[str, list] = {}

    def answer(self, body: dict) -> dict | None:
        """The response body to one request; None is the empty answer that plain writes get."""
        kind = body["type"]
        handler = getattr(self, kind, None)
        if handler is None:
            return error("GENERIC_ERROR", message=f"no answer for {kind}")
        return handler(body)

    def GetVariable(self, body: dict) -> dict:  # noqa: N802, the names are the protocol's
        if body["key"] not in self.variables:
            return error("VARIABLE_NOT_FOUND", key=body["key"])
        return {"type": "VariableResult", "key": body["key"], "value": self.variables[body["key"]]}

    def PutVariable(self, body: dict) -> None:  # noqa: N802
        self.variables[body["key"]] = body["value"]

    def DeleteVariable(self, body: dict) -> dict:  # noqa: N802
        return {"type": "OKResponse", "ok": self.variables.pop(body["key"], None) is not None}

    def GetVariableKeys(self, body: dict) -> dict:  # noqa: N802
        keys = sorted(key for key in self.variables if key.startswith(body.get("prefix") or ""))
        page = keys[body["offset"] : body["offset"] + body["limit"]]
        return {"type": "VariableKeysResult", "keys": page, "total_entries": len(keys)}

    def GetConnection(self, body: dict) -> dict:  # noqa: N802
        if body["conn_id"] not in self.connections:
            return error("CONNECTION_NOT_FOUND", conn_id=body["conn_id"])
        return {"type": "ConnectionResult", **self.connections[body["conn_id"]]}

    def GetXCom(self, body: dict) -> dict:  # noqa: N802
        found = self.xcoms.get(place(body, body.get("map_index")))
        return {"type": "XComResult", "key": body["key"], "value": found}

    def GetXComCount(self, body: dict) -> dict:  # noqa: N802
        return {"type": "XComCountResponse", "len": len(self.mapped(body))}

    def GetXComSequenceItem(self, body: dict) -> dict:  # noqa: N802
        values = self.mapped(body)
        if not -len(values) <= body["offset"] < len(values):
            return error("XCOM_NOT_FOUND", offset=body["offset"])
        return {"type": "XComSequenceIndexResult", "root": values[body["offset"]]}

    def GetXComSequenceSlice(self, body: dict) -> dict:  # noqa: N802
        values = self.mapped(body)[body["start"] : body["stop"] : body["step"]]
        return {"type": "XComSequenceSliceResult", "root": values}

    def SetXCom(self, body: dict) -> None:  # noqa: N802
        self.xcoms[place(body, body.get("map_index"))] = body["value"]

    def DeleteXCom(self, body: dict) -> None:  # noqa: N802
        self.xcoms.pop(place(body, body.get("map_index")), None)

    def SetRenderedFields(self, body: dict) -> None:  # noqa: N802
        self.rendered["last"] = body["rendered_fields"]

    def SetRenderedMapIndex(self, body: dict) -> None:  # noqa: N802
        self.rendered["map_index"] = body["rendered_map_index"]

    def SkipDownstreamTasks(self, body: dict) -> None:  # noqa: N802
        self.skipped["last"] = body["tasks"]

    def ValidateInletsAndOutlets(self, body: dict) -> dict:  # noqa: N802
        return {"type": "InactiveAssetsResult", "inactive_assets": []}

    def GetPrevSuccessfulDagRun(self, body: dict) -> dict:  # noqa: N802
        return {"type": "PrevSuccessfulDagRunResult"}

    def GetTICount(self, body: dict) -> dict:  # noqa: N802
        return {"type": "TICount", "count": 0}

    def MaskSecret(self, body: dict) -> None:  # noqa: N802
        return None

    def mapped(self, body: dict) -> list:
        """The values of all map indexes, the unmapped -1 too: ``xcom_pull`` without map_indexes reads by slice."""
        wanted = place(body, None)[:4]
        return [self.xcoms[key] for key in sorted(self.xcoms) if key[:4] == wanted]


FINAL = {"SucceedTask", "RetryTask", "DeferTask", "RescheduleTask", "AwaitInputTask", "TaskState"}


class Outcome:
    """What one try of a task came to."""

    def __init__(self) -> None:
        self.said: list[dict] = []
        self.answered: list[dict | None] = []
        self.final: dict | None = None
        self.exit: dict = {}
        self.stdout = self.stderr = self.logs = b""

    def state(self, should_retry: bool) -> str:
        """The task's state by the stock supervisor's rule."""
        if self.exit["code"] == 0:
            return self.final["state"] if self.final else "success"
        return "up_for_retry" if should_retry else "failed"

    def log_lines(self) -> list[dict]:
        return [json.loads(line) for line in self.logs.splitlines()]


class Supervisor:
    """Runs tasks through one zygote, one at a time or many at once from several threads."""

    def __init__(self, zygote: Side, state: State, bundle: str) -> None:
        self.zygote, self.state, self.bundle = zygote, state, bundle

    def run(self, dag_id: str, task_id: str, file: str, *, try_number: int = 1, max_tries: int = 0,
            map_index: int = -1, on_start=None, **fork: object) -> Outcome:
        """One try of one task, from the fork to its exit."""
        pairs = [socket.socketpair() for _ in range(4)]
        task = str(uuid.uuid7() if hasattr(uuid, "uuid7") else uuid.uuid4())
        self.fork({"op": "fork", "id": task, **fork}, [pair[1] for pair in pairs])
        started = self.zygote.receive()
        assert started["event"] == "started", started
        requests, *outputs = [pair[0] for pair in pairs]
        outcome = Outcome()
        readers = [Reader(sock) for sock in outputs]
        details = startup_details(task, dag_id, task_id, file, self.bundle, try_number, max_tries, map_index)
        write(requests, [0, details])
        outcome.answered.append(details)
        if on_start:
            threading.Thread(target=on_start, args=(started["pid"],), daemon=True).start()
        self.converse(requests, outcome)
        outcome.exit = self.zygote.receive()
        outcome.stdout, outcome.stderr, outcome.logs = (reader.finish() for reader in readers)
        assert outcome.exit["event"] == "exited" and outcome.exit["id"] == task, outcome.exit
        return outcome

    def fork(self, request: dict, sockets: list[socket.socket]) -> None:
        payload = json.dumps(request).encode()
        fds = array.array("i", [sock.fileno() for sock in sockets])
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
        self.zygote.control.sendmsg([struct.pack(">I", len(payload)) + payload], rights)
        for sock in sockets:
            sock.close()

    def converse(self, requests: socket.socket, outcome: Outcome) -> None:
        """Answer until the task closes its end."""
        requests.settimeout(PATIENCE)
        with requests, requests.makefile("rb") as stream:
            while head := read_head(stream):
                frame = msgpack.unpackb(stream.read(struct.unpack(">I", head)[0]), timestamp=3)
                number, body = frame[0], frame[1]
                outcome.said.append(body)
                if body["type"] in FINAL:
                    outcome.final, answer = body, None
                else:
                    answer = self.state.answer(body)
                outcome.answered.append(answer)
                write(requests, [number, answer, None])


class Reader(threading.Thread):
    """Collects one of the task's output sockets to its end."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(daemon=True)
        self.sock, self.data = sock, b""
        self.start()

    def run(self) -> None:
        with self.sock:
            while more := self.sock.recv(65536):
                self.data += more

    def finish(self) -> bytes:
        self.join(PATIENCE)
        assert not self.is_alive(), "the task's output was not closed after its exit"
        return self.data


def read_head(stream) -> bytes:
    """The next frame's length, or nothing when the task is gone."""
    try:
        return stream.read(4)
    except ConnectionResetError:
        return b""


def write(sock: socket.socket, frame: list) -> None:
    payload = msgpack.packb(frame, datetime=True)
    sock.sendall(struct.pack(">I", len(payload)) + payload)


def place(body: dict, map_index: int | None) -> tuple:
    return body["dag_id"], body["run_id"], body["task_id"], body["key"], -1 if map_index is None else map_index


def error(kind: str, **detail: object) -> dict:
    return {"type": "ErrorResponse", "error": kind, "detail": detail}


def startup_details(task: str, dag_id: str, task_id: str, file: str, bundle: str,
                    try_number: int, max_tries: int, map_index: int) -> dict:
    moment = now()
    run_id = "manual__2026-01-01T00:00:00+00:00"
    dag_run = {
        "dag_id": dag_id, "run_id": run_id, "logical_date": moment, "data_interval_start": moment,
        "data_interval_end": moment, "run_after": moment, "start_date": moment, "end_date": None,
        "run_type": "manual", "state": "running", "conf": {}, "consumed_asset_events": [], "partition_key": None,
    }
    return {
        "type": "StartupDetails",
        "ti": {
            "id": task, "task_id": task_id, "dag_id": dag_id, "run_id": run_id, "try_number": try_number,
            "dag_version_id": str(uuid.uuid4()), "map_index": map_index,
        },
        "dag_rel_path": file,
        "bundle_info": {"name": bundle, "version": None},
        "start_date": moment,
        "ti_context": {
            "dag_run": dag_run, "max_tries": max_tries, "task_reschedule_count": 0, "xcom_keys_to_clear": [],
            "should_retry": max_tries != 0 and try_number <= max_tries,
        },
        "sentry_integration": "",
    }
