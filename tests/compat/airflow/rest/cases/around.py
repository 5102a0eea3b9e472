"""What is installed, what is at work, and what is wrong with files."""

from case import get, put

FILES, DAGS, UNPAUSED = ("rest/dags/broken.py", "rest/dags/work.py", "rest/dags/clash.py"), ("quick", "clash"), ("clash",)

ERRORS = [get("importErrors", until=("total_entries", (1,)), keep=(("error", "import_errors.0.import_error_id"),))] + [get("importErrors" + more) for more in (
    "/{error}", "/999999", "/x", "?limit=0", "?offset=1", "?order_by=filename", "?order_by=-timestamp", "?order_by=import_error_id",
    "?order_by=bundle_name", "?order_by=stacktrace", "?order_by=nothing", "?filename_pattern=BROKEN", "?filename_pattern=nothing",
    "?filename_prefix_pattern=bro", "?filename_prefix_pattern=BRO", "?filename=broken.py", "?filename=broken.py&bundle_name=dags-folder",
    "?filename=broken.py&bundle_name=x", "?bundle_name=dags-folder", "?limit=-1",
)]  # fmt: skip

WARNINGS = [get("dagWarnings?warning_type=asset%20conflict", until=("total_entries", (1,)), again="when there is one")] + [get("dagWarnings" + more) for more in (
    "", "?dag_id=clash", "?dag_id=quick", "?warning_type=non-existent%20pool", "?warning_type=asset%20conflict", "?warning_type=nothing",
    "?order_by=-dag_id", "?order_by=timestamp", "?order_by=warning_type", "?order_by=message", "?order_by=nothing", "?limit=0", "?limit=-1",
    "?offset=1",
)]  # fmt: skip

INSTALLED = [get(path) for path in (
    "version", "monitor/health", "version?x=1", "config", "config?section=core", "config/section/core/option/parallelism",
    "config/section/nothing/option/x", "providers?limit=1", "providers?limit=-1", "providers?limit=x", "providers?offset=-1",
    "plugins", "plugins?limit=0", "plugins?limit=1000", "plugins?limit=-1", "plugins?offset=100", "plugins?offset=x", "plugins/importErrors",
    "plugins/nothing",
)] + [get("config", headers=(("Accept", accept),)) for accept in ("application/json", "text/plain", "text/html")]  # fmt: skip

JOBS = [get("jobs" + more) for more in (
    "?job_type=SchedulerJob&job_state=running", "?job_type=TriggererJob", "?job_type=DagProcessorJob", "?job_type=nothing", "?job_state=failed",
    "?is_alive=true&job_type=SchedulerJob", "?is_alive=false&job_type=SchedulerJob", "?is_alive=perhaps", "?hostname=nothing",
    "?executor_class=nothing", "?order_by=job_type&job_type=SchedulerJob", "?order_by=-start_date&limit=0", "?order_by=id&job_type=SchedulerJob",
    "?order_by=nothing", "?start_date_gte=2099-01-01T00:00:00Z", "?end_date_lt=2026-01-01T00:00:00Z", "?start_date_gt=x",
    "?limit=-1", "?order_by=state&limit=0", "?order_by=dag_id&limit=0", "?order_by=hostname&limit=0", "?order_by=latest_heartbeat&limit=0",
)]  # fmt: skip

PARSED = [
    get("dags/quick", keep=(("file", "file_token"),), again="for its file"),
    put("parseDagFile/{file}"),
    put("parseDagFile/{file}", again="twice"),
    put("parseDagFile/nothing"),
    get("parseDagFile/{file}"),
]

CASES = ERRORS + WARNINGS + INSTALLED + JOBS + PARSED
