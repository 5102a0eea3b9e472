"""An answer without what differs from server to server and from run to run. Nothing is dropped: a value becomes `<name>`,
so that one that is missing, or is not of that kind, still differs.
"""

import datetime
import json
import re

from texts import FIELDS, Texts

NUMBERS = {
    # field: why its number is none that a caller may rely on
    "id": "rows are numbered by the database",
    "asset_id": "likewise",
    "event_log_id": "likewise",
    "import_error_id": "likewise",
    "trigger_id": "likewise",
    "triggerer_id": "likewise",
    "lineno": "where in the server's own code a line of the log comes from",
}
SPANS = ("bundle_prepare_ms", "dag_file_parse_ms", "dag_file_parse_duration")
"""How long something took, in lines of logs."""
TOKENS = {
    # field: why
    "access_token": "made for this request",
    "file_token": "signed by the server",
    "next_cursor": "opaque",
    "previous_cursor": "opaque",
    "continuation_token": "opaque",
}
PATTERNS = (
    # (what, as what, why)
    (re.compile(r"(?<=when you look for ID )\w+"), "<random>", "made for this error"),
    (re.compile(r"(?<=asset_id: `)\d+|(?<=asset with ID: )\d+"), "<number>", "rows are numbered by the database"),
    (re.compile(r"(?<=s3://clash/)\d"), "<one>", "which of two assets is refused is chance"),
    (re.compile(r'("host_name": ?)"[^"]*"'), r'\1"<host>"', "the machine's name"),
)
LATER, MONTH = "expires_at", datetime.timedelta(days=30)
"""What tasks keep is kept for so long unless told otherwise."""
OF_WRONG_INPUT = ("type", "loc", "msg")
"""What counts of an entry of `detail` in an answer 422: what is left out repeats the request. Neither does the order of the
entries count, nor that one comes twice."""


class Normal:
    def __init__(self, places: dict[str, str]):
        self.texts = Texts(places)

    def answer(self, status: int, headers, text: str, sort: tuple = ()) -> dict:
        found = {"status": status}
        kind = (headers.get("Content-Type") or "").split(";")[0]
        if text or status not in (204, 304):
            found["type"] = kind
        for name in ("Location", "Allow", "WWW-Authenticate"):
            if headers.get(name):
                found[name] = self.text(headers[name])
        if kind in ("application/json", "application/problem+json") and text:
            body = json.loads(text)
            if status == 422 and isinstance(body, dict) and isinstance(body.get("detail"), list):
                found_wrong = {json.dumps({key: item.get(key) for key in OF_WRONG_INPUT}, sort_keys=True) for item in body["detail"]}
                body["detail"] = [json.loads(item) for item in sorted(found_wrong)]
            found["body"] = self.value(body)
            for path in sort:
                order(found["body"], path.split("."))
        elif kind in ("application/x-ndjson", "") and status == 200:
            # stock does not say of every stream of lines that it is one
            found["body"] = [self.value(json.loads(line)) for line in text.splitlines() if line]
        elif text:
            found["body"] = self.text(text)
        return found

    def value(self, value, field: str = ""):
        if isinstance(value, dict):
            return {self.text(key): self.value(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, field) for item in value]
        if field in FIELDS and field != "version_number" and value is not None:
            return FIELDS[field][0]
        if field == LATER and isinstance(value, str) and self.texts.of_now(value, MONTH):
            return "<in a month>"
        if field == "timestamp" and isinstance(value, float) and self.texts.is_moment(value):
            return "<time>"  # a moment as XComs have it
        if field in NUMBERS and isinstance(value, int) and not isinstance(value, bool):
            return "<number>"
        if field in SPANS and isinstance(value, (int, float)):
            return "<span>"
        if field in TOKENS and isinstance(value, str):
            return "<token>"
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        text = self.texts.text(text)
        for pattern, name, _ in PATTERNS:
            text = pattern.sub(name, text)
        return text


def order(body, path: list[str]) -> None:
    """Puts the list at a path into an order of its own."""
    for part in path[:-1]:
        body = body[part] if isinstance(body, dict) else body[int(part)]
    if isinstance(body, dict) and isinstance(body.get(path[-1]), list):
        body[path[-1]].sort(key=lambda item: json.dumps(item, sort_keys=True))
