"""Runs, models and datasets of the published MLflow client whose artifacts lie in S3, with the results asserted.

The tracking server is `MLFLOW_TRACKING_URI`; the artifacts go straight from
the client to `MLFLOW_S3_ENDPOINT_URL` with the client's own AWS variables,
into the bucket `BUCKET`. Leaves with 0 when everything held.
"""

import os
import pathlib
import tempfile
import uuid

import boto3
import mlflow
from mlflow import MlflowClient

BUCKET = os.environ["BUCKET"]
ROOT = f"s3://{BUCKET}/mlflow-{uuid.uuid4().hex[:8]}"


class Doubler(mlflow.pyfunc.PythonModel):
    """A model small enough to make here."""

    def predict(self, context, model_input, params=None):
        return model_input * 2


def main() -> None:
    s3 = boto3.client("s3", endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"])
    client = MlflowClient()
    experiment = client.create_experiment(f"s3-{uuid.uuid4().hex[:8]}", artifact_location=ROOT)
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run(experiment_id=experiment) as run:
        assert run.info.artifact_uri.startswith(ROOT), run.info.artifact_uri
        source = pathlib.Path(folder) / "data"
        (source / "deep" / "er").mkdir(parents=True)
        for name in ["a.txt", "deep/b c.txt", "deep/er/ü.txt"]:
            (source / name).write_text(name)
        (source / "large.bin").write_bytes(os.urandom(20 * 1024 * 1024))
        mlflow.log_artifacts(str(source), "data")
        mlflow.log_text("note", "note.txt")
        mlflow.log_dict({"k": 1}, "d.json")

        listed = {found.path for found in client.list_artifacts(run.info.run_id, "data")}
        assert listed == {"data/a.txt", "data/deep", "data/large.bin"}, listed
        local = pathlib.Path(client.download_artifacts(run.info.run_id, "data", folder))
        assert (local / "deep" / "er" / "ü.txt").read_text() == "deep/er/ü.txt"
        assert (local / "large.bin").read_bytes() == (source / "large.bin").read_bytes()
        assert mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/d.json") == {"k": 1}
        prefix = run.info.artifact_uri.removeprefix(f"s3://{BUCKET}/")
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]]
        assert f"{prefix}/note.txt" in keys and len(keys) == 6, keys

        model = mlflow.pyfunc.log_model(name="doubler", python_model=Doubler(), pip_requirements=["mlflow"])
    loaded = mlflow.pyfunc.load_model(model.model_uri)
    assert loaded.predict(21) == 42
    repository = mlflow.store.artifact.artifact_repository_registry.get_artifact_repository(run.info.artifact_uri)
    repository.delete_artifacts("data")
    assert [found.path for found in client.list_artifacts(run.info.run_id)] == ["d.json", "note.txt"]
    print("mlflow on s3: all held")


if __name__ == "__main__":
    main()
