//! Traces are not kept: a clear 501 with MLflow's error body, so that clients go on without them.

use super::Answer;
use artel_platform::Error;

fn refused() -> Answer {
    Err(Error::unimplemented("traces are not kept by this server; turn tracing off with mlflow.tracing.disable()"))
}

/// Traces
#[utoipa::path(method(get, post), path = "/api/2.0/mlflow/traces", tag = "tracking", responses((status = 501)), security(("artel" = ["read:experiments"])))]
pub(super) async fn all_v2() -> Answer {
    refused()
}

/// One trace
#[utoipa::path(method(get, post, patch, delete), path = "/api/2.0/mlflow/traces/{rest:.*}", tag = "tracking", params(("rest" = String, Path)),
    responses((status = 501)), security(("artel" = ["read:experiments"])))]
pub(super) async fn one_v2() -> Answer {
    refused()
}

/// Traces
#[utoipa::path(method(get, post), path = "/api/3.0/mlflow/traces", tag = "tracking", responses((status = 501)), security(("artel" = ["read:experiments"])))]
pub(super) async fn all_v3() -> Answer {
    refused()
}

/// One trace
#[utoipa::path(method(get, post, patch, delete), path = "/api/3.0/mlflow/traces/{rest:.*}", tag = "tracking", params(("rest" = String, Path)),
    responses((status = 501)), security(("artel" = ["read:experiments"])))]
pub(super) async fn one_v3() -> Answer {
    refused()
}

/// Spans by OTLP
#[utoipa::path(post, path = "/v1/traces", tag = "tracking", responses((status = 501)), security(("artel" = ["read:experiments"])))]
pub(super) async fn spans() -> Answer {
    refused()
}
