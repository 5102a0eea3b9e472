"""System metrics that the client samples while a run is active, and asynchronous logging beside them.

The address is `MLFLOW_TRACKING_URI`; leaves with 0 when everything held.
"""

import time

import proof

import mlflow
from mlflow import MlflowClient

SAMPLES = 3
WATCHED = "system/cpu_utilization_percentage"


def a_run_is_watched():
    """Processor, memory, disk and network are metrics named system/…, sampled at steps 0, 1, 2 …"""
    proof.experiment("system")
    mlflow.set_system_metrics_sampling_interval(0.2)
    with mlflow.start_run(log_system_metrics=True) as started:
        until = time.monotonic() + 60
        while len(proof.steps(started.info.run_id, WATCHED)) < SAMPLES:
            assert time.monotonic() < until, sampled(started)
            time.sleep(0.1)
    metrics = sampled(started)
    assert {"system/system_memory_usage_megabytes", "system/disk_usage_percentage"} <= set(metrics), metrics
    assert metrics["system/system_memory_usage_megabytes"] > 1, metrics
    assert 0 <= metrics[WATCHED] <= 100, metrics
    steps = proof.steps(started.info.run_id, WATCHED)
    assert steps == list(range(len(steps))), steps
    found = mlflow.search_runs(filter_string="metrics.`system/system_memory_usage_megabytes` > 1")
    assert list(found["run_id"]) == [started.info.run_id], found


def sampled(started) -> dict:
    metrics = MlflowClient().get_run(started.info.run_id).data.metrics
    return {key: value for key, value in metrics.items() if key.startswith("system/")}


def logging_does_not_wait():
    """What is logged without waiting is all there after a flush, in the right order."""
    experiment = proof.experiment("async")
    mlflow.config.enable_async_logging()
    try:
        with mlflow.start_run() as started:
            for step in range(300):
                mlflow.log_metric("loss", 1 / (step + 1), step=step)
            mlflow.log_params({f"p{i}": i for i in range(40)})
            mlflow.set_tag("stage", "done")
        mlflow.flush_async_logging()
    finally:
        mlflow.config.enable_async_logging(False)
    assert proof.steps(started.info.run_id, "loss") == list(range(300))
    (run,) = MlflowClient().search_runs([experiment], "params.p39 = '39' and tags.stage = 'done' and metrics.loss < 0.004")
    assert len(run.data.params) == 40, run.data.params


if __name__ == "__main__":
    proof.prove("system metrics", a_run_is_watched, logging_does_not_wait)
