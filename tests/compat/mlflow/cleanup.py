"""What is deleted can be restored until it is collected; then it is gone with its files, and the rest is not touched.

The address is `MLFLOW_TRACKING_URI`. `CLEANUP` is the command that collects, as a shell would read it: `mlflow gc` with
the server's stores, or `artel gc` with its address; `--run-ids`, `--experiment-ids` and `--older-than` are added to it.
"""

import os
import shlex
import subprocess

import proof

import mlflow
from mlflow import MlflowClient

client = MlflowClient()


def collect(*options: str) -> str:
    done = subprocess.run([*shlex.split(os.environ["CLEANUP"]), *options], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{done.args}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def run_with_files(experiment: str, name: str):
    """A finished run with a metric and a file."""
    with mlflow.start_run(experiment_id=experiment, run_name=name) as started:
        mlflow.log_metric("loss", 0.5)
        mlflow.log_text(f"weights of {name}", "model/weights.txt")
    return started.info


def deleted_runs_are_collected():
    experiment = proof.experiment("runs")
    kept, young, gone, bare = (run_with_files(experiment, name) for name in ("kept", "young", "gone", "bare"))
    for run in (young, gone, bare):
        client.delete_run(run.run_id)
    assert client.get_run(gone.run_id).info.lifecycle_stage == "deleted"
    collect("--older-than", "1d")
    client.restore_run(young.run_id)
    assert proof.files(young.run_id) == {"model/weights.txt"}

    collect("--run-ids", f"{gone.run_id},{bare.run_id}")
    for run in (gone, bare):
        with proof.refused("RESOURCE_DOES_NOT_EXIST"):
            client.get_run(run.run_id)
        with proof.refused("RESOURCE_DOES_NOT_EXIST"):
            client.restore_run(run.run_id)
    files_are_gone(gone)
    alive = {run.info.run_id for run in client.search_runs([experiment])}
    assert alive == {kept.run_id, young.run_id}, alive
    everything = client.search_runs([experiment], run_view_type=mlflow.entities.ViewType.ALL)
    assert {run.info.run_id for run in everything} == alive, everything
    assert mlflow.artifacts.load_text(f"{kept.artifact_uri}/model/weights.txt") == "weights of kept"


def files_are_gone(run):
    """The store behind the server has nothing under the run's address."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    assert not get_artifact_repository(run.artifact_uri).list_artifacts(), run.artifact_uri


def deleted_experiments_are_collected():
    experiment, other = proof.experiment("collected"), proof.experiment("untouched")
    name = client.get_experiment(experiment).name
    inside, outside = run_with_files(experiment, "inside"), run_with_files(other, "outside")
    client.delete_experiment(experiment)
    # A name stays taken while its experiment could be restored.
    with proof.refused("RESOURCE_ALREADY_EXISTS"):
        client.create_experiment(name)
    collect("--experiment-ids", experiment)
    with proof.refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_experiment(experiment)
    with proof.refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_run(inside.run_id)
    files_are_gone(inside)
    again = client.create_experiment(name)
    assert again != experiment and not client.search_runs([again]), again
    assert proof.files(outside.run_id) == {"model/weights.txt"}


def what_is_alive_is_refused():
    """A run that nobody deleted stays."""
    run = run_with_files(proof.experiment("alive"), "alive")
    done = subprocess.run([*shlex.split(os.environ["CLEANUP"]), "--run-ids", run.run_id], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0, done.stdout
    assert client.get_run(run.run_id).info.lifecycle_stage == "active"
    assert proof.files(run.run_id) == {"model/weights.txt"}


if __name__ == "__main__":
    proof.prove("cleanup", deleted_runs_are_collected, deleted_experiments_are_collected, what_is_alive_is_refused)
