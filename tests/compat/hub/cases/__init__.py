"""The cases by group, and what each group finds on the hub."""

import json

from . import access, accounts, groups, oauth, servers, services, shares, tokens

TOKENS = {name: "token-of-" + name for name in ("svc-admin", "svc-reader", "svc-narrow", "svc-registrar", "app", "quiet")}
"""As `settings.toml` has them."""

PASSWORDS = {name: name + " has a password" for name in ("admin", "ada", "bob", "cyd", "dan", "tess")}


def all_groups():
    modules = (accounts, groups, tokens, access, servers, shares, services, oauth)
    return [(module.__name__.rsplit(".")[-1], module.CASES) for module in modules]


def prepare(runner, with_passwords):
    """Makes the users, each with a token by their name."""

    def ask(method, path, body):
        return runner.send(method, "/hub/api/" + path, headers, json.dumps(body).encode())

    headers = {"Authorization": "token " + TOKENS["svc-admin"], "Content-Type": "application/json"}
    for name, password in PASSWORDS.items():
        status, _, text = ask("POST", f"users/{name}", {"admin": name == "admin"})
        if status not in (201, 409):
            raise SystemExit(f"{name} cannot be made: {status} {text}")
        if with_passwords:
            status, _, text = ask("PATCH", f"users/{name}", {"password": password})
            if status != 200:
                raise SystemExit(f"{name} gets no password: {status} {text}")
        status, _, text = ask("POST", f"users/{name}/tokens", {"note": "of the test"})
        if status != 201:
            raise SystemExit(f"{name} gets no token: {status} {text}")
        runner.tokens[name] = json.loads(text)["token"]
