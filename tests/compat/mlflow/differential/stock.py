"""MLflow's own server, for as long as the replay takes."""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import requests
from ports import free_port

START_SECONDS = 180


@contextlib.contextmanager
def running():
    """Yields the address of a new server with an empty database, one worker and no background jobs."""
    with tempfile.TemporaryDirectory(prefix="stock-", ignore_cleanup_errors=True) as folder:
        port = free_port()
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/artifacts"]
        env = {
            **os.environ,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            # stock keeps webhooks' secrets under this key, and by itself makes a new one at each start
            "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": "mHTYjOW1wfdKjNSPtVbZf0iTz0YGFIHeECHvIEQnmQs=",
        }
        log = pathlib.Path(folder) / "log"
        with log.open("wb") as out:
            server = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=out, start_new_session=True)
        try:
            wait_ready(server, f"http://127.0.0.1:{port}", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            stop(server)


def wait_ready(server: subprocess.Popen, url: str, log: pathlib.Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{url}/health", timeout=5).ok:
                return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"the stock server did not start\n{log.read_text(errors='replace')[-4000:]}")


def stop(server: subprocess.Popen) -> None:
    """The server starts processes of its own: the whole group goes."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, 15)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(10)
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, 9)
