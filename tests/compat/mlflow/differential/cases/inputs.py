"""Datasets and models that a run took, models that it gave, and the search of datasets."""

from case import get, post

R = {"run_id": "${run}"}
D = {"name": "wine", "digest": "d1", "source_type": "http", "source": '{"url": "http://x"}'}
DATASETS = {
    "plain": [{"dataset": D}],
    "the same again": [{"dataset": D}],
    "with all fields": [{"dataset": {**D, "digest": "d2", "schema": '{"a": 1}', "profile": '{"rows": 5}'}, "tags": [{"key": "mlflow.data.context", "value": "train"}, {"key": "k", "value": "v"}]}],
    "two": [{"dataset": {**D, "name": "iris"}}, {"dataset": {**D, "name": "digits"}, "tags": [{"key": "mlflow.data.context", "value": "eval"}]}],
    "the same twice": [{"dataset": {**D, "name": "twice"}}, {"dataset": {**D, "name": "twice"}}],
    "without a name": [{"dataset": {"digest": "d", "source_type": "s", "source": "s"}}],
    "without a digest": [{"dataset": {"name": "n", "source_type": "s", "source": "s"}}],
    "without a source type": [{"dataset": {"name": "n", "digest": "d", "source": "s"}}],
    "without a source": [{"dataset": {"name": "n", "digest": "d", "source_type": "s"}}],
    "without a dataset": [{"tags": [{"key": "k", "value": "v"}]}],
    "an empty name": [{"dataset": {**D, "name": ""}}],
    "a name of 500": [{"dataset": {**D, "name": "n" * 500}}],
    "a name of 501": [{"dataset": {**D, "name": "n" * 501}}],
    "a digest of 36": [{"dataset": {**D, "digest": "d" * 36}}],
    "a digest of 37": [{"dataset": {**D, "digest": "d" * 37}}],
    "a source of 65536": [{"dataset": {**D, "name": "big source", "source": "s" * 65536}}],
    "a schema of 1048576": [{"dataset": {**D, "schema": "s" * 1048576}}],
    "a tag key of 256": [{"dataset": D, "tags": [{"key": "k" * 256, "value": "v"}]}],
    "a tag value of 501": [{"dataset": D, "tags": [{"key": "k", "value": "v" * 501}]}],
    "a tag without a key": [{"dataset": D, "tags": [{"value": "v"}]}],
    "a tag without a value": [{"dataset": D, "tags": [{"key": "v"}]}],
    "a name that is a number": [{"dataset": {**D, "name": 5}}],
    "a dataset of text": [{"dataset": "wine"}],
    "text": "wine",
    "none": [],
    "unicode": [{"dataset": {**D, "name": "данные 値", "digest": "ж"}}],
}
SHOW = "/ajax-api/2.0/mlflow/experiments/search-datasets"
MODELS = {"absent": {}, "none": {"models": []}, "one": {"models": [{"model_id": "${model}", "step": 1}]}, "again": {"models": [{"model_id": "${model}", "step": 1}]}, "without a step": {"models": [{"model_id": "${model}"}]}, "without an id": {"models": [{"step": 1}]}, "unknown": {"models": [{"model_id": "m-" + "0" * 32, "step": 1}]}, "text": {"models": "x"}, "a step of text": {"models": [{"model_id": "${model}", "step": "x"}]}}
LENIENT = ("without a dataset", "a name that is a number", "a dataset of text", "without a step", "again")


def run_for(what: str) -> dict:
    """Another run for what only one of the servers takes: the rest stays comparable."""
    return {"run_id": "${odd}" if what in LENIENT else "${run}"}


CASES = [
    post("an experiment", "experiments/create", {"name": "inputs"}, keep={"exp": "experiment_id"}),
    post("another experiment", "experiments/create", {"name": "odd inputs"}, keep={"exp2": "experiment_id"}),
    post("a run", "runs/create", {"experiment_id": "${exp}", "start_time": 1, "run_name": "r"}, keep={"run": "run.info.run_id"}),
    post("a run for what only one of the servers takes", "runs/create", {"experiment_id": "${exp2}", "start_time": 1, "run_name": "odd"}, keep={"odd": "run.info.run_id"}),
    post("a model", "logged-models", {"experiment_id": "${exp}", "name": "m"}, keep={"model": "model.info.model_id"}),
    *(case for what, datasets in DATASETS.items() for case in (post(f"data {what}", "runs/log-inputs", {**run_for(what), "datasets": datasets}),)),
    get("the run with its data", "runs/get", R),
    *(post(f"inputs, run {what}", "runs/log-inputs", {**body, "datasets": [{"dataset": D}]}) for what, body in {"absent": {}, "unknown": {"run_id": "0" * 32}, "a number": {"run_id": 5}}.items()),
    post("inputs without data", "runs/log-inputs", R),
    *(post(f"outputs {what}", "runs/outputs", {**run_for(what), **body}) for what, body in MODELS.items()),
    *(post(f"model inputs {what}", "runs/log-inputs", {**run_for(what), **body}) for what, body in MODELS.items()),
    *(post(f"outputs, run {what}", "runs/outputs", {**body, "models": [{"model_id": "${model}", "step": 1}]}) for what, body in {"absent": {}, "unknown": {"run_id": "0" * 32}}.items()),
    get("the run with its models", "runs/get", R),
    post("the run in a search", "runs/search", {"experiment_ids": ["${exp}"], "filter": "datasets.name = 'wine'"}),
    post("datasets", SHOW, {"experiment_ids": ["${exp}"]}),
    post("datasets of none", SHOW, {"experiment_ids": []}),
    post("datasets of no field", SHOW, {}),
    post("datasets of unknown", SHOW, {"experiment_ids": ["987654"]}),
    post("datasets of text", SHOW, {"experiment_ids": "x"}),
    post("datasets of 21", SHOW, {"experiment_ids": [str(i) for i in range(21)]}),
]  # fmt: skip
