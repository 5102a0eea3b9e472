"""One request, and what is kept of its answer for later ones."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    """`by` names a credential: a key of the runner's tokens, `browser:NAME` for a session, or `None`. `{name}` in path,
    body and form is replaced by what an earlier case has kept under that name."""

    name: str
    by: str | None
    method: str
    path: str
    body: object = None
    form: tuple | None = None
    headers: tuple = ()
    raw: bytes | None = None
    """Sent as it is, instead of `body`."""
    keep: tuple = ()
    """Pairs of a name and the path of a field in the answer; `location:KEY` is a parameter of the redirect."""
    values: tuple = ()
    """Fields whose values are compared too, not only their types."""


def case(name, by, method, path, body=None, **more) -> Case:
    if not path.startswith("/"):
        path = "/hub/api/" + path
    return Case(name, by, method, path, body, **more)
