"""What people are asked."""

from case import get, patch, post

FILES, DAGS, UNPAUSED = ("rest/dags/ask.py", "rest/dags/work.py"), ("ask", "quick"), ("ask", "quick")
RUN = "dags/ask/dagRuns/a1"
CHOOSE, APPROVE = f"{RUN}/taskInstances/choose/-1/hitlDetails", f"{RUN}/taskInstances/approve/-1/hitlDetails"

STATE = [
    post("dags/ask/dagRuns", {"dag_run_id": "a1", "logical_date": "2026-01-02T00:00:00Z"}),
    get(f"{RUN}/hitlDetails?limit=0", until=("total_entries", (2,)), again="when both ask"),
    *(get(f"{RUN}/taskInstances/{task}", until=("state", ("deferred", "awaiting_input"))) for task in ("choose", "approve")),
]

READ = [get(f"{RUN}/hitlDetails" + more) for more in (
    "?order_by=subject", "?order_by=-subject&limit=1", "?order_by=subject&offset=1", "?limit=0", "?order_by=task_id", "?order_by=created_at&limit=0",
    "?order_by=responded_at&limit=0", "?order_by=run_id&limit=0", "?order_by=nothing", "?task_id=choose&limit=0", "?task_id=nothing",
    "?task_id_pattern=CHOO", "?task_id_prefix_pattern=cho", "?map_index=-1&limit=0", "?map_index=3", "?map_index=x",
    "?state=deferred&limit=0", "?state=awaiting_input&limit=0", "?state=success", "?state=nothing", "?response_received=true",
    "?response_received=false&limit=0", "?response_received=perhaps", "?responded_by_user_id=admin", "?responded_by_user_name=admin",
    "?subject_search=ALL", "?subject_search=nothing", "?body_search=LUNCH", "?body_search=nothing", "?created_at_gte=2099-01-01T00:00:00Z",
    "?created_at_lt=2026-01-01", "?created_at_lt=x", "?dag_id_pattern=as&limit=0", "?dag_id_prefix_pattern=x", "?limit=-1",
)] + [get(path) for path in (
    CHOOSE, APPROVE, CHOOSE + "/tries/1", CHOOSE + "/tries/0", CHOOSE + "/tries/2", CHOOSE + "/tries/x", f"{RUN}/taskInstances/choose/0/hitlDetails",
    f"{RUN}/taskInstances/choose/x/hitlDetails", f"{RUN}/taskInstances/nothing/-1/hitlDetails", "dags/ask/dagRuns/nothing/hitlDetails",
    "dags/nothing/dagRuns/a1/hitlDetails", "dags/~/dagRuns/~/hitlDetails?order_by=subject&limit=1",
    "dags/nothing/dagRuns/a1/taskInstances/choose/-1/hitlDetails",
)]  # fmt: skip

ANSWERED = [
    *(patch(CHOOSE, body) for body in ({}, {"chosen_options": []}, {"chosen_options": ["nothing"]}, {"chosen_options": "soup"}, {"chosen_options": [1]}, {"chosen_options": ["soup"], "unknown": 1}, {"chosen_options": ["soup"], "params_input": []}, {"chosen_options": ["soup", "nothing", "and"]}, {"params_input": {}})),
    patch(CHOOSE, []),
    patch(CHOOSE, None),
    patch(APPROVE, {"chosen_options": ["Approve", "Reject"]}),
    patch(f"{RUN}/taskInstances/nothing/-1/hitlDetails", {"chosen_options": ["soup"]}),
    patch(f"{RUN}/taskInstances/choose/3/hitlDetails", {"chosen_options": ["soup"]}),
    patch(CHOOSE, {"chosen_options": ["soup", "pie"], "params_input": {"seats": 4}}),
    patch(CHOOSE, {"chosen_options": ["soup"]}, again="twice"),
    patch(APPROVE, {"chosen_options": ["Approve"]}),
    get(RUN, until=("state", ("success",))),
    get(APPROVE, again="approved"),
    get(CHOOSE, again="answered"),
    get(f"{RUN}/hitlDetails?response_received=true&order_by=subject", again="answered"),
    get(f"{RUN}/hitlDetails?responded_by_user_id=admin&limit=0", again="answered"),
    get(f"{RUN}/hitlDetails?responded_by_user_name=admin&limit=0", again="answered"),
    get(f"{RUN}/taskInstances/~/xcomEntries?order_by=task_id&order_by=key"),
    get(f"{RUN}/taskInstances/choose/xcomEntries/return_value"),
    get(f"{RUN}/taskInstances/approve/xcomEntries/return_value"),
]

CASES = STATE + READ + ANSWERED
