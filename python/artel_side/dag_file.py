"""Parsing of one DAG file, in a child of its own: its DAGs, what is wrong with it, and what it asked the server for."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import socket
import sys
import time
import traceback

from artel_side import channel, plug_ins
from artel_side.file_reads import FileReads, of_modules

WARNING = re.compile(r"(?P<file>.*?):(?P<line>\d+|None): (?P<category>[\w.]+): (?P<message>.*)", re.DOTALL)


class Asks:
    """Stands where a task has its supervisor: Variables and Connections at the top level of a file are asked of the server."""

    def __init__(self, sock: socket.socket, number: object, mark: bytes = b"A") -> None:
        from airflow.sdk.execution_time.comms import ToTask
        from pydantic import TypeAdapter

        self.sock, self.number, self.mark, self.count = sock, number, mark, 0
        self.answers = TypeAdapter(ToTask)

    def send(self, message):
        """Ask and wait, as ``CommsDecoder.send`` does."""
        from airflow.sdk.exceptions import AirflowRuntimeError

        self.count += 1
        ask = {"id": self.number, "ask": self.count, "body": message.model_dump(mode="json")}
        channel.send_json(self.sock, ask, mark=self.mark)
        answer = channel.receive_json(self.sock)
        if answer.get("error"):
            raise AirflowRuntimeError(error=self.answers.validate_python(answer["error"]))
        body = answer.get("body")
        return None if body is None else self.answers.validate_python(body)

    async def asend(self, message):
        """The same for code that runs in an event loop; a parse has nothing else to do meanwhile."""
        return self.send(message)


def parse(request: dict, asks: Asks) -> dict:
    """Everything the server stores about ``request["path"]``."""
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.sdk.execution_time import task_runner
    from airflow.utils.dag_version_inflation_checker import check_dag_file_stability

    started = time.monotonic()
    path, bundle_path = request["path"], request["bundle_path"]
    plug_ins.use_bundle(bundle_path)
    known = set(sys.modules)
    reads = FileReads(path, [bundle_path, *plug_ins.folders(bundle_path)])
    task_runner.SUPERVISOR_COMMS = asks
    stability = check_dag_file_stability(path)
    if refusal := stability.get_error_format_dict(path, bundle_path):
        return answer(request, started, dags={}, about={}, errors=refusal, warnings=[], depends_on=[])
    bag = BundleDagBag(
        dag_folder=path, bundle_path=pathlib.Path(bundle_path), bundle_name=request["bundle_name"], load_op_links=False
    )
    dags, about, errors = serialize(bag, bundle_path)
    warnings = [warning for lines in bag.captured_warnings.values() for warning in map(as_warning, lines)]
    warnings += [
        {"file": os.path.relpath(path, bundle_path), "category": warning["warning_type"], "message": warning["message"], "line": None}
        for warning in stability.get_formatted_warnings(list(dags)[:1])  # the same for each DAG of the file
    ]
    for warning in warnings:
        warning["file"] = relative(warning["file"], bundle_path)
    return answer(
        request, started, dags=dags, about=about, errors=bag.import_errors | errors, warnings=warnings,
        depends_on=reads.found(of_modules(known)),
    )


def answer(request: dict, started: float, *, dags: dict, about: dict, errors: dict, warnings: list, depends_on: list) -> dict:
    path, bundle_path = request["path"], request["bundle_path"]
    return {
        "id": request["id"],
        "dags": dags,
        "about": about,
        "source": source(path, bundle_path),
        "depends_on": depends_on,
        "import_errors": {relative(file, bundle_path): text for file, text in errors.items()},
        "warnings": warnings,
        "seconds": round(time.monotonic() - started, 3),
    }


def serialize(bag, bundle_path: str) -> tuple[dict, dict, dict]:
    """Serialized DAGs by id, what the server stores beside them, and the errors of those that cannot be serialized."""
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.decoders import decode_timetable
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.utils.file import open_maybe_zipped

    dags, about, errors = {}, {}, {}
    for dag_id, dag in bag.dags.items():
        try:
            data = DagSerialization.to_dict(dag)
            json.dumps(data, allow_nan=False)  # NaN and infinity are not JSON for anybody but Python
            data["dag"]["_processor_dags_folder"] = bundle_path
            dag_hash = SerializedDagModel.hash(without_place(data))
            timetable = plug_ins.about_timetable(decode_timetable(data["dag"]["timetable"]))
            added = {"weights": plug_ins.weights(data), "links": plug_ins.links(data, bundle_path)}
            if added := {key: value for key, value in added.items() if value}:
                data |= added
                dag_hash = hashlib.md5(json.dumps([dag_hash, added], sort_keys=True).encode()).hexdigest()
        except Exception:  # an operator's arguments may break it in any way
            errors[dag.relative_fileloc or dag.fileloc] = traceback.format_exc(limit=-2)
            continue
        dags[dag_id] = data
        about[dag_id] = {
            "dag_hash": dag_hash,
            "fileloc": dag.fileloc,
            "relative_fileloc": dag.relative_fileloc or relative(dag.fileloc, bundle_path),
            "is_paused_upon_creation": dag.is_paused_upon_creation,
            "max_active_runs": dag.max_active_runs,
            "owners": sorted({task.owner for task in dag.tasks}),
            "tags": sorted(dag.tags),
            "task_count": len(dag.tasks),
            "timetable": timetable,
        }
        if ".zip/" in dag.fileloc:
            with open_maybe_zipped(dag.fileloc, "r") as module:
                about[dag_id]["source"] = module.read()
    return dags, about, errors


def without_place(data: dict) -> dict:
    """The DAG wherever its folder is, so that equal DAGs in two versions of a bundle have equal hashes."""
    places = {"fileloc", "_processor_dags_folder"}
    return {**data, "dag": {key: value for key, value in data["dag"].items() if key not in places}}


def source(path: str, bundle_path: str) -> dict:
    """The text of a Python file, as the server shows it. An archive has only its digest; texts stand with its DAGs."""
    try:
        content = pathlib.Path(path).read_bytes()
    except OSError:
        return {}
    text = content.decode("utf-8", errors="replace") if path.endswith(".py") else None
    return {relative(path, bundle_path): {"text": text, "sha256": hashlib.sha256(content).hexdigest()}}


def as_warning(line: str) -> dict:
    found = WARNING.fullmatch(line)
    if found is None:
        return {"file": "", "category": "Warning", "message": line, "line": None}
    number = found["line"]
    return {
        "file": found["file"], "category": found["category"], "message": found["message"],
        "line": None if number == "None" else int(number),
    }


def relative(file: str, bundle_path: str) -> str:
    """``file`` as seen from the bundle, or as it is when it lies outside."""
    inside = bundle_path.rstrip(os.sep) + os.sep
    return file[len(inside) :] if file.startswith(inside) else file
