"""Operators for models. Each speaks to MLflow in ``execute`` only, so that parsing a DAG file imports no MLflow."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from artel import files, gate, server


class TrainProjectOperator(BaseOperator):
    """Run an MLflow project and return the id of its MLflow run.

    :param uri: folder or git URL of the project, ``#subfolder`` allowed as in MLflow
    :param entry_point: of its ``MLproject``
    :param parameters: for the entry point
    :param version: commit or branch, for a git URL
    :param experiment: name of the experiment; MLflow's default without it
    :param env_manager: what makes the project's environment: ``local`` (the task's own), ``uv``, ``virtualenv`` or ``conda``
    """

    template_fields: Sequence[str] = ("uri", "entry_point", "parameters", "version", "experiment", "run_name")
    ui_color = "#d9e7d6"

    def __init__(
        self,
        *,
        uri: str,
        entry_point: str = "main",
        parameters: dict[str, Any] | None = None,
        version: str | None = None,
        experiment: str | None = None,
        run_name: str | None = None,
        env_manager: str = "local",
        mlflow_conn_id: str | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.uri, self.entry_point, self.parameters, self.version = uri, entry_point, parameters, version
        self.experiment, self.run_name, self.env_manager, self.mlflow_conn_id = experiment, run_name, env_manager, mlflow_conn_id
        self._submitted = None

    def execute(self, context) -> str:
        server.use(self.mlflow_conn_id)
        import mlflow

        self._submitted = mlflow.projects.run(
            self.uri,
            entry_point=self.entry_point,
            version=self.version,
            parameters=self.parameters or {},
            experiment_name=self.experiment,
            run_name=self.run_name or f"{context['ti'].dag_id}.{context['ti'].task_id}",
            env_manager=self.env_manager,
            synchronous=False,
        )
        succeeded = self._submitted.wait()
        run_id = self._submitted.run_id
        if not succeeded:
            raise AirflowException(f"the project {self.uri} failed; its MLflow run is {run_id}")
        self.log.info("MLflow run %s", run_id)
        return run_id

    def on_kill(self) -> None:
        if self._submitted is not None:
            self._submitted.cancel()


class RegisterModelOperator(BaseOperator):
    """Register a model that a run logged, and return the number of the new version.

    :param name: of the registered model, which is made where it is missing
    :param run_id: the run that logged it, with ``artifact_path``; or give ``model_uri``
    :param alias: an alias that the version gets at once, without a gate
    """

    template_fields: Sequence[str] = ("name", "run_id", "artifact_path", "model_uri", "tags", "description", "alias")
    ui_color = "#d6e0e7"

    def __init__(
        self,
        *,
        name: str,
        run_id: str | None = None,
        artifact_path: str = "model",
        model_uri: str | None = None,
        tags: dict[str, str] | None = None,
        description: str | None = None,
        alias: str | None = None,
        mlflow_conn_id: str | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if (run_id is None) == (model_uri is None):
            raise ValueError("give exactly one of run_id and model_uri")
        self.name, self.run_id, self.artifact_path, self.model_uri = name, run_id, artifact_path, model_uri
        self.tags, self.description, self.alias, self.mlflow_conn_id = tags, description, alias, mlflow_conn_id

    def execute(self, context) -> str:
        client = server.client(self.mlflow_conn_id)
        import mlflow

        ti = context["ti"]
        tags = {"airflow.dag_id": ti.dag_id, "airflow.run_id": ti.run_id, **(self.tags or {})}
        uri = self.model_uri or f"runs:/{self.run_id}/{self.artifact_path}"
        version = mlflow.register_model(uri, self.name, tags={key: str(value) for key, value in tags.items()})
        if self.description:
            client.update_model_version(self.name, version.version, self.description)
        if self.alias:
            client.set_registered_model_alias(self.name, self.alias, version.version)
        self.log.info("%s is version %s of %s", uri, version.version, self.name)
        return str(version.version)


class PromoteModelOperator(BaseOperator):
    """Give a version an alias if it passes a gate: a metric that reaches a bound and is not worse than that of the version
    that has the alias now. Returns what was compared.

    :param metric: of the version's run (or logged model). Without one there is no gate
    :param minimum: the least good value that passes, whatever the alias has
    :param tolerance: by how much the value may be worse than the one it is compared with
    :param compare_with: the alias whose version it is compared with; ``alias`` itself without it
    :param previous_alias: an alias that the version which had ``alias`` gets, to go back to
    :param on_refusal: ``fail`` the task, or ``skip`` it and what follows
    """

    template_fields: Sequence[str] = ("name", "version", "alias", "metric", "minimum", "compare_with", "previous_alias")
    ui_color = "#e7e3d6"

    def __init__(
        self,
        *,
        name: str,
        version: str,
        alias: str = "champion",
        metric: str | None = None,
        higher_is_better: bool = True,
        minimum: float | None = None,
        tolerance: float = 0.0,
        compare_with: str | None = None,
        previous_alias: str | None = None,
        on_refusal: str = "fail",
        mlflow_conn_id: str | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if on_refusal not in ("fail", "skip"):
            raise ValueError(f"on_refusal is 'fail' or 'skip', not {on_refusal!r}")
        self.name, self.version, self.alias, self.metric = name, version, alias, metric
        self.higher_is_better, self.minimum, self.tolerance = higher_is_better, minimum, tolerance
        self.compare_with, self.previous_alias = compare_with, previous_alias
        self.on_refusal, self.mlflow_conn_id = on_refusal, mlflow_conn_id

    def execute(self, context) -> dict:
        client = server.client(self.mlflow_conn_id)
        verdict = gate.judge(
            client,
            self.name,
            str(self.version),
            metric=self.metric,
            higher_is_better=self.higher_is_better,
            minimum=None if self.minimum is None else float(self.minimum),
            tolerance=self.tolerance,
            compare_with=self.compare_with or self.alias,
        )
        self.log.info("%s", verdict)
        if verdict["refused"]:
            refusal = f"version {self.version} of {self.name} does not become {self.alias}: {verdict['refused']}"
            raise (AirflowSkipException if self.on_refusal == "skip" else AirflowException)(refusal)
        before = gate.version_of(client, self.name, self.alias)
        if before and before != str(self.version) and self.previous_alias:
            client.set_registered_model_alias(self.name, self.previous_alias, before)
        client.set_registered_model_alias(self.name, self.alias, str(self.version))
        return verdict | {"alias": self.alias, "replaced": before}


class BatchPredictOperator(BaseOperator):
    """Predict with a registered model over files and return the files written.

    :param model: ``models:/NAME/VERSION`` or ``models:/NAME@ALIAS``; an alias is resolved once, for all files
    :param inputs: path, glob pattern, or a list of them; ``.csv``, ``.parquet``, ``.json`` (lines)
    :param output_folder: for one file per input, of the same name; made where it is missing
    :param prediction_column: for the predictions, beside the columns of the input
    :param columns: those that the model is given; all of them without it
    :param chunk_rows: rows predicted at a time
    """

    template_fields: Sequence[str] = ("model", "inputs", "output_folder")
    ui_color = "#e0d6e7"

    def __init__(
        self,
        *,
        model: str,
        inputs: str | list[str],
        output_folder: str,
        prediction_column: str = "prediction",
        columns: list[str] | None = None,
        chunk_rows: int = 10_000,
        mlflow_conn_id: str | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.model, self.inputs, self.output_folder, self.prediction_column = model, inputs, output_folder, prediction_column
        self.columns, self.chunk_rows, self.mlflow_conn_id = columns, chunk_rows, mlflow_conn_id

    def execute(self, context) -> dict:
        client = server.client(self.mlflow_conn_id)
        import mlflow

        uri = gate.pinned(client, self.model)
        found = files.matching([self.inputs] if isinstance(self.inputs, str) else self.inputs)
        model = mlflow.pyfunc.load_model(uri)
        written, rows = [], 0
        for path in found:
            target, count = files.predict(model, path, self.output_folder, self.prediction_column, self.columns, self.chunk_rows)
            self.log.info("%s: %d rows to %s", path, count, target)
            written.append(target)
            rows += count
        return {"model": uri, "files": written, "rows": rows}


class DeployModelOperator(BaseOperator):
    """Have a serving endpoint serve a version of a registered model, and wait until it does. The endpoint is made where it
    is missing; one that serves another version goes on with it until the new one is ready.

    :param version: of the model; or give ``alias``
    :param timeout: seconds to wait until the version serves
    """

    template_fields: Sequence[str] = ("endpoint", "name", "version", "alias")
    ui_color = "#e7d6d6"

    def __init__(
        self,
        *,
        endpoint: str,
        name: str,
        version: str | None = None,
        alias: str | None = None,
        timeout: float = 600.0,
        poll_interval: float = 2.0,
        mlflow_conn_id: str | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if (version is None) == (alias is None):
            raise ValueError("give exactly one of version and alias")
        self.endpoint, self.name, self.version, self.alias = endpoint, name, version, alias
        self.timeout, self.poll_interval, self.mlflow_conn_id = timeout, poll_interval, mlflow_conn_id

    def execute(self, context) -> dict:
        client = server.client(self.mlflow_conn_id)
        version = str(self.version) if self.version is not None else gate.version_of(client, self.name, self.alias)
        if version is None:
            raise AirflowException(f"{self.name} has no version with the alias {self.alias}")
        path = f"/api/2.0/serving-endpoints/{self.endpoint}"
        entity = {"served_entities": [{"entity_name": self.name, "entity_version": version}]}
        if server.request("GET", path, missing_is_none=True) is None:
            server.request("POST", "/api/2.0/serving-endpoints", {"name": self.endpoint, "config": entity})
        else:
            server.request("PUT", f"{path}/config", entity)
        return self.wait(path, version)

    def wait(self, path: str, version: str) -> dict:
        deadline = time.monotonic() + self.timeout
        while True:
            state = server.request("GET", path)
            served = [entity.get("entity_version") for entity in state.get("config", {}).get("served_entities", [])]
            update = state["state"].get("config_update")
            if update == "UPDATE_FAILED":
                raise AirflowException(f"endpoint {self.endpoint} could not be updated to version {version}: {state}")
            if state["state"].get("ready") == "READY" and update == "NOT_UPDATING" and served == [version]:
                return {"endpoint": self.endpoint, "name": self.name, "version": version, "state": "READY"}
            if time.monotonic() > deadline:
                raise AirflowException(f"endpoint {self.endpoint} does not serve version {version} after {self.timeout:g} s: {state['state']}")
            time.sleep(self.poll_interval)
