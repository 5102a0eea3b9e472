"""The real environments, built from the locked requirement sets, and the processes under test."""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

PYTHON = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(PYTHON.parent / "tests/compat"))  # for `ports`


def environment(name: str) -> pathlib.Path:
    """The interpreter of the locked set ``name``; made by uv when this version of the set has none yet."""
    if given := os.environ.get(f"ARTEL_TEST_{name.upper()}_PYTHON"):
        return pathlib.Path(given)
    locked = PYTHON / "requirements" / f"{name}.txt"
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "artel"
    folder = cache / "python" / f"{name}-{hashlib.sha256(locked.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / ".complete").exists():
        uv = shutil.which("uv") or str(cache / "bin" / "uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", "3.11", folder], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", locked], check=True)
        (folder / ".complete").touch()
    return python


@pytest.fixture(scope="session")
def airflow_python() -> pathlib.Path:
    return environment("airflow")


@pytest.fixture(scope="session")
def model_python() -> pathlib.Path:
    return environment("model")


@pytest.fixture(scope="session")
def airflow_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What Airflow's side is started with; no database is named that could be reached."""
    home = tmp_path_factory.mktemp("airflow")
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return keep | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
    }
