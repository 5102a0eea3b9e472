"""What the published MLflow client does in a day, with its results asserted.

Works against any server of MLflow's protocol: the address is
`MLFLOW_TRACKING_URI`, credentials are the client's own variables. Every name
is new, so the script may be run again on the same server. Leaves with 0 when
everything held, and with the first broken assertion otherwise.
"""

import math
import pathlib
import tempfile
import uuid

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

SUFFIX = uuid.uuid4().hex[:8]


def nested_runs_and_search(experiment: str) -> None:
    """Children name their parent; a search gives pandas the right rows in order."""
    with mlflow.start_run(run_name="parent") as parent:
        for step in range(3):
            with mlflow.start_run(run_name=f"child-{step}", nested=True):
                mlflow.log_param("depth", step)
                mlflow.log_metrics({"loss": 1.0 / (step + 1)}, step=step)
    children = mlflow.search_runs(
        [experiment],
        filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'",
        order_by=["metrics.loss ASC"],
    )
    assert list(children["params.depth"]) == ["2", "1", "0"], children
    better = mlflow.search_runs([experiment], filter_string="metrics.loss < 0.4")
    assert list(better["params.depth"]) == ["2"], better
    assert math.isclose(better["metrics.loss"][0], 1 / 3), better


def history_and_pages(client: MlflowClient, experiment: str) -> None:
    """A history keeps its steps; pages reach every run once."""
    run = client.create_run(experiment, run_name="history").info.run_id
    for step in range(5):
        client.log_metric(run, "accuracy", step / 10, step=step)
    steps = sorted(point.step for point in client.get_metric_history(run, "accuracy"))
    assert steps == [0, 1, 2, 3, 4], steps
    client.set_terminated(run)

    seen, token = [], None
    while True:
        page = client.search_runs([experiment], max_results=2, page_token=token)
        seen += [found.info.run_id for found in page]
        token = page.token
        if not token:
            break
    assert len(seen) == len(set(seen)) == 5, seen

    client.delete_run(run)
    assert len(client.search_runs([experiment])) == 4
    client.restore_run(run)
    assert len(client.search_runs([experiment])) == 5


def parameters_do_not_change(client: MlflowClient, experiment: str) -> None:
    """The same value again is accepted; another value is refused and not kept."""
    run = client.create_run(experiment, run_name="fixed").info.run_id
    client.log_param(run, "rate", "0.1")
    client.log_param(run, "rate", "0.1")
    try:
        client.log_param(run, "rate", "0.2")
    except MlflowException as refused:
        assert refused.error_code == "INVALID_PARAMETER_VALUE", refused.error_code
    else:
        raise AssertionError("another value of a logged parameter was accepted")
    assert client.get_run(run).data.params == {"rate": "0.1"}


def artifacts(client: MlflowClient, experiment: str) -> None:
    """Files go up, are listed with their sizes, and come down as they were."""
    run = client.create_run(experiment, run_name="files").info.run_id
    content = bytes(range(256)) * 100
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "données 1.bin")
        source.write_bytes(content)
        client.log_artifact(run, str(source), "in/side")
        listed = client.list_artifacts(run, "in/side")
        assert [(file.path, file.file_size) for file in listed] == [
            ("in/side/données 1.bin", len(content))
        ], listed
        assert [folder.is_dir for folder in client.list_artifacts(run)] == [True]
        target = pathlib.Path(folder, "down")
        target.mkdir()
        back = client.download_artifacts(run, "in/side/données 1.bin", str(target))
        assert pathlib.Path(back).read_bytes() == content


def registry(client: MlflowClient) -> None:
    """Versions, aliases, tags and a rename; what is deleted is not found."""
    name, renamed = f"model-{SUFFIX}", f"renamed-{SUFFIX}"
    with mlflow.start_run() as run:
        mlflow.log_text("weights", "model/weights.txt")
    source = f"{run.info.artifact_uri}/model"
    client.create_registered_model(name, tags={"team": "vision"})
    for expected in ("1", "2"):
        version = client.create_model_version(name, source, run.info.run_id)
        assert str(version.version) == expected, version
    client.set_registered_model_alias(name, "champion", "2")
    assert str(client.get_model_version_by_alias(name, "champion").version) == "2"
    client.set_model_version_tag(name, "1", "checked", "yes")
    assert client.get_model_version(name, "1").tags == {"checked": "yes"}
    client.rename_registered_model(name, renamed)
    found = client.search_model_versions(f"name = '{renamed}'")
    assert sorted(str(version.version) for version in found) == ["1", "2"], found
    client.delete_model_version(renamed, "1")
    client.delete_registered_model(renamed)
    try:
        client.get_registered_model(renamed)
    except MlflowException as missing:
        assert missing.error_code == "RESOURCE_DOES_NOT_EXIST", missing.error_code
    else:
        raise AssertionError("a deleted model was found")


def main() -> None:
    client = MlflowClient()
    experiment = mlflow.set_experiment(f"flows-{SUFFIX}").experiment_id
    nested_runs_and_search(experiment)
    history_and_pages(client, experiment)
    parameters_do_not_change(client, experiment)
    artifacts(client, experiment)
    registry(client)
    print("client flows: all held")


if __name__ == "__main__":
    main()
