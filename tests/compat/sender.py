"""Sends recorded cases to a server, one after the other."""

import http.client
import re
import urllib.parse


class Sender:
    """What `{name}` stands for in paths and bodies is in `kept`."""

    def __init__(self, url: str):
        self.url = urllib.parse.urlsplit(url)
        self.kept: dict[str, object] = {}

    def run(self, cases) -> dict:
        answers = {}
        for case in cases:
            if case.name in answers:
                raise SystemExit(f"there are two cases {case.name!r}")
            answers[case.name] = self.answer(case)
        return answers

    def answer(self, case) -> dict:
        raise NotImplementedError

    def send(self, method, path, headers, body=None):
        connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=120)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def fill(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: str(self.kept.get(found[1], found[0])), text)
