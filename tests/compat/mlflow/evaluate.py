"""Evaluation by the client's evaluators: figures, artifacts and thresholds, of a classifier and of a regressor.

The address is `MLFLOW_TRACKING_URI`; leaves with 0 when everything held.
"""

import math

import proof

import matplotlib

matplotlib.use("Agg")

import mlflow
import sklearn.metrics
from mlflow import MlflowClient
from mlflow.models import MetricThreshold, infer_signature, make_metric
from mlflow.models.evaluation.validation import ModelValidationFailedException
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# SHAP's explanations take longer than all the rest.
PLAIN = {"log_model_explainability": False}


def split(load):
    features, target = load(return_X_y=True, as_frame=True)
    return train_test_split(features, target, random_state=7)


def a_classifier_is_evaluated():
    """Metrics of the run and of the logged model are those of scikit-learn; plots and tables are artifacts."""
    proof.experiment("evaluate-classifier")
    train, test, train_classes, test_classes = split(load_breast_cancer)
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(train, train_classes)
    predicted = fitted.predict(test)
    with mlflow.start_run() as started:
        logged = mlflow.sklearn.log_model(fitted, name="model", signature=infer_signature(train, predicted))
        data = mlflow.data.from_pandas(test.assign(target=test_classes), targets="target", name="unseen")
        result = mlflow.models.evaluate(
            logged.model_uri, data, model_type="classifier", evaluator_config=PLAIN, custom_artifacts=[spread]
        )
    run = MlflowClient().get_run(started.info.run_id)
    expected = {
        "accuracy_score": sklearn.metrics.accuracy_score(test_classes, predicted),
        "f1_score": sklearn.metrics.f1_score(test_classes, predicted),
        "true_positives": sum((predicted == 1) & (test_classes == 1)),
        "example_count": len(test),
    }
    for key, value in expected.items():
        assert math.isclose(run.data.metrics[key], value), (key, value, run.data.metrics)
        assert math.isclose(result.metrics[key], value), (key, result.metrics)
    left = proof.files(run.info.run_id)
    assert {"roc_curve_plot.png", "lift_curve_plot.png", "confusion_matrix.png", "spread.json"} <= left, left
    assert mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/spread.json") == {"rows": len(test)}
    of_model = {metric.key: metric for metric in mlflow.get_logged_model(logged.model_id).metrics}
    assert math.isclose(of_model["accuracy_score"].value, expected["accuracy_score"]), of_model
    assert of_model["accuracy_score"].dataset_name == "unseen", of_model["accuracy_score"]
    found = mlflow.search_logged_models(
        [run.info.experiment_id],
        filter_string="metrics.accuracy_score > 0.9",
        datasets=[{"dataset_name": "unseen", "dataset_digest": data.digest}],
        order_by=[{"field_name": "metrics.accuracy_score", "ascending": False}],
        output_format="list",
    )
    assert [model.model_id for model in found] == [logged.model_id], found
    assert not mlflow.search_logged_models(
        [run.info.experiment_id], filter_string="metrics.accuracy_score > 1", output_format="list"
    )


def spread(eval_df, builtin_metrics, artifacts_dir):
    """An artifact of one's own."""
    return {"spread": {"rows": len(eval_df)}}


def a_regressor_is_evaluated():
    """The deprecated name still works, predictions may be a column, and a metric of one's own is logged."""
    proof.experiment("evaluate-regressor")
    train, test, train_target, test_target = split(load_diabetes)
    predicted = LinearRegression().fit(train, train_target).predict(test)
    worst = make_metric(eval_fn=lambda predictions, targets, metrics: abs(predictions - targets).max(), greater_is_better=False, name="worst")
    with mlflow.start_run() as started:
        mlflow.evaluate(
            data=test.assign(target=test_target, predicted=predicted), targets="target", predictions="predicted",
            model_type="regressor", extra_metrics=[worst], evaluator_config=PLAIN,
        )  # fmt: skip
    metrics = MlflowClient().get_run(started.info.run_id).data.metrics
    assert math.isclose(metrics["r2_score"], sklearn.metrics.r2_score(test_target, predicted)), metrics
    assert math.isclose(metrics["mean_absolute_error"], sklearn.metrics.mean_absolute_error(test_target, predicted)), metrics
    assert math.isclose(metrics["worst"], abs(predicted - test_target).max()), metrics
    thresholds_are_judged(metrics["r2_score"])


def thresholds_are_judged(r2: float):
    """A result that is too bad is refused, a good one is not."""
    result = mlflow.models.EvaluationResult(metrics={"r2_score": r2}, artifacts={})
    mlflow.validate_evaluation_results({"r2_score": MetricThreshold(threshold=r2 - 0.1, greater_is_better=True)}, result)
    try:
        mlflow.validate_evaluation_results({"r2_score": MetricThreshold(threshold=0.99, greater_is_better=True)}, result)
    except ModelValidationFailedException:
        return
    raise AssertionError("a threshold that was missed passed")


if __name__ == "__main__":
    proof.prove("evaluate", a_classifier_is_evaluated, a_regressor_is_evaluated)
