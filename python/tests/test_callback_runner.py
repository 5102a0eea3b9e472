"""Real callbacks of a real DAG file, run on the server's word."""

from __future__ import annotations

import pathlib
import uuid

import pytest

from side import Side

DAGS = pathlib.Path(__file__).parent / "dags"
RUN = {
    "dag_id": "called", "run_id": "r1", "logical_date": None, "data_interval_start": None, "data_interval_end": None,
    "run_after": "2026-01-05T00:00:00Z", "start_date": "2026-01-05T00:00:00Z", "end_date": None, "run_type": "manual",
    "state": "failed", "consumed_asset_events": [], "partition_key": None, "clear_number": 0, "conf": {}, "note": None,
}
TI = {
    "id": str(uuid.uuid4()), "dag_version_id": str(uuid.uuid4()), "dag_id": "called", "run_id": "r1", "task_id": "work", "try_number": 2,
    "map_index": -1, "queue": "default",
}


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    return tmp_path_factory.mktemp("notes") / "notes"


@pytest.fixture(scope="module")
def runner(airflow_python, airflow_environment, notes, tmp_path_factory):
    env = airflow_environment | {"CALLBACK_NOTES": str(notes)}
    with Side(airflow_python, "callback_runner", env=env, log=tmp_path_factory.mktemp("log") / "log") as side:
        yield side


def run(runner: Side, callback: dict, **more: object) -> str | None:
    base = {"filepath": "called.py", "bundle_name": "dags-folder", "bundle_version": None}
    runner.send({"id": 1, "bundle_path": str(DAGS), "callback": base | callback, **more})
    while True:
        message = runner.receive()
        if "ask" not in message:
            return message["error"]
        if message["body"]["type"] == "GetVariable":
            runner.send({"answer": message["ask"], "body": {"type": "VariableResult", "key": "who", "value": "ada"}})
        else:
            runner.send({"answer": message["ask"], "body": None})


def dag_callback(failure: bool, **more: object) -> dict:
    return {"type": "DagCallbackRequest", "dag_id": "called", "run_id": "r1", "is_failure_callback": failure, "msg": "task_failure", **more}


def test_a_dags_failure_callback_has_its_context(runner, notes):
    assert runner.hello["event"] == "ready", runner.hello
    assert run(runner, dag_callback(True, context_from_server={"dag_run": RUN, "last_ti": TI})) is None
    assert notes.read_text().splitlines()[-1] == "failed r1 task_failure work ada"
    assert run(runner, dag_callback(True)) is None
    assert notes.read_text().splitlines()[-1] == "failed r1 task_failure - ada"


def test_a_callback_that_raises_does_not_hold_up_the_next(runner, notes):
    assert run(runner, dag_callback(False)) is None
    assert notes.read_text().splitlines()[-2:] == ["succeeded r1", "second"]


@pytest.mark.parametrize("state, line", [("failed", "task failed work 2"), ("up_for_retry", "task retries work")])
def test_a_task_that_was_killed(runner, notes, state, line):
    callback = {
        "type": "TaskCallbackRequest", "ti": TI, "task_callback_type": state, "msg": "lost",
        "context_from_server": {"dag_run": RUN, "max_tries": 2, "variables": [], "connections": [], "xcom_keys_to_clear": []},
    }
    assert run(runner, callback) is None
    assert notes.read_text().splitlines()[-1] == line


def test_a_missed_deadline_is_told(runner, notes):
    context = {"dag_run": RUN, "deadline": {"id": "1", "deadline_time": "2026-01-05T00:00:00Z"}}
    for name in ("late", "late_too"):
        callback = {"type": "DeadlineCallback", "path": f"called.{name}", "kwargs": {"word": "slow"}, "context": context}
        assert run(runner, callback) is None
        assert notes.read_text().splitlines()[-1] == f"{name} slow r1"
    assert "nosuch" in run(runner, {"type": "DeadlineCallback", "path": "called.nosuch", "kwargs": {}, "context": context})


def test_what_cannot_be_run_is_told(runner, tmp_path):
    hanging = {"type": "DagCallbackRequest", "dag_id": "hanging", "run_id": "r1", "is_failure_callback": True, "msg": "x"}
    assert "did not end within 3 s" in run(runner, hanging, timeout=3)
    assert "ValidationError" in run(runner, {"type": "DagCallbackRequest"})
    (tmp_path / "called.py").write_text("from airflow.sdk import dag\n1 / 0\n")
    assert "ZeroDivisionError" in run(runner, dag_callback(True), bundle_path=str(tmp_path))
