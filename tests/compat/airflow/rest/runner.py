"""Sends cases to a server, one after the other."""

import json
import re
import tempfile
import time

import normal
from sender import Sender

TEMPORARY = {tempfile.gettempdir(): "<temporary>"}
"""Where a default connection has its file."""
SECONDS, STOCK_SECONDS = 60, 240
"""How long a case waits for what it waits for."""
AGAIN = 4
"""How often stock Airflow is asked again after a 500: its SQLite is locked at times."""


class Runner(Sender):
    """`places` are the server's own folders and names, with what they are called in the answers."""

    def __init__(self, url: str, user: str, password: str, places: dict[str, str], patient: bool = False):
        super().__init__(url)
        self.patient, self.seconds = patient, STOCK_SECONDS if patient else SECONDS
        self.normal = normal.Normal(places | {self.url.netloc: "<server>"})
        self.kept["password"] = password
        status, _, text = self.send("POST", "/auth/token", {"Content-Type": "application/json"}, json.dumps({"username": user, "password": password}).encode())
        if status != 201:
            raise SystemExit(f"no token from {url}: {status} {text[:500]}")
        self.kept["token"] = json.loads(text)["access_token"]
        self.tokens = {"admin": self.kept["token"], "nobody": "e30.e30.e30"}

    def prepare(self, dags: tuple, unpaused: tuple) -> None:
        """Waits until every DAG is there, and lets some of them run."""
        for dag in dags:
            self.wait(f"the DAG {dag}", lambda dag=dag: self.ask("GET", f"/api/v2/dags/{dag}/details")[0] == 200)
        for dag in unpaused:
            self.wait(f"{dag} unpaused", lambda dag=dag: self.ask("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})[0] == 200)

    def answer(self, case) -> dict:
        headers = dict(case.headers)
        path = self.fill(case.path)
        body = case.raw
        if body is None and case.body is not None:
            body = json.dumps(self.filled(case.body)).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        if case.by:
            headers["Authorization"] = "Bearer " + self.tokens[case.by]
        until = time.monotonic() + self.seconds
        while True:
            status, answered, text = self.patiently(case.method, path, headers, body)
            if case.until is None or (status == 200 and find(case.until[0], text) in case.until[1]):
                break
            if time.monotonic() > until:
                self.wrong(f"{case.name}: {case.until[0]} did not become one of {case.until[1]}: {status} {text[:2000]}")
                break
            time.sleep(0.3)
        for name, field in case.keep:
            value = find(field, text)
            if value is None:
                self.wrong(f"{case.name}: nothing at {field!r} in {status} {text[:500]!r}")
            else:
                self.kept[name] = value
        return self.normal.answer(status, answered, text, case.sort)

    def wrong(self, what: str) -> None:
        """A recording has to be of what the cases mean; an answer that differs is told as any other."""
        if self.patient:
            raise SystemExit(what)

    def patiently(self, method, path, headers, body):
        for _ in range(AGAIN if self.patient else 1):
            answer = self.send(method, path, headers, body)
            if answer[0] not in (500, 503):
                break
            time.sleep(1)
        return answer

    def ask(self, method, path, body=None):
        headers = {"Authorization": "Bearer " + self.tokens["admin"], "Content-Type": "application/json"}
        return self.patiently(method, path, headers, None if body is None else json.dumps(body).encode())

    def wait(self, what, good) -> None:
        until = time.monotonic() + STOCK_SECONDS
        while not good():
            if time.monotonic() > until:
                raise SystemExit(f"{what}: it did not come")
            time.sleep(0.3)

    def filled(self, body):
        """A text that is nothing but `{name}` becomes the value itself, which may be a number."""
        if isinstance(body, dict):
            return {key: self.filled(item) for key, item in body.items()}
        if isinstance(body, list):
            return [self.filled(item) for item in body]
        if not isinstance(body, str):
            return body
        whole = re.fullmatch(r"\{(\w+)\}", body)
        return self.kept.get(whole[1], body) if whole else self.fill(body)


def find(field: str, text: str):
    """`runs.0.state`: the field at a path, or nothing."""
    try:
        value = json.loads(text)
        for part in field.split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
    except (ValueError, LookupError, TypeError):
        return None
    return value
