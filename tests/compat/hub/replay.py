"""Sends every case of a group to Artel and compares its answers with those of JupyterHub.

    python replay.py --artel URL --group NAME
"""

import argparse
import json
import pathlib
import sys
import urllib.parse

import allowed
import cases
from runner import Runner
from stock import cookies

RECORDED = pathlib.Path(__file__).resolve().parent / "recorded"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--artel", required=True)
    options.add_argument("--group", required=True)
    options = options.parse_args()
    runner = Runner(options.artel, cases.TOKENS, cases.PASSWORDS, login)
    cases.prepare(runner, with_passwords=True)
    group = dict(cases.all_groups())[options.group]
    recorded = json.loads(RECORDED.joinpath(options.group + ".json").read_text())
    if set(recorded) != {case.name for case in group}:
        sys.exit("the recording is of other cases: run record.py")
    used, differ = set(), 0
    for name, answer in runner.run(group).items():
        for line in compare(recorded[name], answer):
            reason = allowed.reason(options.group, name, line)
            if reason:
                used.add(reason)
            else:
                differ += 1
                print(f"{name}: {line}")
    for reason in allowed.unused(options.group, used):
        differ += 1
        print(f"allowed and not needed: {reason}")
    print(f"{options.group}: {len(group)} cases, {differ} differ, {len(used)} allowed reasons")


def compare(stock: dict, artel: dict) -> list:
    lines = []
    for field in sorted(stock.keys() | artel.keys()):
        if field == "json" and field in stock and field in artel:
            lines += forms("json", stock[field], artel[field])
        elif stock.get(field) != artel.get(field):
            lines.append(f"{field}: JupyterHub {stock.get(field)!r}, Artel {artel.get(field)!r}")
    return lines


def forms(at, stock, artel) -> list:
    if isinstance(stock, dict) and isinstance(artel, dict):
        lines = [f"{at}.{key}: missing" for key in sorted(stock.keys() - artel.keys())]
        lines += [f"{at}.{key}: not JupyterHub's" for key in sorted(artel.keys() - stock.keys())]
        for key in sorted(stock.keys() & artel.keys()):
            lines += forms(f"{at}.{key}", stock[key], artel[key])
        return lines
    if isinstance(stock, list) and isinstance(artel, list) and len(stock) == len(artel):
        return [line for one, other in zip(stock, artel) for line in forms(at + "[]", one, other)]
    return [] if stock == artel else [f"{at}: JupyterHub {json.dumps(stock)}, Artel {json.dumps(artel)}"]


def login(runner, user) -> dict:
    form = urllib.parse.urlencode({"username": user, "password": runner.passwords[user]}).encode()
    status, headers, text = runner.send("POST", "/hub/login", {"Content-Type": "application/x-www-form-urlencoded"}, form)
    if status != 302:
        sys.exit(f"{user} cannot log in: {status} {text[:500]}")
    return cookies(headers)


if __name__ == "__main__":
    main()
