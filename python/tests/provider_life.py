"""Run by test_provider.py in the Airflow environment: the DAG of tests/story/model_life in stock Airflow's own ``dag.test()``,
and single operators. Prints one JSON line."""

from __future__ import annotations

import json
import os
import pathlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

STORY = pathlib.Path(__file__).resolve().parents[2] / "tests/story/model_life/model_life.py"


def run(dag, conf: dict) -> dict:
    """States and results of one run."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    finished = dag.test(run_conf=conf, use_executor=False)
    states = {ti.task_id: ti.state for ti in finished.get_task_instances()}
    with create_session() as session:
        rows = session.query(XComModel).filter_by(dag_id=dag.dag_id, run_id=finished.run_id, key="return_value").all()
        results = {row.task_id: XComModel.deserialize_value(row) for row in rows}
    return {"state": str(finished.state), "tasks": states, "results": results}


def lives(folder: str) -> dict:
    """Three runs: a fair model, a worse one, a better one."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    from airflow.utils.session import create_session

    bag = BundleDagBag(dag_folder=str(STORY), bundle_path=STORY.parent, bundle_name="story")
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)
    with create_session() as session:
        sync_bag_to_db(bag, "story", None, session=session)
    dag = bag.dags["model_life"]
    given = {"name": "line", "inputs": f"{folder}/in/*.csv", "output": f"{folder}/out", "endpoint": ""}
    return {name: run(dag, given | {"slope": slope}) for name, slope in (("fair", 2.3), ("worse", 2.6), ("better", 2.0))}


class Endpoints(BaseHTTPRequestHandler):
    """Serves a version at the third look at it."""

    seen: list = []
    wanted = ""
    looks = 0

    def reply(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        kind = type(self)
        if not kind.wanted:
            return self.reply(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such endpoint"})
        kind.looks += 1
        ready = kind.looks >= 3
        config = {"served_entities": [{"entity_name": "line", "entity_version": kind.wanted}]}
        state = {"ready": "READY" if ready else "NOT_READY", "config_update": "NOT_UPDATING" if ready else "IN_PROGRESS"}
        self.reply(200, {"name": "e", "state": state, "config": config})

    def change(self) -> None:
        kind, body = type(self), json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind.seen.append([self.command, self.path, self.headers["Authorization"]])
        kind.wanted, kind.looks = body.get("config", body)["served_entities"][0]["entity_version"], 0
        self.reply(200, {})

    do_POST = do_PUT = change

    def log_message(self, *_: object) -> None:
        pass


def deployments() -> dict:
    """One that is made and one that is changed, on a server that a connection names."""
    from artel.operators import DeployModelOperator

    server = HTTPServer(("127.0.0.1", 0), Endpoints)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["AIRFLOW_CONN_THERE"] = json.dumps({"conn_type": "http", "host": "127.0.0.1", "port": server.server_port, "password": "t0ken"})
    context = {"ti": SimpleNamespace(dag_id="d", run_id="r", task_id="t")}
    made = [
        DeployModelOperator(task_id="t", endpoint="e", name="line", version=version, poll_interval=0.01, mlflow_conn_id="there").execute(context)
        for version in ("1", "2")
    ]
    return {"made": made, "seen": Endpoints.seen}


def trigger() -> list:
    """What a deferred sensor waits with: an alias that is there, and one that does not come."""
    import asyncio

    from artel.triggers import ModelAliasTrigger

    async def first(other_than: str | None):
        waiting = ModelAliasTrigger("line", "champion", other_than, 0.05, None).run()
        try:
            return (await asyncio.wait_for(anext(waiting), 10 if other_than is None else 1)).payload
        except TimeoutError:
            return "still waiting"

    async def both() -> list:
        there = await first(None)
        return [there, await first(there["version"])]

    return asyncio.run(both())


if __name__ == "__main__":
    result = {"lives": lives(sys.argv[1]), "trigger": trigger(), "deployments": deployments()}
    print("RESULT " + json.dumps(result, default=str))
