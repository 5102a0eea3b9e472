//! Traces as clients before MLflow 3 tell them, and the parts of version 2 that newer ones still use.

use super::extract::{Request, checked};
use super::traces::page_size;
use super::{Answer, App, json};
use crate::search::traces::Search;
use crate::traces::legacy::version_2;
use actix_web::web::Path;
use artel_platform::http::Workspace;
use artel_proto::mlflow::*;

checked!(StartTrace, requires(), { "experiment_id": [Text], "timestamp_ms": [Integer], "request_metadata": [Array, Keys], "tags": [Array, Keys] });
checked!(EndTrace, requires(), { "timestamp_ms": [Integer], "status": [Text], "request_metadata": [Array, Keys], "tags": [Array, Keys] });
checked!(SearchTraces, requires(experiment_ids), {
    "experiment_ids": [Array, Texts, Required], "filter": [Text], "max_results": [Integer], "order_by": [Array, Texts], "page_token": [Text]
});

/// Begin a trace
#[utoipa::path(post, path = "/api/2.0/mlflow/traces", tag = "tracking", request_body = StartTrace,
    responses((status = 200, description = "The trace as it is kept", body = start_trace::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn start(app: App, Workspace(workspace): Workspace, Request(request): Request<StartTrace>) -> Answer {
    let info = app.start_trace_v2(&workspace, &request).await?;
    json(&start_trace::Response { trace_info: Some(info) })
}

/// End a trace
#[utoipa::path(patch, path = "/api/2.0/mlflow/traces/{request_id}", tag = "tracking", params(("request_id" = String, Path)), request_body = EndTrace,
    responses((status = 200, description = "The trace as it is kept", body = end_trace::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn end(
    app: App,
    Workspace(workspace): Workspace,
    request_id: Path<String>,
    Request(request): Request<EndTrace>,
) -> Answer {
    let info = app.end_trace_v2(&workspace, &request_id, &request).await?;
    json(&end_trace::Response { trace_info: Some(info) })
}

/// A trace without its spans
#[utoipa::path(get, path = "/api/2.0/mlflow/traces/{request_id}/info", tag = "tracking", params(("request_id" = String, Path)),
    responses((status = 200, description = "What is known of the trace", body = get_trace_info::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn get_info(app: App, Workspace(workspace): Workspace, request_id: Path<String>) -> Answer {
    let info = app.get_trace_info(&workspace, &request_id).await?;
    json(&get_trace_info::Response { trace_info: Some(version_2(info)) })
}

/// Search traces
#[utoipa::path(get, path = "/api/2.0/mlflow/traces", tag = "tracking",
    params(("experiment_ids" = Vec<String>, Query), ("filter" = Option<String>, Query), ("max_results" = Option<i32>, Query),
        ("order_by" = Option<Vec<String>>, Query), ("page_token" = Option<String>, Query)),
    responses((status = 200, description = "One page", body = search_traces::Response)), security(("artel" = ["read:experiments"])))]
pub(super) async fn search(app: App, Workspace(workspace): Workspace, Request(request): Request<SearchTraces>) -> Answer {
    let search = Search {
        experiment_ids: request.experiment_ids.clone(),
        filter: request.filter(),
        order_by: &request.order_by,
        max_results: page_size(request.max_results())?,
        page_token: request.page_token.as_deref(),
    };
    let page = app.search_traces(&workspace, search).await?;
    json(&search_traces::Response { traces: page.rows.into_iter().map(version_2).collect(), next_page_token: page.next })
}

/// Delete traces
#[utoipa::path(post, path = "/api/2.0/mlflow/traces/delete-traces", tag = "tracking", request_body = DeleteTraces,
    responses((status = 200, description = "How many were deleted", body = delete_traces::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn delete(app: App, Workspace(workspace): Workspace, Request(request): Request<DeleteTraces>) -> Answer {
    let count = app.delete_traces(&workspace, &request).await?;
    json(&delete_traces::Response { traces_deleted: Some(count) })
}

/// Set a tag of a trace
#[utoipa::path(patch, path = "/api/2.0/mlflow/traces/{request_id}/tags", tag = "tracking", params(("request_id" = String, Path)), request_body = SetTraceTag,
    responses((status = 200, description = "The tag is set", body = set_trace_tag::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn set_tag(
    app: App,
    Workspace(workspace): Workspace,
    request_id: Path<String>,
    Request(request): Request<SetTraceTag>,
) -> Answer {
    app.set_trace_tag(&workspace, &request_id, request.key(), request.value()).await?;
    json(&set_trace_tag::Response {})
}

/// Remove a tag of a trace
#[utoipa::path(delete, path = "/api/2.0/mlflow/traces/{request_id}/tags", tag = "tracking", params(("request_id" = String, Path)), request_body = DeleteTraceTag,
    responses((status = 200, description = "The tag is removed", body = delete_trace_tag::Response)), security(("artel" = ["experiments"])))]
pub(super) async fn delete_tag(
    app: App,
    Workspace(workspace): Workspace,
    request_id: Path<String>,
    Request(request): Request<DeleteTraceTag>,
) -> Answer {
    app.delete_trace_tag(&workspace, &request_id, request.key()).await?;
    json(&delete_trace_tag::Response {})
}
