"""Sends a case to one server and remembers what its answers gave."""

import dataclasses
import json
import re
import typing

import requests
from case import Case

MOST_PAGES = 60


@dataclasses.dataclass
class Answer:
    """What came back: of a case with pages, `body` is the list of them."""

    status: int
    kind: str
    headers: dict[str, str]
    body: typing.Any


class Server:
    """One of the two servers."""

    def __init__(self, name: str, url: str, token: str | None = None):
        self.name, self.url = name, url.rstrip("/")
        self.known: dict[str, str] = {}
        self.session = requests.Session()
        self.session.trust_env = False
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, case: Case) -> Answer:
        answer = self.send(case, ())
        if case.pages:
            answer.body = self.all_pages(case, answer)
        for name, path in case.keep:
            # an answer without it is a difference by itself; what follows then asks for a thing that is not there
            self.known[name] = str(found(answer.body, path) or f"no-{name}")
        return answer

    def all_pages(self, case: Case, first: Answer) -> list:
        bodies, answer = [first.body], first
        while isinstance(answer.body, dict) and (token := answer.body.get("next_page_token")):
            if len(bodies) == MOST_PAGES:
                bodies.append("there is no end of pages")
                break
            answer = self.send(case, (("page_token", token),))
            bodies.append(answer.body)
        return bodies

    def send(self, case: Case, more: tuple) -> Answer:
        data, headers = case.raw, dict(case.headers)
        query = [(key, self.filled(value)) for key, value in case.query]
        if case.json is not None:
            body = self.filled(case.json)
            data = json.dumps({**body, **dict(more)} if more else body).encode()
            headers.setdefault("Content-Type", "application/json")
        else:
            query += more
        url = self.url + self.filled(case.path)
        request = requests.Request(case.method, url, params=query, data=data, headers=headers, cookies={})
        prepared = self.session.prepare_request(request)
        if not query:
            prepared.url = url  # as written: requests would tidy up dots and percents
        response = self.session.send(prepared, timeout=60, allow_redirects=False)
        kind = response.headers.get("Content-Type", "").split(";")[0].strip()
        shown = {name: response.headers.get(name, "") for name in case.shown}
        return Answer(response.status_code, kind, shown, body_of(response, kind))

    def filled(self, value):
        """`${name}` replaced in every text of a value."""
        if isinstance(value, str):
            return re.sub(r"\$\{([^}]+)\}", lambda m: self.known.get(m[1], f"no-{m[1]}"), value)
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if isinstance(value, dict):
            return {self.filled(key): self.filled(item) for key, item in value.items()}
        return value


def body_of(response: requests.Response, kind: str):
    if kind == "application/json":
        try:
            return response.json()
        except ValueError:
            return f"broken JSON: {response.text[:200]}"
    return response.content.decode("utf-8", "backslashreplace")[:5000]


def found(body, path: str):
    """What stands at a dotted path; numbers are places in a list."""
    for part in path.split("."):
        if isinstance(body, list) and part.isdigit() and int(part) < len(body):
            body = body[int(part)]
        elif isinstance(body, dict):
            body = body.get(part)
        else:
            return None
    return body
