"""Requests made from the OpenAPI document: none may end in a 5xx, nor in a status that the document does not name.

    python fuzz.py --artel http://127.0.0.1:8000 --schemathesis PATH [--token T] [--examples N] [--show]

Schemathesis makes the requests, from a fixed seed, for the parts of the
document that are MLflow's: tracking, registry, artifacts. What it finds is
printed by cause: one line for each operation, status and kind of failure.
Leaves with 0 when there is none.
"""

import argparse
import base64
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

SEED = "20260719"
PATHS = r"^/(api/[23]\.0/mlflow|get-artifact|model-versions/get-artifact|graphql|health|version)"
NOT_TRIED = r"/webhooks/\{webhook_id\}/test$"
"""It sends to the address in the webhook: not to be tried with made-up addresses."""
CHECKS = "not_a_server_error,status_code_conformance"


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        report = pathlib.Path(folder) / "events"
        command = [options.schemathesis, "run", f"{options.artel}/openapi.json", "--url", options.artel]
        command += ["--seed", SEED, "--generation-database", "none", "--no-shrink", "--continue-on-failure"]
        command += ["--max-examples", str(options.examples), "--phases", "examples,coverage,fuzzing", "--checks", CHECKS]
        command += ["--include-path-regex", PATHS, "--exclude-path-regex", NOT_TRIED, "--suppress-health-check", "all"]
        command += ["--warnings", "off", "--no-color", "--request-timeout", "30", "--report", "ndjson", "--report-ndjson-path", str(report)]
        if options.token:
            command += ["--header", f"Authorization: Bearer {options.token}"]
        run = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if options.show or not report.exists():
            print(run.stdout)
        return verdict(read(report), run)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--artel", required=True)
    parser.add_argument("--schemathesis", required=True, help="the program `st`")
    parser.add_argument("--token", help="a token of Artel's, unless it asks for none")
    parser.add_argument("--examples", type=int, default=8, help="made-up requests for each operation and phase")
    parser.add_argument("--show", action="store_true", help="print what schemathesis printed")
    return parser.parse_args()


def read(report: pathlib.Path) -> tuple[int, int, dict]:
    """How many requests there were, how many of them met a 501, and the failures by cause with their requests."""
    requests, absent, causes = 0, 0, collections.defaultdict(list)
    for line in report.read_text().splitlines() if report.exists() else ():
        event = json.loads(line)
        if broken := event.get("NonFatalError"):
            causes["No answer", "none", broken.get("label", "")].append(json.dumps(broken)[:2000])
        recorder = event.get("ScenarioFinished", {}).get("recorder", {})
        requests += len(recorder.get("interactions", {}))
        for case, checks in recorder.get("checks", {}).items():
            for failure in (check["failure_info"]["failure"] for check in checks if check["status"] == "failure"):
                exchange = recorder["interactions"][case]
                status = (exchange.get("response") or {}).get("status_code", "none")
                if status == 501 and failure["type"] == "ServerError":
                    absent += 1
                    continue  # what is left out on purpose says so; where it is not documented the other check fails
                causes[failure["title"], status, recorder["label"]].append(shown(exchange))
    return requests, absent, causes


def shown(exchange: dict) -> str:
    """A request and its answer, shortened."""
    request, response = exchange["request"], exchange.get("response") or {}
    body = (request.get("body") or request.get("content") or {}).get("$base64", "")
    answer = (response.get("content") or {}).get("$base64", "")
    return f"{request['method']} {request['uri'][:300]} {text(body)[:300]}\n      -> {text(answer)[:300]}"


def text(base64_text: str) -> str:
    return base64.b64decode(base64_text).decode("utf-8", "backslashreplace")


def verdict(found: tuple[int, int, dict], run: subprocess.CompletedProcess) -> int:
    requests, absent, causes = found
    for (title, status, operation), exchanges in sorted(causes.items(), key=str):
        print(f"{title}: {status} from {operation}, {len(exchanges)} times\n      {exchanges[0]}")
    print(f"\nfuzz: {requests} requests, {absent} to parts that are left out, {len(causes)} causes of failure")
    # 1 is what schemathesis says of failures; anything else means that it could not work
    if requests == 0 or run.returncode not in (0, 1) or (run.returncode == 1 and not causes and not absent):
        print(run.stdout[-4000:])
        return 2
    return 1 if causes else 0


if __name__ == "__main__":
    sys.exit(main())
