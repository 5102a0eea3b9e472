"""Makes what the walk through the web bundle looks at, and prints its names and ids as one line of JSON.

The address is `MLFLOW_TRACKING_URI`.
"""

import json
import math
import uuid

import mlflow
import numpy
import pandas
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression

SUFFIX = uuid.uuid4().hex[:8]
EXPERIMENT, MODEL = f"walk-{SUFFIX}", f"walk-model-{SUFFIX}"


def train(name: str, strength: float) -> str:
    """A run with params, a history, a data set, a model, and a file for each kind of viewer."""
    features, classes = load_wine(return_X_y=True, as_frame=True)
    with mlflow.start_run(run_name=name) as run:
        mlflow.log_params({"C": strength, "solver": "lbfgs"})
        for step in range(20):
            mlflow.log_metrics({"loss": math.exp(-strength * step / 5), "accuracy": step / 20}, step=step)
        mlflow.log_metrics({"final": strength, "system/cpu_utilization_percentage": 12.5})
        mlflow.set_tags({"mlflow.note.content": f"# {name}\n\nsome *words*", "team": "wine"})
        mlflow.log_input(mlflow.data.from_pandas(features.assign(target=classes), name="wine", targets="target"), "training")
        files()
        fitted = LogisticRegression(C=strength, max_iter=50).fit(features / 100, classes)
        signature = infer_signature(features, fitted.predict(features / 100))
        mlflow.sklearn.log_model(
            fitted, name="model", signature=signature, registered_model_name=MODEL, pip_requirements=["scikit-learn"]
        )
        with mlflow.start_run(run_name=f"{name} child", nested=True):
            mlflow.log_metric("loss", strength)
        return run.info.run_id


def files():
    pixels = numpy.full((16, 16, 3), 120, dtype=numpy.uint8)
    mlflow.log_text("just words\n", "files/words.txt")
    mlflow.log_dict({"a": [1, 2, 3]}, "files/data.json")
    mlflow.log_text(pandas.DataFrame({"x": [11, 22], "y": [33, 44]}).to_csv(index=False), "files/table.csv")
    mlflow.log_text("<h1>A page</h1>", "files/page.html")
    mlflow.log_image(pixels, "files/picture.png")
    mlflow.log_image(pixels, key="sample", step=1)


def main():
    experiment = mlflow.set_experiment(EXPERIMENT).experiment_id
    runs = [train(name, strength) for name, strength in (("first", 0.5), ("second", 2.0))]
    client = MlflowClient()
    client.set_registered_model_alias(MODEL, "champion", "2")
    client.set_registered_model_tag(MODEL, "team", "wine")
    client.update_registered_model(MODEL, description="what the walk looks at")
    print(json.dumps({"experiment": experiment, "name": EXPERIMENT, "runs": runs, "model": MODEL}))


if __name__ == "__main__":
    main()
