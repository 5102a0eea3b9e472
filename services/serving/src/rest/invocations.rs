//! Queries: what comes goes to the model's process as it is, and its answer comes back as it is.

use crate::Serving;
use crate::workers::Question;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, BytesMut, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use artel_platform::http::Workspace;
use artel_platform::{Error, Result};
use futures::StreamExt;

/// Query the model of an endpoint
///
/// Body and answer are those of MLflow's scoring server: JSON with `dataframe_split`, `dataframe_records`, `instances`
/// or `inputs`, or CSV.
#[utoipa::path(post, path = "/serving-endpoints/{name}/invocations", operation_id = "serving_invoke", tag = "serving", params(("name" = String, Path)),
    request_body(content = serde_json::Value, content_type = "application/json"),
    responses((status = 200, body = serde_json::Value)), security(("artel" = ["predict:deployments"])))]
pub async fn invoke(
    serving: Data<Serving>,
    workspace: Workspace,
    name: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    let deployment = serving.deployment(&workspace.0, &name).await?;
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let body = read(payload, serving.settings.max_request()).await?;
    let answer = deployment.ask(Question { path: "/invocations", content_type, body }).await?;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok(HttpResponse::build(status).insert_header((header::CONTENT_TYPE, answer.content_type)).body(answer.body))
}

/// Can the endpoint answer?
#[utoipa::path(get, path = "/serving-endpoints/{name}/ping", operation_id = "serving_ping", tag = "serving", params(("name" = String, Path)),
    responses((status = 200)), security(("artel" = ["predict:deployments"])))]
pub async fn ping(serving: Data<Serving>, workspace: Workspace, name: Path<String>) -> Result<HttpResponse> {
    serving.deployment(&workspace.0, &name).await?;
    Ok(as_scoring_server("\n".into()))
}

/// Can the endpoint answer?
#[utoipa::path(get, path = "/serving-endpoints/{name}/health", operation_id = "serving_health", tag = "serving", params(("name" = String, Path)),
    responses((status = 200)), security(("artel" = ["predict:deployments"])))]
pub async fn health(serving: Data<Serving>, workspace: Workspace, name: Path<String>) -> Result<HttpResponse> {
    ping(serving, workspace, name).await
}

/// Version of MLflow in the model's environment
#[utoipa::path(get, path = "/serving-endpoints/{name}/version", operation_id = "serving_version", tag = "serving", params(("name" = String, Path)),
    responses((status = 200, body = String)), security(("artel" = ["predict:deployments"])))]
pub async fn version(serving: Data<Serving>, workspace: Workspace, name: Path<String>) -> Result<HttpResponse> {
    let deployment = serving.deployment(&workspace.0, &name).await?;
    Ok(as_scoring_server(deployment.about()["versions"]["mlflow"].as_str().unwrap_or_default().to_owned()))
}

/// MLflow's scoring server calls whatever it says JSON.
fn as_scoring_server(body: String) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body)
}

async fn read(mut payload: Payload, limit: usize) -> Result<Bytes> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|e| Error::invalid(format!("the request body did not arrive whole: {e}")))?;
        if body.len() + chunk.len() > limit {
            return Err(Error::invalid(format!(
                "the request body is larger than {} MiB; send fewer rows, or raise serving.max_request_mib",
                limit / 1024 / 1024
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
