"""Logged models: made, finished, tagged, searched, deleted."""

from case import delete, get, patch, post

AT = "logged-models"
ONE = "logged-models/${model}"
SEARCH = "logged-models/search"
UNKNOWN = "logged-models/m-" + "0" * 32
CREATE = {
    "plain": {}, "with a name": {"name": "named"}, "with the same name": {"name": "named"}, "with an empty name": {"name": ""}, "with a slash": {"name": "a/b"}, "with a colon": {"name": "a:b"}, "with a dot": {"name": "a.b"}, "with a percent": {"name": "a%b"}, "with a quote": {"name": "a'b"},
    "with unicode": {"name": "модель"}, "with a space": {"name": "a b"}, "with a name of 501": {"name": "n" * 501}, "with a number as name": {"name": 5}, "with a type": {"name": "typed", "model_type": "Agent"}, "of a run": {"name": "ran", "source_run_id": "${run}"}, "of an unknown run": {"name": "ran2", "source_run_id": "0" * 32},
    "with params": {"name": "p", "params": [{"key": "lr", "value": "0.1"}, {"key": "n", "value": ""}]}, "with params of 501": {"name": "p2", "params": [{"key": "k", "value": "v" * 6001}]}, "with a param twice": {"name": "p3", "params": [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]}, "with params as text": {"name": "p4", "params": "x"},
    "with a bad param": {"name": "p5", "params": [{"key": "a#b", "value": "1"}]}, "with tags": {"name": "t", "tags": [{"key": "k", "value": "v"}, {"key": "mlflow.user", "value": "me"}]}, "with a tag twice": {"name": "t2", "tags": [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]}, "with a bad tag": {"name": "t3", "tags": [{"key": "a#b", "value": "1"}]},
    "without an experiment": {"experiment_id": None}, "in an unknown experiment": {"experiment_id": "987654"}, "in no number": {"experiment_id": "abc"}, "in a number": {"experiment_id": 5},
}  # fmt: skip
STATUSES = ("LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED", "LOGGED_MODEL_PENDING", "LOGGED_MODEL_STATUS_UNSPECIFIED", "READY", 2, 9, "", None)
OPERATORS = ("=", "!=", ">", ">=", "<", "<=", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL")
KEYS = {
    "name": "'s2'", "attributes.name": "'s2'", "model_id": "'${s1}'", "attributes.model_type": "'Agent'", "model_type": "'Agent'", "source_run_id": "'${run}'", "status": "'READY'", "attributes.status": "'LOGGED_MODEL_READY'", "creation_timestamp": "1", "last_updated_timestamp": "1", "creation_time": "1", "experiment_id": "'0'", "artifact_location": "'x'",
    "tags.team": "'nlp'", "tag.team": "'nlp'", "params.lr": "'0.1'", "param.lr": "'0.1'", "parameters.lr": "'0.1'", "metrics.acc": "0.5", "metric.acc": "0.5", "metrics.none": "1", "params.none": "'x'", "unknown": "'x'", "things.x": "'x'",
}  # fmt: skip
FILTERS = {
    "and": "name LIKE 's%' AND metrics.acc > 0.1", "or": "name = 's1' OR name = 's2'", "parentheses": "(name = 's1')", "no value": "name =", "empty": "", "no quotes": "name = s1", "double quotes": 'name = "s1"', "number for text": "name = 1", "text for number": "metrics.acc > 'a'",
    "three": "name LIKE 's%' AND params.lr = '0.1' AND tags.team = 'nlp'", "a quoted key": "params.`lr` = '0.1'", "not a filter": "x y z", "semicolon": "name = 's1'; x", "ids": "model_id IN ('${s1}', '${s2}')", "names": "name IN ('s1', 's2')",
}  # fmt: skip
ORDERS = (
    [{"field_name": "name"}], [{"field_name": "name", "ascending": False}], [{"field_name": "creation_timestamp", "ascending": True}], [{"field_name": "creation_time"}], [{"field_name": "metrics.acc"}], [{"field_name": "metrics.acc", "ascending": False}, {"field_name": "name"}], [{"field_name": "metrics.none"}, {"field_name": "name"}],
    [{"field_name": "metrics.acc", "dataset_name": "d", "dataset_digest": "1", "ascending": False}, {"field_name": "name"}], [{"field_name": "metrics.acc", "dataset_name": "d"}], [{"field_name": "metrics.acc", "dataset_digest": "1"}], [{"field_name": "name", "dataset_name": "d"}], [{"field_name": "params.lr"}], [{"field_name": "tags.team"}],
    [{"field_name": "unknown"}], [{}], [{"field_name": ""}], "name", ["name"], [{"field_name": "last_updated_timestamp"}], [{"field_name": "model_type"}, {"field_name": "name"}], [{"field_name": "status"}, {"field_name": "name"}],
)  # fmt: skip
DATASETS = {"one": [{"dataset_name": "d", "dataset_digest": "1"}], "name only": [{"dataset_name": "d"}], "digest only": [{"dataset_digest": "1"}], "unknown": [{"dataset_name": "x"}], "two": [{"dataset_name": "d"}, {"dataset_name": "e"}], "text": "d", "empty": []}
NUMBERS = (0, 1, -1, 50, 51, 100, 101, 1000, "2", "x")
IN = {"experiment_ids": ["${exp2}"]}
BY_NAME = {"order_by": [{"field_name": "name"}]}


def expression(key: str, operator: str, value: str) -> str:
    if operator.startswith("IS"):
        return f"{key} {operator}"
    return f"{key} {operator} ({value})" if operator.endswith("IN") else f"{key} {operator} {value}"


def searched(i: int, kind: str | None, lr: str, team: str, acc: float) -> list:
    body = {"experiment_id": "${exp2}", "name": f"s{i}", "params": [{"key": "lr", "value": lr}], "tags": [{"key": "team", "value": team}]}
    metric = {"run_id": "${run2}", "key": "acc", "value": acc, "timestamp": i, "step": i, "model_id": f"${{s{i}}}"}
    return [
        post(f"searched {i}", AT, {**body, **({"model_type": kind} if kind else {})}, keep={f"s{i}": "model.info.model_id"}),
        post(f"its metric {i}", "runs/log-metric", metric),
        post(f"its metric of data {i}", "runs/log-metric", {**metric, "value": 1 - acc, "step": 10 + i, "dataset_name": "d", "dataset_digest": "1"}),
    ]


CASES = [
    post("an experiment", "experiments/create", {"name": "logged models"}, keep={"exp": "experiment_id"}),
    post("a run", "runs/create", {"experiment_id": "${exp}", "start_time": 1, "run_name": "r"}, keep={"run": "run.info.run_id"}),
    *(post(f"create {what}", AT, {"experiment_id": "${exp}", **more}, keep={f"created {what}": "model.info.model_id"}) for what, more in CREATE.items()),
    *(get(f"get created {what}", "logged-models/${created " + what + "}") for what in ("with params", "with tags", "of a run")),
    post("create one", AT, {"experiment_id": "${exp}", "name": "one", "source_run_id": "${run}"}, keep={"model": "model.info.model_id"}),
    get("get", ONE),
    get("get unknown", UNKNOWN),
    get("get of no id", "logged-models/x"),
    post("params", f"{ONE}/params", {"params": [{"key": "a", "value": "1"}]}),
    post("params again", f"{ONE}/params", {"params": [{"key": "a", "value": "1"}]}),
    post("params other value", f"{ONE}/params", {"params": [{"key": "a", "value": "2"}]}),
    post("params none", f"{ONE}/params", {"params": []}),
    post("params absent", f"{ONE}/params", {}),
    post("params of text", f"{ONE}/params", {"params": "x"}),
    post("params of a bad key", f"{ONE}/params", {"params": [{"key": "a#b", "value": "2"}]}),
    post("params of unknown", f"{UNKNOWN}/params", {"params": [{"key": "a", "value": "2"}]}),
    patch("tags", f"{ONE}/tags", {"tags": [{"key": "a", "value": "1"}, {"key": "b.c", "value": "2"}]}),
    patch("tags again", f"{ONE}/tags", {"tags": [{"key": "a", "value": "3"}]}),
    patch("tags none", f"{ONE}/tags", {"tags": []}),
    patch("tags absent", f"{ONE}/tags", {}),
    patch("tags of text", f"{ONE}/tags", {"tags": "x"}),
    patch("tags of a bad key", f"{ONE}/tags", {"tags": [{"key": "a#b", "value": "2"}]}),
    patch("tags of unknown", f"{UNKNOWN}/tags", {"tags": [{"key": "a", "value": "2"}]}),
    delete("delete a tag", f"{ONE}/tags/a"),
    delete("delete it again", f"{ONE}/tags/a"),
    delete("delete a tag of unknown", f"{UNKNOWN}/tags/a"),
    get("get changed", ONE),
    *(patch(f"status {status!r}", ONE, {"status": status}) for status in STATUSES),
    patch("status absent", ONE, {}),
    patch("status of unknown", UNKNOWN, {"status": "LOGGED_MODEL_READY"}),
    patch("ready", ONE, {"status": "LOGGED_MODEL_READY"}),
    get("get ready", ONE),
    post("a metric of it", "runs/log-metric", {"run_id": "${run}", "key": "m", "value": 0.5, "timestamp": 1, "step": 3, "model_id": "${model}"}),
    post("metrics of it", "runs/log-batch", {"run_id": "${run}", "metrics": [{"key": "m", "value": 0.75, "timestamp": 2, "step": 4, "model_id": "${model}", "dataset_name": "d", "dataset_digest": "1"}]}),
    get("get with metrics", ONE),
    get("no artifacts", f"{ONE}/artifacts/directories"),
    get("no artifacts below", f"{ONE}/artifacts/directories", {"artifact_directory_path": "sub"}),
    get("artifacts outside", f"{ONE}/artifacts/directories", {"artifact_directory_path": "../.."}),
    get("artifacts of unknown", f"{UNKNOWN}/artifacts/directories"),
    # search
    post("a second experiment", "experiments/create", {"name": "logged model search"}, keep={"exp2": "experiment_id"}),
    post("a second run", "runs/create", {"experiment_id": "${exp2}", "start_time": 1, "run_name": "r2"}, keep={"run2": "run.info.run_id"}),
    *searched(1, "Agent", "0.1", "nlp", 0.5),
    *searched(2, None, "0.2", "Vision", 0.25),
    *searched(3, "Agent", "0.1", "nlp", 0.75),
    *searched(4, "Other", "0.3", "", 0.5),
    patch("ready 1", "logged-models/${s1}", {"status": "LOGGED_MODEL_READY"}),
    patch("failed 2", "logged-models/${s2}", {"status": "LOGGED_MODEL_UPLOAD_FAILED"}),
    post("search all", SEARCH, IN),
    *(post(f"{key} {operator}", SEARCH, {**IN, **BY_NAME, "filter": expression(key, operator, value)}) for key, value in KEYS.items() for operator in OPERATORS),
    *(post(f"filter: {what}", SEARCH, {**IN, **BY_NAME, "filter": text}) for what, text in FILTERS.items()),
    *(post(f"order by {order}", SEARCH, {**IN, "order_by": order}) for order in ORDERS),
    *(post(f"datasets {what}", SEARCH, {**IN, **BY_NAME, "datasets": of}) for what, of in DATASETS.items()),
    post("datasets with a filter", SEARCH, {**IN, **BY_NAME, "datasets": DATASETS["one"], "filter": "metrics.acc > 0.5"}),
    *(post(f"max_results {number!r}", SEARCH, {**IN, **BY_NAME, "max_results": number}) for number in NUMBERS),
    post("search nothing", SEARCH, {}),
    post("search no experiments", SEARCH, {"experiment_ids": []}),
    post("search an unknown experiment", SEARCH, {"experiment_ids": ["987654"]}),
    post("search text", SEARCH, {"experiment_ids": "${exp2}"}),
    post("search a bad token", SEARCH, {**IN, "page_token": "x"}),
    post("pages of one", SEARCH, {**IN, **BY_NAME, "max_results": 1}, pages=True),
    post("pages of three by metric", SEARCH, {**IN, "max_results": 3, "order_by": [{"field_name": "metrics.acc", "ascending": False}, {"field_name": "name"}]}, pages=True),
    post("pages in the default order", SEARCH, {**IN, "max_results": 2}, pages=True),
    # deleted
    delete("delete", ONE),
    get("get deleted", ONE),
    delete("delete again", ONE),
    patch("tag deleted", f"{ONE}/tags", {"tags": [{"key": "a", "value": "3"}]}),
    delete("delete unknown", UNKNOWN),
    delete("delete searched", "logged-models/${s4}"),
    post("search after a delete", SEARCH, {**IN, **BY_NAME}),
]  # fmt: skip
