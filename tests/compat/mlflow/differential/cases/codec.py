"""Requests as bytes: what counts as JSON, as a number, as a field; methods and paths that are none."""

from case import call, get, post

JSON = {"Content-Type": "application/json"}
CREATE = "experiments/create"
SEARCH = "runs/search"
BODIES = {
    "empty": b"", "blank": b"  ", "no JSON": b"{", "a list": b"[]", "a number": b"5", "text": b'"x"', "null": b"null", "true": b"true", "trailing": b'{"name": "trail"} x', "twice encoded": b'"{\\"name\\": \\"twice encoded\\"}"', "a comment": b'{"name": "c" /* x */}', "single quotes": b"{'name': 'x'}", "a byte order mark": b'\xef\xbb\xbf{"name": "bom"}', "latin-1": '{"name": "é latin"}'.encode("latin-1"),
    "utf-16": '{"name": "utf16"}'.encode("utf-16"), "a null byte": b'{"name": "a\\u0000b"}', "a lone surrogate": b'{"name": "a\\ud800b"}', "a key twice": b'{"name": "k1", "name": "k2"}', "NaN": b'{"name": NaN}', "deep": b'{"name": "deep", "tags": ' + b"[" * 200 + b"]" * 200 + b"}", "a large number": b'{"name": "big", "x": 1e999}', "camel case": b'{"name": "camel", "artifactLocation": "s3://b/camel"}', "both cases": b'{"name": "both", "artifactLocation": "s3://b/1", "artifact_location": "s3://b/2"}',
    "an unknown field": b'{"name": "unknown field", "surprise": {"a": [1]}}', "newlines": b'\n{\n"name"\n:\n"newlines"\n}\n', "capitals": b'{"NAME": "capitals"}', "escapes": b'{"name": "\\u0444\\n\\t\\"x\\""}', "a form": b"name=form",
}  # fmt: skip
TYPES = {"none": "", "text": "text/plain", "json with a charset": "application/json; charset=utf-8", "json in capitals": "Application/JSON", "a form": "application/x-www-form-urlencoded", "json of a kind": "application/vnd.api+json", "multipart": "multipart/form-data; boundary=x", "octets": "application/octet-stream", "two": "application/json, text/plain"}
QUERIES = {
    "int": {"max_results": "2"}, "int with spaces": {"max_results": " 2 "}, "int of unicode": {"max_results": "２"}, "hex": {"max_results": "0x2"}, "float": {"max_results": "2.0"}, "plus": {"max_results": "+2"}, "large": {"max_results": "99999999999999999999"}, "enum": {"view_type": "ALL"}, "enum by number": {"view_type": "3"}, "enum by an unknown number": {"view_type": "77"}, "twice": {"max_results": ["2", "3"]}, "unknown": {"surprise": "x", "max_results": "2"}, "camel case": {"maxResults": "2"}, "a list": {"order_by": ["name ASC", "experiment_id"], "max_results": "2"}, "empty": {"max_results": ""}, "percent": {"filter": "name LIKE '100%'", "max_results": "2"},
}  # fmt: skip

CASES = [
    *(post(f"body {what}", CREATE, raw=body, headers=JSON, keep={f"body {what}": "experiment_id"}) for what, body in BODIES.items()),
    *(post(f"type {what}", CREATE, raw=f'{{"name": "type {what}"}}'.encode(), headers={"Content-Type": kind} if kind else None, keep={f"type {what}": "experiment_id"}) for what, kind in TYPES.items()),
    *(get(f"query {what}", "experiments/search", query) for what, query in QUERIES.items()),
    *(call(f"{method} {path}", method, path) for method, path in (
        ("GET", "experiments/create"), ("PUT", "experiments/create"), ("DELETE", "experiments/create"), ("POST", "experiments/get"), ("PATCH", "runs/update"), ("POST", "runs/get"), ("GET", "runs/search"), ("POST", "registered-models/update"), ("GET", "registered-models/delete"), ("DELETE", "runs/delete"),
        ("GET", "no/such/path"), ("POST", "no/such/path"), ("GET", "experiments/get/"), ("GET", "/api/2.0/mlflow"), ("GET", "/api/2.0/none"), ("GET", "/api/1.0/mlflow/experiments/get"), ("GET", "/api/2.0/preview/mlflow/experiments/list"), ("GET", "experiments/list"), ("GET", "//experiments/get"), ("OPTIONS", "experiments/get"), ("HEAD", "experiments/get"),
    )),
    get("the web app's path", "/ajax-api/2.0/mlflow/experiments/get", {"experiment_id": "0"}),
    get("the web app's old path", "/ajax-api/2.0/preview/mlflow/experiments/get", {"experiment_id": "0"}),
    get("the preview path", "/api/2.0/preview/mlflow/experiments/get", {"experiment_id": "0"}),
    get("a query and a body", "experiments/get", {"experiment_id": "0"}, raw=b'{"experiment_id": "5"}', headers=JSON),
    get("a body only", "experiments/get", raw=b'{"experiment_id": "0"}', headers=JSON),
    post("a query only", "experiments/get-by-name", query={"experiment_name": "Default"}),
    post("a query for a body", SEARCH, query={"experiment_ids": "0"}),
]  # fmt: skip
