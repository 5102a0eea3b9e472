"""What may differ from run to run put under names, by rules with reasons. Nothing is dropped but the XComs of tasks that may
or may not run: a value becomes `<name>`, so that one that is missing, or is not of that kind, still differs.
"""

from texts import FIELDS, Texts

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
        self.example, self.texts = example, Texts(places)

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
            return {self.texts.text(key): self.value(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, field) for item in value]
        if field in FIELDS and value is not None:
            return FIELDS[field][0]
        if field == "timestamp" and isinstance(value, float) and self.texts.is_moment(value):
            return "<time>"  # a moment as XComs have it
        return self.texts.text(value) if isinstance(value, str) else value
