"""A model that does what its input says."""

import os
import signal
import time

import mlflow
from mlflow.pyfunc import PythonModel


class Misbehaving(PythonModel):
    def predict(self, context, model_input, params=None):
        word = model_input["do"][0]
        if word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "sleep":
            time.sleep(30)
        if word == "pause":
            time.sleep(0.5)
        if word == "raise":
            raise ValueError("as asked")
        return [word]


mlflow.models.set_model(Misbehaving())
