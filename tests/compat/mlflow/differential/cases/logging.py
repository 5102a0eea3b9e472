"""Metrics, parameters and tags of runs: one by one, in batches, at and beyond every limit."""

from case import get, post

R = {"run_id": "${run}"}
METRIC = {**R, "key": "m", "value": 1.5, "timestamp": 100, "step": 1}
KEYS = {
    "dots": "a.b", "slash": "a/b", "space": "a b", "colon": "a:b", "dash": "a-b", "unicode": "метрика", "digits": "123", "underscore": "_a", "250": "k" * 250,
    "251": "k" * 251, "hash": "a#b", "at": "a@b", "percent": "a%b", "star": "a*b", "backslash": "a\\b", "leading slash": "/a", "two slashes": "a//b", "dot": ".", "parent": "..",
    "a parent inside": "a/../b", "ends with slash": "a/", "empty": "", "a number": 5, "null": None, "newline": "a\nb", "plus": "a+b", "emoji": "a🚀", "parentheses": "f(x)", "equals": "a=b",
}  # fmt: skip
VALUES = {
    "zero": 0, "negative": -1.25, "large": 1.7976931348623157e308, "small": 5e-324, "NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity", "a number in text": "1.5",
    "a word": "high", "a bool": True, "null": None, "a list": [1], "an object": {"a": 1}, "nan in small letters": "nan", "inf": "inf", "empty": "", "integer": 3, "many digits": 0.1234567890123456789,
}  # fmt: skip
TIMES = {"zero": 0, "negative": -1, "text": "200", "a word": "now", "a fraction": 1.5, "a whole fraction": 2.0, "null": None, "a bool": True, "large": 9223372036854775807, "too large": 9223372036854775808}
STEPS = {"zero": 0, "negative": -3, "text": "7", "a word": "first", "a fraction": 1.5, "null": None, "large": 9223372036854775807, "too large": 99999999999999999999}
TEXTS = {"empty": "", "unicode": "значение 値 🚀", "6000": "v" * 6000, "6001": "v" * 6001, "8000": "v" * 8000, "8001": "v" * 8001, "a number": 5, "a bool": True, "null": None, "a list": ["a"], "newlines": "a\nb\tc", "quotes": "'\"`"}
BATCHES = {
    "empty": {},
    "of all kinds": {"metrics": [{"key": "bm", "value": 1, "timestamp": 1, "step": 0}], "params": [{"key": "bp", "value": "1"}], "tags": [{"key": "bt", "value": "1"}]},
    "the same again": {"metrics": [{"key": "bm", "value": 1, "timestamp": 1, "step": 0}], "params": [{"key": "bp", "value": "1"}], "tags": [{"key": "bt", "value": "2"}]},
    "another value": {"params": [{"key": "bp", "value": "2"}]},
    "a parameter twice": {"params": [{"key": "twice", "value": "1"}, {"key": "twice", "value": "1"}]},
    "a parameter with two values": {"params": [{"key": "two", "value": "1"}, {"key": "two", "value": "2"}]},
    "a tag twice": {"tags": [{"key": "twice", "value": "1"}, {"key": "twice", "value": "2"}]},
    "a point twice": {"metrics": [{"key": "same", "value": 1, "timestamp": 1, "step": 0}] * 2},
    "several points": {"metrics": [{"key": "several", "value": v, "timestamp": t, "step": s} for v, t, s in ((1, 5, 2), (2, 4, 3), (3, 9, 1), (4, 4, 3))]},
    "special values": {"metrics": [{"key": f"special {v}", "value": v, "timestamp": 1, "step": 0} for v in ("NaN", "Infinity", "-Infinity")]},
    "1000 metrics": {"metrics": [{"key": f"thousand{i}", "value": i, "timestamp": 1, "step": 0} for i in range(1000)]},
    "1001 metrics": {"metrics": [{"key": f"m{i}", "value": i, "timestamp": 1, "step": 0} for i in range(1001)]},
    "100 params": {"params": [{"key": f"hundred{i}", "value": str(i)} for i in range(100)]},
    "101 params": {"params": [{"key": f"p{i}", "value": str(i)} for i in range(101)]},
    "101 tags": {"tags": [{"key": f"t{i}", "value": str(i)} for i in range(101)]},
    "1001 in all": {"metrics": [{"key": f"m{i}", "value": i, "timestamp": 1, "step": 0} for i in range(901)], "params": [{"key": f"q{i}", "value": "1"} for i in range(100)]},
    "metrics as text": {"metrics": "m"},
    "params as text": {"params": "p"},
    "tags as an object": {"tags": {"a": "b"}},
    "a metric without a key": {"metrics": [{"value": 1, "timestamp": 1}]},
    "a metric without a value": {"metrics": [{"key": "m", "timestamp": 1}]},
    "a metric without a time": {"metrics": [{"key": "m", "value": 1}]},
    "a metric without a step": {"metrics": [{"key": "stepless", "value": 1, "timestamp": 1}]},
    "a metric with a word": {"metrics": [{"key": "m", "value": "word", "timestamp": 1}]},
    "a metric with a bad key": {"metrics": [{"key": "ok", "value": 1, "timestamp": 1}, {"key": "a#b", "value": 1, "timestamp": 1}]},
    "a metric with a bad time": {"metrics": [{"key": "m", "value": 1, "timestamp": -1}]},
    "a metric of text": {"metrics": ["m"]},
    "a param without a key": {"params": [{"value": "1"}]},
    "a param without a value": {"params": [{"key": "valueless"}]},
    "a param with a bad key": {"params": [{"key": "p#", "value": "1"}]},
    "a param of 6001": {"params": [{"key": "long", "value": "v" * 6001}]},
    "a param of 251": {"params": [{"key": "p" * 251, "value": "v"}]},
    "a tag without a key": {"tags": [{"value": "1"}]},
    "a tag without a value": {"tags": [{"key": "valueless"}]},
    "a tag of 8001": {"tags": [{"key": "long", "value": "v" * 8001}]},
    "a tag of 251": {"tags": [{"key": "t" * 251, "value": "v"}]},
    "a name as tag": {"tags": [{"key": "mlflow.runName", "value": "by batch"}]},
}  # fmt: skip
BAD_RUNS = {"absent": {}, "unknown": {"run_id": "0" * 32}, "a number": {"run_id": 5}, "empty": {"run_id": ""}}
ENDPOINTS = {
    "log-metric": {"key": "m", "value": 1, "timestamp": 1},
    "log-parameter": {"key": "p", "value": "1"},
    "set-tag": {"key": "t", "value": "1"},
    "delete-tag": {"key": "t"},
    "log-batch": {"params": [{"key": "p", "value": "1"}]},
    "log-model": {"model_json": "{}"},
}
MODELS = {
    "absent": {}, "no JSON": {"model_json": "x"}, "a list": {"model_json": "[]"}, "no fields": {"model_json": "{}"},
    "of little": {"model_json": '{"artifact_path": "model", "utc_time_created": "2026-01-01 00:00:00.000000", "flavors": {}}'},
    "whole": {"model_json": '{"artifact_path": "model", "utc_time_created": "2026-01-01 00:00:00.000000", "run_id": "x", "flavors": {"python_function": {"loader_module": "mlflow.sklearn"}}, "model_uuid": "u"}'},
    "an object": {"model_json": {"artifact_path": "m"}},
}  # fmt: skip


LENIENT = ("nan in small letters", "inf", "a bool", "a fraction", "too large", "a metric with a word")


def run_for(what: str) -> dict:
    """Another run for what only one of the servers takes: the rest stays comparable."""
    return {"run_id": "${odd}" if what in LENIENT else "${run}"}


def without(body: dict, field: str) -> dict:
    return {key: value for key, value in body.items() if key != field}


CASES = [
    post("an experiment", "experiments/create", {"name": "logging"}, keep={"exp": "experiment_id"}),
    post("a run", "runs/create", {"experiment_id": "${exp}", "start_time": 1, "run_name": "logging"}, keep={"run": "run.info.run_id"}),
    post("a run for what only one of the servers takes", "runs/create", {"experiment_id": "${exp}", "start_time": 1, "run_name": "odd"}, keep={"odd": "run.info.run_id"}),
    post("metric", "runs/log-metric", METRIC),
    post("the same point again", "runs/log-metric", METRIC),
    post("an older step", "runs/log-metric", {**METRIC, "value": 9, "step": 0}),
    post("the same step, later", "runs/log-metric", {**METRIC, "value": 8, "timestamp": 101}),
    get("the latest", "runs/get", R),
    *(post(f"metric key {what}", "runs/log-metric", {**METRIC, "key": key}) for what, key in KEYS.items()),
    *(post(f"metric value {what}", "runs/log-metric", {**METRIC, **run_for(what), "key": f"value {what}", "value": value}) for what, value in VALUES.items()),
    *(post(f"metric time {what}", "runs/log-metric", {**METRIC, **run_for(what), "key": f"time {what}", "timestamp": value}) for what, value in TIMES.items()),
    *(post(f"metric step {what}", "runs/log-metric", {**METRIC, **run_for(what), "key": f"step {what}", "step": value}) for what, value in STEPS.items()),
    *(post(f"metric without {field}", "runs/log-metric", without(METRIC, field)) for field in ("run_id", "key", "value", "timestamp", "step")),
    post("metric by run_uuid", "runs/log-metric", {**without(METRIC, "run_id"), "run_uuid": "${run}", "key": "by uuid"}),
    post("metric of a dataset", "runs/log-metric", {**METRIC, "key": "of data", "dataset_name": "d", "dataset_digest": "1"}),
    post("metric of an unknown model", "runs/log-metric", {**METRIC, **run_for("a bool"), "key": "of model", "model_id": "m-" + "0" * 32}),
    *(post(f"param key {what}", "runs/log-parameter", {**R, "key": key, "value": "1"}) for what, key in KEYS.items()),
    *(post(f"param value {what}", "runs/log-parameter", {**R, "key": f"value {what}", "value": value}) for what, value in TEXTS.items()),
    post("param without a value", "runs/log-parameter", {**R, "key": "valueless"}),
    post("param again", "runs/log-parameter", {**R, "key": "a.b", "value": "1"}),
    post("param with another value", "runs/log-parameter", {**R, "key": "a.b", "value": "2"}),
    *(post(f"tag key {what}", "runs/set-tag", {**R, "key": key, "value": "1"}) for what, key in KEYS.items()),
    *(post(f"tag value {what}", "runs/set-tag", {**R, "key": f"value {what}", "value": value}) for what, value in TEXTS.items()),
    post("tag without a value", "runs/set-tag", {**R, "key": "valueless"}),
    post("tag again", "runs/set-tag", {**R, "key": "a.b", "value": "2"}),
    post("tag of the name", "runs/set-tag", {**R, "key": "mlflow.runName", "value": "named by tag"}),
    post("delete a tag", "runs/delete-tag", {**R, "key": "a.b"}),
    post("delete it again", "runs/delete-tag", {**R, "key": "a.b"}),
    post("delete a tag of no key", "runs/delete-tag", R),
    get("everything so far", "runs/get", R),
    *(post(f"batch {what}", "runs/log-batch", {**R, **run_for(what), **batch}) for what, batch in BATCHES.items()),
    *(post(f"{endpoint}, run {what}", f"runs/{endpoint}", {**body, **more}) for endpoint, more in ENDPOINTS.items() for what, body in BAD_RUNS.items()),
    *(post(f"model {what}", "runs/log-model", {**run_for("a bool"), **body}) for what, body in MODELS.items()),
    get("everything", "runs/get", R),
]  # fmt: skip
