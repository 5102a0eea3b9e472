//! Traces, version 3 of MLflow's API.

use super::extract::{Request, checked};
use super::{Answer, App, json};
use crate::search::traces::Search;
use crate::traces::Whole;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Path, Query};
use artel_platform::http::Workspace;
use artel_platform::{Error, Result};
use artel_proto::mlflow::*;
use serde::{Deserialize, Serialize};

checked!(StartTraceV3, requires(), also(it => it.trace.is_some()), { "trace": [Required] });
checked!(GetTrace, requires(trace_id), { "trace_id": [Text, Required] });
checked!(BatchGetTraces, requires(trace_ids), { "trace_ids": [Array, Required, Texts], "experiment_ids": [Array, Texts] });
checked!(BatchGetTraceInfos, requires(trace_ids), { "trace_ids": [Array, Required, Texts], "experiment_ids": [Array, Texts] });
checked!(SearchTracesV3, requires(), also(it => !it.locations.is_empty()), {
    "locations": [Array, Required], "filter": [Text], "max_results": [Integer], "order_by": [Array, Texts], "page_token": [Text]
});
checked!(DeleteTraces, requires(experiment_id), {
    "experiment_id": [Text, Required], "max_timestamp_millis": [Integer], "max_traces": [Integer], "request_ids": [Array, Texts]
});
checked!(SetTraceTag, requires(key), { "key": [Text, Required], "value": [Text] });
checked!(DeleteTraceTag, requires(key), { "key": [Text, Required] });
checked!(LinkTracesToRun, requires(trace_ids, run_id), { "trace_ids": [Array, Required, Texts], "run_id": [Text, Required] });
checked!(LinkPromptsToTrace, requires(trace_id), also(it => !it.prompt_versions.is_empty()), {
    "trace_id": [Text, Required], "prompt_versions": [Array, Required]
});
checked!(CalculateTraceFilterCorrelation, requires(experiment_ids, filter_string1, filter_string2), {
    "experiment_ids": [Array, Required, Texts], "filter_string1": [Text, Required], "filter_string2": [Text, Required], "base_filter": [Text]
});

/// A trace with its spans, which are OTLP's JSON in snake_case.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct TraceWithSpans {
    trace_info: TraceInfoV3,
    #[schema(value_type = Vec<Object>)]
    spans: Vec<serde_json::Value>,
}

/// The answer to `traces/get`.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct OneTrace {
    trace: TraceWithSpans,
}

/// The answer to `traces/batchGet`.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SomeTraces {
    traces: Vec<TraceWithSpans>,
}

fn with_spans(whole: Whole) -> Result<TraceWithSpans> {
    Ok(TraceWithSpans { spans: whole.otlp_spans()?, trace_info: whole.info })
}

/// Most traces that a client may ask for at once; above it the request is malformed.
pub(super) fn page_size(asked: i32) -> Result<i64> {
    if asked > 500 {
        return Err(Error::invalid(format!(
            "Invalid value {asked} for parameter 'max_results' supplied:  Hint: Value was of type 'int'. See the API docs for more information about request parameters."
        )));
    }
    Ok(asked.into())
}

/// Begin or complete a trace
#[utoipa::path(post, path = "/api/3.0/mlflow/traces", tag = "tracking", request_body = StartTraceV3,
    responses((status = 200, description = "The trace as it is kept", body = start_trace_v3::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn start(app: App, Workspace(workspace): Workspace, Request(request): Request<StartTraceV3>) -> Answer {
    let info = request.trace.and_then(|trace| trace.trace_info).unwrap_or_default();
    let info = app.start_trace(&workspace, info).await?;
    json(&start_trace_v3::Response { trace: Some(Trace { trace_info: Some(info) }) })
}

/// A trace without its spans
#[utoipa::path(get, path = "/api/3.0/mlflow/traces/{trace_id}", tag = "tracking", params(("trace_id" = String, Path)),
    responses((status = 200, description = "What is known of the trace", body = get_trace_info_v3::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get_info(app: App, Workspace(workspace): Workspace, trace_id: Path<String>) -> Answer {
    let info = app.get_trace_info(&workspace, &trace_id).await?;
    json(&get_trace_info_v3::Response { trace: Some(Trace { trace_info: Some(info) }) })
}

/// A trace with its spans
#[utoipa::path(get, path = "/api/3.0/mlflow/traces/get", tag = "tracking", params(("trace_id" = String, Query), ("allow_partial" = Option<bool>, Query)),
    responses((status = 200, description = "The trace, complete unless a part was allowed", body = OneTrace)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get(app: App, Workspace(workspace): Workspace, Request(request): Request<GetTrace>) -> Answer {
    let whole = app.get_trace(&workspace, request.trace_id(), request.allow_partial()).await?;
    json(&OneTrace { trace: with_spans(whole)? })
}

/// Several traces with their spans
#[utoipa::path(get, path = "/api/3.0/mlflow/traces/batchGet", tag = "tracking", params(("trace_ids" = Vec<String>, Query), ("experiment_ids" = Option<Vec<String>>, Query)),
    responses((status = 200, description = "Those that are there and complete, in the order asked for", body = SomeTraces)), security(("artel" = ["read:experiments"])))]
pub(super) async fn batch_get(app: App, Workspace(workspace): Workspace, Request(request): Request<BatchGetTraces>) -> Answer {
    let traces = app.batch_get_traces(&workspace, &request.trace_ids, &request.experiment_ids).await?;
    json(&SomeTraces { traces: traces.into_iter().map(with_spans).collect::<Result<_>>()? })
}

/// Several traces without their spans
#[utoipa::path(post, path = "/api/3.0/mlflow/traces/batchGetInfos", tag = "tracking", request_body = BatchGetTraceInfos,
    responses((status = 200, description = "Those that are there, in the order asked for", body = batch_get_trace_infos::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn batch_get_infos(app: App, Workspace(workspace): Workspace, Request(request): Request<BatchGetTraceInfos>) -> Answer {
    let trace_infos = app.batch_get_trace_infos(&workspace, &request.trace_ids, &request.experiment_ids).await?;
    json(&batch_get_trace_infos::Response { trace_infos })
}

/// Search traces
#[utoipa::path(post, path = "/api/3.0/mlflow/traces/search", tag = "tracking", request_body = SearchTracesV3,
    responses((status = 200, description = "One page", body = search_traces_v3::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn search(app: App, Workspace(workspace): Workspace, Request(request): Request<SearchTracesV3>) -> Answer {
    let places = request.locations.iter().filter_map(|l| l.mlflow_experiment.as_ref());
    let search = Search {
        experiment_ids: places.map(|p| p.experiment_id().to_owned()).collect(),
        filter: request.filter(),
        order_by: &request.order_by,
        max_results: page_size(request.max_results())?,
        page_token: request.page_token.as_deref(),
    };
    let page = app.search_traces(&workspace, search).await?;
    json(&search_traces_v3::Response { traces: page.rows, next_page_token: page.next })
}

/// Delete traces
#[utoipa::path(post, path = "/api/3.0/mlflow/traces/delete-traces", tag = "tracking", request_body = DeleteTraces,
    responses((status = 200, description = "How many were deleted", body = delete_traces::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn delete(app: App, Workspace(workspace): Workspace, Request(request): Request<DeleteTraces>) -> Answer {
    let count = app.delete_traces(&workspace, &request).await?;
    json(&delete_traces::Response { traces_deleted: Some(count) })
}

/// Set a tag of a trace
#[utoipa::path(patch, path = "/api/3.0/mlflow/traces/{trace_id}/tags", tag = "tracking", params(("trace_id" = String, Path)), request_body = SetTraceTag,
    responses((status = 200, description = "The tag is set", body = set_trace_tag::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn set_tag(
    app: App,
    Workspace(workspace): Workspace,
    trace_id: Path<String>,
    Request(request): Request<SetTraceTag>,
) -> Answer {
    app.set_trace_tag(&workspace, &trace_id, request.key(), request.value()).await?;
    json(&set_trace_tag::Response {})
}

/// Remove a tag of a trace
#[utoipa::path(delete, path = "/api/3.0/mlflow/traces/{trace_id}/tags", tag = "tracking", params(("trace_id" = String, Path)), request_body = DeleteTraceTag,
    responses((status = 200, description = "The tag is removed", body = delete_trace_tag::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn delete_tag(
    app: App,
    Workspace(workspace): Workspace,
    trace_id: Path<String>,
    Request(request): Request<DeleteTraceTag>,
) -> Answer {
    app.delete_trace_tag(&workspace, &trace_id, request.key()).await?;
    json(&delete_trace_tag::Response {})
}

/// Note that traces belong to a run
#[utoipa::path(post, path = "/api/2.0/mlflow/traces/link-to-run", tag = "tracking", request_body = LinkTracesToRun,
    responses((status = 200, description = "They are linked", body = link_traces_to_run::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn link_to_run(app: App, Workspace(workspace): Workspace, Request(request): Request<LinkTracesToRun>) -> Answer {
    app.link_traces_to_run(&workspace, &request.trace_ids, request.run_id()).await?;
    json(&link_traces_to_run::Response {})
}

/// Note that a trace used versions of prompts
#[utoipa::path(post, path = "/api/2.0/mlflow/traces/link-prompts", tag = "tracking", request_body = LinkPromptsToTrace,
    responses((status = 200, description = "They are linked", body = link_prompts_to_trace::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn link_prompts(app: App, Workspace(workspace): Workspace, Request(request): Request<LinkPromptsToTrace>) -> Answer {
    app.link_prompts_to_trace(&workspace, request.trace_id(), &request.prompt_versions).await?;
    json(&link_prompts_to_trace::Response {})
}

/// How much two filters of traces have to do with each other
#[utoipa::path(post, path = "/api/3.0/mlflow/traces/calculate-filter-correlation", tag = "tracking", request_body = CalculateTraceFilterCorrelation,
    responses((status = 200, description = "Normalized pointwise mutual information, and the counts", body = calculate_trace_filter_correlation::Response)),
    security(("artel" = ["read:experiments"])))]
pub(super) async fn correlate(
    app: App,
    Workspace(workspace): Workspace,
    Request(request): Request<CalculateTraceFilterCorrelation>,
) -> Answer {
    json(&app.correlate_traces(&workspace, &request).await?)
}

/// Aggregates over traces
#[utoipa::path(post, path = "/api/3.0/mlflow/traces/metrics", tag = "tracking",
    responses((status = 501, description = "Not offered by this server")), security(("artel" = ["read:experiments"])))]
pub(super) async fn metrics() -> Answer {
    Err(Error::unimplemented("aggregates over traces are not offered by this server; search the traces and sum them up"))
}

/// What `get-trace-artifact` takes.
#[derive(Deserialize)]
pub(super) struct FileOfTrace {
    request_id: Option<String>,
    path: Option<String>,
}

/// The spans of a trace, or a file beside it, as a download (for the web bundle of MLflow)
#[utoipa::path(get, path = "/ajax-api/2.0/mlflow/get-trace-artifact", tag = "tracking", params(("request_id" = String, Query), ("path" = Option<String>, Query)),
    responses((status = 200, description = "The file", content_type = "application/octet-stream", body = String)), security(("artel" = ["read:experiments"])))]
pub(super) async fn file(app: App, Workspace(workspace): Workspace, query: Query<FileOfTrace>) -> Answer {
    let missing = || Error::invalid("Request must include the \"request_id\" query parameter.").reason("BAD_REQUEST");
    let trace_id = query.request_id.as_deref().filter(|id| !id.is_empty()).ok_or_else(missing)?;
    let (name, bytes) = match query.path.as_deref().filter(|path| !path.is_empty()) {
        Some(path) => (path.to_owned(), app.trace_attachment(&workspace, trace_id, &format!("attachments/{path}")).await?),
        None => ("traces.json".to_owned(), app.trace_file(&workspace, trace_id).await?),
    };
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/octet-stream"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename={plain}")))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(bytes))
}
