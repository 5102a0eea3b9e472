"""Sends every case to JupyterHub itself and writes down what it answers.

    python record.py [GROUP …]

It is run by a Python that has jupyterhub 6.1.1 and jupyter_server.
"""

import json
import pathlib
import sys

import cases
import stock
from runner import Runner

RECORDED = pathlib.Path(__file__).resolve().parent / "recorded"


def main() -> None:
    total = 0
    wanted = sys.argv[1:]
    for name, group in cases.all_groups():
        if wanted and name not in wanted:
            continue
        # each group has a hub of its own: what one changes, another does not see
        with stock.running() as url:
            runner = Runner(url, cases.TOKENS, cases.PASSWORDS, stock.login)
            cases.prepare(runner, with_passwords=False)
            answers = runner.run(group)
        total += len(answers)
        RECORDED.joinpath(name + ".json").write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")
        print(f"{name}: {len(answers)}")
    print(f"{total} cases recorded")


if __name__ == "__main__":
    main()
