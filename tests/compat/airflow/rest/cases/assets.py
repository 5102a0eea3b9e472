"""Assets, their events and aliases, and the events that wait."""

from case import delete, ended, get, post, put

FILES, DAGS, UNPAUSED = ("rest/dags/stock_assets.py",), ("make_orders", "make_parts_1", "make_parts_2", "make_bills", "make_some", "use_both", "use_orders"), ("make_orders", "make_some", "use_both")

STATE = [get(f"assets?name_pattern={pattern}", keep=((name, "assets.0.id"),)) for name, pattern in (("orders", "orders"), ("bills", "bills"), ("parts", "parts"), ("lonely", "lonely"))] + [
    post("dags/make_some/dagRuns", {"dag_run_id": "m1", "logical_date": "2026-01-02T00:00:00Z"}),
    ended("make_some", "m1"),
    get("assets/aliases", keep=(("alias", "asset_aliases.0.id"),)),
]

LISTED = [get("assets" + more) for more in (
    "?order_by=name", "?order_by=-name&limit=2", "?order_by=name&limit=1&offset=1", "?limit=0", "?order_by=uri", "?order_by=created_at&limit=0",
    "?order_by=group&order_by=name&limit=2", "?order_by=nothing", "?name_pattern=ORD", "?name_pattern=o%25s&order_by=name",
    "?name_pattern=orders%7Cparts&order_by=name", "?name_pattern=nothing", "?name_prefix_pattern=or", "?name_prefix_pattern=OR",
    "?uri_pattern=SHOP&order_by=name", "?uri_prefix_pattern=s3&order_by=name",
    "?dag_ids=make_orders", "?dag_ids=make_orders&dag_ids=make_some&order_by=name", "?dag_ids=nothing", "?only_active=false&order_by=name&limit=1",
    "?only_active=true&order_by=name&limit=1", "?only_active=perhaps", "?limit=-1", "?offset=x", "/{orders}", "/{parts}", "/{lonely}", "/999999",
    "/x", "/-1", "/1.5",
    "/aliases?order_by=-name", "/aliases?name_pattern=SOM", "/aliases?name_pattern=nothing", "/aliases?name_prefix_pattern=so",
    "/aliases?order_by=nothing", "/aliases?limit=0", "/aliases?limit=-1", "/aliases/{alias}", "/aliases/999999", "/aliases/x",
)]  # fmt: skip

MADE = [post("assets/events", body) for body in (
    {"asset_id": "{orders}", "extra": {"n": 1}}, {"asset_id": "{orders}", "partition_key": "p1"}, {"asset_id": "{parts}", "extra": {}},
    {"asset_id": 999999}, {"asset_id": "x"}, {"asset_id": None}, {}, {"asset_id": "{orders}", "extra": [1]}, {"asset_id": "{orders}", "extra": None},
    {"asset_id": "{orders}", "unknown": 1}, {"asset_id": "{orders}", "partition_key": "y" * 251}, {"asset_id": "{orders}", "partition_key": 1},
    {"asset_id": 1.5}, {"asset_id": "{orders}", "extra": {"from_rest_api": "mine"}},
    {"asset_id": "{orders}", "access_control": {"consumer_teams": ["a"], "allow_global": False}},
    {"asset_id": "{orders}", "access_control": {"unknown": 1}},
)] + [post("assets/events", []), post("assets/events", None)]  # fmt: skip

EVENTS = [get("assets/events" + more) for more in (
    "?order_by=timestamp", "?order_by=-timestamp&limit=1", "?limit=0", "?limit=1&offset=1", "?asset_id={orders}&order_by=timestamp&limit=2",
    "?asset_id=999999", "?asset_id=x", "?source_dag_id=make_some", "?source_dag_id=nothing", "?source_task_id=write", "?source_run_id=m1",
    "?source_map_index=-1&limit=1", "?source_map_index=x", "?name_pattern=LONE", "?name_prefix_pattern=lone", "?name_pattern=nothing",
    "?timestamp_gte=2099-01-01T00:00:00Z", "?timestamp_lt=2026-01-01", "?timestamp_gt=x", "?order_by=source_dag_id&limit=0",
    "?order_by=source_task_id&limit=0", "?order_by=nothing", "?order_by=asset_id&limit=0", "?limit=-1",
)] + [get("assets/{orders}", again="with its last event")]  # fmt: skip

MATERIALIZED = [
    post("assets/{orders}/materialize", keep=(("run", "dag_run_id"),)),
    ended("make_orders", "{run}"),
    post("assets/{orders}/materialize", {"dag_run_id": "made", "logical_date": "2026-01-05T00:00:00Z", "conf": {"a": 1}, "note": "n"}),
    post("assets/{orders}/materialize", {"dag_run_id": "made"}),
    *(post("assets/{orders}/materialize", body) for body in ({"unknown": 1}, {"logical_date": "x"}, {"conf": [1]}, {"data_interval_start": "2026-01-05T00:00:00Z"}, {"partition_key": "x"}, [])),
    post("assets/{parts}/materialize"),
    post("assets/{lonely}/materialize"),
    post("assets/{bills}/materialize"),
    post("assets/999999/materialize"),
    post("assets/x/materialize"),
    ended("make_orders", "made"),
    get("dags/make_orders/dagRuns/made/upstreamAssetEvents"),
    get("assets/events?source_run_id=made"),
]

QUEUED = [
    get("dags/use_both/assets/queuedEvents"),
    get("dags/use_both/assets/{orders}/queuedEvents"),
    get("assets/{orders}/queuedEvents", sort=("queued_events",)),
    get("dags/use_both/assets/queuedEvents?before=2026-01-01T00:00:00Z"),
    get("dags/use_both/assets/queuedEvents?before=x"),
    get("dags/use_both/assets/{bills}/queuedEvents"),
    get("dags/use_both/assets/x/queuedEvents"),
    get("dags/make_orders/assets/queuedEvents"),
    # nothing is kept for a DAG that is paused
    get("dags/use_orders/assets/queuedEvents"),
    get("dags/use_orders/assets/{orders}/queuedEvents"),
    get("dags/nothing/assets/queuedEvents"),
    get("dags/nothing/assets/{orders}/queuedEvents"),
    get("assets/999999/queuedEvents"),
    get("assets/x/queuedEvents"),
    get("assets/{parts}/queuedEvents"),
    delete("dags/use_both/assets/{bills}/queuedEvents"),
    delete("dags/use_both/assets/{orders}/queuedEvents?before=2026-01-01T00:00:00Z"),
    delete("dags/use_both/assets/{orders}/queuedEvents?before=x"),
    delete("dags/use_both/assets/{orders}/queuedEvents"),
    delete("dags/use_both/assets/{orders}/queuedEvents", again="twice"),
    post("assets/events", {"asset_id": "{orders}"}, again="to be deleted"),
    delete("dags/use_both/assets/queuedEvents"),
    delete("dags/use_both/assets/queuedEvents", again="twice"),
    delete("dags/nothing/assets/queuedEvents"),
    post("assets/events", {"asset_id": "{orders}"}, again="to be deleted, too"),
    delete("assets/{orders}/queuedEvents"),
    delete("assets/{orders}/queuedEvents", again="twice"),
    delete("assets/999999/queuedEvents"),
]

TRIGGERED = [
    post("assets/events", {"asset_id": "{orders}", "extra": {"n": 2}}, again="the first of both"),
    post("assets/events", {"asset_id": "{bills}", "extra": {"n": 3}}, again="the second of both"),
    get("dags/use_both/dagRuns?run_type=asset_triggered", until=("dag_runs.0.state", ("success",)), keep=(("use", "dag_runs.0.dag_run_id"),)),
    get("dags/use_both/dagRuns/{use}/upstreamAssetEvents", sort=("asset_events",)),
    get("dags/use_both/dagRuns/{use}"),
    get("assets/events?asset_id={bills}"),
    get("assets/events?asset_id={orders}&order_by=-timestamp&limit=1"),
    get("dags/use_both/assets/queuedEvents", again="when they have been used"),
    get("dags/use_both", again="when it has run"),
]

STORE = [
    get("assets/{orders}/state-store"),
    put("assets/{orders}/state-store/cursor", {"value": {"page": 3}}),
    put("assets/{orders}/state-store/a/b", {"value": [1]}),
    *(put("assets/{orders}/state-store/x", body) for body in ({}, {"value": None}, {"value": 1, "unknown": 1}, [])),
    put("assets/999999/state-store/x", {"value": 1}),
    put("assets/x/state-store/x", {"value": 1}),
    get("assets/{orders}/state-store", again="as kept"),
    get("assets/{orders}/state-store?limit=1&offset=1"),
    get("assets/{orders}/state-store?limit=x"),
    get("assets/{orders}/state-store/cursor"),
    get("assets/{orders}/state-store/a/b"),
    get("assets/{orders}/state-store/nothing"),
    get("assets/999999/state-store"),
    get("assets/999999/state-store/x"),
    delete("assets/{orders}/state-store/cursor"),
    delete("assets/{orders}/state-store/cursor", again="twice"),
    delete("assets/{orders}/state-store"),
    get("assets/{orders}/state-store", again="cleared"),
    delete("assets/999999/state-store"),
]

CASES = STATE + LISTED + MADE + EVENTS + MATERIALIZED + QUEUED + TRIGGERED + STORE
