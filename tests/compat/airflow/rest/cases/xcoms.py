"""XComs, and what tasks keep."""

from case import delete, ended, get, patch, post, put

FILES, DAGS, UNPAUSED = ("rest/dags/work.py",), ("works", "quick", "still"), ("works", "quick")
RUN = "dags/works/dagRuns/w1/taskInstances"
TASK = "dags/quick/dagRuns/q1/taskInstances/a"

STATE = [
    post("dags/works/dagRuns", {"dag_run_id": "w1", "logical_date": "2026-01-02T00:00:00Z"}),
    post("dags/quick/dagRuns", {"dag_run_id": "q1", "logical_date": None}),
    ended("quick", "q1"),
    ended("works", "w1", "failed"),
]

READ = [get(f"{RUN}/{path}") for path in (
    "numbers/xcomEntries", "double/xcomEntries?order_by=map_index", "double/xcomEntries?order_by=-map_index&limit=1",
    "double/xcomEntries?map_index=1", "double/xcomEntries?map_index=-1", "double/xcomEntries?map_index=-2", "double/xcomEntries?map_index=x",
    "double/xcomEntries?map_index_filter=0", "double/xcomEntries?limit=0", "judge/xcomEntries", "nothing/xcomEntries",
    "~/xcomEntries?order_by=task_id&order_by=map_index&order_by=key",
    "~/xcomEntries?xcom_key=return_value&order_by=task_id&order_by=map_index&limit=2", "~/xcomEntries?xcom_key=nothing",
    "~/xcomEntries?xcom_key_pattern=RETURN&limit=0", "~/xcomEntries?xcom_key_pattern=skip&limit=1",
    "~/xcomEntries?xcom_key_prefix_pattern=ret&limit=0", "~/xcomEntries?xcom_key_prefix_pattern=RET", "~/xcomEntries?task_id_pattern=numb",
    "~/xcomEntries?task_id_prefix_pattern=numb", "~/xcomEntries?run_id_pattern=w1&limit=0",
    "~/xcomEntries?dag_display_name_pattern=works&limit=0", "~/xcomEntries?dag_display_name_prefix_pattern=x",
    "~/xcomEntries?logical_date_gte=2026-01-03T00:00:00Z", "~/xcomEntries?logical_date_lt=x", "~/xcomEntries?run_after_gte=2026-01-01&limit=0",
    "~/xcomEntries?order_by=nothing", "~/xcomEntries?order_by=timestamp&limit=0", "~/xcomEntries?order_by=value", "~/xcomEntries?limit=-1",
    "~/xcomEntries?order_by=key&order_by=task_id&order_by=map_index&limit=1",
    "numbers/xcomEntries/return_value", "numbers/xcomEntries/return_value?deserialize=true", "numbers/xcomEntries/return_value?stringify=true",
    "numbers/xcomEntries/return_value?stringify=perhaps", "numbers/xcomEntries/return_value?deserialize=perhaps",
    "numbers/xcomEntries/return_value?map_index=0", "numbers/xcomEntries/return_value?map_index=-2", "numbers/xcomEntries/return_value?map_index=x",
    "double/xcomEntries/return_value", "double/xcomEntries/return_value?map_index=1",
    "double/xcomEntries/return_value?map_index=1&stringify=true", "no/xcomEntries/return_value?stringify=true", "no/xcomEntries/skipmixin_key",
    "numbers/xcomEntries/nothing", "nothing/xcomEntries/return_value",
)] + [get(f"dags/{path}") for path in (
    "~/dagRuns/~/taskInstances/~/xcomEntries?order_by=task_id&order_by=map_index&order_by=key",
    "nothing/dagRuns/w1/taskInstances/numbers/xcomEntries", "works/dagRuns/nothing/taskInstances/numbers/xcomEntries",
    "works/dagRuns/nothing/taskInstances/numbers/xcomEntries/return_value", "nothing/dagRuns/w1/taskInstances/numbers/xcomEntries/return_value",
    "works/dagRuns/~/taskInstances/numbers/xcomEntries",
)]  # fmt: skip

MADE = [post(f"{TASK}/xcomEntries", body) for body in (
    {"key": "text", "value": "words"}, {"key": "object", "value": {"a": [1, None, 1.5], "api_key": "hush"}}, {"key": "nil", "value": None},
    {"key": "flag", "value": False}, {"key": "list", "value": [1, "2"]}, {"key": "a/b c", "value": 1}, {"key": "text", "value": "again"},
    {"key": "mapped", "value": 1, "map_index": 3}, {"key": "mapped", "value": 2, "map_index": -1},
    {"key": "x"}, {"value": 1}, {}, {"key": 1, "value": 1}, {"key": "x", "value": 1, "unknown": 1}, {"key": "x", "value": 1, "map_index": "x"},
    {"key": "x", "value": 1, "map_index": None}, {"key": "", "value": 1}, {"key": "y" * 600, "value": 1},
    {"key": "big", "value": 123456789012345678901234567890}, {"key": "json", "value": "{\"a\": 1}"},
)] + [
    post(f"{TASK}/xcomEntries", []),
    post(f"{TASK}/xcomEntries", None),
    post("dags/quick/dagRuns/q1/taskInstances/nothing/xcomEntries", {"key": "x", "value": 1}),
    post("dags/quick/dagRuns/nothing/taskInstances/a/xcomEntries", {"key": "x", "value": 1}),
    post("dags/nothing/dagRuns/q1/taskInstances/a/xcomEntries", {"key": "x", "value": 1}),
    get(f"{TASK}/xcomEntries?order_by=key", again="as made"),
    *(get(f"{TASK}/xcomEntries/{key}{more}") for key in ("text", "object", "nil", "flag", "list", "a/b%20c", "a%2Fb%20c", "json", "big") for more in ("", "?stringify=true")),
    get(f"{TASK}/xcomEntries/object?deserialize=true"),
    get(f"{TASK}/xcomEntries/mapped?map_index=3"),
]  # fmt: skip

CHANGED = [patch(f"{TASK}/xcomEntries/{path}", body) for path, body in (
    ("text", {"value": "new"}), ("text", {"value": None}), ("text", {"value": {"n": 1}}), ("mapped", {"value": 9, "map_index": 3}),
    ("text", {"value": 1, "map_index": 7}), ("text", {}), ("text", {"value": 1, "unknown": 2}), ("text", {"value": 1, "map_index": "x"}),
    ("text", {"key": "text", "value": 1}), ("nothing", {"value": 1}), ("a/b%20c", {"value": "changed"}),
)] + [
    patch(f"{TASK}/xcomEntries/text", []),
    patch("dags/quick/dagRuns/q1/taskInstances/nothing/xcomEntries/text", {"value": 1}),
    patch("dags/nothing/dagRuns/q1/taskInstances/a/xcomEntries/text", {"value": 1}),
    get(f"{TASK}/xcomEntries/text", again="changed"),
    delete(f"{TASK}/xcomEntries/text"),
    delete(f"{TASK}/xcomEntries/text", again="twice"),
    delete(f"{TASK}/xcomEntries/mapped?map_index=3"),
    delete(f"{TASK}/xcomEntries/mapped?map_index=x"),
    delete(f"{TASK}/xcomEntries/mapped?map_index=-2"),
    delete("dags/nothing/dagRuns/q1/taskInstances/a/xcomEntries/text"),
    get(f"{TASK}/xcomEntries?order_by=key", again="at the end"),
]  # fmt: skip

KEPT = f"{TASK}/state-store"
STORE = [
    get(KEPT),
    put(f"{KEPT}/cursor", {"value": {"page": 3}, "expires_at": None}),
    put(f"{KEPT}/text", {"value": "x", "expires_at": "2099-01-01T00:00:00Z"}),
    put(f"{KEPT}/default", {"value": [1], "expires_at": "default"}),
    put(f"{KEPT}/unsaid", {"value": 1}),
    put(f"{KEPT}/past", {"value": 1, "expires_at": "2020-01-01T00:00:00Z"}),
    put(f"{KEPT}/a/b", {"value": True}),
    *(put(f"{KEPT}/x", body) for body in ({}, {"value": None}, {"value": 1, "unknown": 1}, {"value": 1, "expires_at": "soon"}, {"value": 1, "expires_at": 5}, {"value": 1, "expires_at": "2099-01-01T00:00:00"}, [])),
    put(f"{KEPT}/x?map_index=4", {"value": 1}),
    put(f"{KEPT}/x?map_index=-2", {"value": 1}),
    put("dags/quick/dagRuns/q1/taskInstances/nothing/state-store/x", {"value": 1}),
    put("dags/nothing/dagRuns/q1/taskInstances/a/state-store/x", {"value": 1}),
    get(KEPT, again="as kept"),
    get(KEPT + "?limit=1"),
    get(KEPT + "?limit=1&offset=1"),
    get(KEPT + "?limit=-1"),
    get(KEPT + "?map_index=3"),
    *(get(f"{KEPT}/{key}") for key in ("cursor", "text", "a/b", "past", "nothing", "cursor?map_index=2", "cursor?map_index=x")),
    patch(f"{KEPT}/cursor", {"value": {"page": 4}}),
    patch(f"{KEPT}/cursor", {}),
    patch(f"{KEPT}/cursor", {"value": None}),
    patch(f"{KEPT}/cursor", {"value": 1, "expires_at": None}),
    patch(f"{KEPT}/nothing", {"value": 1}),
    get(f"{KEPT}/cursor", again="changed"),
    delete(f"{KEPT}/cursor"),
    delete(f"{KEPT}/cursor", again="twice"),
    delete(KEPT + "?all_map_indices=perhaps"),
    delete(KEPT),
    delete(KEPT, again="twice"),
    get(KEPT, again="cleared"),
    get("dags/nothing/dagRuns/q1/taskInstances/a/state-store"),
    get("dags/quick/dagRuns/q1/taskInstances/nothing/state-store"),
    delete("dags/quick/dagRuns/q1/taskInstances/nothing/state-store"),
]

CASES = STATE + READ + MADE + CHANGED + STORE
