"""Real tasks, run by Airflow's stock task runner in children of the zygote, under a supervisor that is not Airflow."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import time

import pytest

from side import PATIENCE, Side
from supervisor import State, Supervisor

DAGS = pathlib.Path(__file__).parent / "dags"
FILE = "ordinary.py"


@pytest.fixture(scope="module")
def zygote(airflow_python, airflow_environment, tmp_path_factory):
    bundle = [{
        "name": "dags-folder",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(DAGS)},
    }]
    env = airflow_environment | {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundle)}
    log = tmp_path_factory.mktemp("log") / "zygote.log"
    with Side(airflow_python, "zygote", env=env, log=log) as side:
        side.is_preloaded = lambda: "preloading is done" in log.read_text()
        yield side


def test_it_imports_more_while_idle(zygote, supervisor):
    outcome = supervisor.run("ordinary", "double", FILE)
    wait_for(zygote.is_preloaded)
    later = supervisor.run("ordinary", "double", FILE)
    assert later.exit["max_rss_bytes"] > outcome.exit["max_rss_bytes"]


@pytest.fixture
def supervisor(zygote) -> Supervisor:
    return Supervisor(zygote, State({"limit": "5"}), "dags-folder")


def test_it_says_what_it_is(zygote):
    assert zygote.hello["event"] == "ready", zygote.hello
    assert zygote.hello["versions"]["apache-airflow-core"].startswith("3.3.")
    assert zygote.hello["pid"] == zygote.process.pid


def test_success_with_xcom_variable_and_log(supervisor):
    outcome = supervisor.run("ordinary", "make", FILE)
    assert outcome.state(False) == "success" and outcome.exit["code"] == 0, outcome.logs
    assert [value for key, value in supervisor.state.xcoms.items() if key[3] == "return_value"] == [[1, 2, 3]]
    assert supervisor.state.variables["made"] == "yes"
    said = [body["type"] for body in outcome.said]
    assert said.index("SetXCom") < said.index("SucceedTask")
    assert outcome.said[said.index("SetXCom")]["mapped_length"] == 3
    assert b"made on stdout" in outcome.stdout
    assert all({"event", "level", "timestamp"} <= line.keys() for line in outcome.log_lines())


def test_mapping_assets_and_branching(supervisor):
    supervisor.run("ordinary", "make", FILE)
    for index in range(3):
        assert supervisor.run("ordinary", "double", FILE, map_index=index).state(False) == "success"
    total = supervisor.run("ordinary", "total", FILE)
    assert total.final["task_outlets"][0]["name"] == "totals"
    assert [v for k, v in supervisor.state.xcoms.items() if k[2] == "total"] == [12]
    choice = supervisor.run("ordinary", "choose", FILE)
    assert choice.state(False) == "success"
    assert supervisor.state.skipped["last"] in (["small"], [["small", -1]], [("small", -1)])


def test_bash_gets_its_template_and_environment(supervisor, tmp_path):
    (tmp_path / ".bashrc").write_text("echo not wanted\n")
    outcome = supervisor.run("ordinary", "small", FILE, env={"HOME": str(tmp_path)}, unset=["SHLVL"])
    assert outcome.state(False) == "success", outcome.logs
    assert supervisor.state.rendered["last"]["bash_command"].startswith("echo small 20")
    assert any(line["event"].endswith(" hi") for line in outcome.log_lines())
    assert not any(line["event"] == "not wanted" for line in outcome.log_lines())


def test_retry(supervisor):
    first = supervisor.run("ordinary", "flaky", FILE, try_number=1, max_tries=1)
    assert first.final["type"] == "RetryTask" and first.state(True) == "up_for_retry"
    raised = [line for line in first.log_lines() if line.get("error_detail") or line.get("exception")]
    assert "fails the first time" in json.dumps(raised)
    assert supervisor.run("ordinary", "flaky", FILE, try_number=2, max_tries=1).state(False) == "success"


def test_skip_and_failure_without_retry(supervisor):
    skipped = supervisor.run("ordinary", "skips", FILE)
    assert (skipped.final["type"], skipped.state(False)) == ("TaskState", "skipped")
    failed = supervisor.run("ordinary", "fails", FILE, try_number=1, max_tries=3)
    assert (failed.final["type"], failed.final["state"]) == ("TaskState", "failed")


def test_connection_found_and_missing(supervisor):
    missing = supervisor.run("ordinary", "connects", FILE)
    assert missing.state(False) == "failed"
    supervisor.state.connections["warehouse"] = {
        "conn_id": "warehouse", "conn_type": "postgres", "host": "db", "schema": None,
        "login": None, "password": None, "port": 5432, "extra": None,
    }
    assert supervisor.run("ordinary", "connects", FILE).state(False) == "success"
    assert "db:5432" in supervisor.state.xcoms.values()


def test_unknown_task_asks_to_be_rescheduled(supervisor):
    outcome = supervisor.run("ordinary", "nosuch", FILE)
    assert outcome.final["type"] == "RescheduleTask" and outcome.exit["code"] == 0


def test_killed_child_is_reported_and_leaves_nothing(supervisor):
    outcome = supervisor.run("ordinary", "lingers", FILE, on_start=kill_when_asleep)
    assert (outcome.exit["signal"], outcome.exit["code"], outcome.final) == (signal.SIGKILL, None, None)
    assert outcome.state(True) == "up_for_retry"
    assert not descendants_sleeping(), "a background process of the task is still there"


def test_surroundings(supervisor, tmp_path):
    outcome = supervisor.run(
        "ordinary", "surroundings", FILE,
        env={"GIVEN": "a gift"}, unset=["HOME"], cwd=str(tmp_path), limits={"open_files": 512}, nice=1,
    )
    assert outcome.state(False) == "success", outcome.logs
    found = next(v for k, v in supervisor.state.xcoms.items() if k[2] == "surroundings" and k[3] == "return_value")
    assert found == {"cwd": str(tmp_path), "given": "a gift", "taken": None, "open_files": 512}
    assert outcome.exit["max_rss_bytes"] > 0


def test_a_task_that_takes_too_much_memory_or_time_is_stopped(supervisor):
    hog = supervisor.run("hostile", "hog", "hostile.py", limits={"memory": 1 << 30})
    assert hog.state(False) == "failed" and "MemoryError" in json.dumps(hog.log_lines())
    spins = supervisor.run("hostile", "spins", "hostile.py", limits={"cpu_seconds": 3})
    assert spins.exit["signal"] in (signal.SIGXCPU, signal.SIGKILL) and spins.final is None
    assert supervisor.run("ordinary", "make", FILE, limits={"memory": 1 << 30, "cpu_seconds": 60}).state(False) == "success"


def test_a_task_that_ignores_sigterm_is_killed_with_all_it_started(supervisor):
    def end(pid: int) -> None:
        wait_for(lambda: len(commands("time.sleep(601)")) == 1 and len(children_of(pid)) >= 2)
        os.kill(pid, signal.SIGTERM)
        time.sleep(0.5)  # it has to survive that
        os.killpg(pid, signal.SIGKILL)

    outcome = supervisor.run("hostile", "stubborn", "hostile.py", on_start=end)
    assert outcome.exit["signal"] == signal.SIGKILL
    wait_for(lambda: not commands("time.sleep(601)"))


def test_a_bad_request_is_refused_and_the_next_works(zygote, supervisor):
    for request in (b'{"op":"fork","id":"no-sockets"}', b'{"op":"spoon","id":"x"}', b"not json"):
        zygote.send_bytes(request)
        assert zygote.receive()["event"] == "refused"
    assert supervisor.run("ordinary", "double", FILE).exit["event"] == "exited"


def test_a_process_waits_for_the_next_task(zygote, supervisor):
    spare = waiting(zygote)
    pids = []
    outcome = supervisor.run("ordinary", "make", FILE, on_start=pids.append)
    assert outcome.exit["pid"] == spare and outcome.state(False) == "success"
    assert not any("rehearsal" in json.dumps(line) for line in outcome.log_lines())
    next_spare = waiting(zygote)
    assert next_spare != spare
    os.kill(next_spare, signal.SIGKILL)
    wait_for(lambda: waiting(zygote) != next_spare)
    assert supervisor.run("ordinary", "make", FILE).state(False) == "success", "the one that waited was killed"
    assert waiting(zygote) not in (spare, next_spare)


def test_what_a_task_leaves_is_killed_but_not_what_waits(zygote, supervisor):
    spare = waiting(zygote)
    supervisor.run("ordinary", "lingers", FILE, on_start=kill_when_asleep)
    assert not descendants_sleeping()
    after = waiting(zygote)
    supervisor.run("hostile", "spins", "hostile.py", limits={"cpu_seconds": 1})
    assert spare != after and children_of(zygote.process.pid)


def test_hang_up_kills_tasks(airflow_python, airflow_environment, tmp_path):
    bundle = [{"name": "dags-folder", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
               "kwargs": {"path": str(DAGS)}}]
    env = airflow_environment | {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundle)}
    side = Side(airflow_python, "zygote", env=env, log=tmp_path / "log")
    supervisor = Supervisor(side, State(), "dags-folder")

    def hang_up(pid: int) -> None:
        wait_until_asleep(pid)
        side.control.shutdown(2)

    with pytest.raises(EOFError):
        supervisor.run("ordinary", "lingers", FILE, on_start=hang_up)
    assert side.process.wait(PATIENCE) == 0
    assert not descendants_sleeping()


def waiting(zygote) -> int:
    """The process that waits for the next task, once nothing else is left."""
    wait_for(lambda: zygote.is_preloaded() and len(children_of(zygote.process.pid)) == 1)
    return int(children_of(zygote.process.pid)[0])


def wait_for(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children_of(pid: int) -> list[str]:
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def commands(part: str) -> list[str]:
    """Processes whose command line has ``part``."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and part.encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            pass
    return found


def kill_when_asleep(pid: int) -> None:
    wait_until_asleep(pid)
    os.kill(pid, signal.SIGKILL)


def wait_until_asleep(pid: int) -> None:
    """Wait until the task has started its background process."""
    deadline = time.monotonic() + PATIENCE
    while not descendants_sleeping():
        assert time.monotonic() < deadline, f"task {pid} never started its background process"
        time.sleep(0.02)


def descendants_sleeping() -> list[int]:
    """Processes that run the test's own ``sleep 600``."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if line == b"sleep\x00600\x00":
                found.append(int(entry.name))
    return found
