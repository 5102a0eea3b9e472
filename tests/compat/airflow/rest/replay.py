"""Sends every case of a group to a new Artel and compares its answers with those of stock Airflow.

    python replay.py GROUP --artel URL --password PASSWORD --dags FOLDER --environment PREFIX
"""

import argparse
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[1:1] = [str(HERE.parent), str(HERE.parents[1])]

import allowed  # noqa: E402
import cases  # noqa: E402
from difference import Difference, compared  # noqa: E402
from runner import TEMPORARY, Runner  # noqa: E402

RECORDED = HERE / "recorded"
SHOWN = 400


def main() -> None:
    options = arguments()
    group = dict(cases.all_groups())[options.group]
    recorded = json.loads(RECORDED.joinpath(options.group + ".json").read_text())
    if list(recorded) != sorted(case.name for case in group.CASES):
        sys.exit("the recording is of other cases: run record.py")
    cases.copy_files(group, options.dags)
    places = {str(options.dags): "<dags>", str(options.dags.parent / "airflow"): "<home>", str(options.environment): "<environment>"} | TEMPORARY
    runner = Runner(options.artel, "admin", options.password, places)
    runner.prepare(group.DAGS, group.UNPAUSED)
    used, differ = set(), 0
    for name, answer in runner.run(group.CASES).items():
        left = []
        for one in differences(recorded[name], json.loads(json.dumps(answer))):
            reason = allowed.reason(options.group, name, one)
            if reason:
                used.add(reason)
            else:
                left.append(f"  {one.at}\n    stock: {str(one.stock)[:SHOWN]}\n    artel: {str(one.artel)[:SHOWN]}")
        if left:
            differ += 1
            print(f"\n{name}", *left, sep="\n", flush=True)
    for reason in allowed.unused(options.group, used):
        differ += 1
        print(f"allowed and not needed: {reason}")
    print(f"\n{options.group}: {len(group.CASES)} cases, {differ} differ, {len(used)} allowed reasons")


def differences(stock: dict, artel: dict) -> list:
    """Where the status is another, nothing can be said of the rest field by field."""
    if stock["status"] != artel["status"]:
        return [Difference("status", *(f"{answer['status']} {json.dumps(answer.get('body'), ensure_ascii=False)}" for answer in (stock, artel)))]
    return compared(stock, artel)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("group")
    parser.add_argument("--artel", required=True, help="address of a new Artel")
    parser.add_argument("--password", required=True, help="of its administrator")
    parser.add_argument("--dags", required=True, type=pathlib.Path, help="its folder of DAG files")
    parser.add_argument("--environment", required=True, help="the Python environment of its tasks")
    return parser.parse_args()


if __name__ == "__main__":
    main()
