"""What the proofs of the MLflow client share: names that are new at every run, and refusals that are expected."""

import contextlib
import os
import uuid

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
# Which libraries a model imports is found out by loading it once more in another process: nothing of that is proven here.
os.environ.setdefault("MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT", "1")

import mlflow  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

SUFFIX = uuid.uuid4().hex[:8]


def experiment(name: str) -> str:
    """The id of a new experiment, which is the active one from now on."""
    return mlflow.set_experiment(f"{name}-{SUFFIX}").experiment_id


def files(run_id: str, path: str | None = None) -> set[str]:
    """Paths of all files below a run's artifacts."""
    found = set()
    for item in MlflowClient().list_artifacts(run_id, path):
        found |= files(run_id, item.path) if item.is_dir else {item.path}
    return found


def steps(run_id: str, key: str) -> list[int]:
    """Steps of a metric's history, in order."""
    return [point.step for point in MlflowClient().get_metric_history(run_id, key)]


@contextlib.contextmanager
def refused(code: str):
    """Fails unless the server refuses what is done inside, with that code."""
    try:
        yield
    except MlflowException as error:
        assert error.error_code == code, f"{error.error_code}: {error}"
    else:
        raise AssertionError(f"the server did not answer {code}")


def prove(name: str, *parts) -> None:
    """Runs the parts one after the other; what is printed last says that all held."""
    for part in parts:
        part()
        print(f"{name}: {part.__name__}", flush=True)
    print(f"{name}: all held", flush=True)
