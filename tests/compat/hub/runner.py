"""Sends cases to a hub, one after the other."""

import json
import pathlib
import sys
import urllib.parse

import normal

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

from sender import Sender  # noqa: E402


class Runner(Sender):
    """`url` is where the hub's `/hub/` is; `tokens` are the services' of the settings; `users` are made first, each with
    a password in `passwords`."""

    def __init__(self, url: str, tokens: dict, passwords: dict, login):
        super().__init__(url)
        self.tokens = dict(tokens)
        self.passwords = passwords
        self.login = login
        self.cookies: dict[str, dict] = {}

    def answer(self, case) -> dict:
        headers = dict(case.headers)
        path = self.fill(case.path)
        body = None
        if case.raw is not None:
            body = case.raw
        elif case.form is not None:
            body = urllib.parse.urlencode([(name, self.fill(value)) for name, value in case.form]).encode()
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif case.body is not None:
            body = self.fill(json.dumps(case.body)).encode()
            headers.setdefault("Content-Type", "application/json")
        if case.by and case.by.startswith("browser:"):
            path = self.as_browser(case.by.removeprefix("browser:"), case.method, path, headers)
        elif case.by:
            headers["Authorization"] = "token " + (self.tokens.get(case.by) or self.kept[case.by])
        status, answered, text = self.send(case.method, path, headers, body)
        answer = normal.answer(status, answered, text, case.values)
        for name, field in case.keep:
            self.kept[name] = self.find(field, answered, text)
            if self.kept[name] is None:
                raise SystemExit(f"{case.name}: nothing at {field!r} in {status} {text[:500]!r}")
        return answer

    def as_browser(self, user, method, path, headers) -> str:
        """The cookies of a session, and on writes what proves that they are this site's own."""
        if user not in self.cookies:
            self.cookies[user] = self.login(self, user)
        cookies = self.cookies[user]
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if method != "GET" or path.startswith("/hub/api/") and "oauth2" not in path:
            headers["X-XSRFToken"] = cookies["_xsrf"]
            path += ("&" if "?" in path else "?") + "_xsrf=" + urllib.parse.quote(cookies["_xsrf"])
        return path

    @staticmethod
    def find(field, headers, text):
        if field.startswith("location:"):
            query = urllib.parse.urlsplit(headers.get("Location", "")).query
            return dict(urllib.parse.parse_qsl(query)).get(field.removeprefix("location:"))
        value = json.loads(text)
        for part in field.split("."):
            value = value[part]
        return value
