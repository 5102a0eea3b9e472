"""One request, and what is kept of its answer for later ones."""

import dataclasses
import json


@dataclasses.dataclass(frozen=True)
class Case:
    """`{name}` in path and body is replaced by what an earlier case has kept under that name."""

    name: str
    method: str
    path: str
    body: object = None
    raw: bytes | None = None
    """Sent as it is, instead of `body`."""
    headers: tuple = ()
    by: str | None = "admin"
    """Whose token goes along: the administrator's, `nobody` for one that is none, or none at all with `None`."""
    keep: tuple = ()
    """Pairs of a name and the path of a field in the answer."""
    until: tuple | None = None
    """The path of a field and the values it has to get to: the request is repeated until it has, and that answer counts."""
    sort: tuple = ()
    """Paths of lists whose order is chance."""


NOTHING = object()


def request(method: str, path: str, body: object = NOTHING, *, name: str = "", again: str = "", **more) -> Case:
    """A path without `/` in front is one of the API. The name tells the request, and `again` a repeated one from the first."""
    raw = more.pop("raw", None)
    if body is None:
        raw = b"null"
    sent = json.dumps(body) if body is not NOTHING else ""
    if not name:
        name = f"{method} {path}" + (f" {sent[:150]}" if sent else "") + (f" {raw[:80].decode()}" if raw else "")
        name += f" by {more.get('by')}" if more.get("by", "admin") != "admin" else ""
        name += "".join(f" {key}: {value}" for key, value in more.get("headers", ()))
    name += f" ({again})" if again else ""
    if not path.startswith("/"):
        path = "/api/v2/" + path
    return Case(name, method, path, None if body is NOTHING else body, raw, **more)


def get(path: str, **more) -> Case:
    return request("GET", path, **more)


def post(path: str, body: object = NOTHING, **more) -> Case:
    return request("POST", path, body, **more)


def put(path: str, body: object = NOTHING, **more) -> Case:
    return request("PUT", path, body, **more)


def patch(path: str, body: object = NOTHING, **more) -> Case:
    return request("PATCH", path, body, **more)


def delete(path: str, body: object = NOTHING, **more) -> Case:
    return request("DELETE", path, body, **more)


def ended(dag: str, run: str, state: str = "success", **more) -> Case:
    """Waits for the end of a run."""
    return get(f"dags/{dag}/dagRuns/{run}", until=("state", (state,)), again=more.pop("again", "at its end"), **more)


def create(*entities, **more) -> dict:
    """An action of a change in bulk."""
    return {"action": "create", "entities": list(entities), **more}


def update(*entities, **more) -> dict:
    return {"action": "update", "entities": list(entities), **more}


def remove(*entities, **more) -> dict:
    return {"action": "delete", "entities": list(entities), **more}
