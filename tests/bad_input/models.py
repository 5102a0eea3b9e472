"""Registers a model that can be served and two that cannot."""

import mlflow
import numpy as np
import sklearn
from sklearn.dummy import DummyRegressor

REQUIREMENTS = ["mlflow==" + mlflow.__version__, f"scikit-learn=={sklearn.__version__}", "cloudpickle", f"numpy=={np.__version__}"]
EXAMPLE = np.array([[1.0]])


class Raising(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        raise RuntimeError("the model is out of order")

    def predict(self, context, model_input, params=None):
        return model_input


mlflow.set_experiment("bad input")
model = DummyRegressor(strategy="constant", constant=7.0).fit(EXAMPLE, [7.0])
signature = mlflow.models.infer_signature(EXAMPLE, np.array([7.0]))
for name, requirements in {"fine": REQUIREMENTS, "unbuildable": [*REQUIREMENTS, "no-such-package-anywhere==1.0"]}.items():
    with mlflow.start_run():
        mlflow.sklearn.log_model(model, name="model", signature=signature, registered_model_name=name, pip_requirements=requirements)
with mlflow.start_run():
    mlflow.pyfunc.log_model(name="model", python_model=Raising(), registered_model_name="raising", pip_requirements=REQUIREMENTS)
