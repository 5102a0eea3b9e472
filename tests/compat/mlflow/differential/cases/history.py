"""Histories of metrics: whole, in pages, sampled, of several runs."""

from case import get, post

ONE, SAMPLED, BULK = "metrics/get-history", "metrics/get-history-bulk-interval", "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
K = {"run_id": "${run}", "metric_key": "loss"}
S = {"run_ids": ["${run}", "${other}"], "metric_key": "loss"}
NUMBERS = ("0", "-1", "1", "7", "25000", "25001", "x", "", "2.5")
SAMPLES = ("0", "-1", "1", "2", "3", "5", "10", "100", "2500", "2501", "x", "")


def points(key: str, count: int) -> list:
    return [{"key": key, "value": i * i / 7, "timestamp": 1000 + i % 5, "step": i} for i in range(count)]


CASES = [
    post("an experiment", "experiments/create", {"name": "history"}, keep={"exp": "experiment_id"}),
    post("a run", "runs/create", {"experiment_id": "${exp}", "start_time": 1, "run_name": "a"}, keep={"run": "run.info.run_id"}),
    post("another run", "runs/create", {"experiment_id": "${exp}", "start_time": 2, "run_name": "b"}, keep={"other": "run.info.run_id"}),
    post("points", "runs/log-batch", {"run_id": "${run}", "metrics": points("loss", 100)}),
    post("fewer points", "runs/log-batch", {"run_id": "${other}", "metrics": points("loss", 23)}),
    post("several values of a step", "runs/log-batch", {"run_id": "${run}", "metrics": [{"key": "many", "value": v, "timestamp": t, "step": s} for v, t, s in ((3, 1, 5), (1, 2, 5), (2, 1, 4), (9, 1, 5), ("NaN", 3, 1), ("Infinity", 3, 1), ("-Infinity", 0, -2))]}),
    get("several values of a step read", ONE, {"run_id": "${run}", "metric_key": "many"}),
    get("whole", ONE, K),
    get("of another run", ONE, {**K, "run_id": "${other}"}),
    get("by run_uuid", ONE, {"run_uuid": "${other}", "metric_key": "loss"}),
    get("of an unknown key", ONE, {**K, "metric_key": "none"}),
    get("of an empty key", ONE, {**K, "metric_key": ""}),
    get("of no key", ONE, {"run_id": "${run}"}),
    get("of no run", ONE, {"metric_key": "loss"}),
    get("of an unknown run", ONE, {**K, "run_id": "0" * 32}),
    *(get(f"max_results {number!r}", ONE, {**K, "max_results": number}) for number in NUMBERS),
    get("pages of 30", ONE, {**K, "max_results": "30"}, pages=True),
    get("pages of 50", ONE, {**K, "max_results": "50"}, pages=True),
    get("a bad token", ONE, {**K, "max_results": "30", "page_token": "x"}),
    get("an empty token", ONE, {**K, "max_results": "30", "page_token": ""}),
    *(get(f"sampled to {number!r}", SAMPLED, {**S, "max_results": number}) for number in SAMPLES),
    get("sampled", SAMPLED, S),
    get("sampled, one run", SAMPLED, {**S, "run_ids": "${run}", "max_results": "9"}),
    get("sampled, several values of a step", SAMPLED, {"run_ids": "${run}", "metric_key": "many", "max_results": "3"}),
    get("sampled from 10 to 20", SAMPLED, {**S, "start_step": "10", "end_step": "20", "max_results": "4"}),
    get("sampled from 20 to 10", SAMPLED, {**S, "start_step": "20", "end_step": "10", "max_results": "4"}),
    get("sampled from 90 to 200", SAMPLED, {**S, "start_step": "90", "end_step": "200", "max_results": "4"}),
    get("sampled from below", SAMPLED, {**S, "start_step": "-5", "end_step": "5", "max_results": "4"}),
    get("sampled, start only", SAMPLED, {**S, "start_step": "10", "max_results": "4"}),
    get("sampled, end only", SAMPLED, {**S, "end_step": "10", "max_results": "4"}),
    get("sampled, bad start", SAMPLED, {**S, "start_step": "x", "end_step": "5", "max_results": "4"}),
    get("sampled, unknown run", SAMPLED, {**S, "run_ids": ["${run}", "0" * 32], "max_results": "4"}),
    get("sampled, no runs", SAMPLED, {"metric_key": "loss", "max_results": "4"}),
    get("sampled, no key", SAMPLED, {"run_ids": "${run}", "max_results": "4"}),
    get("sampled, unknown key", SAMPLED, {**S, "metric_key": "none", "max_results": "4"}),
    get("sampled, 101 runs", SAMPLED, {**S, "run_ids": ["${run}"] * 101, "max_results": "4"}),
    get("bulk", BULK, {"run_id": ["${run}"], "metric_key": "loss"}),
    get("bulk, few", BULK, {"run_id": ["${other}"], "metric_key": "loss", "max_results": "10"}),
    get("bulk, no run", BULK, {"metric_key": "loss"}),
    get("bulk, no key", BULK, {"run_id": "${run}"}),
    get("bulk, unknown run", BULK, {"run_id": "0" * 32, "metric_key": "loss"}),
    get("bulk, 101 runs", BULK, {"run_id": ["${run}"] * 101, "metric_key": "loss"}),
    get("bulk, bad number", BULK, {"run_id": "${run}", "metric_key": "loss", "max_results": "x"}),
]  # fmt: skip
