"""Answers with what may differ by chance put under names: ids, times of the clock, tokens, random names.

Nothing is dropped: a value becomes `<name>`, so that one that is missing, of another type, or the
id of another thing still differs.
"""

import datetime
import re
import time

DAY_MS = 24 * 60 * 60 * 1000
UNIQUE = 16
"""Ids at least this long are found inside any text; shorter ones only where ids stand."""
ID_FIELDS = {"experiment_id", "experiment_ids", "experimentId"}
URI_FIELDS = {"artifact_location", "artifact_uri", "source", "storage_location", "artifactLocation", "message", "detail", "mlflow.artifactLocation"}
RANDOM_NAMES = {"run_name", "name", "value"}
# a name is cut at 20 characters, then perhaps without its number
RANDOM_NAME = re.compile(r"^[a-z]+-[a-z]+-\d{1,4}$|^(?=.{20}$)[a-z]+-[a-z]+-?$")
WRITTEN_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
LEFT_OVER = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])")
PAGE = "(a page of the web framework)"
SET = re.compile(r"\{('[^'{}]*'(?:, '[^'{}]*')+)\}")
"""A set in Python's own words: its order is another in each process."""
UNORDERED = {"tags", "params", "aliases", "dataset_inputs"}
"""Lists that upstream's store reads without ORDER BY: any order is right. `metrics` too, where it is a run's."""


class Names:
    """The names of one server's values."""

    def __init__(self, url: str, known: dict[str, str]):
        self.long = [(url, "<server>")] + [(value, f"<{name}>") for name, value in known.items() if len(value) >= UNIQUE]
        self.short = {value: f"<{name}>" for name, value in known.items() if len(value) < UNIQUE}
        self.seen: dict[str, str] = {}

    def normal(self, value, field: str = "", parent: str = ""):
        if isinstance(value, dict):
            return {self.text(key): self.normal(item, key, field) for key, item in value.items()}
        if isinstance(value, list):
            items = [self.normal(item, field, parent) for item in value]
            return sorted(items, key=repr) if field in UNORDERED or (field == "metrics" and parent == "data") else items
        if isinstance(value, str):
            return self.string(value, field)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and of_now(value):
            return "<now>"
        return value

    def string(self, value: str, field: str) -> str:
        if field == "next_page_token" and value:
            return "<token>"
        if field in ID_FIELDS:
            return self.short.get(value, value)
        if field in URI_FIELDS:
            value = "/".join(self.short.get(part, part) for part in value.split("/"))
        if field in RANDOM_NAMES and RANDOM_NAME.match(value):
            return "<random name>"
        if (value.isdigit() and of_now(int(value))) or (WRITTEN_TIME.match(value) and of_now(milliseconds(value))):
            return "<now>"
        return self.text(value)

    def text(self, value: str) -> str:
        if value.startswith("<!doctype html>"):
            return PAGE
        for known, name in self.long:
            value = value.replace(known, name)
        value = SET.sub(lambda m: "{" + ", ".join(sorted(m[1].split(", "))) + "}", value)
        return LEFT_OVER.sub(lambda m: self.seen.setdefault(m[0], f"<id {len(self.seen) + 1}>"), value)


def milliseconds(written: str) -> float:
    return datetime.datetime.fromisoformat(written).timestamp() * 1000


def of_now(number) -> bool:
    """A time in milliseconds by the clock of this day. Times that a request named are kept as they are."""
    return abs(number - time.time() * 1000) < DAY_MS
