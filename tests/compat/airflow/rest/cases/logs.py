"""Logs of tasks, links of operators and the log of events."""

from case import ended, get, post

FILES, DAGS, UNPAUSED = ("rest/dags/linking.py", "rest/dags/work.py"), ("linking", "linked", "quick", "still"), ("linking", "linked")
RUN = "dags/linking/dagRuns/l1/taskInstances"
NDJSON = (("Accept", "application/x-ndjson"),)
JSON = (("Accept", "application/json"),)

STATE = [
    post("dags/linking/dagRuns", {"dag_run_id": "l1", "logical_date": "2026-01-02T00:00:00Z"}),
    post("dags/still/dagRuns", {"dag_run_id": "s1", "logical_date": None}),
    ended("linking", "l1", "failed"),
    ended("linked", "started"),
]

LOGS = [get(f"{RUN}/{path}", headers=headers) for headers in (JSON, NDJSON) for path in ("tell/logs/1", "fail/logs/1", "fail/logs/2", "start/logs/1", "tell/logs/2", "tell/logs/0", "nothing/logs/1")] + [
    get(f"{RUN}/tell/logs/1"),
    # what is printed comes by another way than what is logged: the order is chance
    get(f"{RUN}/show/logs/1", headers=JSON, sort=("content",)),
    get(f"{RUN}/tell/logs/1", headers=(("Accept", "text/html"),)),
    get(f"{RUN}/tell/logs/1", headers=(("Accept", "text/plain"),)),
    get(f"{RUN}/tell/logs/1?full_content=true", headers=JSON),
    get(f"{RUN}/tell/logs/1?full_content=perhaps"),
    get(f"{RUN}/tell/logs/1?map_index=3"),
    get(f"{RUN}/tell/logs/1?map_index=x"),
    get(f"{RUN}/tell/logs/1?token=nonsense", headers=JSON),
    get(f"{RUN}/tell/logs/x"),
    get(f"{RUN}/tell/logs/-1"),
    get("dags/linking/dagRuns/nothing/taskInstances/tell/logs/1"),
    get("dags/nothing/dagRuns/l1/taskInstances/tell/logs/1"),
    get("dags/still/dagRuns/s1/taskInstances/a/logs/1", headers=JSON),
    get("dags/still/dagRuns/s1/taskInstances/a/logs/0", headers=JSON),
    get("dags/linked/dagRuns/started/taskInstances/only/logs/1", headers=JSON),
]

LINKS = [get(f"{RUN}/{path}") for path in ("start/links", "start/links?try_number=1", "start/links?try_number=2", "tell/links", "start/links?map_index=0", "nothing/links", "start", "fail/tries", "fail/tries/1", "fail")]

EVENTS = [
    get("eventLogs?event=trigger_dag_run&order_by=id", keep=(("event", "event_logs.0.event_log_id"),)),
    *(get("eventLogs" + more) for more in (
        "/{event}", "/999999", "/x", "?event=nothing", "?dag_id=still&order_by=id", "?dag_id=still&limit=1&order_by=-id", "?dag_id=nothing",
        "?run_id=s1", "?run_id=l1&task_id=tell&order_by=id", "?task_id=fail&order_by=id&limit=50", "?map_index=3", "?map_index=x",
        "?try_number=2&task_id=fail&order_by=id", "?owner=admin&event=trigger_dag_run&order_by=id", "?owner=nobody",
        "?event_pattern=TRIGGER_DAG&order_by=id", "?event_prefix_pattern=trigger_d&order_by=id", "?dag_id_pattern=STIL&order_by=id",
        "?dag_id_prefix_pattern=stil&order_by=id", "?task_id_pattern=tel&order_by=id", "?run_id_pattern=s1",
        "?owner_pattern=adm&event=trigger_dag_run&limit=0", "?included_events=trigger_dag_run&order_by=id", "?included_events=nothing",
        "?excluded_events=trigger_dag_run&dag_id=still", "?excluded_events=trigger_dag_run&included_events=trigger_dag_run",
        "?before=2026-01-01T00:00:00Z", "?after=2099-01-01T00:00:00Z", "?before=x", "?after=", "?dag_id=still&order_by=event",
        "?dag_id=still&order_by=when", "?dag_id=still&order_by=dttm", "?dag_id=still&order_by=-owner", "?order_by=nothing", "?limit=-1",
        "?dag_id=still&order_by=extra", "?dag_id=still&order_by=logical_date", "?order_by=event_log_id&dag_id=still",
    )),
]  # fmt: skip

CASES = STATE + LOGS + LINKS + EVENTS
