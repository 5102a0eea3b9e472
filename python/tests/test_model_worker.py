"""The model worker against MLflow's own scoring server, byte for byte, and against ``load_model(...).predict``."""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import struct
import subprocess
import time

import pytest

from ports import free_port
from side import PATIENCE, PYTHON, Side

JSON = "application/json"
ROW = [13.2, 1.78, 2.14, 11.2, 100.0, 2.65, 2.76, 0.26, 1.28, 4.38, 1.05, 3.4, 1050.0]
COLUMNS = [
    "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids", "nonflavanoid_phenols",
    "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline",
]  # fmt: skip
RECORD = dict(zip(COLUMNS, ROW, strict=True))


def text(value: object) -> bytes:
    return json.dumps(value).encode()


WINE = {
    "split": (JSON, text({"dataframe_split": {"columns": COLUMNS, "data": [ROW, ROW]}})),
    "records": (JSON, text({"dataframe_records": [RECORD]})),
    "charset": (JSON + "; charset=UTF-8", text({"dataframe_records": [RECORD]})),
    "inputs": (JSON, text({"inputs": [RECORD]})),
    "inputs by column": (JSON, text({"inputs": {name: [value] for name, value in RECORD.items()}})),
    "instances": (JSON, text({"instances": [RECORD]})),
    "integers and nulls": (JSON, text({"dataframe_records": [RECORD | {"proline": 1050, "hue": None}]})),
    "csv": ("text/csv", (",".join(COLUMNS) + "\n" + ",".join(map(str, ROW)) + "\n").encode()),
    "unneeded column": (JSON, text({"dataframe_records": [RECORD | {"more": 1}]})),
    "missing column": (JSON, text({"dataframe_records": [{"alcohol": 1.0}]})),
    "wrong type": (JSON, text({"dataframe_records": [RECORD | {"hue": "red"}]})),
    "no columns": (JSON, text({"dataframe_split": {"data": [ROW]}})),
    "two forms": (JSON, text({"inputs": [1], "instances": [1]})),
    "no form": (JSON, text({"rows": [1]})),
    "a list": (JSON, text([ROW])),
    "not json": (JSON, b"{"),
    "empty": (JSON, b""),
    "bad csv": ("text/csv", b"\xff\xfe"),
    "unknown type": ("text/xml", b"<a/>"),
    "other charset": (JSON + "; charset=latin-1", b"{}"),
    "old format": (JSON + "; format=pandas-split", b"{}"),
}
ECHO = {
    "params": (JSON, text({"dataframe_records": [{"n": 1, "s": "ä", "f": 1}], "params": {"times": 3}})),
    "default params": (JSON, text({"dataframe_records": [{"n": 1, "s": "a", "f": 1}]})),
    "unknown param": (JSON, text({"dataframe_records": [{"n": 1, "s": "a", "f": 1}], "params": {"other": 3}})),
    "bad param": (JSON, text({"dataframe_records": [{"n": 1, "s": "a", "f": 1}], "params": {"times": "x"}})),
    "lossy": (JSON, text({"dataframe_records": [{"n": 1.5, "s": 2, "f": "2"}]})),
    "null long": (JSON, text({"dataframe_records": [{"n": None, "s": "a", "f": 1}]})),
    "explodes": (JSON, text({"dataframe_records": [{"n": 1, "s": "a", "f": 1}], "params": {"explode": True}})),
}
TENSOR = {
    "rows": (JSON, text({"inputs": [ROW, ROW]})),
    "instances": (JSON, text({"instances": [ROW]})),
    "wrong width": (JSON, text({"inputs": [[1.0, 2.0]]})),
}
CASES = [(model, name) for model, cases in (("wine", WINE), ("echo", ECHO), ("tensor", TENSOR)) for name in cases]


class Worker(Side):
    """The worker's frames carry a JSON header and a raw body."""

    def receive_hello(self) -> dict:
        return self.receive_framed()[0]

    def receive_framed(self) -> tuple[dict, bytes]:
        payload = self.receive_bytes()
        (size,) = struct.unpack_from(">I", payload)
        return json.loads(payload[4 : 4 + size]), payload[4 + size :]

    def ask(self, body: bytes = b"", content_type: str | None = JSON, path: str = "/invocations") -> tuple[dict, bytes]:
        header = text({"id": 1, "path": path, "content_type": content_type})
        self.send_bytes(struct.pack(">I", len(header)) + header + body)
        return self.receive_framed()


class ScoringServer:
    """MLflow's own, on a free port."""

    def __init__(self, python: pathlib.Path, model: pathlib.Path, env: dict[str, str], log: pathlib.Path) -> None:
        self.port = free_port()
        command = [python, "-m", "uvicorn", "--port", str(self.port), "mlflow.pyfunc.scoring_server.app:app"]
        with log.open("ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, env=env | {"__pyfunc_model_path__": str(model)})
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.ask("GET", "/ping")
                return
            except ConnectionRefusedError:
                assert self.process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)

    def ask(self, method: str, path: str, body: bytes = b"", content_type: str = JSON) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, body, {"Content-Type": content_type})
        answer = connection.getresponse()
        return answer.status, answer.headers["content-type"], answer.read()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


@pytest.fixture(scope="module")
def env() -> dict[str, str]:
    # A fixed hash seed: some of the scoring server's messages print a set.
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONHASHSEED": "0"}


@pytest.fixture(scope="module")
def models(model_python, env, tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([model_python, PYTHON / "tests" / "models" / "make.py", folder], check=True, env=env, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def start_worker(model_python, models, env, tmp_path_factory):
    started: dict[str, Worker] = {}
    log = tmp_path_factory.mktemp("log") / "worker.log"

    def start(name: str) -> Worker:
        if name not in started:
            started[name] = Worker(model_python, "model_worker", "--model", str(models / name), env=env, log=log)
        return started[name]

    yield start
    for worker in started.values():
        worker.close()


@pytest.fixture(scope="module")
def start_server(model_python, models, env, tmp_path_factory):
    started: dict[str, ScoringServer] = {}
    log = tmp_path_factory.mktemp("log") / "server.log"

    def start(name: str) -> ScoringServer:
        if name not in started:
            started[name] = ScoringServer(model_python, models / name, env, log)
        return started[name]

    yield start
    for server in started.values():
        server.stop()


@pytest.mark.parametrize(("model", "case"), CASES, ids=lambda value: value)
def test_same_bytes_as_the_scoring_server(start_worker, start_server, model, case):
    content_type, body = {"wine": WINE, "echo": ECHO, "tensor": TENSOR}[model][case]
    header, answer = start_worker(model).ask(body, content_type)
    expected = start_server(model).ask("POST", "/invocations", body, content_type)
    assert (header["status"], header["content_type"], answer) == expected
    assert header["id"] == 1 and header["seconds"] >= 0


@pytest.mark.parametrize("path", ["/ping", "/health", "/version", "/nowhere"])
def test_the_other_paths(start_worker, start_server, path):
    header, answer = start_worker("wine").ask(path=path)
    assert (header["status"], header["content_type"], answer) == start_server("wine").ask("GET", path)


def test_bad_input_is_never_a_500(start_worker):
    header, answer = start_worker("wine").ask(b"{}", None)
    assert header["status"] == 415 and b"only supports the following content types" in answer
    header, answer = start_worker("wine").ask(b"PAR1", "application/vnd.apache.parquet")
    assert header["status"] == 400 and json.loads(answer)["error_code"] == "BAD_REQUEST"


def test_it_describes_the_model(start_worker):
    hello = start_worker("wine").hello
    assert hello["event"] == "ready", hello
    model = hello["model"]
    assert model["warmed"] and model["flavors"] == ["python_function", "sklearn"] and model["loader_module"] == "mlflow.sklearn"
    assert [column["name"] for column in json.loads(model["signature"]["inputs"])] == COLUMNS
    header, _ = start_worker("wine").ask(model["input_example"].encode())
    assert header["status"] == 200
    assert start_worker("echo").hello["model"]["warmed"] is False


def test_same_predictions_as_load_model(start_worker, model_python, models, env):
    code = (
        "import sys, json, mlflow, pandas\nfrom sklearn.datasets import load_wine\nd = load_wine(as_frame=True).data\n"
        "print(json.dumps([d.to_dict('split'), mlflow.pyfunc.load_model(sys.argv[1]).predict(d).tolist()]))"
    )
    output = subprocess.run([model_python, "-c", code, models / "wine"], check=True, env=env, capture_output=True).stdout
    split, expected = json.loads(output)
    _, answer = start_worker("wine").ask(text({"dataframe_split": split}))
    assert json.loads(answer) == {"predictions": expected} and len(expected) == 178


def test_it_says_why_it_cannot_load(model_python, models, env, tmp_path):
    worker = Worker(model_python, "model_worker", "--model", str(tmp_path), env=env, log=tmp_path / "log")
    assert worker.hello["event"] == "failed" and "no MLmodel file" in worker.hello["error"]
    assert worker.process.wait(PATIENCE) == 1
    broken = tmp_path / "broken"
    subprocess.run(["cp", "-r", models / "wine", broken], check=True)
    for file in broken.glob("model.*"):
        file.write_bytes(b"not a model")
    worker = Worker(model_python, "model_worker", "--model", str(broken), env=env, log=tmp_path / "log")
    assert worker.hello["event"] == "failed" and worker.hello["traceback"]
    assert worker.process.wait(PATIENCE) == 1


def test_hang_up_ends_it_while_it_is_busy(model_python, models, env, tmp_path):
    worker = Worker(model_python, "model_worker", "--model", str(models / "wine"), env=env, log=tmp_path / "log")
    big = text({"dataframe_split": {"columns": COLUMNS, "data": [ROW] * 200_000}})
    header = text({"id": 1})
    worker.send_bytes(struct.pack(">I", len(header)) + header + big)
    assert worker.close() == 0


def test_it_is_quick(start_worker):
    content_type, body = WINE["split"]
    seconds = sorted(start_worker("wine").ask(body, content_type)[0]["seconds"] for _ in range(50))
    print(f"invocation: median {seconds[25] * 1000:.1f} ms")
    assert seconds[25] < 0.25
