"""Real triggers in the trigger host, with a server of a few lines."""

from __future__ import annotations

import itertools
import json
import pathlib
import time
import uuid

import pytest

from side import PATIENCE, Side

FOLDER = pathlib.Path(__file__).parent / "triggers"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("log") / "host.log"


@pytest.fixture(scope="module")
def host(airflow_python, airflow_environment, log):
    with Side(airflow_python, "trigger_host", "--path", str(FOLDER), env=airflow_environment, log=log) as side:
        yield side


def run(host: Side, name: str, value: object = None, *, classpath: str = "", **more: object) -> str:
    number = f"trigger-{next(numbers)}"
    ti = {
        "id": str(uuid.uuid4()), "dag_version_id": str(uuid.uuid4()), "dag_id": "d", "run_id": "r", "task_id": "t", "try_number": 1,
        "map_index": -1, "pool_slots": 1, "queue": "default", "priority_weight": 1,
    }
    kwargs = {"value": value} if not classpath else value
    host.send({"op": "run", "id": number, "classpath": classpath or f"proof_triggers.{name}", "kwargs": kwargs, "ti": ti, **more})
    return number


def outcome(host: Side, number: str, answers: dict | None = None) -> tuple[dict, list[str]]:
    """How the trigger ended, and what it logged; its questions are answered from ``answers``."""
    lines = []
    while True:
        message = host.receive()
        if "ask" in message:
            assert message["id"] == number
            body = message["body"]
            host.send({"answer": message["ask"], "body": None if body["type"] == "MaskSecret" else (answers or {})[body["key"]]})
        elif message["event"] == "log":
            lines.append(message["line"])
        elif message["id"] == number:
            return message, lines


def noted(path: pathlib.Path, text: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < deadline, path.read_text() if path.exists() else "nothing was noted"
        time.sleep(0.02)


def test_an_event_carries_its_payload_serialized(host):
    assert host.hello["event"] == "ready", host.hello
    fired, lines = outcome(host, run(host, "Fires", {"a": [1]}))
    assert fired["event"] == "fired" and fired["payload"]["given"] == {"a": [1]}
    assert fired["payload"]["at"]["__classname__"] == "datetime.datetime"
    said = [json.loads(line) for line in lines]
    assert any("about to fire" in line["event"] and line["dag_id"] == "d" for line in said), lines


def test_a_trigger_may_end_its_task(host):
    ended, _ = outcome(host, run(host, "Ends", 7))
    assert (ended["event"], ended["state"], ended["xcoms"]) == ("ended", "success", {"return_value": 7})


@pytest.mark.parametrize("name, words", [("Breaks", "the trigger broke"), ("Missing", "proof_triggers")])
def test_a_broken_trigger_fails_with_its_traceback(host, name, words):
    failed, lines = outcome(host, run(host, name))
    assert failed["event"] == "failed" and words in "".join(failed["traceback"])
    assert any("Trigger failed" in line for line in lines)


def test_a_trigger_that_leaves_without_a_word_fails(host):
    failed, _ = outcome(host, run(host, "Leaves"))
    assert failed["event"] == "failed" and failed["traceback"] is None


def test_a_payload_that_cannot_be_stored_fails(host):
    failed, _ = outcome(host, run(host, "Odd"))
    assert failed["event"] == "failed" and "could not be serialized" in failed["error"]


def test_triggers_ask_from_the_loop_and_from_threads(host):
    answer = {"type": "VariableResult", "key": "limit", "value": "5"}
    fired, _ = outcome(host, run(host, "Asks", "limit"), {"limit": answer})
    assert fired["payload"] == ["5", "5"]
    missing = {"type": "ErrorResponse", "error": "VARIABLE_NOT_FOUND", "detail": {"key": "none"}}
    failed, _ = outcome(host, run(host, "Asks", "none"), {"none": missing})
    assert failed["event"] == "failed" and "none" in "".join(failed["traceback"])


@pytest.mark.parametrize("kill", [True, False])
def test_a_cancelled_trigger_cleans_up(host, tmp_path, kill):
    notes = tmp_path / "notes"
    number = run(host, "Waits", str(notes))
    noted(notes, "started")
    host.send({"op": "cancel", "id": number, "kill": kill})
    stopped, _ = outcome(host, number)
    assert stopped["event"] == "stopped"
    assert notes.read_text().split("\n")[1:-1] == (["killed"] if kill else []) + ["cleaned up"]


def test_upstreams_own_trigger_takes_both_forms_of_arguments(host):
    path = "airflow.providers.standard.triggers.temporal.DateTimeTrigger"
    utc = {"__classname__": "builtins.tuple", "__version__": 1, "__data__": ["UTC", "pendulum.tz.timezone.Timezone", 1, True]}
    moment = {"__classname__": "pendulum.datetime.DateTime", "__version__": 2, "__data__": {"timestamp": 1767571200.5, "tz": utc}}
    fired, _ = outcome(host, run(host, "", {"moment": moment, "end_from_trigger": False}, classpath=path))
    assert fired["payload"] == moment
    serialized = {"__type": "dict", "__var": {"moment": {"__type": "datetime", "__var": 1767571200.5}, "end_from_trigger": True}}
    ended, _ = outcome(host, run(host, "", serialized, classpath=path))
    assert ended["event"] == "ended" and ended["state"] == "success"


def test_hundreds_wait_together(host, tmp_path):
    notes = tmp_path / "notes"
    waiting = [run(host, "Waits", str(notes)) for _ in range(300)]
    deadline = time.monotonic() + PATIENCE
    while not notes.exists() or notes.read_text().count("started") < 300:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    fired, _ = outcome(host, run(host, "Fires", 1))
    assert fired["event"] == "fired"
    for number in waiting:
        host.send({"op": "cancel", "id": number, "kill": False})
    left = set(waiting)
    while left:
        message = host.receive()
        left.discard(message["id"] if message["event"] == "stopped" else "")


def test_a_trigger_can_end_the_process_and_hang_up_ends_it(airflow_python, airflow_environment, tmp_path):
    side = Side(airflow_python, "trigger_host", "--path", str(FOLDER), env=airflow_environment, log=tmp_path / "log")
    run(side, "Exits")
    with pytest.raises(EOFError, match="exit status 3"):
        outcome(side, "none")
    other = Side(airflow_python, "trigger_host", "--path", str(FOLDER), env=airflow_environment, log=tmp_path / "log")
    run(other, "Waits", str(tmp_path / "notes"))
    noted(tmp_path / "notes", "started")
    assert other.close() == 0
