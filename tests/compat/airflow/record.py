"""Runs the example DAGs and the scheduling rules on stock Airflow and writes down what came of them.

    python record.py [examples | rules] [--only NAME …]

It is run by a Python of 3.11 with what `python/requirements/airflow.txt` locks, and apache-airflow-client 3.3.2. With
`--only` the recordings of other examples stay as they are.
"""

import argparse
import json
import pathlib
import signal
import sys
import sysconfig
import tempfile

import examples
import rules
import stock
from dags import EXAMPLES
from normal import Names
from session import Session

HERE = pathlib.Path(__file__).resolve().parent
RECORDED = HERE / "recorded"
SECONDS = 900
QUIET_SECONDS = 20
"""Longer than the stock scheduler takes from an asset event to the run that it starts."""


def main() -> None:
    # Ended from outside, it still stops the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("record: ended"))
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("what", nargs="?", choices=("examples", "rules"))
    options.add_argument("--only", nargs="+")
    options = options.parse_args()
    if options.what in (None, "examples"):
        record_examples([example for example in EXAMPLES if not options.only or example.name in options.only])
    if options.what in (None, "rules"):
        record_rules(options.only)


def record_examples(chosen) -> None:
    with tempfile.TemporaryDirectory(prefix="dags-") as folder:
        dags = pathlib.Path(folder)
        examples.copy_files(pathlib.Path(sysconfig.get_paths()["purelib"]), dags, chosen)
        with stock.running(sys.executable, dags, plugins()) as server:
            runner = examples.Runner(lambda: connect(server), SECONDS, quiet_seconds=QUIET_SECONDS)
            outcomes = runner.run_all(chosen)
            places = {str(dags): "<dags>", str(server.home): "<home>", sys.prefix: "<environment>"}
    for example in chosen:
        outcome = outcomes[example.name]
        if "error" in outcome:
            print(f"not recorded: {example.name}: {outcome['error']}")
        else:
            write(RECORDED / "examples" / f"{example.name}.json", Names(example, places).outcome(outcome))


def record_rules(only) -> None:
    with tempfile.TemporaryDirectory(prefix="dags-") as folder:
        dags = pathlib.Path(folder)
        rules.copy_files(dags)
        with stock.running(sys.executable, dags) as server:
            found = rules.run_all(lambda: connect(server), SECONDS, only)
    for name, facts in found.items():
        if "error" in facts:
            continue
        write(RECORDED / "rules" / f"{name}.json", facts)


def connect(server: stock.Stock) -> Session:
    return Session(server.url, server.user, server.password, patient=True)


def plugins() -> list[pathlib.Path]:
    return sorted((HERE / "plugins").glob("*.py"))


def write(path: pathlib.Path, recorded: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(recorded, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
