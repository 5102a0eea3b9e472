"""Runs the example DAGs and the scheduling rules on stock Airflow and writes down what came of them.

    python record.py examples|rules [--database postgres://…] [--only NAME …]

It is run by a Python of 3.11 with what `python/requirements/airflow.txt` locks, and apache-airflow-client 3.3.2, and for
PostgreSQL psycopg2 and asyncpg. The database is an empty one; on SQLite the stock triggerer comes to a stop at the
trigger of example_external_task_parent_deferrable. With `--only` the other recordings stay as they are.
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
RULE_QUIET_SECONDS = 45
"""Longer than the stock scheduler takes from anything to what follows from it."""


def main() -> None:
    # Ended from outside, it still stops the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("record: ended"))
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("what", choices=("examples", "rules"))
    options.add_argument("--database")
    options.add_argument("--only", nargs="+")
    options = options.parse_args()
    (record_examples if options.what == "examples" else record_rules)(options)


def record_examples(options) -> None:
    chosen = [example for example in EXAMPLES if not options.only or example.name in options.only]
    with tempfile.TemporaryDirectory(prefix="dags-") as folder:
        dags = pathlib.Path(folder)
        examples.copy_files(pathlib.Path(sysconfig.get_paths()["purelib"]), dags, chosen)
        with stock.running(sys.executable, dags, plugins(), options.database) as server:
            places = {str(dags): "<dags>", str(server.home): "<home>", sys.prefix: "<environment>"}

            def keep(example, outcome) -> None:
                if "error" not in outcome:
                    write("examples", example.name, Names(example, places).outcome(outcome))

            examples.Runner(lambda: connect(server), SECONDS, quiet_seconds=QUIET_SECONDS, keep=keep).run_all(chosen)


def record_rules(options) -> None:
    with tempfile.TemporaryDirectory(prefix="dags-") as folder:
        dags = pathlib.Path(folder)
        rules.copy_files(dags)
        with stock.running(sys.executable, dags, (), options.database) as server:

            def keep(name, facts) -> None:
                if "error" not in facts:
                    write("rules", name, facts)

            rules.run_all(lambda: connect(server), SECONDS, RULE_QUIET_SECONDS, keep, options.only)


def connect(server: stock.Stock) -> Session:
    return Session(server.url, server.user, server.password, patient=True)


def plugins() -> list[pathlib.Path]:
    return sorted((HERE / "plugins").glob("*.py"))


def write(kind: str, name: str, recorded: dict) -> None:
    path = RECORDED / kind / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(recorded, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
