"""Variables."""

from case import create, delete, get, patch, post, remove, update

FILES, DAGS, UNPAUSED = (), (), ()

MADE = [post("variables", body) for body in (
    {"key": "plain", "value": "text"}, {"key": "told", "value": "x", "description": "of use"}, {"key": "number", "value": 5},
    {"key": "truth", "value": True}, {"key": "object", "value": {"a": [1, None], "api_key": "hush"}}, {"key": "list", "value": [1, "2"]},
    {"key": "nil", "value": None}, {"key": "real", "value": 1.5}, {"key": "empty", "value": ""},
    {"key": "json", "value": '{"a": 1, "password": "hush"}'}, {"key": "api_secret", "value": "hush"}, {"key": "db_PASSWORD", "value": {"a": 1}},
    {"key": "a/b c", "value": "odd"}, {"key": "unicode_ä", "value": "ü"},
)]
ODD = [post("variables", body) for body in (
    {"key": "plain", "value": "again"},
    {"key": "x"}, {"value": "x"}, {}, {"key": 1, "value": "x"}, {"key": None, "value": "x"}, {"key": "y" * 251, "value": "x"},
    {"key": "", "value": "x"}, {"key": "x", "value": "x", "unknown": 1}, {"key": "x", "value": "x", "description": 7},
    {"key": "x", "value": "x", "team_name": "t"}, {"key": "x", "value": "x", "team_name": "t" * 51},
)] + [delete(f"variables/{key}", again="if it was made") for key in ("", "x", "y" * 251)]  # fmt: skip

READ = [get("variables" + more) for more in (
    "", "?limit=1", "?limit=0", "?limit=2&offset=1", "?order_by=key", "?order_by=-key&limit=2", "?order_by=value", "?order_by=description",
    "?order_by=is_encrypted&order_by=key&limit=2", "?order_by=nothing", "?variable_key_pattern=PL", "?variable_key_pattern=pl%25n",
    "?variable_key_pattern=plain%7Ctold",
    "?variable_key_pattern=~&limit=1", "?variable_key_prefix_pattern=t", "?variable_key_prefix_pattern=T", "?limit=-1", "?limit=x", "?offset=x",
    "/plain", "/told", "/number", "/object", "/nil", "/json", "/api_secret", "/db_PASSWORD", "/a%2Fb%20c", "/a/b%20c", "/unicode_%C3%A4", "/nothing",
    "/PLAIN", "/empty",
)]  # fmt: skip

CHANGED = [patch("variables/" + path, body) for path, body in (
    ("plain", {"key": "plain", "value": "new"}), ("plain", {"key": "plain", "value": "new", "description": "told"}),
    ("plain?update_mask=value", {"key": "plain", "value": "masked", "description": "unseen"}),
    ("plain?update_mask=description", {"key": "plain", "value": "unseen", "description": "seen"}),
    ("plain?update_mask=nothing", {"key": "plain", "value": "x"}),
    ("plain?update_mask=key", {"key": "plain", "value": "x"}), ("plain?update_mask=value&update_mask=description", {"key": "plain", "value": 3}),
    ("plain", {"key": "other", "value": "x"}), ("plain", {"key": "plain"}), ("plain", {"value": "x"}),
    ("plain?update_mask=description", {"key": "plain", "description": "x"}), ("plain", {}), ("plain", []),
    ("plain", {"key": "plain", "value": "x", "unknown": 1}),
    ("nothing", {"key": "nothing", "value": "x"}), ("nothing", {"key": "other", "value": "x"}), ("nothing", {}),
    ("api_secret", {"key": "api_secret", "value": "louder"}), ("api_secret", {"key": "api_secret", "value": "***"}),
    ("object", {"key": "object", "value": {"b": 2}}), ("plain", {"key": "plain", "value": None}), ("a/b%20c", {"key": "a/b c", "value": "changed"}),
)]  # fmt: skip

ONE, TWO, GONE = {"key": "one", "value": "1"}, {"key": "two", "value": {"n": 2}}, {"key": "gone", "value": "x"}
BULK = [patch("variables", {"actions": actions}, again=f"bulk {number}") for number, actions in enumerate((
    [create(ONE, TWO)], [create(ONE)], [create(ONE, {"key": "three", "value": 3}, action_on_existence="skip")],
    [create(ONE | {"value": "9", "description": "new"}, action_on_existence="overwrite")], [create(ONE, action_on_existence="nothing")],
    [update(TWO | {"value": "changed"})], [update(GONE)], [update(GONE, TWO, action_on_non_existence="skip")],
    [update(TWO | {"value": "unseen", "description": "seen"}, update_mask=["description"])], [update(TWO, update_mask=["nothing"])],
    [update(TWO, update_mask=["key"])],
    [remove("one")], [remove("one")], [remove("one", action_on_non_existence="skip")], [remove(TWO)], [remove("gone", "three")],
    [remove("gone", "three", action_on_non_existence="skip")],
    [create({"key": "x"})], [create({"key": 1, "value": 1, "unknown": 2})], [{"action": "nothing", "entities": []}], [], [create()],
    [create(ONE), update(ONE | {"value": "2"}), remove("one"), remove("one")],
    [create(GONE), update({"key": "nowhere", "value": 1}), remove("gone")], [remove({"key": "gone"})],
))] + [get("variables?order_by=key", again="after all"), patch("variables", {}), patch("variables", {"actions": "x"})]  # fmt: skip

DELETED = [delete("variables/" + path) for path in ("plain", "nothing", "api_secret", "a/b%20c", "number", "NUMBER")] + [delete("variables/plain", again="twice"), get("variables/plain", again="deleted")]

CASES = MADE + ODD + READ + CHANGED + BULK + DELETED
