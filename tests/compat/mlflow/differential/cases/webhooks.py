"""Webhooks: made, listed, changed, deleted, and what is refused. None is delivered: the addresses lead nowhere."""

from case import delete, get, patch, post

AT = "webhooks"
EVENT = {"entity": "MODEL_VERSION", "action": "CREATED"}
HOOK = {"name": "hook", "url": "https://93.184.215.14/hook", "events": [EVENT]}
EVENTS = {
    "absent": None, "none": [], "text": "x", "no action": [{"entity": "MODEL_VERSION"}], "no entity": [{"action": "CREATED"}], "unknown entity": [{"entity": "THING", "action": "CREATED"}], "unknown action": [{"entity": "MODEL_VERSION", "action": "EATEN"}], "a pair that is none": [{"entity": "REGISTERED_MODEL", "action": "DELETED"}], "twice": [EVENT, EVENT],
    "models": [{"entity": "REGISTERED_MODEL", "action": "CREATED"}], "version tags": [{"entity": "MODEL_VERSION_TAG", "action": "SET"}, {"entity": "MODEL_VERSION_TAG", "action": "DELETED"}], "aliases": [{"entity": "MODEL_VERSION_ALIAS", "action": "CREATED"}, {"entity": "MODEL_VERSION_ALIAS", "action": "DELETED"}], "prompts": [{"entity": "PROMPT", "action": "CREATED"}, {"entity": "PROMPT_VERSION", "action": "CREATED"}], "prompt aliases": [{"entity": "PROMPT_ALIAS", "action": "CREATED"}], "by number": [{"entity": 2, "action": 1}],
}  # fmt: skip
URLS = {"http": "http://93.184.215.14/x", "no scheme": "93.184.215.14", "ftp": "ftp://93.184.215.14", "empty": "", "a number": 5, "no host": "https://", "a port": "https://93.184.215.14:8443/x", "a query": "https://93.184.215.14/x?a=1", "blank": "   ", "script": "javascript:alert(1)", "loopback": "https://127.0.0.1/x", "localhost": "https://localhost/x", "private": "https://10.0.0.1/x", "metadata": "https://169.254.169.254/latest", "a user": "https://u:p@93.184.215.14/"}
NAMES = {"empty": "", "absent": None, "blank": " ", "unicode": "крючок", "of 64": "n" * 64, "of 65": "n" * 65, "a slash": "a/b", "a number": 5, "spaces": "a b", "dots": "a.b"}
MORE = {"a description": {"description": "text"}, "a secret": {"secret": "s3cret"}, "an empty secret": {"secret": ""}, "disabled": {"status": "DISABLED"}, "active": {"status": "ACTIVE"}, "a bad status": {"status": "SLEEPY"}, "a long description": {"description": "d" * 5000}}
ONE = "webhooks/${hook}"


def body(**more) -> dict:
    return {key: value for key, value in {**HOOK, **more}.items() if value is not None}


CASES = [
    get("none yet", AT),
    post("create", AT, HOOK, keep={"hook": "webhook.webhook_id"}),
    get("get", ONE),
    post("create again", AT, HOOK),
    *(post(f"events {what}", AT, body(events=events), keep={f"event {what}": "webhook.webhook_id"}) for what, events in EVENTS.items()),
    *(post(f"url {what}", AT, body(url=url), keep={f"url {what}": "webhook.webhook_id"}) for what, url in URLS.items()),
    post("url absent", AT, {"name": "x", "events": [EVENT]}),
    *(post(f"name {what}", AT, body(name=name), keep={f"name {what}": "webhook.webhook_id"}) for what, name in NAMES.items()),
    *(post(f"with {what}", AT, body(**more), keep={f"with {what}": "webhook.webhook_id"}) for what, more in MORE.items()),
    get("list", AT),
    *(get(f"list {number!r}", AT, {"max_results": number}) for number in ("0", "-1", "1", "1000", "1001", "x")),
    get("list a bad token", AT, {"page_token": "x"}),
    get("pages of four", AT, {"max_results": "4"}, pages=True),
    get("get unknown", "webhooks/00000000-0000-0000-0000-000000000000"),
    get("get nonsense", "webhooks/x"),
    patch("describe", ONE, {"description": "changed"}),
    patch("rename", ONE, {"name": "changed"}),
    patch("readdress", ONE, {"url": "https://93.184.215.14/other"}),
    patch("disable", ONE, {"status": "DISABLED"}),
    patch("other events", ONE, {"events": [{"entity": "REGISTERED_MODEL", "action": "CREATED"}]}),
    patch("a secret", ONE, {"secret": "x"}),
    patch("nothing", ONE, {}),
    patch("a bad url", ONE, {"url": "http://93.184.215.14"}),
    patch("a bad name", ONE, {"name": "a/b"}),
    patch("an empty name", ONE, {"name": ""}),
    patch("a bad status", ONE, {"status": "SLEEPY"}),
    patch("no events", ONE, {"events": []}),
    patch("a bad event", ONE, {"events": [{"entity": "THING", "action": "CREATED"}]}),
    patch("unknown", "webhooks/00000000-0000-0000-0000-000000000000", {"name": "x"}),
    get("get changed", ONE),
    delete("delete", ONE),
    get("get deleted", ONE),
    delete("delete again", ONE),
    patch("change deleted", ONE, {"name": "x"}),
    post("test deleted", f"{ONE}/test", {}),
]  # fmt: skip
