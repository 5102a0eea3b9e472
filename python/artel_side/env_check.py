"""Last step of building an environment: imports what it is for, so that it is proven and its bytecode is cached.

    ENV/bin/python -m artel_side.env_check notebook|airflow|model|MODULE…

Prints one JSON line; exit status 1 when something cannot be imported.
"""

from __future__ import annotations

import importlib
import json
import sys
import time

SETS = {
    "notebook": (
        "jupyterhub.singleuser.app jupyterlab.labapp ipykernel.kernelapp "
        "mlflow.sklearn mlflow.data matplotlib.pyplot sklearn.datasets pandas"
    ),
    "airflow": (
        "artel_side.dag_parser artel_side.zygote airflow.providers.standard.operators.python "
        "mlflow.sklearn mlflow.data sklearn.datasets pandas"
    ),
    "model": "artel_side.model_worker mlflow.pyfunc.scoring_server mlflow.sklearn",
}


def check(modules: list[str]) -> dict:
    """Import ``modules`` and say how it went."""
    started = time.monotonic()
    errors = {}
    for module in modules:
        try:
            importlib.import_module(module)
        except BaseException as error:  # an import may fail in any way, and each deserves its own line
            errors[module] = f"{type(error).__name__}: {error}"
    return {
        "ok": not errors,
        "errors": errors,
        "python": ".".join(map(str, sys.version_info[:3])),
        "seconds": round(time.monotonic() - started, 3),
    }


def main() -> None:
    names = sys.argv[1:] or ["model"]
    sys.dont_write_bytecode = False  # whatever PYTHONDONTWRITEBYTECODE says: the cache is the point
    answer = check([module for name in names for module in SETS.get(name, name).split()])
    print(json.dumps(answer))
    sys.exit(0 if answer["ok"] else 1)


if __name__ == "__main__":
    main()
