"""Autologging of XGBoost and LightGBM on the breast cancer data: the metric of every round, early stopping, models.

The address is `MLFLOW_TRACKING_URI`; leaves with 0 when everything held.
"""

import json
import math

import proof

import lightgbm
import mlflow
import numpy
import xgboost
from mlflow import MlflowClient
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

features, classes = load_breast_cancer(return_X_y=True, as_frame=True)
# XGBoost refuses brackets in names of features, and LightGBM replaces spaces.
features.columns = [name.replace(" ", "_") for name in features.columns]
TRAIN, TEST, TRAIN_CLASSES, TEST_CLASSES = train_test_split(features, classes, random_state=7, stratify=classes)


def histories_are(run_id: str, results: dict):
    """Each metric has a point for every round, with the very value that the library reported."""
    for name, metrics in results.items():
        for metric, values in metrics.items():
            points = MlflowClient().get_metric_history(run_id, f"{name}-{metric}")
            rounds = [(point.step, point.value) for point in points if point.step < len(values)]
            assert [step for step, _ in rounds[: len(values)]] == list(range(len(values))), (name, metric, rounds)
            assert all(math.isclose(logged, value) for (_, logged), value in zip(rounds, values)), (name, metric)


def xgboost_stops_early():
    proof.experiment("xgboost")
    mlflow.xgboost.autolog(log_input_examples=True)
    results = {}
    train, test = xgboost.DMatrix(TRAIN, TRAIN_CLASSES), xgboost.DMatrix(TEST, TEST_CLASSES)
    params = {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "max_depth": 3, "nthread": 1, "eta": 0.5}
    with mlflow.start_run() as started:
        booster = xgboost.train(
            params, train, 60, evals=[(train, "train"), (test, "test")], early_stopping_rounds=3,
            evals_result=results, verbose_eval=False,
        )  # fmt: skip
    run = MlflowClient().get_run(started.info.run_id)
    assert run.data.params["max_depth"] == "3" and run.data.params["num_boost_round"] == "60", run.data.params
    histories_are(run.info.run_id, results)
    assert run.data.metrics["best_iteration"] == booster.best_iteration, run.data.metrics
    assert run.data.metrics["stopped_iteration"] == len(results["test"]["auc"]) - 1, run.data.metrics
    left = proof.files(run.info.run_id)
    assert {"feature_importance_weight.json", "feature_importance_weight.png"} <= left, left
    weights = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/feature_importance_weight.json")
    assert weights == booster.get_score(importance_type="weight"), weights
    (output,) = run.outputs.model_outputs
    loaded = mlflow.pyfunc.load_model(f"models:/{output.model_id}")
    assert numpy.allclose(loaded.predict(TEST), booster.predict(test))


def lightgbm_logs_every_round():
    proof.experiment("lightgbm")
    mlflow.lightgbm.autolog()
    results = {}
    train = lightgbm.Dataset(TRAIN, TRAIN_CLASSES, free_raw_data=False)
    test = lightgbm.Dataset(TEST, TEST_CLASSES, reference=train, free_raw_data=False)
    params = {"objective": "binary", "metric": ["binary_logloss"], "num_leaves": 7, "verbose": -1, "num_threads": 1}
    with mlflow.start_run() as started:
        booster = lightgbm.train(
            params, train, 25, valid_sets=[train, test], valid_names=["train", "test"],
            callbacks=[lightgbm.record_evaluation(results)],
        )  # fmt: skip
    run = MlflowClient().get_run(started.info.run_id)
    assert json.loads(run.data.params["metric"].replace("'", '"')) == ["binary_logloss"], run.data.params
    assert run.data.params["num_leaves"] == "7", run.data.params
    histories_are(run.info.run_id, results)
    assert math.isclose(run.data.metrics["test-binary_logloss"], results["test"]["binary_logloss"][-1]), run.data.metrics
    left = proof.files(run.info.run_id)
    assert {"feature_importance_gain.json", "feature_importance_split.png"} <= left, left
    contexts = {tag.value for given in run.inputs.dataset_inputs for tag in given.tags if tag.key == "mlflow.data.context"}
    assert contexts == {"train", "eval"}, run.inputs
    (output,) = run.outputs.model_outputs
    loaded = mlflow.lightgbm.load_model(f"models:/{output.model_id}")
    assert numpy.allclose(loaded.predict(TEST), booster.predict(TEST))


def the_estimators_log_as_well():
    """The scikit-learn forms of both."""
    for name, estimator in (
        ("xgboost", xgboost.XGBClassifier(n_estimators=5, n_jobs=1)),
        ("lightgbm", lightgbm.LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1)),
    ):
        experiment = proof.experiment(f"{name}-estimator")
        estimator.fit(TRAIN, TRAIN_CLASSES)
        (run,) = MlflowClient().search_runs([experiment])
        assert run.info.status == "FINISHED", run.info
        assert "5" in (run.data.params.get("num_boost_round"), run.data.params.get("n_estimators")), run.data.params
        (logged,) = mlflow.search_logged_models([experiment], output_format="list")
        assert logged.source_run_id == run.info.run_id, logged
        predicted = mlflow.pyfunc.load_model(logged.model_uri).predict(TEST)
        assert numpy.array_equal(predicted, estimator.predict(TEST)), name


if __name__ == "__main__":
    proof.prove("autolog boosting", xgboost_stops_early, lightgbm_logs_every_round, the_estimators_log_as_well)
