"""Saves the models that the worker's tests serve: ``python make.py FOLDER``, run in the model environment."""

from __future__ import annotations

import pathlib
import sys

import mlflow
import numpy
import pandas
from mlflow.models import infer_signature
from mlflow.types import ParamSchema, ParamSpec
from mlflow.types.schema import DataType
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier


TRUSTED = ["sklearn.tree._tree.Tree"]  # MLflow refuses to save trees without this word


class Echo(mlflow.pyfunc.PythonModel):
    """Answers with its parameters and the types that it was given."""

    def predict(self, context, model_input, params=None):
        if params and params.get("explode"):
            raise RuntimeError("asked to explode")
        frame = pandas.DataFrame(model_input)
        return frame.assign(times=(params or {}).get("times", 0), when=pandas.Timestamp("2026-01-01"))


def main(folder: pathlib.Path) -> None:
    data = load_wine(as_frame=True)
    forest = RandomForestClassifier(n_estimators=20, random_state=7).fit(data.data, data.target)
    mlflow.sklearn.save_model(
        forest, folder / "wine", signature=infer_signature(data.data, forest.predict(data.data)),
        input_example=data.data.head(3), skops_trusted_types=TRUSTED,
    )
    mlflow.sklearn.save_model(
        forest.fit(data.data.to_numpy(), data.target), folder / "tensor",
        signature=infer_signature(data.data.to_numpy(), numpy.array([0])), skops_trusted_types=TRUSTED,
    )
    params = ParamSchema([ParamSpec("times", DataType.long, 1), ParamSpec("explode", DataType.boolean, False)])
    signature = infer_signature(pandas.DataFrame({"n": [1], "s": ["a"], "f": [0.5]}))
    signature.params = params
    mlflow.pyfunc.save_model(folder / "echo", python_model=Echo(), signature=signature)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
