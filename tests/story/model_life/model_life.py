"""The life of a model by the operators of the provider `artel`: trained as a project, registered, promoted through a gate,
used over files, deployed. Triggered with `slope` (2 is right), `name`, `inputs`, `output` and `endpoint` (empty: not deployed)."""

from __future__ import annotations

import pathlib

from airflow.sdk import Param, dag, task
from artel.operators import (
    BatchPredictOperator,
    DeployModelOperator,
    PromoteModelOperator,
    RegisterModelOperator,
    TrainProjectOperator,
)
from artel.sensors import ModelAliasSensor

PROJECT = pathlib.Path(__file__).parent / "project"


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    tags=["models"],
    doc_md=__doc__,
    params={
        "slope": Param(2.0, type="number"),
        "name": Param("line", type="string", minLength=1),
        "inputs": Param("/tmp/line/*.csv", type="string"),
        "output": Param("/tmp/line/predicted", type="string"),
        "endpoint": Param("", type="string"),
    },
)
def model_life():
    train = TrainProjectOperator(
        task_id="train", uri=str(PROJECT), parameters={"slope": "{{ params.slope }}"}, experiment="{{ params.name }}"
    )
    register = RegisterModelOperator(task_id="register", name="{{ params.name }}", run_id=train.output)
    promote = PromoteModelOperator(
        task_id="promote", name="{{ params.name }}", version=register.output, metric="r2", minimum=0.5,
        previous_alias="previous", on_refusal="skip",
    )
    wait = ModelAliasSensor(task_id="wait", name="{{ params.name }}", poke_interval=1, timeout=60)
    predict = BatchPredictOperator(
        task_id="predict", model="models:/{{ params.name }}@champion", inputs="{{ params.inputs }}", output_folder="{{ params.output }}"
    )

    @task.short_circuit
    def has_endpoint(params: dict) -> bool:
        return bool(params["endpoint"])

    deploy = DeployModelOperator(task_id="deploy", endpoint="{{ params.endpoint }}", name="{{ params.name }}", version=wait.output)
    promote >> wait >> predict >> has_endpoint() >> deploy


model_life()
