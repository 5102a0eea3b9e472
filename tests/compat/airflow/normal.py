"""What may differ from run to run put under names, by rules with reasons. Nothing is dropped but the XComs of tasks that may
or may not run: a value becomes `<name>`, so that one that is missing, or is not of that kind, still differs.
"""

import datetime
import re

DAY = datetime.timedelta(days=1)
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?")
PATTERNS = (
    # (what, as what, why)
    (re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"), "<id>", "ids of task instances and DAG versions are made at random"),
    (re.compile(r"(?<=<time>)[_+-][A-Za-z0-9]{8}\b"), "_<random>", "a run id that the server makes ends at random"),
    (
        re.compile(r"\b[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?:[AP]M )?[A-Z]{3,4} \d{4}\b"), "<date>",
        "what the program `date` prints is its moment",
    ),
    (re.compile(r"\bjob-[a-z0-9]{8}\b"), "<job>", "example_task_state_store names its job at random"),
)
FIELDS = {
    # field: (as what, why)
    "duration": ("<seconds>", "how long it took"),
    "last_parse_duration": ("<seconds>", "how long it took"),
    "pid": ("<pid>", "processes have other numbers"),
    "hostname": ("<host>", "the machine's name"),
    "unixname": ("<user>", "whose processes these are"),
    "version_number": ("<version>", "some files differ at each parse (they read the clock), and how often a file is parsed is the server's affair"),
}
RANDOM = {
    # (example, task): why its XComs are random
    ("example_asset_state_store", "load"): "a random number of records",
    ("example_task_state_store", "run_job"): "a random number of rows",
    ("example_task_state_store_mapped", "process_table"): "a random number of rows",
}
CHANCE = ("operator", "operator_name", "state", "try_number", "max_tries", "map_index", "pool", "pool_slots", "queue")
"""What is compared of a task instance where the file itself chooses its branches at random."""
BY_CLOCK = "<by the clock>"


class Names:
    """`places` are the server's own folders and names, with what they are called."""

    def __init__(self, example, places: dict[str, str]):
        self.example, self.now = example, datetime.datetime.now(datetime.timezone.utc)
        self.places = sorted(((place, name) for place, name in places.items() if place), key=lambda pair: -len(pair[0]))

    def outcome(self, outcome: dict) -> dict:
        found = self.value(outcome)
        for runs in found["runs"].values():
            runs.sort(key=lambda run: (run["run"]["dag_run_id"], run["run"]["run_type"]))
            for run in runs:
                self.random(run)
        return found

    def random(self, run: dict) -> None:
        for xcom in run["xcoms"]:
            if (self.example.name, xcom["task_id"]) in RANDOM:
                xcom["value"] = f"<random {type(xcom['value']).__name__}>"
        if self.example.by_clock:
            run["run"]["state"] = BY_CLOCK
            run["xcoms"] = [xcom for xcom in run["xcoms"] if xcom["task_id"] not in self.example.by_clock]
            for instance in run["instances"]:
                if instance["task_id"] in self.example.by_clock:
                    instance |= {"state": BY_CLOCK, "try_number": BY_CLOCK}
        if self.example.by_chance:
            chosen = [{field: instance.get(field) for field in CHANCE} for instance in run["instances"]]
            run["instances"] = sorted(chosen, key=repr)
            run["xcoms"] = sorted([{"key": xcom["key"], "map_index": xcom["map_index"]} for xcom in run["xcoms"]], key=repr)

    def value(self, value, field: str = ""):
        if isinstance(value, dict):
            return {self.text(key): self.value(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, field) for item in value]
        if field in FIELDS and value is not None:
            return FIELDS[field][0]
        if field == "timestamp" and isinstance(value, float) and abs(value - self.now.timestamp()) < DAY.total_seconds():
            return "<time>"  # a moment as XComs have it
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        for place, name in self.places:
            text = text.replace(place, name)
        text = TIME.sub(lambda found: "<time>" if self.of_now(found[0]) else found[0], text)
        for pattern, name, _ in PATTERNS:
            text = pattern.sub(name, text)
        return text

    def of_now(self, written: str) -> bool:
        """A time by the clock of this day, as opposed to one that the test or the DAG names."""
        time = datetime.datetime.fromisoformat(written)
        return abs((time if time.tzinfo else time.replace(tzinfo=datetime.timezone.utc)) - self.now) < DAY
