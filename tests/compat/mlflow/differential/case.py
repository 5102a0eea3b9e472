"""One request of the replay, as data."""

import dataclasses
import typing

API = "/api/2.0/mlflow/"


@dataclasses.dataclass(frozen=True)
class Case:
    """A request that both servers get, and what of the answer later requests need.

    Text anywhere in the request may hold `${name}`: the value that the answer
    to an earlier case gave under that name, on the server that is asked.
    """

    label: str
    method: str
    path: str
    json: typing.Any = None
    raw: bytes | None = None
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    keep: tuple[tuple[str, str], ...] = ()
    """(name, dotted path into the answer): remembered, and shown as `<name>` from then on."""
    pages: bool = False
    """Ask for the next page until there is none, and compare them all."""
    shown: tuple[str, ...] = ()
    """Headers of the answer that are compared beside its content type."""


def call(label: str, method: str, path: str, json=None, *, query=None, keep=None, raw=None, headers=None, pages=False, shown=()) -> Case:
    """A case; a path that does not begin with a slash is below MLflow's API."""
    if not path.startswith("/"):
        path = API + path
    return Case(label, method, path, json, raw, pairs(query), pairs(headers), pairs(keep), pages, tuple(shown))


def pairs(items) -> tuple[tuple[str, str], ...]:
    """A dictionary or a list of pairs; a key with a list as value is repeated."""
    if not items:
        return ()
    flat = []
    for key, value in items.items() if isinstance(items, dict) else items:
        flat += [(key, one) for one in (value if isinstance(value, list) else [value])]
    return tuple(flat)


def get(label: str, path: str, query=None, **more) -> Case:
    return call(label, "GET", path, query=query, **more)


def post(label: str, path: str, json=None, **more) -> Case:
    return call(label, "POST", path, json, **more)


def patch(label: str, path: str, json=None, **more) -> Case:
    return call(label, "PATCH", path, json, **more)


def delete(label: str, path: str, json=None, **more) -> Case:
    return call(label, "DELETE", path, json, **more)


def put(label: str, path: str, data: bytes, **more) -> Case:
    return call(label, "PUT", path, raw=data, headers={"Content-Type": "application/octet-stream"}, **more)
