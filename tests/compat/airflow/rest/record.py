"""Sends every case to stock Airflow and writes down what it answers.

    python record.py [GROUP …] [--into FOLDER]

It is run by a Python that has what `python/requirements/airflow.txt` locks. Recorded twice, into two folders, the answers
are the same: `diff -r` says so.
"""

import argparse
import json
import pathlib
import signal
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[1:1] = [str(HERE.parent), str(HERE.parents[1])]

import cases  # noqa: E402
import stock  # noqa: E402
from runner import TEMPORARY, Runner  # noqa: E402


def main() -> None:
    # Ended from outside, it still stops the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("record: ended"))
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("groups", nargs="*")
    options.add_argument("--into", type=pathlib.Path, default=HERE / "recorded")
    options = options.parse_args()
    total = 0
    for name, group in cases.all_groups():
        if not options.groups or name in options.groups:
            answers = record(group)
            total += len(answers)
            options.into.mkdir(parents=True, exist_ok=True)
            options.into.joinpath(name + ".json").write_text(json.dumps(answers, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
            print(f"{name}: {len(answers)}", flush=True)
    print(f"{total} cases recorded")


def record(group) -> dict:
    # each group has servers of its own: what one changes, another does not see
    with tempfile.TemporaryDirectory(prefix="dags-") as folder:
        dags = pathlib.Path(folder)
        cases.copy_files(group, dags)
        with stock.running(sys.executable, dags, sorted(HERE.parent.joinpath("plugins").glob("*.py"))) as server:
            places = {str(dags): "<dags>", str(server.home): "<home>", sys.prefix: "<environment>"} | TEMPORARY
            runner = Runner(server.url, server.user, server.password, places, patient=True)
            runner.prepare(group.DAGS, group.UNPAUSED)
            return runner.run(group.CASES)


if __name__ == "__main__":
    main()
