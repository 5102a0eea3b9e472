"""Autologging of Keras 3 on the digits data: the metrics of every epoch, the optimizer's settings, the model.

The address is `MLFLOW_TRACKING_URI`; leaves with 0 when everything held.
"""

import math
import os

# JAX is the smallest of Keras's backends to install.
os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")

import proof

import keras
import mlflow
import numpy
from mlflow import MlflowClient
from sklearn.datasets import load_digits

EPOCHS = 4
images, classes = load_digits(return_X_y=True)
images = (images / 16).astype("float32")


def network():
    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.Input([64]), keras.layers.Dense(32, "relu"), keras.layers.Dense(10, "softmax")])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def every_epoch_is_logged():
    proof.experiment("keras")
    mlflow.keras.autolog()
    with mlflow.start_run() as started:
        model = network()
        fitted = model.fit(images[:1500], classes[:1500], batch_size=64, epochs=EPOCHS, validation_split=0.2, verbose=0)
    run = MlflowClient().get_run(started.info.run_id)
    assert run.data.params["epochs"] == str(EPOCHS) and run.data.params["batch_size"] == "64", run.data.params
    assert run.data.params["optimizer_name"] == "adam", run.data.params
    assert math.isclose(float(run.data.params["optimizer_learning_rate"]), 0.01, rel_tol=1e-6), run.data.params
    for key, values in fitted.history.items():
        name = key.replace("val_", "validation_")
        points = MlflowClient().get_metric_history(run.info.run_id, name)
        # The callback counts the steps of the validation anew in every epoch.
        steps = [0] * EPOCHS if key.startswith("val_") else list(range(EPOCHS))
        assert [point.step for point in points] == steps, (name, points)
        assert numpy.allclose(sorted(point.value for point in points), sorted(values)), (name, points, values)
    assert "model_summary.txt" in proof.files(run.info.run_id)
    (output,) = run.outputs.model_outputs
    loaded = mlflow.keras.load_model(f"models:/{output.model_id}")
    assert numpy.allclose(loaded.predict(images[1500:], verbose=0), model.predict(images[1500:], verbose=0), atol=1e-5)


def nested_trials_are_compared():
    """A hand-made search: a child run for each learning rate, compared by pandas."""
    experiment = proof.experiment("keras-trials")
    mlflow.keras.autolog(log_models=False, log_datasets=False)
    with mlflow.start_run(run_name="trials") as parent:
        for rate in (0.0001, 0.01):
            with mlflow.start_run(run_name=f"rate {rate}", nested=True):
                model = network()
                model.optimizer.learning_rate = rate
                model.fit(images, classes, batch_size=128, epochs=2, verbose=0)
    found = mlflow.search_runs(
        [experiment], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'", order_by=["metrics.loss ASC"]
    )
    assert list(found["tags.mlflow.runName"]) == ["rate 0.01", "rate 0.0001"], found
    assert found["metrics.loss"].is_monotonic_increasing and set(found["status"]) == {"FINISHED"}, found


if __name__ == "__main__":
    proof.prove("autolog keras", every_epoch_is_logged, nested_trials_are_compared)
