"""An answer without what differs from run to run: its status, where it leads, and the form of its JSON."""

import json
import urllib.parse

SUITE = ("experiments", "models", "artifacts", "dags", "deployments", "connections", "variables")
"""Resources that JupyterHub does not have: scopes of these are left out where values are compared."""

WHEN_SEEN = ("last_activity",)
"""Both hubs note now and then that somebody was there."""


def answer(status, headers, text, values) -> dict:
    found = {"status": status}
    location = headers.get("Location")
    if location:
        found["location"] = place(location)
    kind = (headers.get("Content-Type") or "").split(";")[0]
    if kind == "application/json" and text:
        data = json.loads(text)
        found["json"] = shape(data)
        for field in values:
            found.setdefault("values", {})[field] = value(data, field)
    elif kind == "text/html" and text:
        found["html"] = True
    elif text.strip():
        found["text"] = kind
    return found


def shape(data):
    """The keys of objects, and of everything else the type. A list is the forms that occur in it."""
    if isinstance(data, dict):
        return {key: "time or null" if key in WHEN_SEEN else shape(item) for key, item in sorted(data.items())}
    if isinstance(data, list):
        forms = {json.dumps(shape(item), sort_keys=True) for item in data}
        return [json.loads(form) for form in sorted(forms)]
    return {bool: "bool", int: "number", float: "number", str: "text", type(None): "null"}[type(data)]


def value(data, field):
    for part in field.split("."):
        if isinstance(data, list):
            data = data[int(part)] if part.isdigit() else [item.get(part) for item in data]
        else:
            data = data.get(part) if isinstance(data, dict) else None
    if isinstance(data, list) and all(isinstance(item, str) for item in data):
        return sorted(item for item in data if not is_suite(item))
    return data


def is_suite(scope: str) -> bool:
    return any(part in SUITE for part in scope.split("!")[0].split(":"))


def place(location: str) -> str:
    """The path, and of the query the names."""
    parts = urllib.parse.urlsplit(location)
    names = sorted(name for name, _ in urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
    return parts.path + ("?" + "&".join(names) if names else "")
