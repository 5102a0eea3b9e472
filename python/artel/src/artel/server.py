"""Which MLflow server a task speaks to."""

from __future__ import annotations

import os
import urllib.parse

from airflow.sdk.bases.hook import BaseHook


def variables(connection) -> dict[str, str]:
    """The variables by which MLflow's client finds and enters the server of a connection.

    The host may be a URL; a password without a login is a token.
    """
    host = (connection.host or "").rstrip("/")
    if not host:
        raise ValueError(f"connection {connection.conn_id} names no host")
    if "://" not in host:
        host = f"{connection.schema or 'http'}://{host}"
    if connection.port:
        host = f"{host}:{connection.port}"
    found = {"MLFLOW_TRACKING_URI": host, "MLFLOW_REGISTRY_URI": host}
    if connection.login:
        found |= {"MLFLOW_TRACKING_USERNAME": connection.login, "MLFLOW_TRACKING_PASSWORD": connection.password or ""}
    elif connection.password:
        found["MLFLOW_TRACKING_TOKEN"] = connection.password
    return found


def use(conn_id: str | None) -> None:
    """Have everything in this process, a task's own, speak to the server of a connection; without one, as MLflow finds it."""
    if conn_id is None:
        if not os.environ.get("MLFLOW_TRACKING_URI"):
            raise ValueError("no MLflow server: set MLFLOW_TRACKING_URI or give mlflow_conn_id")
        return
    for name in ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        os.environ.pop(name, None)
    os.environ |= variables(BaseHook.get_connection(conn_id))


def client(conn_id: str | None):
    """MLflow's client for the server."""
    use(conn_id)
    from mlflow import MlflowClient

    return MlflowClient()


def request(method: str, path: str, body: dict | None = None, *, missing_is_none: bool = False) -> dict | None:
    """Call the server's REST API; ``None`` for what is not there, if that may be."""
    return call(dict(os.environ), method, path, body, missing_is_none=missing_is_none)


def alias(where: dict[str, str], name: str, alias: str) -> str | None:
    """The version that an alias names on the server of these variables."""
    query = urllib.parse.urlencode({"name": name, "alias": alias})
    found = call(where, "GET", f"/api/2.0/mlflow/registered-models/alias?{query}", missing_is_none=True)
    return str(found["model_version"]["version"]) if found else None


def call(where: dict[str, str], method: str, path: str, body: dict | None = None, *, missing_is_none: bool = False) -> dict | None:
    """The same for the server and the credentials that these variables of MLflow's client name."""
    import requests  # here, because parsing a DAG file should not wait for it

    if not where.get("MLFLOW_TRACKING_URI"):
        raise ValueError("no MLflow server: set MLFLOW_TRACKING_URI or give mlflow_conn_id")
    headers, auth = {}, None
    if token := where.get("MLFLOW_TRACKING_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    elif user := where.get("MLFLOW_TRACKING_USERNAME"):
        auth = (user, where.get("MLFLOW_TRACKING_PASSWORD", ""))
    insecure = where.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1")
    verify = False if insecure else where.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or True
    url = where["MLFLOW_TRACKING_URI"].rstrip("/") + path
    answer = requests.request(method, url, json=body, headers=headers, auth=auth, verify=verify, timeout=60)
    # an alias that is not there is an invalid parameter to MLflow
    absent = answer.status_code == 404 or (answer.status_code == 400 and " not found" in answer.text)
    if absent and missing_is_none:
        return None
    if not answer.ok:
        raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
    return answer.json() if answer.content else {}
