/** Lines to paste into a client, with this server's own address in them. */
import type { Schema } from "./api/client";

const origin = (): string => window.location.origin;

export const mlflowSnippet = (token: string): string => `export MLFLOW_TRACKING_URI=${origin()}
export MLFLOW_TRACKING_TOKEN=${token}
python train.py`;

export const trainSnippet = (): string => `import mlflow

mlflow.set_experiment("wine")
with mlflow.start_run():
    mlflow.log_param("depth", 8)
    for step in range(100):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)`;

export const registerSnippet = (): string => `mlflow.sklearn.log_model(model, name="model", registered_model_name="wine")
mlflow.MlflowClient().set_registered_model_alias("wine", "champion", 1)`;

export const loadSnippet = (model: string, version: string): string => `import mlflow

model = mlflow.pyfunc.load_model("models:/${model}${version}")
model.predict(frame)`;

export const dagSnippet = (): string => `from datetime import datetime
from airflow.sdk import dag, task

@dag(schedule="@daily", start_date=datetime(2026, 1, 1), catchup=False)
def hello():
    @task
    def greet():
        print("hello")

    greet()

hello()`;

export const endpointSnippet = (token: string): string => `curl -X POST ${origin()}/api/2.0/serving-endpoints \\
  -H "Authorization: Bearer ${token}" -H "Content-Type: application/json" \\
  -d '{"name": "wine", "config": {"served_entities": [{"entity_name": "wine", "alias": "champion"}]}}'`;

export const invokeSnippet = (path: string, token: string, body: string): string => `curl -X POST ${origin()}${path} \\
  -H "Authorization: Bearer ${token}" -H "Content-Type: application/json" \\
  -d '${body.replaceAll("'", "'\\''")}'`;

export const airflowSnippet = (token: string): string => `import airflow_client.client as airflow

server = airflow.Configuration(host="${origin()}", access_token="${token}")
dags = airflow.DAGApi(airflow.ApiClient(server)).get_dags()`;

export const hubSnippet = (token: string): string => `curl ${origin()}/hub/api/user -H "Authorization: token ${token}"`;

/** For `aws`, boto3 and DVC, with the access key that a new token comes with. */
export const s3Snippet = (key: Schema<"hub.AccessKey"> | null | undefined): string => `export AWS_ACCESS_KEY_ID=${key?.access_key_id ?? "<access key id>"}
export AWS_SECRET_ACCESS_KEY=${key?.secret_access_key ?? "<secret access key>"}
export AWS_DEFAULT_REGION=us-east-1
export AWS_ENDPOINT_URL_S3=${origin()}/s3 MLFLOW_S3_ENDPOINT_URL=${origin()}/s3
aws s3 cp data.csv s3://artel/data.csv
python -c "import boto3; boto3.client('s3').download_file('artel', 'data.csv', 'copy.csv')"
dvc remote add -d store s3://artel/dvc && dvc remote modify store endpointurl ${origin()}/s3`;

/** Stands where a token goes until there is one to show. */
export const TOKEN = "<token>";
