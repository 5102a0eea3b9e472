"""Traces, version 3: started, read, searched, tagged, assessed, deleted."""

from case import delete, get, patch, post

V3 = "/api/3.0/mlflow/traces"


def trace(name: str, at: str, state: str = "OK", exp: str = "${exp}", **more) -> dict:
    where = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": exp}}
    info = {"trace_id": f"tr-{name}", "trace_location": where, "request_time": at, "execution_duration": "1.5s", "state": state, "trace_metadata": {"mlflow.user": "me", "mlflow.trace_schema.version": "3"}, "tags": {"team": "nlp"}, "request_preview": "in", "response_preview": "out"}
    return {"trace": {"trace_info": {**info, **more}}}  # fmt: skip


LOCATIONS = {"locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "${exp}"}}]}
FILTERS = {
    "status": "attributes.status = 'OK'", "state": "trace.status = 'ERROR'", "time": "attributes.timestamp_ms > 1", "duration": "attributes.execution_time_ms >= 1500", "tag": "tags.team = 'nlp'", "tag unequal": "tags.team != 'nlp'", "tag like": "tags.team LIKE 'n%'", "tag ilike": "tags.team ILIKE 'N%'", "metadata": "request_metadata.mlflow.user = 'me'", "metadata word": "metadata.`mlflow.user` = 'me'", "name": "attributes.name = 'x'", "trace name": "trace.name = 'x'", "id": "attributes.request_id = 'tr-one'", "rlike": "tags.team RLIKE '^n'", "and": "tags.team = 'nlp' AND attributes.status = 'OK'", "or": "tags.team = 'nlp' OR tags.team = 'x'", "unknown": "attributes.none = 'x'", "entity": "things.x = 'y'", "no value": "tags.team =", "empty": "", "tag is null": "tags.none IS NULL", "tag is not null": "tags.team IS NOT NULL", "feedback": "feedback.good = 'true'", "run": "attributes.run_id = 'x'", "in": "attributes.status IN ('OK')", "ids in": "trace.request_id IN ('tr-one')", "small time": "timestamp < 5", "text": "trace.text LIKE '%x%'",
}  # fmt: skip
ORDERS = (["timestamp_ms ASC"], ["timestamp_ms DESC"], ["execution_time_ms ASC"], ["status DESC"], ["tags.team"], ["unknown"], ["timestamp"], ["request_id ASC"], [""])
TWO = {"trace_ids": ["tr-one", "tr-two"]}

CASES = [
    post("an experiment", "experiments/create", {"name": "traces"}, keep={"exp": "experiment_id"}),
    post("an experiment for what only one of the servers takes", "experiments/create", {"name": "odd traces"}, keep={"odd": "experiment_id"}),
    post("a run", "runs/create", {"experiment_id": "${exp}", "start_time": 1, "run_name": "r"}, keep={"run": "run.info.run_id"}),
    post("start", V3, trace("one", "2024-01-01T00:00:01Z")),
    post("start another", V3, trace("two", "2024-01-01T00:00:02Z", "ERROR", tags={"team": "vision", "k": "v"})),
    post("start a third", V3, trace("three", "2024-01-01T00:00:03.250Z", "IN_PROGRESS", tags={})),
    post("start again", V3, trace("one", "2024-01-01T00:00:01Z", tags={"team": "nlp", "again": "1"})),
    post("start nothing", V3, {}),
    post("start without a place", V3, {"trace": {"trace_info": {"trace_id": "tr-x", "request_time": "2024-01-01T00:00:01Z"}}}),
    post("start in an unknown experiment", V3, trace("lost", "2024-01-01T00:00:01Z", exp="987654")),
    post("start with a bad time", V3, trace("late", "soon", exp="${odd}")),
    post("start with a bad state", V3, trace("odd", "2024-01-01T00:00:01Z", "DONE")),
    get("get", f"{V3}/tr-one"),
    get("get unknown", f"{V3}/tr-none"),
    get("get whole", f"{V3}/get", {"trace_id": "tr-one", "allow_partial": "true"}),
    get("get whole unknown", f"{V3}/get", {"trace_id": "tr-none"}),
    get("get whole nothing", f"{V3}/get"),
    get("several", f"{V3}/batchGet", TWO),
    get("several of none", f"{V3}/batchGet"),
    post("infos", f"{V3}/batchGetInfos", TWO),
    post("infos with an unknown", f"{V3}/batchGetInfos", {"trace_ids": ["tr-one", "tr-none"]}),
    post("infos of none", f"{V3}/batchGetInfos", {}),
    patch("tag", f"{V3}/tr-one/tags", {"key": "a", "value": "1"}),
    patch("tag again", f"{V3}/tr-one/tags", {"key": "a", "value": "2"}),
    patch("tag of no key", f"{V3}/tr-one/tags", {"value": "2"}),
    patch("tag unknown", f"{V3}/tr-none/tags", {"key": "a", "value": "1"}),
    patch("tag of 251", f"{V3}/tr-one/tags", {"key": "k" * 251, "value": "1"}),
    patch("tag value of 8001", f"{V3}/tr-one/tags", {"key": "long", "value": "v" * 8001}),
    delete("delete a tag", f"{V3}/tr-one/tags", {"key": "a"}),
    delete("delete it again", f"{V3}/tr-one/tags", {"key": "a"}),
    delete("delete a tag of unknown", f"{V3}/tr-none/tags", {"key": "a"}),
    delete("delete a tag named in the query", f"{V3}/tr-one/tags", query={"key": "team"}),
    get("get tagged", f"{V3}/tr-one"),
    post("search", f"{V3}/search", LOCATIONS),
    post("search nowhere", f"{V3}/search", {}),
    *(post(f"filter: {what}", f"{V3}/search", {**LOCATIONS, "filter": text, "order_by": ["timestamp_ms ASC"]}) for what, text in FILTERS.items()),
    *(post(f"order by {order}", f"{V3}/search", {**LOCATIONS, "order_by": order}) for order in ORDERS),
    *(post(f"max_results {number!r}", f"{V3}/search", {**LOCATIONS, "max_results": number}) for number in (0, 1, -1, 500, 501, "x")),
    post("a bad token", f"{V3}/search", {**LOCATIONS, "page_token": "x"}),
    post("pages of one", f"{V3}/search", {**LOCATIONS, "max_results": 1, "order_by": ["timestamp_ms ASC"]}, pages=True),
    post("pages in the default order", f"{V3}/search", {**LOCATIONS, "max_results": 2}, pages=True),
    get("search, version 2", "traces", {"experiment_ids": "${exp}", "max_results": "2"}),
    get("info, version 2", "traces/tr-one/info"),
    post("link to a run", "traces/link-to-run", {"trace_ids": ["tr-one"], "run_id": "${run}"}),
    post("link to nothing", "traces/link-to-run", {"trace_ids": ["tr-one"]}),
    post("linked", f"{V3}/search", {**LOCATIONS, "filter": "attributes.run_id = '${run}'"}),
    post("assess", f"{V3}/tr-one/assessments", {"assessment": {"assessment_name": "good", "source": {"source_type": "HUMAN", "source_id": "me"}, "feedback": {"value": True}, "rationale": "looks fine"}}, keep={"assessment": "assessment.assessment_id"}),
    post("assess unknown", f"{V3}/tr-none/assessments", {"assessment": {"assessment_name": "good", "source": {"source_type": "HUMAN", "source_id": "me"}, "feedback": {"value": True}}}),
    post("assess nothing", f"{V3}/tr-one/assessments", {}),
    get("the assessment", f"{V3}/tr-one/assessments/${{assessment}}"),
    get("an unknown assessment", f"{V3}/tr-one/assessments/a-none"),
    patch("change the assessment", f"{V3}/tr-one/assessments/${{assessment}}", {"assessment": {"feedback": {"value": False}}, "update_mask": "feedback"}),
    delete("delete the assessment", f"{V3}/tr-one/assessments/${{assessment}}"),
    post("delete by id", f"{V3}/delete-traces", {"experiment_id": "${exp}", "request_ids": ["tr-one"]}),
    post("delete by id again", f"{V3}/delete-traces", {"experiment_id": "${exp}", "request_ids": ["tr-one"]}),
    post("delete by time", f"{V3}/delete-traces", {"experiment_id": "${exp}", "max_timestamp_millis": 1704067202500}),
    post("delete by both", f"{V3}/delete-traces", {"experiment_id": "${exp}", "max_timestamp_millis": 1, "request_ids": ["tr-one"]}),
    post("delete by nothing", f"{V3}/delete-traces", {"experiment_id": "${exp}"}),
    post("delete nowhere", f"{V3}/delete-traces", {"request_ids": ["x"]}),
    post("what is left", f"{V3}/search", LOCATIONS),
]  # fmt: skip
