"""The provider `artel` on stock Airflow against MLflow's own server."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import time
import urllib.request
import zipfile

import pytest
from ports import free_port

TESTS = pathlib.Path(__file__).parent
PACKAGE = TESTS.parent / "artel"
PATIENCE = 300  # seconds for all of it on a busy machine


@pytest.fixture(scope="module")
def mlflow_server(airflow_python, airflow_environment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    command = [airflow_python, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "artifacts")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=airflow_environment, stdout=log, stderr=log, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        for_long = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(f"{url}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < for_long, (folder / "log").read_text()
                time.sleep(0.2)  # until it answers
        yield url
    finally:
        subprocess.run(["pkill", "-g", str(process.pid)], check=False)
        process.wait(PATIENCE)


@pytest.fixture(scope="module")
def result(airflow_python, airflow_environment, mlflow_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("life")
    (folder / "in").mkdir()
    (folder / "in/a.csv").write_text("x\n1.0\n2.0\n")
    (folder / "in/b.csv").write_text("x\n" + "".join(f"{n}\n" for n in range(25_000)))
    environment = airflow_environment | {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([{
            "name": "story",
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(TESTS.parents[1] / "tests/story/model_life")},
        }]),
        "MLFLOW_TRACKING_URI": mlflow_server,
        "PATH": f"{airflow_python.parent}:{airflow_environment['PATH']}",
        "PYTHONPATH": str(PACKAGE / "src"),
    }
    run = lambda *command: subprocess.run(  # noqa: E731
        [airflow_python, *command], env=environment, capture_output=True, text=True, timeout=PATIENCE, cwd=folder
    )
    migrated = run("-m", "airflow", "db", "migrate")
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    ran = run(TESTS / "provider_life.py", folder)
    lines = [line for line in ran.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, ran.stdout[-6000:] + ran.stderr[-6000:]
    return json.loads(lines[-1].removeprefix("RESULT ")) | {"folder": folder}


def test_a_model_is_trained_registered_promoted_and_used(result):
    fair = result["lives"]["fair"]
    assert fair["state"] == "success"
    assert {task: state for task, state in fair["tasks"].items() if state != "success"} == {"deploy": "skipped"}
    assert len(fair["results"]["train"]) == 32 and str(fair["results"]["register"]) == "1"
    assert fair["results"]["promote"]["replaced"] is None and str(fair["results"]["wait"]) == "1"
    assert fair["results"]["predict"]["model"] == "models:/line/1" and fair["results"]["predict"]["rows"] == 25_002


def test_a_worse_model_is_refused_and_a_better_one_replaces_the_champion(result):
    worse, better = result["lives"]["worse"], result["lives"]["better"]
    assert str(worse["results"]["register"]) == "2" and worse["tasks"]["promote"] == "skipped" and "predict" not in worse["results"]
    promoted = better["results"]["promote"]
    assert (promoted["version"], promoted["other"], promoted["replaced"]) == ("3", "1", "1")
    assert promoted["value"] > promoted["other_value"]


def test_predictions_stand_beside_their_inputs(result):
    folder = result["folder"]
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.csv", "b.csv"]
    lines = (folder / "out/a.csv").read_text().split()
    assert lines[0] == "x,prediction"
    assert [round(float(line.split(",")[1]), 6) for line in lines[1:]] == [2.0, 4.0]
    assert len((folder / "out/b.csv").read_text().split()) == 25_001


def test_a_deferred_sensor_hears_of_the_alias(result):
    assert result["trigger"] == [{"version": "3"}, "still waiting"]


def test_an_endpoint_is_made_and_then_changed_with_the_token_of_its_connection(result):
    made = result["deployments"]["made"]
    assert [(one["version"], one["state"]) for one in made] == [("1", "READY"), ("2", "READY")]
    assert result["deployments"]["seen"] == [
        ["POST", "/api/2.0/serving-endpoints", "Bearer t0ken"],
        ["PUT", "/api/2.0/serving-endpoints/e/config", "Bearer t0ken"],
    ]


def test_the_package_is_built_as_a_provider(tmp_path):
    uv = shutil.which("uv") or str(pathlib.Path("~/.cache/artel/bin/uv").expanduser())
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", tmp_path, PACKAGE], check=True, timeout=PATIENCE)
    (wheel,) = tmp_path.glob("artel-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entries,) = [name for name in names if name.endswith("entry_points.txt")]
        assert "provider_info = artel.provider:get_provider_info" in archive.read(entries).decode()
    assert "artel/operators.py" in names and not [name for name in names if "artel_side" in name]
