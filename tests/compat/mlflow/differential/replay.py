"""The same requests to MLflow's own server and to Artel; the answers are compared field by field.

    python replay.py --artel http://127.0.0.1:8000 [--token T] [--stock URL | --answers FILE] [--only AREA …]

Both servers must be new: what they list is compared whole. Without `--stock`
the stock server of the Python environment that runs this is started. With
`--answers` the stock server's answers are kept in a file, and asked only for
what is not in it: for trying again while Artel is changed. Leaves with 0 when
every answer is the same or its difference is in `allowed.py`.
"""

import argparse
import collections
import contextlib
import importlib
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import stock
from allowed import ALLOWED
from case import Case
from difference import Difference, compared
from exchange import Answer, Server
from normal import Names

AREAS = (
    "experiments", "experiment_search", "runs", "logging", "history", "run_search", "inputs", "logged_models",
    "registered_models", "model_versions", "registry_search", "artifacts", "webhooks", "traces", "codec", "server",
)  # fmt: skip


def main() -> int:
    options = arguments()
    cases = chosen(options.only or AREAS)
    kept = read(options.answers)
    with contextlib.ExitStack() as stack:
        servers = []
        if not cases.keys() <= kept.keys():
            servers.append(Server("stock", options.stock or stack.enter_context(stock.running())))
        if options.artel:
            servers.append(Server("artel", options.artel, options.token))
        for server in servers:
            require_new(server)
        outcome = replay(servers, cases, kept)
    if options.answers:
        options.answers.write_text(json.dumps(kept))
    return outcome.verdict(whole=bool(options.artel) and not options.only)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--artel", help="address of a new Artel; without it the stock server is asked alone")
    parser.add_argument("--token", help="a token of Artel's")
    parser.add_argument("--stock", help="address of a new stock server; without it one is started")
    parser.add_argument("--answers", type=pathlib.Path, help="file of the stock server's answers, read and written")
    parser.add_argument("--only", nargs="+", choices=AREAS, help="these areas only")
    return parser.parse_args()


def read(answers: pathlib.Path | None) -> dict:
    return json.loads(answers.read_text()) if answers and answers.exists() else {}


def chosen(areas) -> dict[str, Case]:
    """The cases of some areas, by label."""
    cases = {}
    for area in areas:
        for case in importlib.import_module(f"cases.{area}").CASES:
            label = f"{area}: {case.label}"
            if label in cases:
                raise SystemExit(f"two cases are called {label!r}")
            cases[label] = case
    return cases


def require_new(server: Server) -> None:
    listed = server.session.get(f"{server.url}/api/2.0/mlflow/experiments/search?max_results=5", timeout=60).json()
    names = [experiment["name"] for experiment in listed.get("experiments", [])]
    if names != ["Default"]:
        raise SystemExit(f"{server.name} is not new, it has the experiments {names}")


def replay(servers: list[Server], cases: dict[str, Case], kept: dict) -> "Outcome":
    outcome = Outcome()
    for label, case in cases.items():
        answers = {server.name: normal(server, server.ask(case)) for server in servers}
        expected = kept[label] = answers.get("stock") or kept[label]
        outcome.requests += 1
        if "artel" in answers:
            outcome.judge(label, case, expected, answers["artel"])
    return outcome


def normal(server: Server, answer: Answer) -> dict:
    names = Names(server.url, server.known)
    body = names.normal(answer.body)
    headers = {name: names.text(value) for name, value in answer.headers.items()}
    return {"status": answer.status, "kind": answer.kind, "headers": headers, "body": body}


class Outcome:
    """What came out so far."""

    def __init__(self):
        self.requests = self.different = 0
        self.used = collections.Counter()

    def judge(self, label: str, case: Case, expected: dict, answer: dict) -> None:
        statuses = expected["status"], answer["status"]
        left = [one for one in compared(expected, answer) if not self.allowed(label, statuses, one)]
        if not left:
            return
        self.different += 1
        request = json.dumps(case.json, ensure_ascii=False) if case.json is not None else case.raw or dict(case.query)
        print(f"\n{label}\n  {case.method} {case.path} {str(request)[:600]}")
        for one in left:
            print(f"  {one.at}\n    stock: {str(one.stock)[:600]}\n    artel: {str(one.artel)[:600]}", flush=True)

    def allowed(self, label: str, statuses: tuple[int, int], difference: Difference) -> bool:
        for entry in ALLOWED:
            if entry.covers(label, statuses, difference):
                self.used[entry] += 1
                return True
        return False

    def verdict(self, whole: bool) -> int:
        unused = [entry for entry in ALLOWED if whole and not self.used[entry]]
        for entry in unused:
            print(f"\nno answer needs this entry of the allow-list any more: {entry}")
        print(
            f"\ndifferential: {self.requests} requests, {self.different} answered differently, "
            f"{self.used.total()} differences allowed by {len(self.used)} entries, {len(unused)} entries unused"
        )
        return 1 if self.different or unused else 0


if __name__ == "__main__":
    sys.exit(main())
