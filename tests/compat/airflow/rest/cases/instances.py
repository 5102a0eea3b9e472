"""Task instances: listed, got, and what belongs to one."""

from case import ended, get, post

FILES, DAGS, UNPAUSED = ("rest/dags/work.py",), ("works", "quick", "still"), ("works", "quick")
RUN = "dags/works/dagRuns/w1"
LIST = RUN + "/taskInstances"

STATE = [
    post("dags/works/dagRuns", {"dag_run_id": "w1", "logical_date": "2026-01-02T00:00:00Z"}),
    post("dags/quick/dagRuns", {"dag_run_id": "q1", "logical_date": "2026-01-02T00:00:00Z"}),
    post("dags/still/dagRuns", {"dag_run_id": "s1", "logical_date": None}),
    ended("quick", "q1"),
    ended("works", "w1", "failed"),
]

ORDER = "order_by=id"
QUERIES = (
    ORDER, "order_by=id&limit=3", "order_by=id&limit=2&offset=2", "limit=0", "order_by=-id&limit=2", "order_by=task_id", "order_by=-task_id&limit=2",
    "order_by=state&order_by=id", "order_by=-map_index&limit=1", "order_by=id&limit=0", "order_by=duration&limit=0", "order_by=start_date&limit=0",
    "order_by=end_date&limit=0",
    "order_by=logical_date&order_by=id&limit=1", "order_by=run_after&limit=0", "order_by=data_interval_start&limit=0",
    "order_by=rendered_map_index&limit=0", "order_by=operator&order_by=id&limit=2", "order_by=try_number&limit=0", "order_by=pool&limit=0",
    "order_by=priority_weight&limit=0", "order_by=note&limit=0", "order_by=nothing", "order_by=",
    "task_id=double&order_by=map_index", "task_id=nothing", "task_id=", "state=failed", "state=success&state=failed&order_by=id&limit=2",
    "state=null", "state=none", "state=no_status", "state=nothing", "state=FAILED", "state=", "state=skipped", "state=upstream_failed",
    "state=running",
    "pool=default_pool&task_id=judge", "pool=nothing", "pool_name_pattern=DEF&task_id=judge", "pool_name_prefix_pattern=def&task_id=judge",
    "pool_name_prefix_pattern=DEF", "queue=default&task_id=judge", "queue=nothing", "queue_name_pattern=fau&task_id=judge",
    "queue_name_prefix_pattern=x", "executor=nothing", "executor=&task_id=judge",
    "version_number=1&task_id=judge", "version_number=9", "version_number=x", "try_number=1&task_id=judge", "try_number=0&order_by=id",
    "try_number=x", "operator=EmptyOperator&order_by=id", "operator=@task&limit=0", "operator=nothing", "operator_name_pattern=python&limit=0",
    "operator_name_pattern=decorated&order_by=id&limit=1", "operator_name_prefix_pattern=Empty&order_by=id&limit=1",
    "map_index=1", "map_index=-1&order_by=id&limit=1", "map_index=0&map_index=1&order_by=map_index", "map_index=x", "rendered_map_index_pattern=of",
    "rendered_map_index_pattern=OF%200", "rendered_map_index_prefix_pattern=of%201", "task_display_name_pattern=JUD",
    "task_display_name_pattern=j_dge", "task_display_name_prefix_pattern=ju", "task_display_name_prefix_pattern=JU",
    "task_group_id=side&order_by=id", "task_group_id=nothing",
    "dag_id_pattern=works&limit=0", "dag_id_pattern=nothing", "run_id_pattern=W1&task_id=judge", "run_id_prefix_pattern=w&task_id=judge",
    "logical_date_gte=2026-01-02T00:00:00Z&task_id=judge", "logical_date_gt=2026-01-02T00:00:00Z", "logical_date_lte=2026-01-01",
    "start_date_gte=2026-01-01&task_id=judge", "end_date_lt=2026-01-01", "run_after_gte=x", "updated_at_lt=2026-01-01",
    "duration_gte=0&task_id=judge", "duration_gt=3600", "duration_lt=x",
    "limit=-1", "offset=-1", "limit=x", "cursor=nonsense",
)  # fmt: skip
LISTED = [get(f"{LIST}?{query}") for query in QUERIES] + [
    get("dags/~/dagRuns/~/taskInstances?order_by=id&state=success&limit=2"),
    get("dags/~/dagRuns/~/taskInstances?dag_id_pattern=quick&order_by=id"),
    get("dags/still/dagRuns/~/taskInstances?order_by=id"),
    get("dags/still/dagRuns/~/taskInstances?state=none&order_by=id&limit=1"),
    get("dags/still/dagRuns/~/taskInstances?state=null&order_by=id&limit=1"),
    get("dags/~/dagRuns/q1/taskInstances"),
    get("dags/~/dagRuns/q1/taskInstances?task_group_id=side"),
    get("dags/quick/dagRuns/nothing/taskInstances"),
    get("dags/nothing/dagRuns/q1/taskInstances"),
    get("dags/nothing/dagRuns/~/taskInstances"),
    get("dags/quick/dagRuns/q1/taskInstances?cursor=&limit=1&order_by=id", keep=(("next", "next_cursor"),)),
    get("dags/quick/dagRuns/q1/taskInstances?cursor={next}&limit=1&order_by=id", keep=(("next", "next_cursor"), ("previous", "previous_cursor"))),
    get("dags/quick/dagRuns/q1/taskInstances?cursor={previous}&limit=1&order_by=id"),
    get("dags/quick/dagRuns/q1/taskInstances?cursor={next}&limit=1&order_by=id", again="at the last"),
    get("dags/quick/dagRuns/q1/taskInstances?cursor={next}&limit=1&order_by=-id&order_by=state"),
]

ONE = [get(f"{LIST}/{path}") for path in (
    "judge", "last", "numbers", "left_out", "side.one", "double", "double/0", "double/1", "double/2", "double/-1", "double/x", "judge/-1", "judge/0",
    "nothing", "nothing/0",
    "double/listMapped", "double/listMapped?order_by=-map_index&limit=1", "double/listMapped?order_by=rendered_map_index",
    "double/listMapped?order_by=nothing", "double/listMapped?state=failed", "double/listMapped?state=nothing", "double/listMapped?map_index=1",
    "double/listMapped?rendered_map_index_pattern=1", "double/listMapped?limit=-1", "judge/listMapped", "nothing/listMapped",
    "double/listMapped?operator=nothing", "double/listMapped?limit=0", "double/listMapped?version_number=1&limit=0",
    "judge/tries", "double/tries", "double/1/tries", "double/9/tries", "double/tries?map_index=1", "nothing/tries", "judge/tries/1", "judge/tries/2",
    "judge/tries/x", "judge/tries/0", "double/tries/1", "double/1/tries/1", "double/1/tries/7", "double/tries/1?map_index=0",
    "judge/dependencies", "last/dependencies", "double/dependencies", "double/0/dependencies", "double/7/dependencies", "nothing/dependencies",
    "double/dependencies?map_index=1", "judge/dependencies?map_index=x",
    "judge/links", "double/links", "double/links?map_index=1", "nothing/links", "judge/links?map_index=x", "judge/links?try_number=1",
    "judge/links?try_number=9", "judge/links?map_index=4",
    "judge/externalLogUrl/1", "judge/externalLogUrl/x", "nothing/externalLogUrl/1",
)] + [get(f"dags/{path}") for path in (
    "still/dagRuns/s1/taskInstances/a", "still/dagRuns/s1/taskInstances/a/tries", "still/dagRuns/s1/taskInstances/a/dependencies",
    "still/dagRuns/s1/taskInstances/b/dependencies", "quick/dagRuns/nothing/taskInstances/a", "nothing/dagRuns/q1/taskInstances/a",
    "~/dagRuns/q1/taskInstances/a", "quick/dagRuns/~/taskInstances/a",
    "quick/dagRuns/nothing/taskInstances/a/tries", "quick/dagRuns/nothing/taskInstances/a/listMapped", "quick/dagRuns/q1/taskInstances/a",
)]  # fmt: skip

BATCH = "dags/~/dagRuns/~/taskInstances/list"
BATCHES = [post(BATCH, body) for body in (
    {"dag_ids": ["quick"], "order_by": "id"}, {"dag_ids": ["quick"], "order_by": "-id", "page_limit": 1},
    {"dag_ids": ["quick"], "order_by": "id", "page_limit": 1, "page_offset": 1},
    {"dag_ids": ["works"], "task_ids": ["judge", "last"], "order_by": "id"}, {"dag_run_ids": ["w1"], "state": ["failed"]},
    {"dag_ids": ["still"], "state": [None], "order_by": "id", "page_limit": 1},
    {"state": ["nothing"]}, {"state": []}, {"dag_ids": []}, {"dag_ids": "quick"}, {"dag_ids": [1]}, {"page_limit": -1},
    {"page_limit": 0, "dag_ids": ["quick"]}, {"page_limit": "x"}, {"order_by": "nothing"}, {"order_by": "task_id"}, {"order_by": ["task_id"]},
    {"unknown": 1}, {"logical_date_gte": "2026-01-03T00:00:00Z"}, {"logical_date_gte": "2026-01-03"}, {"logical_date_lt": "x"},
    {"dag_ids": ["quick"], "pool": ["nothing"]}, {"dag_ids": ["works"], "queue": ["default"], "task_ids": ["judge"]}, {"executor": ["nothing"]},
    {"dag_ids": ["quick"], "duration_gte": 3600}, {"duration_gte": "x"}, {"dag_ids": ["nothing"]},
    {"dag_ids": ["works"], "state": ["success", "skipped"], "order_by": "id", "page_limit": 2},
)] + [post(BATCH, []), post(BATCH, None), post("dags/quick/dagRuns/q1/taskInstances/list", {"order_by": "id"}), post("dags/nothing/dagRuns/~/taskInstances/list", {"dag_ids": ["quick"]}), post("dags/quick/dagRuns/nothing/taskInstances/list", {})]  # fmt: skip

CASES = STATE + LISTED + ONE + BATCHES
