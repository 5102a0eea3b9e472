"""Task instances that are changed by hand: marked, noted, cleared, removed."""

from case import delete, ended, get, patch, post

FILES, DAGS, UNPAUSED = ("rest/dags/work.py",), ("works", "quick", "still"), ("works", "quick")
STILL = "dags/still/dagRuns/s1/taskInstances"
QUICK = "dags/quick/dagRuns/q1/taskInstances"
WORK = "dags/works/dagRuns/w1/taskInstances"

STATE = [
    post("dags/works/dagRuns", {"dag_run_id": "w1", "logical_date": "2026-01-02T00:00:00Z"}),
    *(post("dags/quick/dagRuns", {"dag_run_id": f"q{number}", "logical_date": f"2026-01-0{number}T00:00:00Z"}) for number in (1, 2, 3)),
    post("dags/quick/dagRuns", {"dag_run_id": "no_date", "logical_date": None}),
    *(post("dags/still/dagRuns", {"dag_run_id": f"s{number}", "logical_date": f"2026-01-0{number}T00:00:00Z"}) for number in (1, 2)),
    *(ended("quick", run) for run in ("q1", "q2", "q3", "no_date")),
    ended("works", "w1", "failed"),
]

DRY = [
    *(patch(f"{QUICK}/b/dry_run", body) for body in (
        {"new_state": "failed"}, {"new_state": "success"}, {"new_state": "FAILED"}, {"new_state": "failed", "include_downstream": True},
        {"new_state": "failed", "include_upstream": True}, {"new_state": "failed", "include_future": True},
        {"new_state": "failed", "include_past": True, "include_downstream": True, "include_future": True},
        {"note": "x"}, {}, {"new_state": None}, {"new_state": "running"}, {"new_state": "nothing"}, {"new_state": 1}, {"unknown": 1},
        {"new_state": "failed", "include_past": "perhaps"}, {"new_state": "skipped"}, {"new_state": "failed", "note": "x" * 1001},
    )),
    patch(f"{QUICK}/b/dry_run", []),
    patch(f"{QUICK}/b/dry_run", None),
    patch(f"{QUICK}/b/dry_run?update_mask=new_state", {"new_state": "failed", "note": "x"}),
    patch(f"{QUICK}/b/dry_run?update_mask=nothing", {"new_state": "failed"}),
    patch(f"{QUICK}/nothing/dry_run", {"new_state": "failed"}),
    patch("dags/quick/dagRuns/nothing/taskInstances/b/dry_run", {"new_state": "failed"}),
    patch("dags/nothing/dagRuns/q1/taskInstances/b/dry_run", {"new_state": "failed"}),
    patch(f"{WORK}/double/dry_run", {"new_state": "failed"}),
    patch(f"{WORK}/double/0/dry_run", {"new_state": "failed"}),
    patch(f"{WORK}/double/dry_run?map_index=1", {"new_state": "failed"}),
    patch(f"{WORK}/double/9/dry_run", {"new_state": "failed"}),
    patch("dags/quick/dagRuns/q1/taskGroupInstances/nothing/dry_run", {"new_state": "failed"}),
    patch("dags/works/dagRuns/w1/taskGroupInstances/side/dry_run", {"new_state": "failed"}),
    patch("dags/works/dagRuns/w1/taskGroupInstances/side/dry_run", {"new_state": "success"}),
    patch("dags/works/dagRuns/w1/taskGroupInstances/side/dry_run", {}),
]  # fmt: skip

LOOK, UNORDERED = QUICK + "?order_by=map_index", ("task_instances",)
MARKED = [
    patch(f"{QUICK}/b", {"note": "a note"}),
    patch(f"{QUICK}/b", {"note": None}),
    patch(f"{QUICK}/b", {"note": ""}),
    patch(f"{QUICK}/b?update_mask=note", {"note": "masked", "new_state": "failed"}),
    patch(f"{QUICK}/b?update_mask=nothing", {"note": "x"}),
    patch(f"{QUICK}/b", {"note": 1}),
    patch(f"{QUICK}/b", {"note": "x" * 1001}),
    patch(f"{QUICK}/b", {}),
    patch(f"{QUICK}/b", {"unknown": 1}),
    patch(f"{QUICK}/b", {"new_state": "running"}),
    patch(f"{QUICK}/b", {"new_state": "success"}),
    patch(f"{QUICK}/c", {"new_state": "failed", "note": "by hand"}),
    patch(f"{QUICK}/c", {"new_state": "failed"}, again="twice"),
    get(LOOK, again="c has failed", sort=UNORDERED),
    get("dags/quick/dagRuns/q1", again="c has failed"),
    patch(f"{QUICK}/c", {"new_state": "success"}),
    ended("quick", "q1", again="after a success"),
    patch(f"{QUICK}/c", {"new_state": "skipped"}),
    patch(f"{QUICK}/nothing", {"new_state": "failed"}),
    patch(f"{QUICK}/b/5", {"new_state": "failed"}),
    patch("dags/quick/dagRuns/nothing/taskInstances/b", {"note": "x"}),
    patch("dags/nothing/dagRuns/q1/taskInstances/b", {"note": "x"}),
    patch("dags/quick/dagRuns/no_date/taskInstances/b", {"new_state": "failed", "include_past": True}),
    patch("dags/quick/dagRuns/no_date/taskInstances/b/dry_run", {"new_state": "failed", "include_future": True}),
    patch(f"{WORK}/double/0", {"note": "of one"}),
    patch(f"{WORK}/double?map_index=1", {"note": "of another"}),
    patch(f"{WORK}/double", {"note": "of all"}),
    get(f"{WORK}/double/listMapped", again="with notes"),
    patch(f"{WORK}/double/0", {"new_state": "failed"}),
    patch("dags/works/dagRuns/w1/taskGroupInstances/side", {"new_state": "success"}),
    patch("dags/works/dagRuns/w1/taskGroupInstances/side?update_mask=note", {"note": "of a group"}),
    patch("dags/works/dagRuns/w1/taskGroupInstances/nothing", {"new_state": "success"}),
    patch("dags/still/dagRuns/s1/taskGroupInstances/side", {"new_state": "failed"}),
    patch(f"{STILL}/a", {"new_state": "success", "include_downstream": True, "include_future": True}),
    get("dags/still/dagRuns/~/taskInstances?order_by=map_index", again="marked", sort=UNORDERED),
]

BULK = [patch(STILL, {"actions": actions}) for actions in (
    [{"action": "update", "entities": [{"task_id": "a", "new_state": "failed"}]}],
    [{"action": "update", "entities": [{"task_id": "b", "note": "in bulk", "new_state": "success"}], "update_mask": ["note"]}],
    [{"action": "update", "entities": [{"task_id": "nothing", "new_state": "failed"}]}],
    [{"action": "update", "entities": [{"task_id": "nothing", "new_state": "failed"}], "action_on_non_existence": "skip"}],
    [{"action": "update", "entities": [{"task_id": "a", "map_index": 4, "new_state": "failed"}]}],
    [{"action": "update", "entities": [{"task_id": "a"}]}],
    [{"action": "update", "entities": [{"task_id": "a", "new_state": "running"}]}],
    [{"action": "update", "entities": [{"new_state": "failed"}]}],
    [{"action": "create", "entities": [{"task_id": "a", "new_state": "success"}]}],
    [{"action": "delete", "entities": ["nothing"]}],
    [{"action": "delete", "entities": ["nothing"], "action_on_non_existence": "skip"}],
    [{"action": "delete", "entities": ["side.two"]}],
    [{"action": "delete", "entities": [{"task_id": "side.one"}]}],
    [{"action": "delete", "entities": [{"task_id": "a", "dag_id": "still", "dag_run_id": "nothing"}]}],
    [{"action": "nothing", "entities": []}],
    [],
)] + [
    patch("dags/~/dagRuns/~/taskInstances", {"actions": [{"action": "update", "entities": [{"task_id": "a", "new_state": "success"}]}]}),
    patch("dags/~/dagRuns/~/taskInstances", {"actions": [{"action": "update", "entities": [{"task_id": "a", "dag_id": "still", "dag_run_id": "s2", "new_state": "failed"}]}]}),
    patch(STILL, {}),
    get(STILL, again="after bulk", sort=UNORDERED),
]  # fmt: skip

CLEAR = "dags/quick/clearTaskInstances"
CLEARED = [post(CLEAR, body) for body in (
    {}, {"dry_run": True, "only_failed": False, "dag_run_id": "q2"}, {"only_failed": False, "dag_run_id": "q2", "task_ids": ["b"]},
    {"only_failed": False, "dag_run_id": "q2", "task_ids": ["b"], "include_downstream": True},
    {"only_failed": False, "dag_run_id": "q2", "task_ids": ["b"], "include_upstream": True},
    {"only_failed": False, "dag_run_id": "q2", "task_ids": ["b"], "include_future": True},
    {"only_failed": False, "dag_run_id": "q2", "task_ids": ["b"], "include_past": True}, {"only_failed": False, "task_ids": ["b"]},
    {"only_failed": True, "dag_run_id": "q2"}, {"only_failed": False, "only_running": True, "dag_run_id": "q2"}, {"only_running": True},
    {"only_failed": True, "only_running": True},
    {"only_failed": False, "start_date": "2026-01-02T00:00:00Z", "end_date": "2026-01-02T00:00:00Z", "task_ids": ["a"]},
    {"only_failed": False, "start_date": "2026-01-02T00:00:00Z", "task_ids": ["a"]},
    {"start_date": "2026-01-03T00:00:00Z", "end_date": "2026-01-02T00:00:00Z"}, {"start_date": "2026-01-02T00:00:00Z", "dag_run_id": "q2"},
    {"end_date": "2026-01-02T00:00:00Z", "dag_run_id": "q2"},
    {"start_date": "2026-01-02T00:00:00Z", "end_date": "2026-01-02T00:00:00Z", "dag_run_id": "q2"},
    {"task_ids": []}, {"task_ids": ["nothing"], "dag_run_id": "q2"}, {"task_ids": [["b", -1]], "dag_run_id": "q2", "only_failed": False},
    {"task_ids": [["b", 3]], "dag_run_id": "q2", "only_failed": False}, {"task_ids": [["b"]], "dag_run_id": "q2"}, {"task_ids": "b"},
    {"task_ids": [1]}, {"task_ids": None, "dag_run_id": "q2", "only_failed": False, "note": "x"},
    {"dag_run_id": "nothing"}, {"dag_run_id": "nothing", "only_failed": False}, {"start_date": "x"}, {"end_date": "2026-01-02"},
    {"dry_run": "perhaps"}, {"unknown": 1}, {"note": "x" * 1001}, {"dag_run_id": "no_date", "only_failed": False, "include_future": True},
    {"dag_run_id": "no_date", "only_failed": False, "include_past": True, "dry_run": False},
    {"run_on_latest_version": True, "dag_run_id": "q2", "only_failed": False, "task_ids": ["a"]},
    {"dry_run": False, "dag_run_id": "q3", "only_failed": False, "task_ids": ["b"], "include_downstream": True, "note": "cleared"},
)] + [
    ended("quick", "q3", again="after clearing"),
    get("dags/quick/dagRuns/q3/taskInstances", again="after clearing", sort=UNORDERED),
    get("dags/quick/dagRuns/q3/taskInstances/b/tries"),
    get("dags/quick/dagRuns/q3/taskInstances/b/tries/1"),
    get("dags/quick/dagRuns/q3/taskInstances/b/tries/2"),
    get("dags/quick/dagRuns/q3/taskInstances/b/tries/3"),
    post(CLEAR, []),
    post(CLEAR, None),
    post(CLEAR),
    post("dags/nothing/clearTaskInstances", {}),
    post("dags/nothing/clearTaskInstances", {"unknown": 1}),
    post("dags/works/clearTaskInstances", {"dag_run_id": "w1"}),
    post("dags/works/clearTaskInstances", {"dag_run_id": "w1", "only_failed": False, "task_ids": ["double"]}),
    post("dags/works/clearTaskInstances", {"dag_run_id": "w1", "only_failed": False, "task_ids": [["double", 1]]}),
    post("dags/works/clearTaskInstances", {"dag_run_id": "w1", "only_failed": False, "task_ids": [["double", 1]], "include_downstream": True}),
    post("dags/still/clearTaskInstances", {"dag_run_id": "s2", "only_failed": False, "dry_run": False, "reset_dag_runs": False}),
    get("dags/still/dagRuns/s2", again="cleared without its state"),
]  # fmt: skip

DELETED = [
    delete(f"{QUICK}/b"),
    delete(f"{QUICK}/b", again="twice"),
    get(f"{QUICK}/b", again="deleted"),
    delete(f"{QUICK}/nothing"),
    delete(f"{WORK}/double"),
    delete(f"{WORK}/double?map_index=1"),
    delete(f"{WORK}/double?map_index=x"),
    get(f"{WORK}?task_id=double&order_by=map_index"),
]

CASES = STATE + DRY + MARKED + BULK + CLEARED + DELETED
