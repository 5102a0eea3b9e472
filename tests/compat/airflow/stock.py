"""Airflow's own servers: API server, scheduler with LocalExecutor, DAG processor and triggerer, on SQLite or PostgreSQL.

They are started from the Python environment of `python`, which has apache-airflow, each as one process in a group of
its own, in an empty AIRFLOW_HOME. Settings are upstream's defaults but for those in `environment`.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

from ports import free_port  # noqa: E402

USER, PASSWORD = "admin", "correct horse battery"
PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")
START_SECONDS = 3600
STOP_SECONDS = 30


class Stock:
    """A running Airflow; `started` is when its processes were, by the monotonic clock."""

    def __init__(self, python: pathlib.Path, home: pathlib.Path, dags: pathlib.Path, settings: dict[str, str]):
        self.home, port, logs = home, free_port(), free_port()
        self.url, self.user, self.password = f"http://127.0.0.1:{port}", USER, PASSWORD
        self.env = environment(home, dags, port, logs) | settings
        self.command = [str(python), "-m", "airflow"]
        (home / "passwords.json").write_text(json.dumps({USER: PASSWORD}))
        self.run("db", "migrate")
        arguments = {"api-server": ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]}
        self.started = time.monotonic()
        self.processes = {part: self.start(part, *arguments.get(part, ())) for part in PARTS}

    def run(self, *arguments: str) -> None:
        done = subprocess.run([*self.command, *arguments], env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"airflow {' '.join(arguments)} failed\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")

    def start(self, part: str, *arguments: str) -> subprocess.Popen:
        with (self.home / f"{part}.log").open("wb") as log:
            return subprocess.Popen(
                [*self.command, part, *arguments],
                env=self.env, cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait_ready(self, pause: float = 0.2) -> None:
        """Until the health page calls every part healthy."""
        until = time.monotonic() + START_SECONDS
        while not self.is_healthy():
            for part, process in self.processes.items():
                if process.poll() is not None or time.monotonic() > until:
                    log = (self.home / f"{part}.log").read_text(errors="replace")
                    raise SystemExit(f"Airflow's {part} did not start\n{log[-4000:]}")
            time.sleep(pause)

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v2/monitor/health", timeout=10) as answer:
                health = json.load(answer)
        except OSError:
            return False
        return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "triggerer", "dag_processor"))

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in self.processes.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            until = time.monotonic() + STOP_SECONDS
            for process in self.processes.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.1, until - time.monotonic()))


def environment(home: pathlib.Path, dags: pathlib.Path, port: int, logs: int) -> dict[str, str]:
    """What an installation has to set, and how often files are looked at: defaults of minutes only delay the run."""
    bundle = {"name": "dags-folder", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {"path": str(dags)}}
    settings = {
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "4",
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": f"{home}/passwords.json",
        "CORE__FERNET_KEY": "mHTYjOW1wfdKjNSPtVbZf0iTz0YGFIHeECHvIEQnmQs=",
        "CORE__PLUGINS_FOLDER": f"{home}/plugins",
        "API_AUTH__JWT_SECRET": "one secret for all parts of this installation, long enough for SHA-512 so that nobody warns",
        "API__SECRET_KEY": "another secret",
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
        "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "LOGGING__WORKER_LOG_SERVER_PORT": str(logs),
        "LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "TRIGGERER__TRIGGERER_LOG_SERVER_PORT": str(free_port()),
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return kept | {"AIRFLOW_HOME": str(home), "TZ": "UTC"} | {f"AIRFLOW__{name}": value for name, value in settings.items()}


@contextlib.contextmanager
def running(python: pathlib.Path, dags: pathlib.Path, plugins: list[pathlib.Path] = (), database: str | None = None):
    """Yields a Stock that is ready. `database` is the address of an empty one on PostgreSQL; without it there is a file of SQLite."""
    settings = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.replace("postgres://", "postgresql+psycopg2://", 1)} if database else {}
    with tempfile.TemporaryDirectory(prefix="stock-airflow-", ignore_cleanup_errors=True) as folder:
        home = pathlib.Path(folder)
        (home / "plugins").mkdir()
        for plugin in plugins:
            (home / "plugins" / plugin.name).write_bytes(plugin.read_bytes())
        server = Stock(python, home, dags, settings)
        try:
            server.wait_ready()
            yield server
        finally:
            server.stop()
