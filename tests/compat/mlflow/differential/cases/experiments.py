"""Experiments: made, read, renamed, tagged, deleted and restored, and what is refused."""

from case import get, post

CREATE = "experiments/create"

GOOD_NAMES = {
    "unicode": "опыт 試験 🧪",
    "spaces around": "  spaced  ",
    "slashes": "/Users/someone/experiment",
    "quotes": "it's \"quoted\" `so`",
    "of 500 characters": "e" * 500,
    "a number in text": "12345",
    "percent": "100%_sure",
}
BAD_NAMES = {
    "absent": {},
    "null": {"name": None},
    "empty": {"name": ""},
    "blank": {"name": "   "},
    "a number": {"name": 123},
    "a bool": {"name": True},
    "an object": {"name": {"a": 1}},
    "a list": {"name": ["a"]},
    "of 501 characters": {"name": "e" * 501},
}
LOCATIONS = {
    "s3": "s3://bucket/some/where",
    "with a slash at its end": "s3://bucket/some/",
    "mlflow-artifacts": "mlflow-artifacts:/elsewhere",
    "with a query": "s3://bucket/path?x=1",
    "with a fragment": "s3://bucket/path#part",
    "with dots": "s3://bucket/a/../b",
    "with dots in a query": "s3://bucket/a?x=../b",
    "a number": 9.0,
    "empty": "",
    "with a password": "postgresql://user:secret@host/db",
}
TAGS = {
    "text": "5",
    "a list of text": ["a"],
    "without a key": [{"value": "v"}],
    "without a value": [{"key": "k"}],
    "a number as value": [{"key": "k", "value": 1}],
    "twice the same": [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}],
    "a key of 250": [{"key": "k" * 250, "value": "v"}],
    "a key of 251": [{"key": "k" * 251, "value": "v"}],
    "a value of 5000": [{"key": "k", "value": "v" * 5000}],
    "a value of 20001": [{"key": "k", "value": "v" * 20001}],
    "a bad key": [{"key": "a#b", "value": "v"}],
    "a key that is another": [{"key": "a/../b", "value": "v"}],
    "an empty key": [{"key": "", "value": "v"}],
    "an empty value": [{"key": "k", "value": ""}],
    "unicode": [{"key": "ключ", "value": "значение 値"}],
}
LENIENT = ("a number as value", "twice the same")
"""Made by one server only."""
BAD_IDS = {"absent": {}, "unknown": {"experiment_id": "987654"}, "empty": {"experiment_id": ""}, "no number": {"experiment_id": "abc"}, "a number": {"experiment_id": 987654}, "negative": {"experiment_id": "-1"}, "a fraction": {"experiment_id": "1.5"}}

CASES = [
    get("the default one", "experiments/get", {"experiment_id": "0"}),
    get("the default one by name", "experiments/get-by-name", {"experiment_name": "Default"}),
    post("create", CREATE, {"name": "first"}, keep={"exp": "experiment_id"}),
    get("get", "experiments/get", {"experiment_id": "${exp}"}),
    get("get by name", "experiments/get-by-name", {"experiment_name": "first"}),
    post("create the same again", CREATE, {"name": "first"}),
    post("create with tags", CREATE, {"name": "tagged", "tags": [{"key": "team", "value": "nlp"}, {"key": "mlflow.note.content", "value": "# Note"}]}, keep={"tagged": "experiment_id"}),
    get("get with tags", "experiments/get", {"experiment_id": "${tagged}"}),
    *(post(f"create, name {what}", CREATE, {"name": name}, keep={f"name {what}": "experiment_id"}) for what, name in GOOD_NAMES.items()),
    *(get(f"get, name {what}", "experiments/get-by-name", {"experiment_name": name}) for what, name in GOOD_NAMES.items()),
    *(post(f"create, name {what}", CREATE, body, keep={f"bad name {what}": "experiment_id"}) for what, body in BAD_NAMES.items()),
    *(post(f"create, location {what}", CREATE, {"name": f"located {what}", "artifact_location": where}, keep={f"location {what}": "experiment_id"}) for what, where in LOCATIONS.items()),
    *(get(f"get, location {what}", "experiments/get-by-name", {"experiment_name": f"located {what}"}) for what in LOCATIONS),
    *(post(f"create, tags {what}", CREATE, {"name": f"tags {what}", "tags": tags}, keep={f"tags {what}": "experiment_id"}) for what, tags in TAGS.items()),
    *(get(f"get, tags {what}", "experiments/get-by-name", {"experiment_name": f"tags {what}"}) for what in TAGS if what not in LENIENT),
    *(get(f"get, id {what}", "experiments/get", query) for what, query in BAD_IDS.items()),
    get("get by name that is unknown", "experiments/get-by-name", {"experiment_name": "no such"}),
    get("get by no name", "experiments/get-by-name"),
    get("get by an empty name", "experiments/get-by-name", {"experiment_name": ""}),
    # names
    post("rename", "experiments/update", {"experiment_id": "${exp}", "new_name": "renamed"}),
    get("get renamed", "experiments/get", {"experiment_id": "${exp}"}),
    post("rename to itself", "experiments/update", {"experiment_id": "${exp}", "new_name": "renamed"}),
    post("rename to another's", "experiments/update", {"experiment_id": "${exp}", "new_name": "tagged"}),
    post("rename to nothing", "experiments/update", {"experiment_id": "${exp}"}),
    post("rename to empty", "experiments/update", {"experiment_id": "${exp}", "new_name": ""}),
    post("rename to a number", "experiments/update", {"experiment_id": "${exp}", "new_name": 5}),
    post("rename to 501 characters", "experiments/update", {"experiment_id": "${exp}", "new_name": "n" * 501}),
    *(post(f"rename, id {what}", "experiments/update", {**body, "new_name": "x"}) for what, body in BAD_IDS.items()),
    # tags
    post("set a tag", "experiments/set-experiment-tag", {"experiment_id": "${exp}", "key": "k", "value": "v"}),
    post("set it again", "experiments/set-experiment-tag", {"experiment_id": "${exp}", "key": "k", "value": "w"}),
    post("set a second", "experiments/set-experiment-tag", {"experiment_id": "${exp}", "key": "k2", "value": ""}),
    get("get with set tags", "experiments/get", {"experiment_id": "${exp}"}),
    post("delete a tag", "experiments/delete-experiment-tag", {"experiment_id": "${exp}", "key": "k"}),
    post("delete it again", "experiments/delete-experiment-tag", {"experiment_id": "${exp}", "key": "k"}),
    post("delete a tag of no key", "experiments/delete-experiment-tag", {"experiment_id": "${exp}"}),
    get("get without that tag", "experiments/get", {"experiment_id": "${exp}"}),
    *(post(f"set a tag, id {what}", "experiments/set-experiment-tag", {**body, "key": "k", "value": "v"}) for what, body in BAD_IDS.items()),
    *(post(f"delete a tag, id {what}", "experiments/delete-experiment-tag", {**body, "key": "k"}) for what, body in BAD_IDS.items()),
    *(
        post(f"set tag {what}", "experiments/set-experiment-tag", {"experiment_id": "${exp}", **tag})
        for what, tags in TAGS.items()
        if isinstance(tags, list)
        for tag in tags[:1]
        if isinstance(tag, dict)
    ),
    # deleted and restored
    post("a run that goes with it", "runs/create", {"experiment_id": "${exp}", "start_time": 1, "run_name": "r"}, keep={"run": "run.info.run_id"}),
    post("delete", "experiments/delete", {"experiment_id": "${exp}"}),
    get("get deleted", "experiments/get", {"experiment_id": "${exp}"}),
    get("get deleted by name", "experiments/get-by-name", {"experiment_name": "renamed"}),
    get("its run is deleted", "runs/get", {"run_id": "${run}"}),
    post("delete again", "experiments/delete", {"experiment_id": "${exp}"}),
    post("create with a deleted one's name", CREATE, {"name": "renamed"}),
    post("rename deleted", "experiments/update", {"experiment_id": "${exp}", "new_name": "again"}),
    post("set a tag of deleted", "experiments/set-experiment-tag", {"experiment_id": "${exp}", "key": "k", "value": "v"}),
    post("delete a tag of deleted", "experiments/delete-experiment-tag", {"experiment_id": "${exp}", "key": "k2"}),
    post("create a run in deleted", "runs/create", {"experiment_id": "${exp}"}),
    post("restore", "experiments/restore", {"experiment_id": "${exp}"}),
    post("restore again", "experiments/restore", {"experiment_id": "${exp}"}),
    get("get restored", "experiments/get", {"experiment_id": "${exp}"}),
    get("its run is restored", "runs/get", {"run_id": "${run}"}),
    *(post(f"delete, id {what}", "experiments/delete", body) for what, body in BAD_IDS.items()),
    *(post(f"restore, id {what}", "experiments/restore", body) for what, body in BAD_IDS.items()),
]  # fmt: skip
