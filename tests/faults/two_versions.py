"""Registers two versions of a small model; version N always predicts N."""

import mlflow
import numpy as np
import sklearn
from sklearn.dummy import DummyRegressor

REQUIREMENTS = ["mlflow==" + mlflow.__version__, f"scikit-learn=={sklearn.__version__}", "cloudpickle", f"numpy=={np.__version__}"]

mlflow.set_experiment("small")
data = np.array([[0.0]])
for number in (1.0, 2.0):
    model = DummyRegressor(strategy="constant", constant=number).fit(data, [number])
    signature = mlflow.models.infer_signature(data, np.array([number]))
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(model, name="model", signature=signature, registered_model_name="small", pip_requirements=REQUIREMENTS)
    assert int(logged.registered_model_version) == number
