"""Models for the tests, trained on the spot, and what MLflow itself predicts with them."""

import json
import sys
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.linear_model import LinearRegression, LogisticRegression


def data():
    wine = load_wine(as_frame=True)
    return wine.data, wine.target


def train(folder: str, kind: str) -> None:
    """Save a classifier (whole numbers) or a regression (fractions) to tell two versions apart."""
    x, y = data()
    model = LogisticRegression(max_iter=10) if kind == "classes" else LinearRegression()
    model.fit(x, y)
    # requirements are given, since to find them out MLflow loads the model in a process of its own
    signature = infer_signature(x, model.predict(x))
    mlflow.sklearn.save_model(model, folder, signature=signature, input_example=x.head(2), pip_requirements=["mlflow"])


def misbehaving(folder: str) -> None:
    """Save a model that ends its process, or takes long, when it is told to."""
    mlflow.pyfunc.save_model(folder, python_model=str(Path(__file__).with_name("misbehaving.py")), pip_requirements=["mlflow"])


def broken(folder: str) -> None:
    """Save a model that cannot be loaded: its file is cut off."""
    train(folder, "classes")
    for path in Path(folder).rglob("*"):
        if path.suffix in (".pkl", ".skops", ".cloudpickle"):
            path.write_bytes(path.read_bytes()[:100])


def request() -> None:
    """A request with every tenth row."""
    x, _ = data()
    print(json.dumps({"dataframe_split": json.loads(x[::10].to_json(orient="split", index=False))}))


def predict(folder: str) -> None:
    """What the model says to that request, without any server."""
    x, _ = data()
    print(json.dumps(pd.Series(mlflow.pyfunc.load_model(folder).predict(x[::10])).tolist()))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
