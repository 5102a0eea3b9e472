"""What the user runs in a notebook: trains a first wine classifier and makes it the champion.

Nothing about the server is written here: the notebook's environment says where it is and who asks.
"""

import json

import matplotlib

matplotlib.use("Agg")

import mlflow
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, classification_report
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

frame = load_wine(as_frame=True).frame
train, valid = train_test_split(frame, test_size=0.3, random_state=7, stratify=frame["target"])
features = [column for column in frame.columns if column != "target"]
params = {"model": "support vectors", "C": 1.0, "scaled": False}

mlflow.set_experiment("wine")
with mlflow.start_run(run_name="first try") as run:
    mlflow.log_params(params)
    mlflow.log_input(mlflow.data.from_pandas(train, name="wine", targets="target"), context="training")

    # A learning curve: the same model on more and more of the training set.
    for step, rows in enumerate(range(20, len(train) + 1, 20), start=1):
        model = SVC(C=params["C"], random_state=7).fit(train[features][:rows], train["target"][:rows])
        mlflow.log_metrics(
            {
                "train_accuracy": accuracy_score(train["target"][:rows], model.predict(train[features][:rows])),
                "valid_accuracy": accuracy_score(valid["target"], model.predict(valid[features])),
            },
            step=step,
        )

    model = SVC(C=params["C"], random_state=7).fit(train[features], train["target"])
    predicted = model.predict(valid[features])
    accuracy = accuracy_score(valid["target"], predicted)
    mlflow.log_metric("accuracy", accuracy)
    mlflow.set_tag("recipe", params["model"])

    figure = ConfusionMatrixDisplay.from_predictions(valid["target"], predicted).figure_
    mlflow.log_figure(figure, "plots/confusion.png")
    mlflow.log_text(classification_report(valid["target"], predicted), "report.txt")

    logged = mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(train[features], model.predict(train[features])),
        input_example=train[features].head(3),
        registered_model_name="wine",
    )

client = MlflowClient()
version = str(logged.registered_model_version)
client.set_model_version_tag("wine", version, "recipe", params["model"])
client.set_registered_model_alias("wine", "champion", version)
print(json.dumps({"run_id": run.info.run_id, "version": version, "accuracy": accuracy}))
