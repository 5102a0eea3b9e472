"""Pools."""

from case import create, delete, get, patch, post, remove, update

FILES, DAGS, UNPAUSED = (), (), ()

MADE = [post("pools", body) for body in ({"name": "narrow", "slots": 1}, {"name": "Wide one", "slots": -1, "description": "no end", "include_deferred": True}, {"name": "a/b", "slots": 0})]
ODD = [post("pools", body) for body in (
    {"name": "text", "slots": "3"}, {"name": "narrow", "slots": 2},
    {"name": "x", "slots": -2}, {"name": "x", "slots": "many"}, {"name": "x", "slots": 1.5}, {"name": "x", "slots": 2.0},
    {"name": "x", "slots": None}, {"name": "x"}, {"slots": 1}, {}, {"name": 1, "slots": 1}, {"name": "y" * 257, "slots": 1},
    {"name": "", "slots": 1},
    {"name": "z", "slots": 1, "unknown": 1}, {"name": "z", "slots": 1, "include_deferred": "perhaps"}, {"name": "z", "slots": 1, "description": 4},
    {"name": "z", "slots": 99999999999999999999}, {"name": "z", "slots": 1, "team_name": "t"},
)] + [post("pools", []), post("pools", None), post("pools"), post("pools", raw=b"{")] + [delete(f"pools/{name}", again="if it was made") for name in ("text", "x", "", "y" * 257, "z")]  # fmt: skip

READ = [get("pools" + more) for more in (
    "", "?limit=1", "?limit=0", "?limit=1&offset=1", "?order_by=name", "?order_by=-name", "?order_by=pool", "?order_by=slots",
    "?order_by=-slots&order_by=name", "?order_by=description", "?order_by=nothing", "?pool_name_pattern=ARR", "?pool_name_pattern=n%25w",
    "?pool_name_pattern=wide%7Ctext",
    "?pool_name_prefix_pattern=na", "?pool_name_prefix_pattern=NA", "?limit=-1", "?limit=x&offset=x", "?offset=-1", "/default_pool", "/narrow",
    "/Wide%20one", "/a%2Fb", "/a/b", "/nothing", "/NARROW",
)]  # fmt: skip

CHANGED = [patch("pools/" + path, body) for path, body in (
    ("narrow", {"slots": 3}), ("narrow", {"pool": "narrow", "description": "of use"}),
    ("narrow?update_mask=slots", {"slots": 4, "description": "unseen"}), ("narrow?update_mask=description", {"slots": 4}),
    ("narrow?update_mask=nothing", {"slots": 5}), ("narrow?update_mask=pool", {"pool": "thin"}),
    ("narrow", {"pool": "other", "slots": 1}), ("narrow", {"include_deferred": True}), ("narrow", {"include_deferred": None}),
    ("narrow", {"slots": None}), ("narrow", {"slots": -5}), ("narrow", {"slots": "x"}), ("narrow", {"name": "narrow"}), ("narrow", {}),
    ("narrow", []), ("narrow", {"description": None}),
    ("default_pool", {"slots": 64}), ("default_pool?update_mask=slots", {"slots": 65}),
    ("default_pool?update_mask=slots&update_mask=include_deferred", {"slots": 66, "include_deferred": True}), ("default_pool", {"description": "x"}),
    ("default_pool?update_mask=description", {"description": "x"}),
    ("default_pool", {"pool": "default_pool", "slots": 67, "include_deferred": False}),
    ("nothing", {"slots": 1}), ("nothing", {"slots": "x"}), ("nothing", {"pool": "x"}), ("a/b", {"slots": 7}),
)]  # fmt: skip

ONE, TWO, GONE = {"name": "one", "slots": 1}, {"name": "two", "slots": 2}, {"name": "gone", "slots": 1}
BULK = [patch("pools", {"actions": actions}, again=f"bulk {number}") for number, actions in enumerate((
    [create(ONE, TWO)], [create(ONE)], [create(ONE, {"name": "three", "slots": 3}, action_on_existence="skip")],
    [create(ONE | {"slots": 9, "description": "new"}, action_on_existence="overwrite")], [create(ONE, action_on_existence="fail")],
    [create(ONE, action_on_existence="nothing")],
    [update(TWO | {"slots": 5})], [update(GONE)], [update(GONE, TWO | {"slots": 6}, action_on_non_existence="skip")],
    [update(TWO | {"slots": 7, "description": "seen"}, update_mask=["description"])], [update(TWO, update_mask=["nothing"])],
    [update({"name": "default_pool", "slots": 3, "description": "x"})],
    [remove("one")], [remove("one")], [remove("one", action_on_non_existence="skip")], [remove("default_pool")], [remove(TWO)],
    [remove("gone", "three")], [remove("gone", "three", action_on_non_existence="skip")],
    [create({"name": "x", "slots": "many"})], [create({"slots": 1})], [create({"name": "x", "slots": 1, "unknown": 1})],
    [{"action": "nothing", "entities": []}], [{"entities": []}], [{"action": "create"}], [], [create()],
    [create(ONE), update(ONE | {"slots": 2}), remove("one"), remove("one")], [create(ONE), create(ONE)],
    [create(ONE, action_on_non_existence="skip")], [remove("one", update_mask=[])],
))] + [patch("pools", body) for body in ({}, {"actions": {}}, {"actions": [1]}, {"actions": [], "unknown": 1}, [])]  # fmt: skip

DELETED = [delete("pools/" + path) for path in ("narrow", "nothing", "default_pool", "a/b", "Wide%20one")] + [delete("pools/narrow", again="twice"), get("pools?order_by=name", again="at the end")]

CASES = MADE + ODD + READ + CHANGED + BULK + DELETED
