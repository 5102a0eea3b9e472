"""Asks a serving endpoint in every way a user may, and compares with ``mlflow.pyfunc.load_model(...).predict``.

    python check_serving.py [--endpoint wine] [--model models:/wine@champion] [--url URL] [--client http]

Prints one JSON line and exits with 1 when any answer differs. Where and who comes from MLFLOW_TRACKING_URI and MLFLOW_TRACKING_TOKEN.
Two clients of ``mlflow.deployments`` can speak to the endpoint unmodified:

* ``get_deploy_client("databricks")`` with DATABRICKS_HOST and DATABRICKS_TOKEN: POST /serving-endpoints/NAME/invocations;
* ``get_deploy_client("http://…")`` with MLFLOW_TRACKING_TOKEN: POST /endpoints/NAME/invocations (``--client http``).
"""

import argparse
import io
import json
import os
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--endpoint", default="wine")
parser.add_argument("--model", default="models:/wine@champion")
parser.add_argument("--url", help="where to POST; default MLFLOW_TRACKING_URI/serving-endpoints/ENDPOINT/invocations")
parser.add_argument("--client", action="append", choices=["databricks", "http"], help="deployments clients to try; default databricks")
arguments = parser.parse_args()
server, token = os.environ["MLFLOW_TRACKING_URI"].rstrip("/"), os.environ.get("MLFLOW_TRACKING_TOKEN", "")
os.environ.setdefault("DATABRICKS_HOST", server)
os.environ.setdefault("DATABRICKS_TOKEN", token)

import mlflow
import requests
from mlflow.deployments import get_deploy_client
from sklearn.datasets import load_wine

rows = load_wine(as_frame=True).data
expected = mlflow.pyfunc.load_model(arguments.model).predict(rows).tolist()
url = arguments.url or f"{server}/serving-endpoints/{arguments.endpoint}/invocations"
headers = {"Authorization": f"Bearer {token}"} if token else {}
split = {key: value for key, value in rows.to_dict("split").items() if key != "index"}
forms = {
    "dataframe_split": {"dataframe_split": split},
    "dataframe_records": {"dataframe_records": rows.to_dict("records")},
    "inputs": {"inputs": rows.to_dict("list")},
    "instances": {"instances": rows.to_dict("records")},
}
csv = io.StringIO()
rows.to_csv(csv, index=False)

answers = {name: requests.post(url, json=body, headers=headers, timeout=60) for name, body in forms.items()}
answers["csv"] = requests.post(url, data=csv.getvalue(), headers=headers | {"Content-Type": "text/csv"}, timeout=60)
found = {name: answer.json().get("predictions", answer.text) for name, answer in answers.items()}
for kind in arguments.client or ["databricks"]:
    client = get_deploy_client("databricks" if kind == "databricks" else server)
    found[f"{kind} client"] = client.predict(endpoint=arguments.endpoint, inputs=forms["dataframe_split"])["predictions"]

wrong = requests.post(url, json={"dataframe_records": [{"alcohol": 1.0}]}, headers=headers, timeout=60)
different = sorted(name for name, predictions in found.items() if predictions != expected)
refused = wrong.status_code == 400 and wrong.json()["error_code"] == "INVALID_PARAMETER_VALUE"
same = sorted(set(found) - set(different))
print(json.dumps({"rows": len(expected), "same": same, "different": different, "missing columns refused": refused}))
sys.exit(1 if different or not refused else 0)
