"""Plug-ins of a bundle: timetables, priority weight strategies, macros; and what a DAG file reads while it is parsed."""

from __future__ import annotations

import itertools
import pathlib

import pytest

from side import Side

BUNDLE = pathlib.Path(__file__).parent / "plugged"
START = "2026-01-01T00:00:00+00:00"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def parser(airflow_python, airflow_environment, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "plugins").mkdir()
    log = tmp_path_factory.mktemp("log") / "parser.log"
    with Side(airflow_python, "dag_parser", env=airflow_environment | {"AIRFLOW_HOME": str(home)}, log=log) as side:
        yield side


def asked(parser: Side, **message: object) -> dict:
    number = next(numbers)
    parser.send({"id": number, "bundle_path": str(BUNDLE), "bundle_name": "plugged", "timeout": 20, **message})
    answer = parser.receive()
    assert answer["id"] == number
    return answer


@pytest.fixture(scope="module")
def parsed(parser):
    answer = asked(parser, path=str(BUNDLE / "shifts.py"))
    assert answer["import_errors"] == {}
    return answer


def ask(parser: Side, minutes: int, **question: object) -> dict:
    timetable = {"__type": "shift_plugin.Shifts", "__var": {"minutes": minutes}}
    return asked(parser, op="timetable", timetable=timetable, question=question)


def test_a_timetable_of_the_bundle_tells_of_itself(parsed):
    assert parsed["dags"]["shifts"]["dag"]["timetable"] == {"__type": "shift_plugin.Shifts", "__var": {"minutes": 480}}
    assert parsed["about"]["shifts"]["timetable"] == {
        "type_name": "shift_plugin.Shifts", "summary": "every 480 min", "description": "One run for each shift.", "periodic": True,
    }


def test_a_strategy_weighs_the_tasks_that_name_it(parsed):
    assert parsed["dags"]["shifts"]["weights"] == {"urgent": 700, "mapped": 100}


def test_links_of_the_plug_in_lead_somewhere(parser, parsed):
    dag = parsed["dags"]["shifts"]
    assert dag["links"] == {task: ["Roster"] for task in ("urgent", "mapped", "ordinary")}
    instance = {"dag_id": "shifts", "task_id": "urgent", "run_id": "r1", "try_number": 1, "map_index": -1}
    answer = asked(parser, op="links", dag=dag, names=["Roster"], instance=instance)
    assert answer["answer"] == {"Roster": "https://roster.example/shifts/r1/urgent"}


def test_what_the_file_read_is_known(parsed):
    inside = [path for path in parsed["depends_on"] if not path.startswith("/")]
    assert inside == ["crew.txt", "plugins/", "plugins/shift_plugin.py", "queries/", "queries/one.sql"]
    outside = [path for path in parsed["depends_on"] if path.startswith("/")]
    assert len(outside) == 1 and outside[0].endswith("/plugins/")


def test_a_timetable_is_asked_as_the_scheduler_does(parser):
    first = ask(parser, 60, ask="next", last=None, earliest=START, latest=None, catchup=True)
    assert first["answer"] == {"run_after": "2026-01-01T01:00:00+00:00", "start": START, "end": "2026-01-01T01:00:00+00:00"}
    last = {"start": first["answer"]["start"], "end": first["answer"]["end"]}
    second = ask(parser, 60, ask="next", last=last, earliest=START, latest=None, catchup=True)
    assert second["answer"]["start"] == "2026-01-01T01:00:00+00:00"
    assert ask(parser, 60, ask="next", last=last, earliest=START, latest=START, catchup=True)["answer"] is None
    manual = ask(parser, 60, ask="manual", run_after="2026-01-01T09:20:00+00:00")
    assert manual["answer"] == {"start": "2026-01-01T08:20:00+00:00", "end": "2026-01-01T09:20:00+00:00"}
    run_id = ask(parser, 60, ask="run_id", run_type="manual", run_after="2026-01-01T09:20:00+00:00", interval=manual["answer"])
    assert run_id["answer"] == "manual__shift_0920"


def test_a_timetable_that_fails_or_hangs_is_told_of(parser):
    failed = ask(parser, 0, ask="next", last=None, earliest=START, latest=None, catchup=True)
    assert "ZeroDivisionError" in failed["error"] and "shift_plugin.py" in failed["error"]
    number = next(numbers)
    timetable = {"__type": "shift_plugin.Shifts", "__var": {"minutes": -1}}
    parser.send({"id": number, "op": "timetable", "bundle_path": str(BUNDLE), "timeout": 1, "timetable": timetable,
                 "question": {"ask": "next", "last": None, "earliest": START, "latest": None, "catchup": True}})
    hung = parser.receive()
    assert hung["id"] == number and "within 1 s" in hung["error"]
    unknown = asked(parser, op="timetable", timetable={"__type": "gone.Away", "__var": {}}, question={"ask": "manual", "run_after": START})
    assert "gone.Away" in unknown["error"]
