"""DAG runs: triggered, listed, changed, cleared and deleted."""

from case import delete, ended, get, patch, post

FILES, DAGS, UNPAUSED = ("rest/dags/work.py",), ("quick", "daily", "still", "waits", "no_manual", "parted"), ("quick",)
RUNS = "dags/quick/dagRuns"
QUEUED = "dags/still/dagRuns"


def day(number: int) -> str:
    return f"2026-01-{number:02}T00:00:00Z"


TRIGGERED = [
    post(RUNS, {"dag_run_id": "q1", "logical_date": day(1)}),
    ended("quick", "q1"),
    post(RUNS, {"dag_run_id": "q2", "logical_date": day(2), "conf": {"count": 3, "more": [1, None]}, "note": "as asked"}),
    ended("quick", "q2"),
    post(RUNS, {"dag_run_id": "q3", "logical_date": "2026-01-03T02:00:00+02:00", "data_interval_start": day(1), "data_interval_end": day(2), "run_after": day(4)}),
    ended("quick", "q3"),
    post(RUNS, {"dag_run_id": "at_no_date", "logical_date": None}),
    ended("quick", "at_no_date"),
    post(RUNS, {"logical_date": day(5)}),
    post(QUEUED, {"dag_run_id": "s1", "logical_date": day(1), "conf": {"a": 1}}),
    post(QUEUED, {"dag_run_id": "s2", "logical_date": day(2), "note": ""}),
    post(QUEUED, {"dag_run_id": "S3-with+odd:signs", "logical_date": day(3), "conf": {}}),
    post(QUEUED, {"dag_run_id": "later", "logical_date": None, "run_after": "2099-01-01T00:00:00Z"}),
    post("dags/parted/dagRuns", {"dag_run_id": "p1", "logical_date": None, "partition_key": "2026-01-02T00:00:00"}),
    post("dags/parted/dagRuns", {"dag_run_id": "p2", "logical_date": day(3)}),
    post("dags/daily/dagRuns", {"dag_run_id": "d1", "logical_date": "2026-01-03T12:00:00Z"}),
]

WAITS = "dags/waits/dagRuns"
BODIES = (
    {}, {"logical_date": "soon"}, {"logical_date": "2026-01-20"}, {"logical_date": "2026-01-20T00:00:00"}, {"logical_date": "2026-13-20T00:00:00Z"},
    {"logical_date": "2026-01-20 10:00:00Z"}, {"logical_date": "2026-01-21T10:00:00.123456+01:00"}, {"logical_date": 1768953600},
    {"logical_date": True}, {"logical_date": {}}, {"logical_date": ""},
    *({"logical_date": None} | more for more in (
        {"conf": "text"}, {"conf": [1]}, {"conf": None}, {"conf": {"count": "many"}}, {"conf": {"count": 0}},
        {"conf": {"count": 5, "other": {"a": [None]}}}, {"unknown": 1}, {"unknown": 1, "note": 2, "conf": 3}, {"note": 5}, {"note": "x" * 1001},
        {"data_interval_start": day(1)}, {"data_interval_start": day(1), "data_interval_end": day(2)},
        {"data_interval_start": "x", "data_interval_end": "y"}, {"run_after": "never"}, {"run_after": day(3)}, {"partition_key": "a"},
        {"partition_key": 1},
    )),
    {"logical_date": day(11), "data_interval_start": day(2), "data_interval_end": day(1)},
)  # fmt: skip
REFUSED = [post(WAITS, {"dag_run_id": "w1", "logical_date": day(1)})] + [post(WAITS, {"dag_run_id": f"x{number}"} | body) for number, body in enumerate(BODIES)] + [post(WAITS, body) for body in (
    {"dag_run_id": "w1", "logical_date": day(9)}, {"dag_run_id": "other", "logical_date": day(1)}, {"dag_run_id": "w1", "logical_date": None}, {},
    [], {"dag_run_id": 1, "logical_date": None}, {"dag_run_id": None, "logical_date": day(10)}, {"dag_run_id": "", "logical_date": day(12)},
    {"dag_run_id": "../up", "logical_date": None}, {"dag_run_id": "S3 with/odd: signs", "logical_date": None},
    {"dag_run_id": "ok-a.b~c:d+e", "logical_date": None},
    {"dag_run_id": "scheduled__2026-01-13T00:00:00+00:00", "logical_date": day(13)}, {"dag_run_id": "manual__mine", "logical_date": day(14)},
    {"dag_run_id": "z" * 251, "logical_date": None},
)] + [
    post(WAITS, None),
    post(WAITS),
    post(WAITS, raw=b"{"),
    post("dags/no_manual/dagRuns", {"dag_run_id": "x", "logical_date": None}),
    post("dags/nothing/dagRuns", {"dag_run_id": "x", "logical_date": None}),
    post("dags/nothing/dagRuns", {}),
    post("dags/~/dagRuns", {"dag_run_id": "x", "logical_date": None}),
    post("dags/parted/dagRuns", {"dag_run_id": "p1", "logical_date": None, "partition_key": "2026-01-03T00:00:00"}),
    get(WAITS + "?order_by=run_id"),
]  # fmt: skip

GOT = [get(f"dags/{path}") for path in (
    "quick/dagRuns/q2", "still/dagRuns/s1", "still/dagRuns/S3-with%2Bodd%3Asigns", "still/dagRuns/S3%20with%2Fodd", "parted/dagRuns/p1",
    "daily/dagRuns/d1", "quick/dagRuns/nothing", "nothing/dagRuns/q1", "~/dagRuns/q1",
    "quick/dagRuns/q1/upstreamAssetEvents", "quick/dagRuns/nothing/upstreamAssetEvents", "quick/dagRuns/q1/wait?interval=1",
    "quick/dagRuns/q1/wait?interval=1&result=a", "quick/dagRuns/q1/wait",
    "quick/dagRuns/q1/wait?interval=0", "quick/dagRuns/q1/wait?interval=x", "quick/dagRuns/nothing/wait?interval=1",
)]  # fmt: skip

QUERIES = (
    "", "limit=1", "limit=1&offset=1", "limit=0", "order_by=-id", "order_by=run_id", "order_by=-dag_run_id", "order_by=logical_date",
    "order_by=-logical_date", "order_by=run_after",
    "order_by=state&order_by=-run_id", "order_by=conf", "order_by=duration&limit=0", "order_by=dag_id", "order_by=run_type",
    "order_by=updated_at&limit=0", "order_by=note", "order_by=nothing", "order_by=start_date",
    "state=queued", "state=success", "state=queued&state=success", "state=nothing", "state=", "state=QUEUED", "state=null", "run_type=manual",
    "run_type=scheduled", "run_type=nothing", "run_type=manual&run_type=backfill",
    "logical_date_gte=2026-01-02T00:00:00Z", "logical_date_gt=2026-01-02T00:00:00Z", "logical_date_lte=2026-01-02T00:00:00Z",
    "logical_date_lt=2026-01-02T00:00:00Z", "logical_date_gte=2026-01-02",
    "logical_date_gte=2026-01-02T00:00:00", "logical_date_gte=1767312000", "logical_date_gte=x", "logical_date_lt=",
    "run_after_gte=2090-01-01T00:00:00Z", "run_after_lt=2026-01-03T00:00:00Z", "start_date_gte=2026-01-01T00:00:00Z",
    "end_date_lt=2026-01-01T00:00:00Z", "updated_at_lt=2026-01-01T00:00:00Z", "updated_at_gte=x", "duration_gte=0", "duration_lt=0", "duration_gt=x",
    "duration_lte=nan",
    "conf_contains=a", "conf_contains=%22a%22:%201", "conf_contains=nothing", "conf_contains=", "dag_version=1", "dag_version=9", "dag_version=x",
    "bundle_version=x",
    "run_id_pattern=S", "run_id_pattern=s_", "run_id_pattern=s%25", "run_id_prefix_pattern=s", "run_id_prefix_pattern=S", "run_id_pattern=s1%7Cs2",
    "triggering_user_name_pattern=ADM", "triggering_user_name_pattern=bob",
    "triggering_user_name_prefix_pattern=adm", "dag_id_pattern=still", "dag_id_pattern=quick", "partition_key_pattern=2026",
    "consuming_asset_pattern=x", "limit=-1", "offset=-1", "limit=x", "cursor=nonsense", "cursor=&order_by=nothing",
    "partition_date_gte=2026-01-01", "partition_date_gte=x",
)  # fmt: skip
LISTED = [get(f"{QUEUED}?{query}" if query else QUEUED) for query in QUERIES] + [
    get("dags/~/dagRuns?dag_id_pattern=still&order_by=run_id"),
    get("dags/~/dagRuns?run_id_pattern=1&dag_id_pattern=i&order_by=dag_id&order_by=run_id"),
    get("dags/~/dagRuns?run_id_prefix_pattern=p&order_by=-run_id"),
    get("dags/~/dagRuns?limit=2&order_by=dag_id&order_by=run_id&dag_id_prefix_pattern=s"),
    get("dags/~/dagRuns?partition_date_gte=2026-01-01"),
    get("dags/nothing/dagRuns"),
    get("dags/parted/dagRuns?partition_date_gte=2026-01-02&partition_date_lte=2026-01-02"),
    get("dags/parted/dagRuns?partition_date_lte=2026-01-01"),
    get("dags/parted/dagRuns?partition_key_pattern=01-02"),
    get("dags/parted/dagRuns?partition_key_prefix_pattern=2026-01-02"),
    get(QUEUED + "?cursor=&limit=1&order_by=run_id", keep=(("next", "next_cursor"),)),
    get(QUEUED + "?cursor={next}&limit=1&order_by=run_id", keep=(("next", "next_cursor"), ("previous", "previous_cursor"))),
    get(QUEUED + "?cursor={previous}&limit=1&order_by=run_id"),
    get(QUEUED + "?cursor={next}&limit=10&order_by=run_id"),
    get(QUEUED + "?cursor={next}&limit=10&order_by=-logical_date"),
    get(QUEUED + "?cursor=&limit=10&order_by=run_id"),
]

BATCH = "dags/~/dagRuns/list"
BATCHES = [post(BATCH, body) for body in (
    {"dag_ids": ["still"]}, {"dag_ids": ["still"], "order_by": "-run_id", "page_limit": 2},
    {"dag_ids": ["still"], "order_by": "run_id", "page_limit": 1, "page_offset": 1}, {"dag_ids": ["still"], "page_limit": 0},
    {"dag_ids": ["still", "quick"], "states": ["success"], "order_by": "logical_date", "page_limit": 2}, {"dag_ids": ["nothing"]}, {"dag_ids": []},
    {"dag_ids": ["still"], "states": []}, {"states": ["nothing"]}, {"dag_ids": ["still"], "states": [None]},
    {"dag_ids": ["still"], "logical_date_gte": day(2)}, {"dag_ids": ["still"], "logical_date_gt": day(2), "run_after_lt": "2090-01-01T00:00:00Z"},
    {"dag_ids": ["still"], "logical_date_gte": "x"}, {"dag_ids": ["still"], "logical_date_gte": "2026-01-02T00:00:00"},
    {"dag_ids": ["still"], "conf_contains": "a"}, {"dag_ids": ["still"], "duration_gte": 1}, {"dag_ids": ["still"], "duration_gte": "x"},
    {"dag_ids": ["still"], "order_by": "nothing"}, {"dag_ids": ["still"], "order_by": ["run_id"]}, {"dag_ids": "still"}, {"dag_ids": [1]},
    {"page_limit": -1}, {"page_limit": "x", "page_offset": -1}, {"page_limit": 100000, "dag_ids": ["nothing"]}, {"unknown": 1},
    {"dag_ids": None, "order_by": "-run_after", "page_limit": 1},
)] + [post(BATCH, []), post(BATCH, None), post("dags/still/dagRuns/list", {}), post("dags/nothing/dagRuns/list", {"dag_ids": ["still"]})]  # fmt: skip

ONE = QUEUED + "/s1"
PATCHED = [
    patch(ONE, {"note": "seen"}),
    patch(ONE, {"note": ""}),
    patch(ONE, {"note": None}),
    patch(ONE + "?update_mask=note", {"note": "masked", "state": "failed"}),
    patch(ONE + "?update_mask=nothing", {"note": "x"}),
    patch(ONE + "?update_mask=state", {"note": "x"}),
    patch(ONE, {"note": "x" * 1001}),
    patch(ONE, {"note": 1}),
    patch(ONE, {}),
    patch(ONE, {"unknown": 1}),
    patch(ONE, {"state": "nothing"}),
    patch(ONE, {"state": "running"}),
    patch(ONE, {"state": None}),
    patch(ONE, {"state": "success", "note": "done"}),
    get("dags/still/dagRuns/s1/taskInstances", again="of a run set to success", sort=("task_instances",)),
    patch(ONE, {"state": "failed"}),
    get("dags/still/dagRuns/s1/taskInstances", again="of a run set to failed", sort=("task_instances",)),
    patch(ONE, {"state": "queued"}),
    get("dags/still/dagRuns/s1/taskInstances", again="of a run set to queued", sort=("task_instances",)),
    patch(ONE, []),
    patch(QUEUED + "/nothing", {"note": "x"}),
    patch("dags/nothing/dagRuns/s1", {"note": "x"}),
    patch(QUEUED + "/nothing", {"unknown": 1}),
]

CLEAR = "dags/quick/dagRuns/q1/clear"
CLEARED = [
    post(CLEAR, {}),
    post(CLEAR, {"dry_run": True, "only_failed": True}),
    post(CLEAR, {"dry_run": True, "only_new": True}),
    post(CLEAR, {"only_failed": True, "only_new": True}),
    post(CLEAR, {"dry_run": "x", "unknown": 1}),
    post(CLEAR, {"run_on_latest_version": True}),
    post(CLEAR, []),
    post(CLEAR, None),
    post(CLEAR, {"note": "x" * 1001}),
    post("dags/quick/dagRuns/nothing/clear", {}),
    post("dags/nothing/dagRuns/q1/clear", {}),
    post(QUEUED + "/s2/clear", {"dry_run": False, "note": "cleared"}),
    post(CLEAR, {"dry_run": False}),
    ended("quick", "q1", again="after clearing"),
    get("dags/quick/dagRuns/q1/taskInstances", again="after clearing", sort=("task_instances",)),
]

MANY = "dags/still/clearDagRuns"
CLEARED_MANY = [
    post(MANY, {"dag_runs": [{"dag_run_id": "s1"}, {"dag_run_id": "s2"}]}),
    post(MANY, {"dag_runs": [{"dag_run_id": "s1"}], "dry_run": False, "note": "together"}),
    post(MANY, {"dag_runs": [{"dag_run_id": "nothing"}]}),
    post(MANY, {"dag_runs": [{"dag_run_id": "s1", "dag_id": "quick"}]}),
    post(MANY, {"dag_runs": []}),
    post(MANY, {}),
    post(MANY, {"dag_runs": [{}]}),
    post(MANY, {"partition_key": "x"}),
    post(MANY, {"partition_key": "x", "dag_runs": [{"dag_run_id": "s1"}]}),
    post(MANY, {"partition_date_start": day(1)}),
    post(MANY, {"partition_date_start": day(2), "partition_date_end": day(1)}),
    post("dags/~/clearDagRuns", {"dag_runs": [{"dag_run_id": "s1"}]}),
    post("dags/~/clearDagRuns", {"dag_runs": [{"dag_run_id": "s1", "dag_id": "still"}]}),
    post("dags/~/clearDagRuns", {"partition_key": "x"}),
    post("dags/nothing/clearDagRuns", {"dag_runs": [{"dag_run_id": "s1"}]}),
    post("dags/parted/clearDagRuns", {"partition_key": "2026-01-02T00:00:00"}),
    post("dags/parted/clearDagRuns", {"partition_date_start": day(1), "partition_date_end": day(3)}),
    *(post("dags/parted/clearPartitions", body) for body in ({"partition_key": "2026-01-02T00:00:00"}, {"run_id": "p1"}, {"run_id": "nothing"}, {}, {"run_id": "p1", "partition_key": "x"}, {"partition_date_start": day(1)}, {"partition_date_start": day(1), "partition_date_end": day(2)}, {"run_id": "p1", "clear_task_instances": True, "dry_run": False}, {"run_id": 1}, {"unknown": 1})),
    post("dags/nothing/clearPartitions", {"run_id": "p1"}),
    post("dags/still/clearPartitions", {"run_id": "s1"}),
]  # fmt: skip

BULK = "dags/still/dagRuns"
CHANGED = [patch(BULK, body) for body in (
    {"actions": [{"action": "update", "entities": [{"dag_run_id": "s1", "note": "in bulk"}]}]},
    {"actions": [{"action": "update", "entities": [{"dag_run_id": "s1", "note": "masked", "state": "failed"}], "update_mask": ["note"]}]},
    {"actions": [{"action": "update", "entities": [{"dag_run_id": "s2", "state": "success"}, {"dag_run_id": "nothing", "state": "success"}]}]},
    {"actions": [{"action": "update", "entities": [{"dag_run_id": "nothing", "note": "x"}], "action_on_non_existence": "skip"}]},
    {"actions": [{"action": "update", "entities": [{"dag_run_id": "s2", "state": "running"}]}]},
    {"actions": [{"action": "update", "entities": [{"note": "x"}]}]},
    {"actions": [{"action": "create", "entities": [{"dag_run_id": "new"}]}]},
    {"actions": [{"action": "delete", "entities": ["nothing"]}]},
    {"actions": [{"action": "delete", "entities": ["nothing"], "action_on_non_existence": "skip"}]},
    {"actions": [{"action": "delete", "entities": [{"dag_run_id": "q1", "dag_id": "quick"}]}]},
    {"actions": [{"action": "delete", "entities": ["s2"]}, {"action": "update", "entities": [{"dag_run_id": "s1", "note": "both"}]}]},
    {"actions": [{"action": "nothing", "entities": []}]},
    {"actions": [{"entities": []}]},
    {"actions": []},
    {},
)] + [patch("dags/~/dagRuns", {"actions": [{"action": "update", "entities": [{"dag_run_id": "s1", "note": "x"}]}]}), patch("dags/~/dagRuns", {"actions": [{"action": "update", "entities": [{"dag_run_id": "s1", "dag_id": "still", "note": "by all"}]}]}), patch("dags/nothing/dagRuns", {"actions": [{"action": "delete", "entities": ["s1"]}]})]  # fmt: skip

DELETED = [
    delete(QUEUED + "/s1"),
    delete(QUEUED + "/s1", again="twice"),
    delete("dags/quick/dagRuns/q2"),
    delete("dags/nothing/dagRuns/q2"),
    get(QUEUED + "?order_by=run_id", again="of those that are left"),
]

CASES = TRIGGERED + REFUSED + GOT + LISTED + BATCHES + PATCHED + CLEARED + CLEARED_MANY + CHANGED + DELETED
