"""What the published MLflow client does with traces, with its results asserted.

Works against any server of MLflow's protocol: the address is
`MLFLOW_TRACKING_URI`, credentials are the client's own variables. Every name
is new, so the script may be run again on the same server. Leaves with 0 when
everything held, and with the first broken assertion otherwise.
"""

import gzip
import json
import os
import time
import uuid

import mlflow
import requests
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource, Feedback, SpanType
from mlflow.exceptions import MlflowException
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

SUFFIX = uuid.uuid4().hex[:8]
SERVER = os.environ["MLFLOW_TRACKING_URI"]


@mlflow.trace(span_type=SpanType.RETRIEVER, attributes={"index": "wine"})
def retrieve(question: str) -> list[str]:
    return [f"a page on {question}"]


@mlflow.trace(name="answer")
def answer(question: str, fail: bool = False) -> str:
    mlflow.update_current_trace(tags={"team": "wine"}, metadata={"mlflow.trace.session": f"session-{SUFFIX}"})
    pages = retrieve(question)
    with mlflow.start_span("write", span_type=SpanType.LLM) as span:
        span.set_inputs({"pages": pages})
        span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 11, "output_tokens": 5, "total_tokens": 16})
        if fail:
            raise ValueError("no pages")
        span.set_outputs("été")
    return f"{question}: été"


def traced(*args, **kwargs) -> str:
    """Runs `answer`; returns the id of its trace, once it is on the server."""
    try:
        answer(*args, **kwargs)
    except ValueError:
        pass
    mlflow.flush_trace_async_logging()
    return mlflow.get_last_active_trace_id()


def refused(call, code: str) -> str:
    try:
        call()
    except MlflowException as error:
        assert error.error_code == code, (error.error_code, str(error))
        return str(error)
    raise AssertionError("it was not refused")


def nested_spans(experiment: str) -> str:
    """A trace comes back with every span, in order, and with a summary of all."""
    trace_id = traced("barolo")
    trace = mlflow.get_trace(trace_id)
    assert [span.name for span in trace.data.spans] == ["answer", "retrieve", "write"], trace.data.spans
    root, retriever, writer = trace.data.spans
    assert root.parent_id is None and retriever.parent_id == root.span_id == writer.parent_id
    assert retriever.span_type == "RETRIEVER" and retriever.attributes["index"] == "wine"
    assert retriever.outputs == ["a page on barolo"] and writer.outputs == "été"
    assert root.start_time_ns <= retriever.start_time_ns <= retriever.end_time_ns <= root.end_time_ns

    info = trace.info
    assert (info.trace_id, info.experiment_id, info.state.value) == (trace_id, experiment, "OK")
    assert json.loads(info.request_preview) == {"question": "barolo", "fail": False}, info.request_preview
    assert json.loads(info.response_preview) == "barolo: été", info.response_preview
    assert (info.tags["team"], info.tags["mlflow.traceName"]) == ("wine", "answer"), info.tags
    assert info.tags["mlflow.trace.spansLocation"] == "TRACKING_STORE"
    assert info.tags["mlflow.artifactLocation"].endswith(f"/traces/{trace_id}/artifacts")
    assert info.trace_metadata["mlflow.trace.session"] == f"session-{SUFFIX}"
    assert info.token_usage == {"input_tokens": 11, "output_tokens": 5, "total_tokens": 16}, info.token_usage
    stats = json.loads(info.trace_metadata["mlflow.trace.sizeStats"])
    assert stats["num_spans"] == 3 and stats["total_size_bytes"] > 0
    assert info.execution_duration >= 0 and abs(info.request_time - time.time() * 1000) < 600_000
    return trace_id


def failure() -> str:
    """What failed says so, with the exception among the events."""
    trace_id = traced("chianti", fail=True)
    trace = mlflow.get_trace(trace_id)
    assert trace.info.state.value == "ERROR", trace.info.state
    writer = trace.data.spans[-1]
    assert writer.status.status_code.value == "ERROR" and "no pages" in writer.status.description
    assert any(event.attributes.get("exception.message") == "no pages" for event in writer.events), writer.events
    return trace_id


def searches(experiment: str, good: str, bad: str) -> None:
    """Filters over every part of a trace, orders, pages, and pandas."""

    def found(filter_string: str, **more) -> list[str]:
        traces = mlflow.search_traces(locations=[experiment], filter_string=filter_string, return_type="list", **more)
        return [trace.info.trace_id for trace in traces]

    both = {good, bad}
    assert set(found("tags.team = 'wine'")) == both and found("tags.team = 'beer'") == []
    assert found("trace.status = 'ERROR'") == [bad] and found("attributes.status != 'ERROR'") == [good]
    assert set(found("trace.name LIKE 'ans%' AND timestamp_ms > 1000")) == both
    assert set(found("trace.name ILIKE 'ANSW%'")) == both and found("trace.name LIKE 'ANSW%'") == []
    assert set(found(f"metadata.mlflow.trace.session = 'session-{SUFFIX}'")) == both
    assert set(found("span.name = 'retrieve' AND span.type = 'RETRIEVER'")) == both
    assert found("span.name = 'retrieve' AND span.type = 'LLM'") == []
    assert found("span.status = 'ERROR'") == [bad]
    assert set(found("span.attributes.index LIKE '%wine%'")) == both
    assert found("trace.text LIKE '%barolo%'") == [good] and found("trace.text ILIKE '%CHIANTI%'") == [bad]
    assert found("trace.text LIKE '%été%' AND execution_time_ms >= 0") == [good]
    assert found(f"request_id = '{good}'") == [good]
    assert found("feedback.quality = 'high'") == [good] and found("feedback.score > 0.8") == [good]
    assert found("feedback.score >= 0.95") == [] and found("expectation.colour = 'red'") == [good]
    assert found("feedback.quality IS NULL") == [bad] and found("feedback.quality IS NOT NULL") == [good]
    assert set(found("tags.team RLIKE '^w.n' AND span.name RLIKE 'riev'")) == both
    assert found("tags.nothing IS NOT NULL") == [] and set(found("tags.nothing IS NULL")) == both
    assert found("", order_by=["timestamp_ms ASC"]) == [good, bad]
    assert found("", order_by=["timestamp_ms DESC"]) == [bad, good]
    refused(lambda: found("span.colour = 'x'"), "INVALID_PARAMETER_VALUE")
    refused(lambda: found("trace.status > 'OK'"), "INVALID_PARAMETER_VALUE")

    client, seen, token = MlflowClient(), [], None
    while True:
        page = client.search_traces(locations=[experiment], max_results=1, page_token=token, order_by=["timestamp_ms ASC"])
        seen += [trace.info.trace_id for trace in page]
        token = page.token
        if not token or not page:
            break
    assert seen == [good, bad], seen

    table = mlflow.search_traces(locations=[experiment], order_by=["timestamp_ms ASC"])
    assert list(table["trace_id"]) == [good, bad] and list(table["state"]) == ["OK", "ERROR"], table
    assert table["request"][0] == {"question": "barolo", "fail": False} and table["response"][0] == "barolo: été"
    assert [span["name"] for span in table["spans"][0]] == ["answer", "retrieve", "write"]


def assessments(trace_id: str) -> None:
    """What people, judges and programs say of a trace, changed, overridden and taken back."""
    human = AssessmentSource(source_type="HUMAN", source_id="ann@example.com")
    first = mlflow.log_feedback(trace_id=trace_id, name="quality", value="high", source=human, rationale="it is", metadata={"v": "1"})
    score = mlflow.log_feedback(trace_id=trace_id, name="score", value=0.9)
    wanted = mlflow.log_expectation(trace_id=trace_id, name="colour", value="red", source=human)
    listed = mlflow.log_expectation(trace_id=trace_id, name="grapes", value=["nebbiolo", {"share": 1.0}], source=human)
    again = mlflow.get_assessment(trace_id, first.assessment_id)
    assert (again.name, again.value, again.rationale, again.metadata) == ("quality", "high", "it is", {"v": "1"}), again
    assert again.source.source_id == "ann@example.com" and again.valid
    assert mlflow.get_assessment(trace_id, wanted.assessment_id).value == "red"
    assert mlflow.get_assessment(trace_id, listed.assessment_id).value == ["nebbiolo", {"share": 1.0}]
    info = MlflowClient().get_trace(trace_id).info
    assert sorted(a.name for a in info.assessments) == ["colour", "grapes", "quality", "score"], info.assessments

    update = Feedback(name="score", value=0.85, rationale="second thoughts", metadata={"w": "2"})
    changed = mlflow.update_assessment(trace_id, score.assessment_id, update)
    assert (changed.value, changed.rationale, changed.metadata["w"]) == (0.85, "second thoughts", "2"), changed
    override = mlflow.override_feedback(trace_id=trace_id, assessment_id=first.assessment_id, value="low", source=human)
    assert not mlflow.get_assessment(trace_id, first.assessment_id).valid
    mlflow.delete_assessment(trace_id, override.assessment_id)
    assert mlflow.get_assessment(trace_id, first.assessment_id).valid
    refused(lambda: mlflow.get_assessment(trace_id, override.assessment_id), "RESOURCE_DOES_NOT_EXIST")


def tags(trace_id: str) -> None:
    client = MlflowClient()
    client.set_trace_tag(trace_id, "reviewed", "yes")
    assert client.get_trace(trace_id).info.tags["reviewed"] == "yes"
    client.delete_trace_tag(trace_id, "reviewed")
    assert "reviewed" not in client.get_trace(trace_id).info.tags
    refused(lambda: client.delete_trace_tag(trace_id, "reviewed"), "RESOURCE_DOES_NOT_EXIST")


def runs(experiment: str, bad: str) -> None:
    """Traces made in a run, and those linked to it later, are found by it."""
    with mlflow.start_run() as run:
        inside = traced("dolcetto")
    MlflowClient().link_traces_to_run([bad], run.info.run_id)
    by_run = mlflow.search_traces(locations=[experiment], run_id=run.info.run_id, return_type="list")
    assert {trace.info.trace_id for trace in by_run} == {inside, bad}, by_run
    assert MlflowClient().delete_traces(experiment, trace_ids=[inside]) == 1


def auth() -> dict[str, str]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def otlp(experiment: str) -> None:
    """An instrument that knows OpenTelemetry only: protobuf, packed, and what is refused."""
    trace_bytes, now = uuid.uuid4().bytes, time.time_ns()
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    name = group.resource.attributes.add()
    name.key, name.value.string_value = "service.name", "cellar"
    spans = group.scope_spans.add().spans
    for number, title in ((1, "outer"), (2, "inner")):
        span = spans.add(trace_id=trace_bytes, span_id=bytes([number] * 8), name=title)
        span.start_time_unix_nano, span.end_time_unix_nano = now + number, now + 5_000_000 - number
        if number == 2:
            span.parent_span_id = bytes([1] * 8)
    for key, value in (("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "tiny")):
        attribute = spans[1].attributes.add()
        attribute.key, attribute.value.string_value = key, value
    for key, value in (("gen_ai.usage.input_tokens", 3), ("gen_ai.usage.output_tokens", 4)):
        attribute = spans[1].attributes.add()
        attribute.key, attribute.value.int_value = key, value
    headers = {"x-mlflow-experiment-id": experiment, "Content-Type": "application/x-protobuf", **auth()}
    packed = gzip.compress(request.SerializeToString())
    reply = requests.post(f"{SERVER}/v1/traces", data=packed, headers={**headers, "Content-Encoding": "gzip"}, timeout=30)
    assert reply.status_code == 200 and reply.headers["content-type"] == "application/x-protobuf", reply.text
    ExportTraceServiceResponse.FromString(reply.content)

    trace = mlflow.get_trace(f"tr-{trace_bytes.hex()}")
    assert [span.name for span in trace.data.spans] == ["outer", "inner"], trace.data.spans
    assert trace.data.spans[1].span_type == "CHAT_MODEL" and trace.data.spans[1].model_name == "tiny"
    assert trace.info.state.value == "OK" and trace.info.execution_duration in (4, 5), trace.info
    assert trace.info.token_usage == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}, trace.info.token_usage
    assert trace.info.tags["service.name"] == "cellar", trace.info.tags

    for body, changed, status in (
        (b"", {}, 400),
        (b"\xff\xff", {}, 400),
        (packed, {"Content-Encoding": "br"}, 400),
        (packed, {"Content-Type": "text/plain"}, 400),
        (request.SerializeToString(), {"x-mlflow-experiment-id": "987654321987"}, 404),
    ):
        if status == 404:  # of spans whose trace is not known yet
            spans[0].trace_id = spans[1].trace_id = uuid.uuid4().bytes
            body = request.SerializeToString()
        reply = requests.post(f"{SERVER}/v1/traces", data=body, headers={**headers, **changed}, timeout=30)
        assert reply.status_code == status, (reply.status_code, reply.text, changed)
    assert MlflowClient().delete_traces(experiment, trace_ids=[f"tr-{trace_bytes.hex()}"]) == 1


def web_bundle(trace_id: str) -> None:
    """The file that MLflow's own pages show."""
    reply = requests.get(f"{SERVER}/ajax-api/3.0/mlflow/get-trace-artifact?request_id={trace_id}", headers=auth(), timeout=30)
    assert reply.status_code == 200, reply.text
    spans = json.loads(reply.content)["spans"]
    assert [span["name"] for span in spans] == ["answer", "retrieve", "write"]
    assert json.loads(spans[1]["attributes"]["mlflow.spanType"]) == "RETRIEVER"


def deletion(experiment: str, good: str, bad: str) -> None:
    client = MlflowClient()
    assert client.delete_traces(experiment, trace_ids=[good]) == 1
    refused(lambda: client._tracking_client.store.get_trace_info(good), "RESOURCE_DOES_NOT_EXIST")
    assert client.delete_traces(experiment, max_timestamp_millis=int(time.time() * 1000) + 1000, max_traces=10) == 1
    assert mlflow.search_traces(locations=[experiment], return_type="list") == []
    assert mlflow.get_trace(bad) is None


def main() -> None:
    mlflow.config.enable_async_logging(True)
    experiment = mlflow.set_experiment(f"traces-{SUFFIX}").experiment_id
    good = nested_spans(experiment)
    bad = failure()
    assessments(good)
    tags(good)
    searches(experiment, good, bad)
    runs(experiment, bad)
    otlp(experiment)
    web_bundle(good)
    deletion(experiment, good, bad)
    print("traces: all held")


if __name__ == "__main__":
    main()
