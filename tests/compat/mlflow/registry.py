"""What the published MLflow client does with the model registry, with its results asserted.

Models and their versions, aliases, stages, search and its pages, prompts, and
webhooks as a receiver on this machine gets them. Works against any server of
MLflow's protocol at `MLFLOW_TRACKING_URI` that lets webhooks go to
`http://127.0.0.1` (stock: `MLFLOW_WEBHOOK_ALLOWED_SCHEMES=http` and
`MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true`, and `MLFLOW_WEBHOOK_CACHE_TTL=0`, or a
new webhook is not noticed for a minute). Every name is new, so the script may
be run again on the same server.
"""

import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import tempfile
import threading
import time
import uuid

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

SUFFIX = uuid.uuid4().hex[:8]


class Wine(mlflow.pyfunc.PythonModel):
    """A model that needs nothing."""

    def predict(self, context, model_input: list[str], params=None) -> list[str]:
        return [word.upper() for word in model_input]


def refused(call, *words: str, **arguments) -> MlflowException:
    """The call fails, and its message has every one of the words."""
    try:
        call(**arguments)
    except MlflowException as error:
        message = str(error)
        assert all(word in message for word in words), message
        return error
    raise AssertionError(f"{call.__name__}({arguments}) was not refused")


def versions(client: MlflowClient, name: str) -> None:
    """From a logged model to versions that are tagged, staged, named and deleted."""
    mlflow.set_experiment(f"registry-{SUFFIX}")
    with mlflow.start_run() as run:
        mlflow.log_param("depth", 3)
        first = mlflow.pyfunc.log_model(name="model", python_model=Wine(), registered_model_name=name)
    assert int(first.registered_model_version) == 1, first.registered_model_version
    one = client.get_model_version(name, "1")
    assert (one.run_id, one.current_stage, one.status) == (run.info.run_id, "None", "READY"), one
    assert one.source == f"models:/{first.model_id}", one.source
    uri = client.get_model_version_download_uri(name, "1")
    assert uri.endswith(f"models/{first.model_id}/artifacts"), uri

    # a run is the source of a version only together with its id
    with mlflow.start_run() as other:
        mlflow.log_text("x", "files/a.txt")
    source = f"runs:/{other.info.run_id}/files"
    two = client.create_model_version(name, source, run_id=other.info.run_id, tags={"t": "1"}, description="second")
    assert (two.version, two.tags, two.description) == ("2", {"t": "1"}, "second"), two
    refused(client.create_model_version, "must identify the resource", name=name, source=source, run_id=run.info.run_id)
    refused(client.create_model_version, "Invalid model version source", name=name, source="/etc/passwd")
    copied = client.copy_model_version(f"models:/{name}/1", f"{name}-copy")
    assert (copied.version, copied.source) == ("1", f"models:/{name}/1"), copied

    client.set_model_version_tag(name, "1", "state", "good")
    client.set_registered_model_alias(name, "champion", "1")
    client.set_registered_model_alias(name, "challenger", "2")
    assert client.get_model_version_by_alias(name, "champion").tags == {"state": "good"}
    assert mlflow.pyfunc.load_model(f"models:/{name}@champion").predict(["a"]) == ["A"]
    client.set_registered_model_alias(name, "champion", "2")
    assert client.get_registered_model(name).aliases == {"champion": 2, "challenger": 2} or (
        client.get_registered_model(name).aliases == {"champion": "2", "challenger": "2"}
    )
    client.delete_registered_model_alias(name, "challenger")
    refused(client.get_model_version_by_alias, "alias challenger not found", name=name, alias="challenger")

    client.transition_model_version_stage(name, "1", "Production")
    moved = client.transition_model_version_stage(name, "2", "Production", archive_existing_versions=True)
    assert moved.current_stage == "Production"
    assert client.get_model_version(name, "1").current_stage == "Archived"
    latest = {v.current_stage: v.version for v in client.get_latest_versions(name)}
    assert latest == {"Archived": "1", "Production": "2"}, latest

    client.update_model_version(name, "2", "changed")
    client.delete_model_version_tag(name, "1", "state")
    assert client.get_model_version(name, "1").tags == {}
    client.delete_model_version(name, "2")
    refused(client.get_model_version, "not found", name=name, version="2")
    refused(client.get_model_version_by_alias, "not found", name=name, alias="champion")
    three = client.create_model_version(name, source, run_id=other.info.run_id)
    assert three.version == "3", "numbers do not come back"

    # a deleted run does not hide what was made from it
    client.delete_run(other.info.run_id)
    assert client.get_model_version(name, "3").run_id == other.info.run_id
    renamed = f"{name}-renamed"
    client.rename_registered_model(name, renamed)
    assert {int(v.version) for v in client.search_model_versions(f"name = '{renamed}'")} == {1, 3}
    client.delete_registered_model(renamed)
    refused(client.get_registered_model, "not found", name=renamed)


def search_and_pages(client: MlflowClient, name: str) -> None:
    """Filters, orders and pages reach what they should, each once."""
    for number in range(5):
        client.create_registered_model(f"{name}-{number}", tags={"even": str(number % 2 == 0), "batch": SUFFIX})
    mine = f"name LIKE '{name}-%'"
    found = client.search_registered_models(f"{mine} AND tags.even = 'True'", order_by=["name DESC"])
    assert [m.name for m in found] == [f"{name}-{n}" for n in (4, 2, 0)], found
    seen, token = [], None
    while True:
        page = client.search_registered_models(mine, max_results=2, page_token=token)
        seen += [m.name for m in page]
        token = page.token
        if not token:
            break
    assert seen == [f"{name}-{n}" for n in range(5)], seen
    for number in range(4):
        client.create_model_version(f"{name}-0", f"s3://bucket/{number}", tags={"n": str(number)})
    numbers, token = [], None
    while True:
        page = client.search_model_versions(f"name = '{name}-0'", max_results=3, order_by=["version_number ASC"], page_token=token)
        numbers += [v.version for v in page]
        token = page.token
        if not token:
            break
    assert [int(n) for n in numbers] == [1, 2, 3, 4], numbers
    assert [int(v.version) for v in client.search_model_versions(f"name = '{name}-0' AND tags.n = '2'")] == [3]
    assert [int(v.version) for v in client.search_model_versions(f"name = '{name}-0' AND version_number > 3")] == [4]
    refused(client.search_registered_models, "Invalid", filter_string="name = 'a' OR name = 'b'")
    refused(client.search_model_versions, "page token", page_token="nonsense")


def prompts(client: MlflowClient, name: str) -> None:
    """Prompts are models with a mark; only who asks for prompts sees them."""
    first = mlflow.genai.register_prompt(name, "Hello {{name}}", commit_message="first", tags={"lang": "en"})
    second = mlflow.genai.register_prompt(name, "Good day {{name}}", commit_message="second")
    assert (first.version, second.version) == (1, 2), (first, second)
    loaded = mlflow.genai.load_prompt(name, version=1)
    assert loaded.template == "Hello {{name}}" and loaded.format(name="Ada") == "Hello Ada", loaded
    assert loaded.commit_message == "first" and loaded.tags == {"lang": "en"}, loaded
    chat = mlflow.genai.register_prompt(f"{name}-chat", [{"role": "user", "content": "Hi {{name}}"}])
    assert mlflow.genai.load_prompt(f"{name}-chat").template == chat.template
    mlflow.genai.set_prompt_alias(name, "live", 1)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@live").version == 1
    mlflow.genai.set_prompt_alias(name, "live", 2)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@live").template == "Good day {{name}}"
    mlflow.genai.delete_prompt_alias(name, "live")
    assert {p.name for p in mlflow.genai.search_prompts(f"name = '{name}'")} == {name}
    assert [m.name for m in client.search_registered_models(f"name = '{name}'")] == []
    assert client.search_model_versions(f"name = '{name}'") == []
    assert mlflow.genai.load_prompt(f"{name}-none", allow_missing=True) is None

    mlflow.genai.set_prompt_tag(name, "team", "nlp") if hasattr(mlflow.genai, "set_prompt_tag") else client.set_prompt_tag(name, "team", "nlp")
    assert client.get_prompt(name).tags.get("team") == "nlp"
    client.set_prompt_version_tag(name, "1", "quality", "high")
    assert client.get_prompt_version(name, "1").tags["quality"] == "high"
    client.delete_prompt_version_tag(name, "1", "quality")
    assert "quality" not in client.get_prompt_version(name, "1").tags

    refused(client.create_registered_model, "already taken by a prompt", name=name)
    client.create_registered_model(f"{name}-model")
    refused(mlflow.genai.register_prompt, "exists with the same name", name=f"{name}-model", template="x")
    client.delete_prompt_version(name, "2")
    assert mlflow.genai.load_prompt(name, version=2, allow_missing=True) is None


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what comes."""

    received: list[dict] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append({"headers": dict(self.headers), "body": body})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"thanks")

    def log_message(self, *_):
        """Quietly."""


def wait_for(count: int) -> list[dict]:
    end = time.monotonic() + 30
    while len(Receiver.received) < count:
        assert time.monotonic() < end, Receiver.received
        time.sleep(0.05)
    return Receiver.received[:]


def webhooks(client: MlflowClient, name: str) -> None:
    """A receiver hears of what it asked for, signed with the secret it knows."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    wanted = ["registered_model.created", "model_version.created", "model_version_tag.set", "model_version_alias.created"]
    hook = client.create_webhook(f"hook-{SUFFIX}", url, wanted, description="d", secret="s3cret")
    try:
        assert {str(event) for event in hook.events} == set(wanted) and hook.secret is None, hook
        assert client.get_webhook(hook.webhook_id).url == url
        assert hook.webhook_id in {w.webhook_id for w in client.list_webhooks()}
        result = client.test_webhook(hook.webhook_id, "model_version_tag.set")
        assert (result.success, result.response_status, result.response_body) == (True, 200, "thanks"), result
        assert json.loads(wait_for(1)[0]["body"])["data"]["key"] == "example_key"
        refused(client.create_webhook, "Webhook name", name="-x", url=url, events=["prompt.created"])
        refused(client.create_webhook, "scheme", name="x", url="ftp://127.0.0.1/", events=["prompt.created"])

        client.create_registered_model(name, tags={"a": "b"}, description="red")
        client.create_model_version(name, "s3://bucket/x")
        client.set_model_version_tag(name, "1", "k", "v")
        client.set_registered_model_alias(name, "live", "1")
        client.set_registered_model_tag(name, "nobody", "hears")
        came = {}
        for one in wait_for(5)[1:]:
            body = json.loads(one["body"])
            came[f"{body['entity']}.{body['action']}"] = body["data"]
            headers = {key.lower(): value for key, value in one["headers"].items()}
            signed = f"{headers['x-mlflow-delivery-id']}.{headers['x-mlflow-timestamp']}.".encode() + one["body"]
            mark = base64.b64encode(hmac.new(b"s3cret", signed, hashlib.sha256).digest()).decode()
            assert headers["x-mlflow-signature"] == f"v1,{mark}", headers
            assert abs(time.time() - int(headers["x-mlflow-timestamp"])) < 60
        version = {"name": name, "version": "1", "source": "s3://bucket/x", "run_id": None, "tags": {}, "description": None}
        assert came == {
            "registered_model.created": {"name": name, "tags": {"a": "b"}, "description": "red"},
            "model_version.created": version,
            "model_version_tag.set": {"name": name, "version": "1", "key": "k", "value": "v"},
            "model_version_alias.created": {"name": name, "alias": "live", "version": "1"},
        }, came
        changed = client.update_webhook(hook.webhook_id, status="DISABLED", events=["prompt.created"])
        assert (changed.status, [str(e) for e in changed.events]) == ("DISABLED", ["prompt.created"]), changed
    finally:
        client.delete_webhook(hook.webhook_id)
    refused(client.get_webhook, "not found", webhook_id=hook.webhook_id)
    server.shutdown()


def main() -> None:
    client = MlflowClient()
    with tempfile.TemporaryDirectory() as folder, mlflow_in(pathlib.Path(folder)):
        versions(client, f"wine-{SUFFIX}")
    search_and_pages(client, f"search-{SUFFIX}")
    prompts(client, f"ask-{SUFFIX}")
    webhooks(client, f"told-{SUFFIX}")
    print("registry: all held")


class mlflow_in:
    """Works in a folder of its own: the client writes temporary files where it stands."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder

    def __enter__(self):
        import os

        self.before = os.getcwd()
        os.chdir(self.folder)

    def __exit__(self, *_):
        import os

        os.chdir(self.before)


if __name__ == "__main__":
    main()
