"""Registered models: created, renamed, described, tagged, deleted, with aliases and stages of their versions."""

from case import delete, get, patch, post

AT = "registered-models/"
NAMES = {
    "unicode": "модель 模型", "with spaces": "a model", "dots": "a.b", "dashes": "a-b_c", "percent": "a%b", "quotes": "it's", "plus": "a+b", "hash": "a#b", "at": "a@b", "of 256": "n" * 256, "a number in text": "5", "with a question mark": "a?b", "with an ampersand": "a&b",
}  # fmt: skip
BAD = {
    "absent": {}, "empty": {"name": ""}, "blank": {"name": "  "}, "a slash": {"name": "a/b"}, "a colon": {"name": "a:b"}, "dots only": {"name": ".."}, "one dot": {"name": "."}, "a number": {"name": 5}, "null": {"name": None}, "a list": {"name": ["a"]}, "leading slash": {"name": "/a"},
}  # fmt: skip
TAGS = {
    "plain": {"key": "k", "value": "v"}, "again": {"key": "k", "value": "w"}, "no value": {"key": "novalue"}, "empty value": {"key": "e", "value": ""}, "no key": {"value": "v"}, "empty key": {"key": "", "value": "v"}, "bad key": {"key": "a#b", "value": "v"}, "parent key": {"key": "a/../b", "value": "v"}, "key 250": {"key": "k" * 250, "value": "v"},
    "key 251": {"key": "k" * 251, "value": "v"}, "value 5001": {"key": "v1", "value": "v" * 5001}, "value 100000": {"key": "v2", "value": "v" * 100000}, "value 100001": {"key": "v3", "value": "v" * 100001}, "number": {"key": "n", "value": 5}, "unicode": {"key": "ключ", "value": "値"},
}  # fmt: skip
ALIASES = {
    "plain": "champion", "dashes": "a-b_c", "unicode": "чемпион", "digits": "123", "latest": "latest", "Latest": "LATEST", "v1": "v1", "V12": "V12", "v": "v", "v1a": "v1a", "empty": "", "space": "a b", "dot": "a.b", "slash": "a/b", "at": "@a", "255": "a" * 255, "256": "a" * 256, "a number": 5, "null": None,
}  # fmt: skip
STAGES = ("Staging", "production", "ARCHIVED", "None", "none", "Nothing", "", 5, None)
M, UNKNOWN = {"name": "${model}"}, {"name": "no such model"}
V1 = {"name": "first", "version": "1"}


CASES = [
    post("create", AT + "create", {"name": "first"}),
    get("get", AT + "get", {"name": "first"}),
    post("create again", AT + "create", {"name": "first"}),
    post("create with all", AT + "create", {"name": "second", "description": "about **it**", "tags": [{"key": "a", "value": "1"}, {"key": "b", "value": ""}]}),
    get("get with all", AT + "get", {"name": "second"}),
    post("create with a deployment job", AT + "create", {"name": "job", "deployment_job_id": "j1"}),
    *(post(f"create, name {what}", AT + "create", {"name": name}) for what, name in NAMES.items()),
    *(get(f"get, name {what}", AT + "get", {"name": name}) for what, name in NAMES.items()),
    *(post(f"create, bad name {what}", AT + "create", body) for what, body in BAD.items()),
    *(get(f"get, bad name {what}", AT + "get", body) for what, body in BAD.items() if body.get("name", "") is not None),
    get("get unknown", AT + "get", UNKNOWN),
    post("create, tags of text", AT + "create", {"name": "tt", "tags": "x"}),
    post("create, a tag twice", AT + "create", {"name": "tw", "tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}),
    get("get, a tag twice", AT + "get", {"name": "tw"}),
    post("create, a bad tag", AT + "create", {"name": "tb", "tags": [{"key": "a#b", "value": "1"}]}),
    post("create, a tag of no key", AT + "create", {"name": "tk", "tags": [{"value": "1"}]}),
    post("create, a description of a number", AT + "create", {"name": "dn", "description": 5}),
    # update and rename
    patch("describe", AT + "update", {"name": "first", "description": "now described"}),
    patch("describe by nothing", AT + "update", {"name": "second"}),
    patch("describe by empty", AT + "update", {"name": "second", "description": ""}),
    patch("describe by 5001", AT + "update", {"name": "second", "description": "d" * 5001}),
    patch("describe unknown", AT + "update", {**UNKNOWN, "description": "x"}),
    patch("describe no name", AT + "update", {"description": "x"}),
    patch("describe by a number", AT + "update", {"name": "first", "description": 5}),
    get("get described", AT + "get", {"name": "second"}),
    # tags
    *(post(f"tag {what}", AT + "set-tag", {"name": "first", **tag}) for what, tag in TAGS.items()),
    post("tag unknown", AT + "set-tag", {**UNKNOWN, "key": "k", "value": "v"}),
    post("tag no name", AT + "set-tag", {"key": "k", "value": "v"}),
    delete("delete a tag", AT + "delete-tag", {"name": "first", "key": "k"}),
    delete("delete it again", AT + "delete-tag", {"name": "first", "key": "k"}),
    delete("delete a tag of no key", AT + "delete-tag", {"name": "first"}),
    delete("delete a tag of unknown", AT + "delete-tag", {**UNKNOWN, "key": "k"}),
    get("get tagged", AT + "get", {"name": "first"}),
    # aliases, with versions to point at
    *(post(f"version {i}", "model-versions/create", {"name": "first", "source": f"s3://b/m{i}"}) for i in (1, 2, 3)),
    *(post(f"alias {what}", AT + "alias", {**V1, "alias": alias}) for what, alias in ALIASES.items()),
    *(get(f"by alias {what}", AT + "alias", {"name": "first", "alias": alias}) for what, alias in ALIASES.items() if isinstance(alias, str)),
    post("alias moves", AT + "alias", {"name": "first", "version": "2", "alias": "champion"}),
    get("by moved alias", AT + "alias", {"name": "first", "alias": "champion"}),
    post("alias of no version", AT + "alias", {"name": "first", "alias": "x"}),
    post("alias of an unknown version", AT + "alias", {"name": "first", "version": "99", "alias": "x"}),
    post("alias of a version of text", AT + "alias", {"name": "first", "version": "x", "alias": "x"}),
    post("alias of a number", AT + "alias", {"name": "first", "version": 1, "alias": "bynumber"}),
    post("alias of unknown", AT + "alias", {**UNKNOWN, "version": "1", "alias": "x"}),
    post("alias of no name", AT + "alias", {"version": "1", "alias": "x"}),
    post("alias absent", AT + "alias", V1),
    get("by unknown alias", AT + "alias", {"name": "first", "alias": "unknown"}),
    get("by no alias", AT + "alias", {"name": "first"}),
    get("by alias of unknown", AT + "alias", {**UNKNOWN, "alias": "a"}),
    delete("delete an alias", AT + "alias", {"name": "first", "alias": "v1a"}),
    delete("delete it twice", AT + "alias", {"name": "first", "alias": "v1a"}),
    delete("delete an alias of unknown", AT + "alias", {**UNKNOWN, "alias": "a"}),
    delete("delete no alias", AT + "alias", {"name": "first"}),
    get("get with aliases", AT + "get", {"name": "first"}),
    # latest versions by stage
    *(post(f"stage {stage!r}", "model-versions/transition-stage", {"name": "first", "version": "1", "stage": stage}) for stage in STAGES),
    post("stage 2", "model-versions/transition-stage", {"name": "first", "version": "2", "stage": "Staging", "archive_existing_versions": False}),
    post("stage 1 too", "model-versions/transition-stage", {"name": "first", "version": "1", "stage": "Staging"}),
    post("latest", AT + "get-latest-versions", {"name": "first"}),
    get("latest by query", AT + "get-latest-versions", {"name": "first"}),
    *(post(f"latest {stages}", AT + "get-latest-versions", {"name": "first", "stages": stages}) for stages in (["Staging"], ["staging", "None"], ["Nothing"], [], "Staging", [5])),
    get("latest by query of two", AT + "get-latest-versions", {"name": "first", "stages": ["Staging", "None"]}),
    post("latest of unknown", AT + "get-latest-versions", UNKNOWN),
    post("latest of no name", AT + "get-latest-versions", {}),
    post("3 archives others", "model-versions/transition-stage", {"name": "first", "version": "3", "stage": "staging", "archive_existing_versions": True}),
    post("latest after", AT + "get-latest-versions", {"name": "first"}),
    get("get with stages", AT + "get", {"name": "first"}),
    # renamed with its versions
    post("rename", AT + "rename", {"name": "first", "new_name": "renamed"}),
    get("get renamed", AT + "get", {"name": "renamed"}),
    get("the old name", AT + "get", {"name": "first"}),
    get("a version of renamed", "model-versions/get", {"name": "renamed", "version": "1"}),
    get("an alias of renamed", AT + "alias", {"name": "renamed", "alias": "champion"}),
    post("rename to itself", AT + "rename", {"name": "renamed", "new_name": "renamed"}),
    post("rename to another's", AT + "rename", {"name": "renamed", "new_name": "second"}),
    post("rename to a bad name", AT + "rename", {"name": "renamed", "new_name": "a/b"}),
    post("rename to nothing", AT + "rename", {"name": "renamed"}),
    post("rename to empty", AT + "rename", {"name": "renamed", "new_name": ""}),
    post("rename unknown", AT + "rename", {**UNKNOWN, "new_name": "x"}),
    post("rename no name", AT + "rename", {"new_name": "x"}),
    # deleted
    delete("delete", AT + "delete", {"name": "renamed"}),
    get("get deleted", AT + "get", {"name": "renamed"}),
    delete("delete again", AT + "delete", {"name": "renamed"}),
    delete("delete no name", AT + "delete", {}),
    delete("delete an empty name", AT + "delete", {"name": ""}),
    get("a version of deleted", "model-versions/get", {"name": "renamed", "version": "1"}),
    post("create deleted", AT + "create", {"name": "renamed"}),
    post("its versions start anew", "model-versions/create", {"name": "renamed", "source": "s3://b/x"}),
]  # fmt: skip
