"""Trains a line of a given slope through data whose slope is 2, so that its score says how near it came."""

import argparse

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

given = argparse.ArgumentParser()
given.add_argument("--slope", type=float)
slope = given.parse_args().slope

data = pd.DataFrame({"x": np.arange(20.0)})
model = LinearRegression().fit(data, slope * data["x"])
with mlflow.start_run():
    score = model.score(data, 2.0 * data["x"])
    mlflow.log_metric("r2", score)
    mlflow.sklearn.log_model(model, name="model", signature=infer_signature(data, model.predict(data)))
print(f"slope {slope}: r2 {score:.3f}")
