"""Versions of registered models: where they come from, what is changed of them, what is refused."""

from case import delete, get, patch, post

AT = "model-versions/"
NAME = {"name": "versions"}
V = {**NAME, "version": "1"}
SOURCES = {
    "s3": {"source": "s3://bucket/model"}, "https": {"source": "https://host/model"}, "dbfs": {"source": "dbfs:/model"}, "absent": {}, "empty": {"source": ""}, "a number": {"source": 5}, "a local path": {"source": "/tmp/model"}, "a file uri": {"source": "file:///tmp/model"}, "a relative path": {"source": "model"}, "a file uri of a host": {"source": "file://host/tmp"},
    "dots": {"source": "s3://bucket/../model"}, "dots encoded": {"source": "s3://bucket/%2e%2e/model"}, "dots encoded twice": {"source": "s3://bucket/%252e%252e/model"}, "the artifact uri of its run": {"source": "${uri}/model", "run_id": "${run}"}, "the artifact uri of no run": {"source": "${uri}/model"}, "artifact dots": {"source": "mlflow-artifacts:/../x"}, "artifact dots encoded": {"source": "mlflow-artifacts:/%2e%2e/x"},
    "a query": {"source": "s3://bucket/model?x=1"}, "a fragment": {"source": "s3://bucket/model#x"}, "runs": {"source": "runs:/${run}/model", "run_id": "${run}"}, "runs of no run": {"source": "runs:/${run}/model"}, "runs of another": {"source": "runs:/" + "0" * 32 + "/model", "run_id": "${run}"}, "models": {"source": "models:/${logged}", "model_id": "${logged}"}, "models of no id": {"source": "models:/${logged}"},
    "models of an unknown": {"source": "models:/m-" + "0" * 32, "model_id": "m-" + "0" * 32}, "models of a version": {"source": "models:/versions/1"}, "models of an alias": {"source": "models:/versions@best"}, "models of an unknown version": {"source": "models:/versions/99"}, "models of an unknown name": {"source": "models:/none/1"}, "models broken": {"source": "models:/"}, "unicode": {"source": "s3://bucket/модель"}, "spaces": {"source": "s3://bucket/a model"},
    "a source of 501": {"source": "s3://b/" + "m" * 494}, "a password": {"source": "ftp://user:secret@host/x"},
}  # fmt: skip
MORE = {
    "an unknown run": {"run_id": "0" * 32}, "a run that is a number": {"run_id": 5}, "a run": {"run_id": "${run}"}, "a link": {"run_link": "http://host/run"}, "a description": {"description": "text"}, "tags": {"tags": [{"key": "a", "value": "1"}, {"key": "b", "value": ""}]}, "a tag twice": {"tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}, "a bad tag": {"tags": [{"key": "a#b", "value": "1"}]},
    "tags of text": {"tags": "x"}, "a logged model": {"model_id": "${logged}"}, "an unknown logged model": {"model_id": "m-" + "0" * 32}, "a bad link": {"run_link": 5},
}  # fmt: skip
WHICH = {
    "no version": NAME, "version 99": {**NAME, "version": "99"}, "version 0": {**NAME, "version": "0"}, "version -1": {**NAME, "version": "-1"}, "version x": {**NAME, "version": "x"}, "version 1.0": {**NAME, "version": "1.0"}, "version of spaces": {**NAME, "version": " 1 "}, "version empty": {**NAME, "version": ""}, "unknown name": {"name": "none", "version": "1"}, "no name": {"version": "1"}, "empty name": {"name": "", "version": "1"},
}  # fmt: skip
TAGS = {
    "plain": {"key": "k", "value": "v"}, "again": {"key": "k", "value": "w"}, "no value": {"key": "novalue"}, "no key": {"value": "v"}, "bad key": {"key": "a#b", "value": "v"}, "key 251": {"key": "k" * 251, "value": "v"}, "value 100001": {"key": "v3", "value": "v" * 100001}, "number": {"key": "n", "value": 5}, "unicode": {"key": "ключ", "value": "値"},
}  # fmt: skip

CASES = [
    post("a run", "runs/create", {"experiment_id": "0", "start_time": 1, "run_name": "r"}, keep={"run": "run.info.run_id", "uri": "run.info.artifact_uri"}),
    post("a logged model", "logged-models", {"experiment_id": "0", "name": "m", "source_run_id": "${run}"}, keep={"logged": "model.info.model_id"}),
    post("a model", "registered-models/create", NAME),
    post("create", AT + "create", {**NAME, "source": "s3://b/1", "description": "the first", "tags": [{"key": "t", "value": "1"}]}),
    get("get", AT + "get", V),
    post("an alias", "registered-models/alias", {**V, "alias": "best"}),
    *(post(f"source {what}", AT + "create", {**NAME, **body}) for what, body in SOURCES.items()),
    *(post(f"with {what}", AT + "create", {**NAME, "source": "s3://b/x", **body}) for what, body in MORE.items()),
    post("of an unknown model", AT + "create", {"name": "none", "source": "s3://b/x"}),
    post("of no model", AT + "create", {"source": "s3://b/x"}),
    post("of a bad name", AT + "create", {"name": "a/b", "source": "s3://b/x"}),
    get("every version", AT + "search", {"filter": "name = 'versions'"}),
    get("the logged model knows", "logged-models/${logged}"),
    *(get(f"get, {what}", AT + "get", query) for what, query in WHICH.items()),
    *(get(f"download uri, {what}", AT + "get-download-uri", query) for what, query in WHICH.items()),
    *(patch(f"describe, {what}", AT + "update", {**body, "description": "x"}) for what, body in WHICH.items()),
    *(post(f"stage, {what}", AT + "transition-stage", {**body, "stage": "Staging"}) for what, body in WHICH.items()),
    *(post(f"tag, {what}", AT + "set-tag", {**body, "key": "k", "value": "v"}) for what, body in WHICH.items()),
    *(delete(f"delete a tag, {what}", AT + "delete-tag", {**body, "key": "k"}) for what, body in WHICH.items()),
    get("download uri", AT + "get-download-uri", V),
    patch("describe", AT + "update", {**V, "description": "described"}),
    patch("describe by nothing", AT + "update", V),
    patch("describe by a number", AT + "update", {**V, "description": 5}),
    get("get described", AT + "get", V),
    *(post(f"tag {what}", AT + "set-tag", {**V, **tag}) for what, tag in TAGS.items()),
    delete("delete a tag", AT + "delete-tag", {**V, "key": "k"}),
    delete("delete it again", AT + "delete-tag", {**V, "key": "k"}),
    delete("delete a tag of no key", AT + "delete-tag", V),
    get("get tagged", AT + "get", V),
    post("stage absent", AT + "transition-stage", V),
    post("stage with archive", AT + "transition-stage", {**V, "stage": "Production", "archive_existing_versions": True}),
    post("stage None with archive", AT + "transition-stage", {**V, "stage": "None", "archive_existing_versions": True}),
    post("stage with archive of text", AT + "transition-stage", {**V, "stage": "Production", "archive_existing_versions": "yes"}),
    # deleted
    delete("delete", AT + "delete", V),
    get("get deleted", AT + "get", V),
    delete("delete again", AT + "delete", V),
    get("its alias", "registered-models/alias", {**NAME, "alias": "best"}),
    get("the model without it", "registered-models/get", NAME),
    post("tag deleted", AT + "set-tag", {**V, "key": "k", "value": "v"}),
    patch("describe deleted", AT + "update", {**V, "description": "x"}),
    *(delete(f"delete, {what}", AT + "delete", body) for what, body in WHICH.items()),
]  # fmt: skip
