"""A session of the published client, with a token for a name and a password."""

import json
import time

import airflow_client.client as client
import urllib3

END = {"success", "failed"}


class Session:
    """The client's API classes on one server. One for each thread: a connection is not shared."""

    def __init__(self, url: str, user: str, password: str, patient: bool = False):
        """`patient` asks again after a 500: so does who talks to stock Airflow on SQLite, whose database is locked at times."""
        # The client has no call for this route; its own examples ask for a token as here.
        answer = urllib3.request("POST", f"{url}/auth/token", json={"username": user, "password": password})
        if answer.status != 201:
            raise SystemExit(f"no token from {url}: {answer.status} {answer.data[:500]}")
        again = urllib3.Retry(20, status_forcelist=[500], allowed_methods=None, backoff_factor=0.1, backoff_max=1, raise_on_status=False)
        settings = client.Configuration(host=url, access_token=answer.json()["access_token"], retries=again if patient else None)
        self.api = client.ApiClient(settings)
        self.dags, self.runs, self.tasks = client.DAGApi(self.api), client.DagRunApi(self.api), client.TaskApi(self.api)
        self.instances, self.xcoms = client.TaskInstanceApi(self.api), client.XComApi(self.api)
        self.pools, self.variables, self.connections = client.PoolApi(self.api), client.VariableApi(self.api), client.ConnectionApi(self.api)
        self.backfills, self.errors, self.assets = client.BackfillApi(self.api), client.ImportErrorApi(self.api), client.AssetApi(self.api)

    def unpause(self, dag: str, paused: bool = False) -> None:
        self.dags.patch_dag(dag, client.DAGPatchBody(is_paused=paused))

    def trigger(self, dag: str, run: str, logical_date=None, conf: dict | None = None, **more):
        return self.runs.trigger_dag_run(dag, client.TriggerDAGRunPostBody(dag_run_id=run, logical_date=logical_date, conf=conf, **more))

    def runs_of(self, dag: str) -> list:
        """All runs of a DAG, the first first."""
        return self.runs.get_dag_runs(dag, order_by=["run_after", "id"], limit=100).dag_runs

    def instances_of(self, dag: str, run: str) -> list:
        """All task instances of a run, by task and map index."""
        found = []
        while True:
            page = self.instances.get_task_instances(dag, run, limit=100, offset=len(found), order_by=["map_index"])
            found += page.task_instances
            if len(found) >= page.total_entries or not page.task_instances:
                return sorted(found, key=lambda instance: (instance.task_id, instance.map_index))

    def wait(self, dag: str, run: str, seconds: float) -> str:
        """The state in which a run ended, or the one it is in after all that time."""
        return eventually(lambda: self.runs.get_dag_run(dag, run).state, lambda state: state in END, seconds)


def eventually(ask, good, seconds: float, pause: float = 0.3):
    """Asks again until the answer is good, for so long; the last answer. A thing that is not there yet is asked for again."""
    until = time.monotonic() + seconds
    while True:
        try:
            answer = ask()
        except client.exceptions.NotFoundException:
            answer = None
        if (answer is not None and good(answer)) or time.monotonic() > until:
            return answer
        time.sleep(pause)


def plain(model) -> dict:
    """A model as JSON has it."""
    return json.loads(model.to_json())
