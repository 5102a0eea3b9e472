"""What Airflow wants to know of a provider (entry point ``apache_airflow_provider``)."""

from __future__ import annotations


def get_provider_info() -> dict:
    return {
        "package-name": "artel",
        "name": "Artel",
        "description": "Train, register, promote, predict with, deploy and wait for MLflow models.",
        "integrations": [{"integration-name": "Artel", "external-doc-url": "https://mlflow.org/docs/latest/", "tags": ["software"]}],
        "operators": [{"integration-name": "Artel", "python-modules": ["artel.operators"]}],
        "sensors": [{"integration-name": "Artel", "python-modules": ["artel.sensors"]}],
        "triggers": [{"integration-name": "Artel", "python-modules": ["artel.triggers"]}],
    }
