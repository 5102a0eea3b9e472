"""Connections, with their secrets hidden."""

from case import create, delete, get, patch, post, remove, update

FILES, DAGS, UNPAUSED = (), (), ()
SHOP = {"connection_id": "shop", "conn_type": "postgres", "host": "db.example", "login": "ada", "password": "hush", "port": 5432, "schema": "public", "description": "of use", "extra": '{"sslmode": "require", "api_key": "k", "deep": {"password": "p"}}'}

MADE = [post("connections", body) for body in (
    SHOP, {"connection_id": "bare", "conn_type": "http"}, {"connection_id": "odd", "conn_type": "nothing known", "extra": "no json", "port": "8080"},
    {"connection_id": "a.b-c_d/e f", "conn_type": "http"}, {"connection_id": "empty", "conn_type": "http", "host": "", "password": "", "extra": ""},
    {"connection_id": "extras", "conn_type": "aws", "extra": "{}"}, {"connection_id": "list", "conn_type": "aws", "extra": "[1]"},
    {"connection_id": "nested", "conn_type": "http", "extra": '{"a":   {"token": "t", "n": [1]}, "private_key": null}'},
)]
ODD = [post("connections", body) for body in (
    {"connection_id": "shop", "conn_type": "http"}, {"connection_id": "x"}, {"conn_type": "http"}, {}, {"connection_id": "x", "conn_type": ""},
    {"connection_id": "", "conn_type": "http"}, {"connection_id": "bad id!", "conn_type": "http"}, {"connection_id": "y" * 201, "conn_type": "http"},
    {"connection_id": 1, "conn_type": 2}, {"connection_id": "x", "conn_type": "http", "port": "many"},
    {"connection_id": "x", "conn_type": "http", "port": 1.5}, {"connection_id": "x", "conn_type": "http", "port": -1},
    {"connection_id": "x2", "conn_type": "http", "port": 99999999}, {"connection_id": "x", "conn_type": "http", "extra": {"a": 1}},
    {"connection_id": "x", "conn_type": "http", "unknown": 1}, {"connection_id": "x", "conn_type": None},
    {"connection_id": "x", "conn_type": "http", "team_name": "t"},
    {"connection_id": "x", "conn_type": "http", "host": 5, "login": 6, "password": [], "schema": {}},
)] + [post("connections", []), post("connections", None)] + [delete(f"connections/{name}", again="if it was made") for name in ("x", "", "bad%20id!", "y" * 201, "1", "x2")]  # fmt: skip

READ = [get("connections" + more) for more in (
    "", "?limit=1", "?limit=0", "?limit=2&offset=1", "?order_by=connection_id", "?order_by=conn_id", "?order_by=-conn_type&order_by=conn_id&limit=3",
    "?order_by=host&limit=0", "?order_by=port&order_by=conn_id", "?order_by=description&limit=0", "?order_by=password", "?order_by=nothing",
    "?connection_id_pattern=SH", "?connection_id_pattern=s%25p", "?connection_id_pattern=shop%7Cbare", "?connection_id_prefix_pattern=e",
    "?connection_id_prefix_pattern=E", "?limit=-1", "?offset=x", "/shop", "/bare", "/odd", "/nested", "/list", "/extras", "/empty", "/nothing",
    "/SHOP", "/a.b-c_d%2Fe%20f",
)]  # fmt: skip

CHANGED = [patch("connections/" + path, body) for path, body in (
    ("shop?update_mask=host", {"connection_id": "shop", "conn_type": "unseen", "host": "db2.example"}),
    ("shop?update_mask=password", {"connection_id": "shop", "conn_type": "postgres", "password": "***"}),
    ("shop?update_mask=extra", {"connection_id": "shop", "conn_type": "postgres", "extra": '{"api_key": "***", "n": 1}'}),
    ("shop?update_mask=port&update_mask=login", {"connection_id": "shop", "conn_type": "x", "port": 1}),
    ("shop?update_mask=nothing", {"connection_id": "shop", "conn_type": "x"}),
    ("shop?update_mask=connection_id", {"connection_id": "shop", "conn_type": "x"}), ("shop", {"connection_id": "shop", "conn_type": "mysql"}),
    ("shop", {"connection_id": "other", "conn_type": "mysql"}), ("shop", {"conn_type": "mysql"}), ("shop", {"connection_id": "shop"}), ("shop", {}),
    ("shop", {"connection_id": "shop", "conn_type": "http", "port": "x"}), ("shop", {"connection_id": "shop", "conn_type": "http", "unknown": 1}),
    ("nothing", {"connection_id": "nothing", "conn_type": "http"}),
    ("nothing", {"connection_id": "x", "conn_type": "http"}), ("nothing", {}),
    ("shop", {"connection_id": "shop", "conn_type": "http", "extra": None, "host": None}),
    ("shop?update_mask=description", {"connection_id": "shop", "conn_type": "http", "description": "new"}),
)]  # fmt: skip

ONE, TWO, GONE = ({"connection_id": name, "conn_type": "http"} for name in ("one", "two", "gone"))
BULK = [patch("connections", {"actions": actions}, again=f"bulk {number}") for number, actions in enumerate((
    [create(ONE, TWO)], [create(ONE)], [create(ONE, ONE | {"connection_id": "three"}, action_on_existence="skip")],
    [create(ONE | {"host": "new"}, action_on_existence="overwrite")], [update(TWO | {"host": "changed"})], [update(GONE)],
    [update(GONE, TWO, action_on_non_existence="skip")],
    [update(TWO | {"host": "unseen", "description": "seen"}, update_mask=["description"])], [update(TWO, update_mask=["nothing"])], [remove("one")],
    [remove("one")], [remove("one", action_on_non_existence="skip")], [remove(TWO)], [remove("gone", "three")],
    [remove("gone", "three", action_on_non_existence="skip")],
    [create({"connection_id": "x"})], [create({"connection_id": "bad id!", "conn_type": "http"})], [{"action": "nothing", "entities": []}], [],
    [create(ONE), update(ONE | {"host": "h"}), remove("one"), remove("one")],
))] + [get("connections?order_by=conn_id", again="after all")]  # fmt: skip

TESTED = [
    post("connections/test", {"connection_id": "c", "conn_type": "http"}),
    post("connections/test", {}),
    post("connections/enqueue-test", {"connection_id": "c", "conn_type": "http"}),
    post("connections/enqueue-test", {}),
    get("connections/enqueue-test"),
    get("connections/enqueue-test", headers=(("Airflow-Connection-Test-Token", "x"),)),
]

DELETED = [delete("connections/" + path) for path in ("shop", "nothing", "SHOP", "odd")] + [delete("connections/shop", again="twice"), get("connections/shop", again="deleted")]

DEFAULTS = [
    post("connections/defaults"),
    post("connections/defaults", again="twice"),
    get("connections?order_by=conn_id&limit=100&connection_id_pattern=_default"),
    get("connections/sqlite_default"),
    get("connections/defaults"),
]

CASES = MADE + ODD + READ + CHANGED + BULK + TESTED + DELETED + DEFAULTS
