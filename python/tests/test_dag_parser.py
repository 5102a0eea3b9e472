"""DAG files, good and bad, given to the warm parser."""

from __future__ import annotations

import itertools
import os
import pathlib
import shutil
import time

import pytest

from side import PATIENCE, Side

DAGS = pathlib.Path(__file__).parent / "dags"
GOAL = 0.5  # seconds from request to answer for an ordinary file, once the parser is warm
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def parser(airflow_python, airflow_environment, tmp_path_factory):
    log = tmp_path_factory.mktemp("log") / "parser.log"
    with Side(airflow_python, "dag_parser", env=airflow_environment, log=log) as side:
        yield side


def ask(parser: Side, path: pathlib.Path, **more: object) -> int:
    number = next(numbers)
    parser.send({"id": number, "path": str(path), "bundle_path": str(path.parent), "bundle_name": "dags-folder", **more})
    return number


def parse(parser: Side, path: pathlib.Path, **more: object) -> dict:
    number = ask(parser, path, **more)
    answer = parser.receive()
    assert answer["id"] == number
    return answer


def write(folder: pathlib.Path, text: str, name: str = "file.py") -> pathlib.Path:
    path = folder / name
    path.write_text("from airflow.sdk import dag, task, Variable, Connection\n" + text)
    return path


def test_an_ordinary_file(parser):
    assert parser.hello["event"] == "ready", parser.hello
    answer = parse(parser, DAGS / "ordinary.py")
    assert answer["import_errors"] == {} and list(answer["dags"]) == ["ordinary"]
    serialized = answer["dags"]["ordinary"]
    assert serialized["__version"] == 3
    tasks = {item["__var"]["task_id"]: item["__var"] for item in serialized["dag"]["tasks"]}
    assert tasks["flaky"]["retries"] == 1 and tasks["double"]["_is_mapped"]
    assert set(tasks["choose"]["downstream_task_ids"]) == {"big", "small"}
    about = answer["about"]["ordinary"]
    assert about["relative_fileloc"] == "ordinary.py" and about["tags"] == ["proof"]
    assert about["task_count"] == len(tasks) and len(about["dag_hash"]) == 32
    assert answer["source"]["ordinary.py"]["text"] == (DAGS / "ordinary.py").read_text()


def test_the_hash_is_the_same_in_another_folder(parser, tmp_path):
    shutil.copy(DAGS / "ordinary.py", tmp_path)
    first, second = (parse(parser, folder / "ordinary.py")["about"]["ordinary"]["dag_hash"] for folder in (DAGS, tmp_path))
    assert first == second
    text = (tmp_path / "ordinary.py").read_text().replace("retries=1", "retries=2")
    (tmp_path / "ordinary.py").write_text(text)
    assert parse(parser, tmp_path / "ordinary.py")["about"]["ordinary"]["dag_hash"] != first


def test_it_is_quick_when_warm(parser):
    parse(parser, DAGS / "ordinary.py")
    seconds = []
    for _ in range(5):
        started = time.monotonic()
        parse(parser, DAGS / "ordinary.py")
        seconds.append(time.monotonic() - started)
    print(f"warm parse: best {min(seconds):.3f} s, worst {max(seconds):.3f} s")
    assert min(seconds) < GOAL


def test_a_heavy_import_is_slow_only_once(parser, tmp_path):
    path = write(tmp_path, "import pandas\n@dag()\ndef d():\n  @task\n  def t(): ...\n  t()\nd()\n")
    deadline = time.monotonic() + PATIENCE
    while (seconds := parse(parser, path)["seconds"]) >= GOAL:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert seconds < GOAL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)\n", "SystemExit"),
        ("@dag(schedule='not a cron')\ndef d():\n  @task\n  def t(): ...\n  t()\nd()\n", "AirflowTimetableInvalid"),
        (
            "@dag()\ndef d():\n  @task\n  def a(): ...\n"
            "  x, y = a.override(task_id='x')(), a.override(task_id='y')()\n  x >> y >> x\nd()\n",
            "ycle",
        ),
        ("import os\nos.abort()\n", "killed by SIGABRT"),
        ("import os\nos._exit(7)\n", "ended with status 7"),
    ],
)
def test_a_malformed_file_says_what_is_wrong(parser, tmp_path, text, said):
    answer = parse(parser, write(tmp_path, text))
    assert answer["dags"] == {} and said in answer["import_errors"]["file.py"]


def test_a_hanging_file_is_stopped_and_others_go_on(parser, tmp_path):
    slow = ask(parser, write(tmp_path, "import time\nwhile True: time.sleep(60)\n"), timeout=1.0)
    good = ask(parser, DAGS / "ordinary.py")
    answers = {answer["id"]: answer for answer in (parser.receive(), parser.receive())}
    assert list(answers[good]["dags"]) == ["ordinary"]
    assert "timeout" in answers[slow]["import_errors"]["file.py"]


def test_a_file_that_ignores_its_alarm_is_killed(parser, tmp_path):
    text = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM, signal.SIGTERM])\nwhile True: signal.pause()\n"
    answer = parse(parser, write(tmp_path, text), timeout=0.5)
    assert "was not parsed within 0.5 s" in answer["import_errors"]["file.py"]


def test_cancel(parser, tmp_path):
    number = ask(parser, write(tmp_path, "import time\ntime.sleep(600)\n"))
    parser.send({"id": number, "op": "cancel"})
    assert "cancelled" in parser.receive()["import_errors"]["file.py"]


def test_variables_and_connections_at_the_top_level(parser, tmp_path):
    text = (
        "name = Variable.get('name')\nother = Variable.get('other', default='none')\nhost = Connection.get('db').host\n"
        "@dag(dag_id=f'{name}-{other}-{host}-' + Variable.get('local'))\ndef d():\n  @task\n  def t(): ...\n  t()\nd()\n"
    )
    number = ask(parser, write(tmp_path, text), env={"AIRFLOW_VAR_LOCAL": "near"})
    connection = dict.fromkeys(("schema", "login", "password", "port", "extra"))
    connection |= {"conn_id": "db", "conn_type": "http", "host": "far"}
    replies = {
        ("GetVariable", "name"): {"type": "VariableResult", "key": "name", "value": "red"},
        ("GetVariable", "other"): {"type": "ErrorResponse", "error": "VARIABLE_NOT_FOUND", "detail": {"key": "other"}},
        ("GetConnection", "db"): {"type": "ConnectionResult", **connection},
    }
    asked = []
    while "ask" in (message := parser.receive()):
        body = message["body"]
        assert message["id"] == number
        asked.append((body["type"], body.get("key") or body.get("conn_id")))
        parser.send({"id": number, "answer": message["ask"], "body": replies.get(asked[-1])})
    assert list(message["dags"]) == ["red-none-far-near"], message["import_errors"]
    assert [one for one in asked if one[0] != "MaskSecret"] == list(replies)


def test_warnings_and_imports_of_neighbours(parser, tmp_path):
    (tmp_path / "neighbour.py").write_text("import warnings\nwarnings.warn('old habits', FutureWarning)\nNAME = 'near'\n")
    text = "import neighbour\n@dag(dag_id=neighbour.NAME)\ndef d():\n  @task\n  def t(): ...\n  t()\nd()\n"
    answer = parse(parser, write(tmp_path, text))
    assert answer["depends_on"] == ["neighbour.py"]
    assert not (tmp_path / "__pycache__").exists(), "the parser must not write into the DAG folder"
    warning = next(w for w in answer["warnings"] if w["message"] == "old habits")
    assert (warning["file"], warning["category"], warning["line"]) == ("neighbour.py", "FutureWarning", 2)


def test_a_file_that_is_saved_twice_at_once(parser, tmp_path):
    for name in ("aaa", "bbb"):
        text = f"@dag(dag_id='{name}')\ndef d():\n  @task\n  def t(): ...\n  t()\nd()\n"
        path = write(tmp_path, text)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        assert list(parse(parser, path)["dags"]) == [name]


def test_a_file_without_dags_and_a_missing_one(parser, tmp_path):
    plain = tmp_path / "plain.py"
    plain.write_text("x = 1\n")
    answer = parse(parser, plain)
    assert (answer["dags"], answer["import_errors"]) == ({}, {})
    gone = parse(parser, tmp_path / "gone.py")
    assert gone["dags"] == {} and gone["source"] == {}


def test_hang_up_ends_it(airflow_python, airflow_environment, tmp_path):
    side = Side(airflow_python, "dag_parser", env=airflow_environment, log=tmp_path / "log")
    note = str(tmp_path / "pid")
    ask(side, write(tmp_path, f"import os, pathlib, time\npathlib.Path({note!r}).write_text(str(os.getpid()))\ntime.sleep(600)\n"))
    deadline = time.monotonic() + PATIENCE
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child = int((tmp_path / "pid").read_text())
    assert side.close() == 0
    while pathlib.Path(f"/proc/{child}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
