"""Backfills."""

from case import get, post, put

FILES, DAGS, UNPAUSED = ("rest/dags/work.py", "flow_dags/flow.py", "rule_dags/past.py"), ("daily", "quick", "flow_daily", "rule_depends_on_past", "no_manual", "parted"), ("daily",)
RANGE = {"dag_id": "daily", "from_date": "2026-01-05T00:00:00Z", "to_date": "2026-01-07T00:00:00Z"}
OTHER = RANGE | {"dag_id": "flow_daily"}

DRY = [post("backfills/dry_run", body) for body in (
    RANGE, RANGE | {"run_backwards": True}, RANGE | {"max_active_runs": 1}, RANGE | {"reprocess_behavior": "completed"},
    RANGE | {"reprocess_behavior": "failed"}, RANGE | {"reprocess_behavior": "none"}, RANGE | {"reprocess_behavior": "nothing"},
    RANGE | {"dag_run_conf": {"a": 1}}, RANGE | {"dag_run_conf": [1]}, RANGE | {"from_date": "2026-01-08T00:00:00Z"},
    RANGE | {"to_date": "2026-02-05T00:00:00Z", "from_date": "2026-02-01T00:00:00Z"},
    RANGE | {"from_date": "2026-01-05T12:00:00Z", "to_date": "2026-01-06T12:00:00+02:00"},
    RANGE | {"to_date": "2099-01-01T00:00:00Z", "from_date": "2098-12-31T00:00:00Z"}, RANGE | {"from_date": "2026-01-05"},
    RANGE | {"from_date": "2026-01-05T00:00:00"}, RANGE | {"from_date": "x"}, RANGE | {"from_date": None}, RANGE | {"dag_id": "nothing"},
    RANGE | {"dag_id": "quick"}, RANGE | {"dag_id": "rule_depends_on_past", "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-02T00:00:00Z"},
    RANGE | {"dag_id": "rule_depends_on_past", "run_backwards": True}, RANGE | {"dag_id": "no_manual"},
    RANGE | {"dag_id": "parted", "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-03T00:00:00Z"}, RANGE | {"dag_id": 1},
    RANGE | {"max_active_runs": 0}, RANGE | {"max_active_runs": -1}, RANGE | {"max_active_runs": "x"}, RANGE | {"unknown": 1}, {},
    {"dag_id": "daily"},
)] + [post("backfills/dry_run", []), post("backfills/dry_run", None)]  # fmt: skip

MADE = [
    *(post("backfills", body) for body in (
        RANGE | {"dag_id": "nothing"}, RANGE | {"dag_id": "quick"}, RANGE | {"dag_id": "rule_depends_on_past", "run_backwards": True},
        RANGE | {"from_date": "x"}, RANGE | {"reprocess_behavior": "nothing"}, RANGE | {"dag_run_conf": "x"}, RANGE | {"max_active_runs": "x"},
        RANGE | {"unknown": 1}, {}, {"dag_id": "daily", "from_date": None, "to_date": None},
        OTHER | {"to_date": "2099-01-02T00:00:00Z", "from_date": "2099-01-01T00:00:00Z"},
    )),
    post("backfills", []),
    post("backfills", RANGE | {"dag_run_conf": {"why": "again"}, "max_active_runs": 2}, keep=(("done", "id"),)),
    get("dags/daily/dagRuns?run_type=backfill&state=success&order_by=logical_date", until=("total_entries", (3,))),
    post("backfills", OTHER | {"max_active_runs": 1}, keep=(("open", "id"),)),
    post("backfills", OTHER),
    post("backfills/dry_run", OTHER),
    get("dags/flow_daily/dagRuns?run_type=backfill&order_by=logical_date"),
]  # fmt: skip

READ = [get("backfills" + more) for more in ("?dag_id=flow_daily", "?dag_id=nothing", "", "?dag_id=flow_daily&limit=0", "?dag_id=flow_daily&order_by=-id", "?dag_id=flow_daily&order_by=nothing", "?dag_id=flow_daily&limit=-1", "?dag_id=flow_daily&offset=1", "/{open}", "/999999", "/x", "/-1")] + [
    post("backfills/dry_run", RANGE, again="of days that are there"),
    post("backfills/dry_run", RANGE | {"reprocess_behavior": "completed"}, again="of days that are there"),
    post("backfills/dry_run", RANGE | {"reprocess_behavior": "failed"}, again="of days that are there"),
]

CHANGED = [
    put("backfills/{open}/unpause"),
    put("backfills/{open}/pause"),
    put("backfills/{open}/pause", again="twice"),
    get("backfills/{open}", again="paused"),
    put("backfills/{open}/unpause", again="after a pause"),
    put("backfills/{open}/cancel"),
    put("backfills/{open}/cancel", again="twice"),
    put("backfills/{open}/pause", again="cancelled"),
    put("backfills/{open}/unpause", again="cancelled"),
    get("backfills/{open}", again="cancelled"),
    get("dags/flow_daily/dagRuns?run_type=backfill&order_by=logical_date", again="cancelled"),
    *(put(f"backfills/{number}/{what}") for number in ("999999", "x") for what in ("pause", "unpause", "cancel")),
    post("backfills/{open}/cancel"),
    put("backfills/{open}/nothing"),
]

TURNED = [
    post("backfills", OTHER | {"from_date": "2026-01-08T00:00:00Z"}),
    get("backfills?dag_id=flow_daily", again="at the end"),
]

CASES = DRY + MADE + READ + CHANGED + TURNED
