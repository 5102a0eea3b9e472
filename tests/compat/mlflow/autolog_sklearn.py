"""Autologging of scikit-learn on the wine data: params, metrics, models, data sets, searches with child runs.

The address is `MLFLOW_TRACKING_URI`; leaves with 0 when everything held.
"""

import json
import math

import proof

import mlflow
import numpy
import sklearn.metrics
from mlflow import MlflowClient
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

features, classes = load_wine(return_X_y=True, as_frame=True)
TRAIN, TEST, TRAIN_CLASSES, TEST_CLASSES = train_test_split(features, classes, random_state=7, stratify=classes)
MODEL = f"wine-{proof.SUFFIX}"


def a_fit_leaves_a_run():
    """Every figure in the run is the one that scikit-learn computes."""
    experiment = proof.experiment("sklearn")
    mlflow.sklearn.autolog(log_input_examples=True, registered_model_name=MODEL)
    unseen = TEST.copy()
    with mlflow.start_run(run_name="pipeline") as started:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=300)).fit(TRAIN, TRAIN_CLASSES)
        accuracy = model.score(unseen, TEST_CLASSES)
        predicted = model.predict(unseen)
        f1 = sklearn.metrics.f1_score(TEST_CLASSES, predicted, average="macro")
    run = MlflowClient().get_run(started.info.run_id)
    assert run.info.status == "FINISHED" and run.info.experiment_id == experiment, run.info
    assert run.data.params["logisticregression__C"] == "0.5", run.data.params
    assert run.data.params["steps"].startswith("[('standardscaler'"), run.data.params
    assert run.data.tags["estimator_name"] == "Pipeline", run.data.tags
    expected = numpy.mean(model.predict(TRAIN) == TRAIN_CLASSES)
    assert math.isclose(run.data.metrics["training_accuracy_score"], expected), run.data.metrics
    assert math.isclose(run.data.metrics["Pipeline_score_unseen"], accuracy), run.data.metrics
    assert math.isclose(run.data.metrics["f1_score_unseen"], f1), run.data.metrics
    left = proof.files(run.info.run_id)
    assert {"estimator.html", "training_confusion_matrix.png", "metric_info.json"} <= left, left
    given = {tag.value: one.dataset for one in run.inputs.dataset_inputs for tag in one.tags if tag.key == "mlflow.data.context"}
    assert set(given) == {"train", "eval"}, given
    for context, rows in (("train", TRAIN), ("eval", TEST)):
        assert json.loads(given[context].profile)["num_rows"] == len(rows), given[context].profile
    the_model_comes_back(run, predicted)


def the_model_comes_back(run, predicted):
    """As a logged model of the run, as a version in the registry, and with its signature."""
    (output,) = run.outputs.model_outputs
    logged = mlflow.get_logged_model(output.model_id)
    assert logged.source_run_id == run.info.run_id and logged.status.value == "READY", logged
    assert logged.params["logisticregression__C"] == "0.5", logged.params
    assert {metric.key for metric in logged.metrics} >= {"training_accuracy_score"}, logged.metrics
    (version,) = MlflowClient().search_model_versions(f"name = '{MODEL}'")
    assert version.run_id == run.info.run_id and version.status == "READY", version
    for uri in (f"models:/{logged.model_id}", f"models:/{MODEL}/1", f"models:/{MODEL}/latest"):
        assert numpy.array_equal(mlflow.pyfunc.load_model(uri).predict(TEST), predicted), uri
    again = mlflow.register_model(f"models:/{logged.model_id}", MODEL, tags={"by": "hand"})
    assert (str(again.version), again.source, again.tags) == ("2", f"models:/{logged.model_id}", {"by": "hand"}), again
    signature = mlflow.models.get_model_info(f"models:/{MODEL}/1").signature
    assert signature.inputs.input_names() == list(TRAIN.columns), signature


def a_grid_search_has_children():
    """The best estimator is the parent's; the children are its trials, and a search finds them in order."""
    experiment = proof.experiment("grid")
    mlflow.sklearn.autolog(max_tuning_runs=4, log_post_training_metrics=False)
    grid = GridSearchCV(DecisionTreeClassifier(random_state=7), {"max_depth": [1, 2, 4, 8]}, cv=3)
    with mlflow.start_run(run_name="grid") as parent:
        grid.fit(TRAIN, TRAIN_CLASSES)
    run = MlflowClient().get_run(parent.info.run_id)
    assert run.data.params["best_max_depth"] == str(grid.best_params_["max_depth"]), run.data.params
    assert math.isclose(run.data.metrics["best_cv_score"], grid.best_score_), run.data.metrics
    children = mlflow.search_runs(
        [experiment],
        filter_string=f"tags.mlflow.parentRunId = '{run.info.run_id}'",
        order_by=["metrics.mean_test_score DESC", "params.max_depth"],
    )
    assert sorted(children["params.max_depth"]) == ["1", "2", "4", "8"], children
    scores = list(children["metrics.mean_test_score"])
    assert scores == sorted(grid.cv_results_["mean_test_score"], reverse=True), scores
    better = mlflow.search_runs([experiment], "metrics.mean_test_score >= 0.8 and params.max_depth != '1'")
    assert set(better["params.max_depth"]) == {str(depth) for depth, score in tried(grid) if score >= 0.8 and depth != 1}
    assert "cv_results.csv" in proof.files(run.info.run_id)


def tried(grid):
    return zip(grid.cv_results_["param_max_depth"], grid.cv_results_["mean_test_score"], strict=True)


def a_failed_fit_is_a_failed_run():
    """The run of a fit that raises is marked FAILED, and no model is left."""
    experiment = proof.experiment("failed")
    mlflow.sklearn.autolog()
    try:
        LogisticRegression().fit(TRAIN, TRAIN_CLASSES[:5])
    except ValueError:
        pass
    (run,) = MlflowClient().search_runs([experiment])
    assert run.info.status == "FAILED", run.info
    assert not mlflow.search_logged_models([experiment], output_format="list")


if __name__ == "__main__":
    proof.prove("autolog sklearn", a_fit_leaves_a_run, a_grid_search_has_children, a_failed_fit_is_a_failed_run)
