"""DAGs: listed with every filter and order, described, paused, marked and removed."""

from case import delete, ended, get, patch, post

FILES = ("rest/dags/listing.py", "rest/dags/work.py")
DAGS = ("alpha", "beta", "gamma", "delta_2", "works", "quick", "daily", "still", "waits", "no_manual", "parted")
UNPAUSED = ("quick",)

STATE = [
    post("dags/quick/dagRuns", {"dag_run_id": "q1", "logical_date": "2026-01-02T00:00:00Z"}),
    ended("quick", "q1"),
    post("dags/still/dagRuns", {"dag_run_id": "s1", "logical_date": None}),
    post("dags/alpha/favorite"),
    post("dags/alpha/favorite", again="twice"),
    post("dags/nothing/favorite"),
]

QUERIES = (
    "", "limit=2", "limit=2&offset=3", "limit=0", "limit=100000", "offset=50", "offset=100000000000",
    "order_by=-dag_id", "order_by=dag_display_name", "order_by=-dag_display_name&limit=3", "order_by=next_dagrun", "order_by=-next_dagrun&limit=4",
    "order_by=state", "order_by=start_date", "order_by=last_run_state", "order_by=-last_run_state&limit=3", "order_by=last_run_start_date",
    "order_by=is_paused",
    "order_by=is_paused&order_by=-dag_id", "order_by=nothing", "order_by=", "order_by=-", "order_by=dag_id,is_paused", "order_by=owners",
    "order_by=id",
    "order_by=dag_id&order_by=-dag_id",
    "order_by=1&order_by=2&order_by=3&order_by=4&order_by=5&order_by=6&order_by=7&order_by=8&order_by=9&order_by=10&order_by=11",
    "tags=red", "tags=red&tags=blue", "tags=red&tags=blue&tags_match_mode=all", "tags=red&tags=green&tags_match_mode=any", "tags=nothing", "tags=",
    "tags=red&tags_match_mode=some", "tags_match_mode=all", "owners=ada", "owners=ada&owners=bob", "owners=nobody", "owners=a", "owners=",
    "dag_id_pattern=a", "dag_id_pattern=ALPHA", "dag_id_pattern=al%25a", "dag_id_pattern=alph_", "dag_id_pattern=~", "dag_id_pattern=",
    "dag_id_pattern=alpha%7Cbeta", "dag_id_pattern=%7C", "dag_id_prefix_pattern=al", "dag_id_prefix_pattern=AL", "dag_id_prefix_pattern=delta_",
    "dag_id_prefix_pattern=~", "dag_id_prefix_pattern=al%7Cbe", "dag_id_prefix_pattern=_", "dag_id_prefix_pattern=",
    "dag_display_name_pattern=first", "dag_display_name_pattern=quick", "dag_display_name_prefix_pattern=The", "dag_display_name_prefix_pattern=the",
    "paused=true&limit=2", "paused=false", "paused=yes&limit=1", "paused=maybe", "paused=", "exclude_stale=false&limit=2", "exclude_stale=maybe",
    "exclude_stale=",
    "last_dag_run_state=success", "last_dag_run_state=queued", "last_dag_run_state=failed", "last_dag_run_state=nothing", "last_dag_run_state=",
    "dag_run_state=success", "dag_run_state=success&dag_run_state=queued", "dag_run_state=nothing", "has_import_errors=false&limit=1",
    "has_import_errors=true",
    "bundle_name=dags-folder&limit=1", "bundle_name=nothing", "bundle_version=nothing", "has_asset_schedule=true", "has_asset_schedule=false&limit=1",
    "asset_dependency=orders", "asset_dependency=bills", "asset_dependency=nothing", "is_favorite=true", "is_favorite=false&limit=1",
    "is_favorite=maybe",
    "timetable_type=airflow.timetables.simple.NullTimetable&limit=1", "timetable_type=NullTimetable", "timetable_type=nothing",
    "dag_run_start_date_gte=2026-02-01T00:00:00Z", "dag_run_start_date_lt=2026-02-01T00:00:00Z", "dag_run_end_date_gte=2026-02-01",
    "dag_run_start_date_gte=soon",
    "dag_run_end_date_lte=2099-01-01T00:00:00%2B02:00", "limit=x", "limit=-1", "limit=1.5", "limit=", "offset=-1", "offset=x",
    "limit=-1&offset=-1&paused=maybe",
)  # fmt: skip
LISTS = [get("dags?" + query if query else "dags") for query in QUERIES]

ONE = (
    [get(f"dags/{dag}{more}") for dag in ("alpha", "beta", "gamma", "delta_2", "quick", "parted", "no_manual") for more in ("", "/details")]
    + [get(path) for path in ("dags/nothing", "dags/nothing/details", "dags/~", "dags/~/details", "dags/a%20b", "dags/ALPHA")]
    + [get(f"dags/alpha/tasks{more}") for more in ("", "?order_by=-task_id", "?order_by=operator_name", "?order_by=start_date", "?order_by=-priority_weight", "?order_by=nothing", "?order_by=", "?limit=1", "/first", "/never", "/side.two", "/nothing")]
    + [get(f"dags/{path}") for path in ("beta/tasks", "beta/tasks/many", "gamma/tasks", "delta_2/tasks/only", "works/tasks", "works/tasks/double", "nothing/tasks", "nothing/tasks/x", "~/tasks")]
)

VERSIONS = [
    *(get("dags/alpha/dagVersions" + more) for more in ("", "?limit=1", "?version_number=1", "?version_number=2", "?version_number=x", "?bundle_name=dags-folder", "?bundle_name=nothing", "?bundle_version=x", "?order_by=-version_number", "?order_by=bundle_name", "?order_by=created_at", "?order_by=nothing")),
    *(get(f"dags/{path}") for path in ("alpha/dagVersions/1", "alpha/dagVersions/2", "alpha/dagVersions/0", "alpha/dagVersions/x", "nothing/dagVersions", "nothing/dagVersions/1", "~/dagVersions?order_by=dag_id&limit=2", "~/dagVersions/1")),
    *(get("dagSources/" + path) for path in ("alpha", "alpha?version_number=1", "alpha?version_number=7", "alpha?version_number=x", "nothing", "~")),
    get("dagSources/alpha", headers=(("Accept", "application/json"),)),
    get("dagSources/alpha", headers=(("Accept", "text/plain"),)),
    get("dagSources/alpha", headers=(("Accept", "text/html"),)),
    get("dagSources/alpha", headers=(("Accept", "text/html, application/json;q=0.9"),)),
    get("dagSources/nothing", headers=(("Accept", "text/plain"),)),
]  # fmt: skip

TAGS = [get("dagTags" + more) for more in ("", "?limit=2", "?limit=1&offset=1", "?order_by=-name", "?order_by=nothing", "?tag_name_pattern=RE", "?tag_name_pattern=e%7Cl", "?tag_name_pattern=~", "?tag_name_prefix_pattern=re", "?tag_name_prefix_pattern=RE", "?limit=-1")]
STATS = [get("dagStats" + more) for more in ("?dag_ids=quick&dag_ids=still", "?dag_ids=quick", "?dag_ids=nothing", "?dag_ids=", "?dag_ids=quick&dag_ids=nothing")] + [get("dagStats", sort=("dags",))]

PATCHES = [
    patch("dags/alpha", {"is_paused": False}),
    patch("dags/alpha", {"is_paused": True}, again="paused"),
    patch("dags/alpha?update_mask=is_paused", {"is_paused": False}),
    patch("dags/alpha?update_mask=tags", {"is_paused": True}),
    patch("dags/alpha?update_mask=is_paused&update_mask=tags", {"is_paused": True}),
    patch("dags/alpha?update_mask=", {"is_paused": True}),
    patch("dags/alpha", {}),
    patch("dags/alpha", {"is_paused": "yes"}),
    patch("dags/alpha", {"is_paused": "perhaps"}),
    patch("dags/alpha", {"is_paused": 1}),
    patch("dags/alpha", {"is_paused": 2}),
    patch("dags/alpha", {"is_paused": None}),
    patch("dags/alpha", {"is_paused": True, "tags": []}),
    patch("dags/alpha", []),
    patch("dags/alpha", None),
    patch("dags/alpha"),
    patch("dags/alpha", raw=b"{"),
    patch("dags/nothing", {"is_paused": True}),
    patch("dags/nothing", {}),
    patch("dags?dag_id_pattern=beta", {"is_paused": False}),
    patch("dags?dag_id_prefix_pattern=be", {"is_paused": True}),
    patch("dags?tags=green&tags_match_mode=all", {"is_paused": True}),
    patch("dags?owners=bob&update_mask=is_paused", {"is_paused": True}),
    patch("dags?owners=bob&update_mask=tags", {"is_paused": True}),
    patch("dags?paused=false&dag_id_pattern=alpha&limit=1", {"is_paused": True}),
    patch("dags?dag_id_pattern=nothing", {"is_paused": True}),
    patch("dags?dag_id_pattern=beta", {}),
    patch("dags?limit=-1", {"is_paused": True}),
    patch("dags?paused=maybe", {"is_paused": "maybe"}),
    get("dags?paused=false", again="after the changes"),
]

UNMARKED = [
    post("dags/alpha/unfavorite"),
    post("dags/alpha/unfavorite", again="twice"),
    post("dags/nothing/unfavorite"),
    get("dags/alpha/favorite"),
    get("dags?is_favorite=true", again="none"),
]

DELETED = [
    delete("dags/nothing"),
    delete("dags/still"),
    delete("dags/still", again="twice"),
    get("dags/still/dagRuns/s1", again="deleted"),
]

CASES = STATE + LISTS + ONE + VERSIONS + TAGS + STATS + PATCHES + UNMARKED + DELETED
