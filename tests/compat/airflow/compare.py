"""Runs the example DAGs, or the scheduling rules, on Artel and compares what comes of them with the recordings of stock.

    python compare.py examples|rules --artel URL --password PASSWORD --dags FOLDER --environment PREFIX [--only NAME …] [--write]

FOLDER is that of Artel's DAG files, PREFIX that of the Python environment of its tasks: the examples are copied from the
wheels in it, as they are. Leaves with 0 when everything is as recorded or its difference is in `allowed.py`. With
`--write` the table of examples in docs/COMPATIBILITY.md is written anew.
"""

import argparse
import collections
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[1:1] = [str(ROOT / "tests/compat"), str(ROOT / "bench")]

import examples
import rules
from allowed import ALLOWED
from dags import EXAMPLES
from difference import compared
from normal import Names
from parts import report
from session import Session

RECORDED = pathlib.Path(__file__).resolve().parent / "recorded"
EXAMPLE_SECONDS = 300
RULE_SECONDS = 300
QUIET_SECONDS, RULE_QUIET_SECONDS = 6, 10


def main() -> int:
    options = arguments()
    judge = Judge(whole=not options.only and all(is_recorded("examples", example.name) for example in EXAMPLES))
    connect = lambda: Session(options.artel, "admin", options.password)  # noqa: E731
    if options.what == "rules":
        rules.copy_files(options.dags)
        recorded = [rule.__name__ for rule in rules.RULES if is_recorded("rules", rule.__name__)]
        if left := [rule.__name__ for rule in rules.RULES if rule.__name__ not in recorded]:
            print(f"not recorded on stock yet: {', '.join(left)}", flush=True)
        wanted = [name for name in recorded if not options.only or name in options.only]
        keep = lambda name, facts: judge.compare(name, read("rules", name), json.loads(json.dumps(facts)))  # noqa: E731
        rules.run_all(connect, RULE_SECONDS, RULE_QUIET_SECONDS, keep, wanted)
    else:
        compare_examples(options, connect, judge)
    if options.write:
        report.write("airflow examples", "Airflow: the example DAGs", table(judge), ROOT / "docs/COMPATIBILITY.md")
    return judge.verdict(options.what)


def table(judge: "Judge") -> str:
    """A row for each example that was run, in the order of the table."""
    rows = ["| files, as in the wheels | runs | task instances | XComs | result |", "|---|--:|--:|--:|---|"]
    for example in (example for example in EXAMPLES if example.name in judge.left):
        runs = [run for runs in read("examples", example.name)["runs"].values() for run in runs]
        counted = [len(runs), sum(len(run["instances"]) for run in runs), sum(len(run["xcoms"]) for run in runs)]
        left = judge.left[example.name]
        names = ", ".join(f"`{file.rpartition('/')[2]}`" for file in example.files)
        rows.append(f"| {names} | {' | '.join(map(str, counted))} | {'as stock' if not left else f'{len(left)} differences'} |")
    return "\n".join(rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("examples", "rules"))
    parser.add_argument("--artel", required=True, help="address of a new Artel")
    parser.add_argument("--password", required=True, help="of its administrator")
    parser.add_argument("--dags", required=True, type=pathlib.Path, help="its folder of DAG files")
    parser.add_argument("--environment", type=pathlib.Path, help="the Python environment of its tasks")
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def compare_examples(options, connect, judge: "Judge") -> None:
    wanted = [example for example in EXAMPLES if not options.only or example.name in options.only]
    chosen = [example for example in wanted if is_recorded("examples", example.name)]
    if left := [example.name for example in wanted if example not in chosen]:
        print(f"not recorded on stock yet: {', '.join(left)}", flush=True)
    (site,) = options.environment.glob("lib/python3*/site-packages")
    recorded = {example.name: read("examples", example.name) for example in chosen}
    expected = {dag: len(runs) for outcome in recorded.values() for dag, runs in outcome["runs"].items()}
    examples.copy_files(site, options.dags, chosen)
    places = {str(options.dags): "<dags>", str(options.dags.parent / "airflow"): "<home>", str(options.environment): "<environment>"}

    def keep(example, outcome) -> None:
        found = outcome if "error" in outcome else what_happened(Names(example, places).outcome(outcome))
        judge.compare(example.name, what_happened(recorded[example.name]), found)

    examples.Runner(connect, EXAMPLE_SECONDS, keep, expected, QUIET_SECONDS).run_all(chosen)


OF_RUN = ("dag_run_id", "run_type", "state", "conf", "logical_date")
OF_INSTANCE = ("task_id", "map_index", "state", "try_number", "max_tries", "operator", "pool", "priority_weight")
OF_XCOM = ("task_id", "map_index", "key", "value")


def what_happened(outcome: dict) -> dict:
    """What the runs came to, without what the server says of DAGs and tasks besides."""
    return {"runs": {dag: [ran(run) for run in runs] for dag, runs in outcome["runs"].items()}}


def ran(run: dict) -> dict:
    return {
        "run": {key: run["run"].get(key) for key in OF_RUN},
        "instances": sorted(({key: one.get(key) for key in OF_INSTANCE} for one in run["instances"]), key=repr),
        "xcoms": [{key: in_order(one.get(key)) for key in OF_XCOM} for one in run["xcoms"]],
    }


def in_order(value):
    """What a branch skips is a set, whose order is chance."""
    return {key: sorted(item) for key, item in value.items()} if isinstance(value, dict) and set(value) <= {"skipped", "followed"} else value


def is_recorded(kind: str, name: str) -> bool:
    return (RECORDED / kind / f"{name}.json").exists()


def read(kind: str, name: str) -> dict:
    return json.loads((RECORDED / kind / f"{name}.json").read_text())


class Judge:
    """What came out so far: for each name, the differences that nothing allows."""

    def __init__(self, whole: bool):
        self.whole, self.left, self.used = whole, {}, collections.Counter()

    def compare(self, name: str, stock: dict, artel: dict) -> None:
        if "error" in artel:
            left = [artel["error"]]
        else:
            left = [
                f"  {name}{one.at}\n    stock: {str(one.stock)[:300]}\n    artel: {str(one.artel)[:300]}"
                for one in compared(stock, artel)
                if not self.allowed(f"{name}{one.at}", one)
            ]
        self.left[name] = left
        if left:
            print(f"\n{name}: {len(left)} differences", *left, sep="\n", flush=True)

    def allowed(self, at: str, one) -> bool:
        for entry in ALLOWED:
            if entry.covers(at, one.stock, one.artel):
                self.used[entry] += 1
                return True
        return False

    def verdict(self, what: str) -> int:
        differ = [name for name, left in self.left.items() if left]
        unused = [entry for entry in ALLOWED if self.whole and entry.of == what and not self.used[entry]]
        for entry in unused:
            print(f"\nno answer needs this entry of the allow-list any more: {entry}")
        print(
            f"\nairflow {what}: {len(self.left) - len(differ)} as on stock, {len(differ)} differ; "
            f"{self.used.total()} differences allowed by {len(self.used)} entries, {len(unused)} entries unused"
        )
        if differ:
            print("differ: " + ", ".join(differ))
        return 1 if differ or unused else 0


if __name__ == "__main__":
    sys.exit(main())
